"""The report: one HTML file that holds everything it shows."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.analysis.domains import Domains, read_domains
from evaluation.analysis.records import Analysis, read_analysis
from evaluation.report.cases import ClassificationCase, DetectionCase, PredictedSet, open_case
from evaluation.report.convention import convention_part
from evaluation.report.curve_plots import curve_plots
from evaluation.report.dataset_part import dataset_part
from evaluation.report.domains import domain_part
from evaluation.report.facts import Fact, dataset_name, effort, loss_charts, run_facts
from evaluation.report.failures import failures
from evaluation.report.findings import experiment_figures, experiment_words, power_words
from evaluation.report.gallery import (
    Picture,
    answer_pictures,
    closeups,
    fair_sample,
    found_picture,
    truth_picture,
)
from evaluation.report.mistakes import error_part
from evaluation.report.narrative import found_rule, headline_figures, summary
from evaluation.report.reproduction import pinned_files
from evaluation.report.score_tables import (
    class_tables,
    domain_table,
    gap_table,
    more_tables,
    score_tables,
)
from evaluation.report.sections import analysis_parts
from evaluation.report.shots import Gallery, answer_gallery, find_gallery
from evaluation.report.slice_plots import slice_part
from evaluation.scores import read_scores
from evaluation.sheet import ConfusionTable, ScoreFile
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.coco import CocoImage
from pipeline.formats.storage import write_text_atomic

__all__ = [
    "TEMPLATES",
    "Contents",
    "PredictedSet",
    "ReportInputs",
    "report_contents",
    "write_report",
]

TEMPLATES = Path(__file__).with_name("templates")
_STYLES = ("tokens.css", "plot.css", "report.css")
_CLOSEUPS = 4
_ANSWERS = 24
_MOST_SHEETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """What a report is made of: paths, and words that the scores do not hold.

    Attributes:
        title: Headline.
        scores: ``scores.json``; linked from the report.
        analysis: ``analysis.json``, what the scores say when set against each other.
        domains: ``domains.json``, rendered against real pictures.
        predicted: Predictions to draw. The first is the main result; others on the same test
            set are drawn beside it; one on rendered frames shows what they look like to it.
        calibration: Predictions of the first network on the real ``train`` split, for its labels'
            convention.
        datasets: Training sets to show, rendered or real.
        runs: Run folders by name, for loss curves and settings.
        claim: The regime that was named beforehand to beat photographs alone.
        log: What was tried before, in Markdown, by hand.
        notes: What a fair reader must be told, before the scores.
        command: How to make it all again.
        settings: Files of settings as they were run, by name.
        min_score: Detections below it are not drawn or counted; scores do not depend on it.
    """

    title: str
    scores: Path
    analysis: Path | None = None
    domains: Path | None = None
    predicted: tuple[PredictedSet, ...] = ()
    calibration: PredictedSet | None = None
    datasets: tuple[Path, ...] = ()
    runs: Mapping[str, Path] = field(default_factory=dict)
    claim: str | None = None
    log: str = ""
    notes: tuple[str, ...] = ()
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    min_score: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Facts about one training."""

    name: str
    facts: list[Fact]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """Pictures under one heading, of a rendered test set or of a real one."""

    heading: str
    pictures: list[Picture]
    is_rendered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a report shows, by its name in the templates, and the predictions behind it."""

    shown: dict[str, Any]
    cases: tuple[DetectionCase | ClassificationCase, ...]


def write_report(inputs: ReportInputs, out: Path) -> Path:
    """Write the report.

    Args:
        inputs: What to show.
        out: The HTML file.

    Returns:
        ``out``.

    Raises:
        DatasetError: If a dataset, the test set or ``scores.json`` is wrong.
        PredictionsError: If predictions are wrong or do not fit their test set.
        CheckpointError: If a run folder is none.
    """
    contents = report_contents(inputs)
    script = _template("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("report.html").render(
        contents.shown,
        gallery=_gallery(contents.cases),
        style=Markup("".join(_template(name) for name in _STYLES)),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        scores_href=quote(Path(os.path.relpath(inputs.scores, out.parent)).as_posix()),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomic(out, html)
    return out


def report_contents(inputs: ReportInputs) -> Contents:
    """Everything a report shows, but the gallery.

    Raises:
        DatasetError: If a dataset, the test set or ``scores.json`` is wrong.
        PredictionsError: If predictions are wrong or do not fit their test set.
        CheckpointError: If a run folder is none.
    """
    document = read_scores(inputs.scores)
    analysis = Analysis() if inputs.analysis is None else read_analysis(inputs.analysis)
    domains = None if inputs.domains is None else read_domains(inputs.domains)
    cases = [open_case(shown, min_score=inputs.min_score) for shown in inputs.predicted]
    shown: dict[str, Any] = {
        "title": inputs.title,
        "figures": experiment_figures(analysis)
        or (headline_figures(cases[0], document) if cases else []),
        "findings": experiment_words(analysis, claim=inputs.claim),
        "summary": summary(cases, document),
        "found_rule": found_rule(cases[0], min_score=inputs.min_score) if cases else "",
        "effort": effort(
            inputs.datasets, inputs.runs.values(), seconds_per_image=_seconds_per_image(cases)
        ),
        "notes": inputs.notes,
        "log": inputs.log,
        "scores": document,
        "tables": score_tables(document),
        "more_tables": more_tables(document),
        "class_tables": class_tables(document),
        "curves": curve_plots(cases, document),
        **analysis_parts(analysis),
        "domains": None if domains is None else domain_part(domains, analysis),
        "domain": domain_table(document),
        "gap": gap_table(document),
        "single_photograph": _single_photograph(document),
        "unseen": [power_words(power) for power in analysis.power[:1]],
        "datasets": [dataset_part(folder) for folder in inputs.datasets[:_MOST_SHEETS]],
        "runs": [_Run(name=name, facts=run_facts(run)) for name, run in inputs.runs.items()],
        "charts": loss_charts(inputs.runs),
        "command": inputs.command,
        "settings": inputs.settings,
        "pinned": pinned_files(
            scores=inputs.scores, datasets=inputs.datasets, runs=inputs.runs, cases=cases
        ),
    }
    pictures = _pictures(cases, document, inputs, domains)
    return Contents(shown=shown | pictures, cases=tuple(cases))


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _pictures(
    cases: Sequence[DetectionCase | ClassificationCase],
    document: ScoreFile,
    inputs: ReportInputs,
    domains: Domains | None,
) -> dict[str, Any]:
    """Everything drawn from predictions, by its name in the template."""
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
        "convention": convention_part(first, _calibration(inputs)),
        "failures": failures(first, domains, training) if domains and training else [],
    }


def _gallery(cases: Sequence[DetectionCase | ClassificationCase]) -> Gallery | None:
    if not cases:
        return None
    first = cases[0]
    return find_gallery(first) if isinstance(first, DetectionCase) else answer_gallery(first)


def _calibration(inputs: ReportInputs) -> DetectionCase | None:
    if inputs.calibration is None:
        return None
    case = open_case(inputs.calibration, min_score=inputs.min_score)
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


def _single_photograph(document: ScoreFile) -> bool:
    return any("this photograph only" in score.unit_of_count for score in document.scores)


def _seconds_per_image(cases: Sequence[DetectionCase | ClassificationCase]) -> float | None:
    meta = cases[0].alignment.meta if cases else None
    return None if meta is None else meta.seconds_per_image
