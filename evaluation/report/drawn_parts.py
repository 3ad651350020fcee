"""The parts of a report that are drawn from predictions: pictures, mistakes, failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.analysis.domains import Domains
from evaluation.report.cases import ClassificationCase, DetectionCase, open_case
from evaluation.report.convention import convention_part
from evaluation.report.facts import dataset_name
from evaluation.report.failures import failures
from evaluation.report.gallery import (
    Picture,
    answer_pictures,
    closeups,
    fair_sample,
    found_picture,
    truth_picture,
)
from evaluation.report.inputs import ReportInputs
from evaluation.report.mistakes import error_part
from evaluation.report.operating_points import operating_point
from evaluation.report.slice_plots import slice_part
from evaluation.sheet import ConfusionTable, ScoreFile
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.coco import CocoImage

__all__ = ["drawn_parts"]

_CLOSEUPS = 4
_ANSWERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Pictures under one heading, of a rendered test set or of a real one."""

    heading: str
    pictures: list[Picture]
    is_rendered: bool


def drawn_parts(
    cases: Sequence[DetectionCase | ClassificationCase],
    document: ScoreFile,
    inputs: ReportInputs,
    domains: Domains | None,
) -> dict[str, Any]:
    """Everything drawn from the first predictions and those beside them, by its template name.

    Args:
        cases: The first is the main result.
        document: Its scores.
        inputs: Training sets and predictions to draw.
        domains: Rendered against real pictures, for the nearest frames of failures.

    Raises:
        DatasetError: If a picture or a training set cannot be read.
    """
    shown: dict[str, Any] = {
        "headline": [],
        "beside": [],
        "worst": [],
        "best": [],
        "answers": [],
        "mistakes": [],
        "confusion": None,
        "errors": None,
        "slices": None,
        "convention": None,
        "failures": [],
    }
    if not cases:
        return shown
    first = cases[0]
    if isinstance(first, ClassificationCase):
        sample = fair_sample(first, count=_ANSWERS)
        return shown | {
            "answers": answer_pictures(first, sample, count=_ANSWERS),
            "mistakes": answer_pictures(first, first.mistakes, count=_ANSWERS),
            "confusion": _confusion(first, document),
        }
    if not first.finds:
        return shown
    image = _typical(first)
    worst, best = closeups(first, count=_CLOSEUPS)
    rivals = [case for case in cases[1:] if isinstance(case, DetectionCase) and case.finds]
    at_home = next((case for case in rivals if case.test_set != first.test_set), None)
    training = next((d for d in inputs.datasets if DatasetLayout(d).manifest.is_file()), None)
    return shown | {
        "headline": [truth_picture(first, image), found_picture(first, image)],
        "beside": [_beside(first, rival, image) for rival in rivals],
        "worst": worst,
        "best": best,
        "errors": error_part(first, at_home),
        "slices": slice_part(first, at_home, training),
        "convention": convention_part(first, _calibration(inputs, document)),
        "failures": failures(first, domains, training) if domains and training else [],
    }


def _calibration(inputs: ReportInputs, document: ScoreFile) -> DetectionCase | None:
    shown = inputs.calibration
    if shown is None:
        return None
    point = operating_point(shown, document, otherwise=inputs.min_score)
    case = open_case(shown, min_score=point.min_score)
    return case if isinstance(case, DetectionCase) else None


def _typical(case: DetectionCase) -> CocoImage:
    """The picture of median quality, so that nobody chose it."""
    ranked = case.by_quality
    return ranked[len(ranked) // 2]


def _beside(first: DetectionCase, rival: DetectionCase, image: CocoImage) -> _Drawn:
    """The same picture by both, or what the second has to do with."""
    if rival.test_set == first.test_set and image.image_id in rival.finds:
        pair = [found_picture(case, image, caption=case.name) for case in (first, rival)]
        heading = f"Beside {rival.name}"
        return _Drawn(heading=heading, pictures=pair, is_rendered=first.is_rendered)
    own = _typical(rival)
    return _Drawn(
        heading=f"{dataset_name(rival.test_set)}: a picture of middling quality",
        pictures=[
            truth_picture(rival, own, caption="truth"),
            found_picture(rival, own, caption=rival.name),
        ],
        is_rendered=rival.is_rendered,
    )


def _confusion(case: ClassificationCase, document: ScoreFile) -> ConfusionTable | None:
    tables = {table.predictions_sha256: table for table in document.confusion_matrices}
    return tables.get(case.predictions_sha256)
