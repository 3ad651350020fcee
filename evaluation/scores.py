"""Predictions and a test set in, scores with intervals out."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path

from evaluation.comparisons import compare_sheets, seed_means
from evaluation.measurement import Measurement, digest_of, task_of
from evaluation.measuring.classification import measure_classification
from evaluation.measuring.detection import measure_detection
from evaluation.measuring.poses import measure_poses
from evaluation.measuring.tracking import measure_tracking
from evaluation.pose_truth import has_poses
from evaluation.sheet import (
    Score,
    ScoreContext,
    ScoreFile,
    ScoreSheet,
    TestRead,
)
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic, write_text_atomic
from pipeline.installation import installed_versions
from pipeline.records.documents import read_document
from pipeline.records.predictions import poses_path, read_meta

__all__ = [
    "Score",
    "ScoreContext",
    "ScoreFile",
    "ScoreSheet",
    "evaluate",
    "read_scores",
    "sibling_thresholds",
    "tuned_thresholds",
    "write_scores",
    "write_summary",
]

_FEW_IMAGES = 10
_BEST = "_best_threshold"
_REPORTED = (
    "blendgap",
    "bpy",
    "lightning",
    "numpy",
    "opencv-python-headless",
    "pycocotools",
    "torch",
    "torchvision",
)


def evaluate(
    predictions: Path,
    benchmark: Path,
    *,
    split: str | None = None,
    context: ScoreContext | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> ScoreSheet:
    """Score a predictions file, ours or an outside model's.

    Args:
        predictions: COCO results JSON, with or without a meta file beside it, a BOP CSV, or a
            MOT file or folder of them. Poses that the meta file names are scored along, where
            the test set has some.
        benchmark: A dataset of ours, a COCO benchmark folder or an ImageFolder.
        split: By default ``test`` if there is one, else ``val``, else the whole.
        context: How the model was trained. ``tested_on`` is by default the folder's name with
            ``/synthetic`` for a dataset that blendgap rendered and ``/real`` for all others;
            ``seed`` is the meta file's.
        thresholds: Least scores of detections, by name (``box_best_threshold``), chosen on other
            pictures: see :func:`tuned_thresholds`.

    Returns:
        Scores with 95 % intervals; nan with count 0 where there is nothing to score.

    Raises:
        PredictionsError: If the predictions are wrong or do not fit the test set.
        DatasetError: If the test set is wrong.
    """
    meta = read_meta(predictions)
    known = context or ScoreContext()
    rendered = (benchmark / "manifest.json").is_file()
    default_name = f"{benchmark.resolve().name}/{'synthetic' if rendered else 'real'}"
    known = known.model_copy(
        update={
            "tested_on": known.tested_on or default_name,
            "seed": meta.seed if known.seed is None and meta is not None else known.seed,
        }
    )
    found = _measure(predictions, benchmark, split, thresholds or {})
    files = sorted(predictions.glob("*.txt")) if predictions.is_dir() else [predictions]
    predictions_sha256 = digest_of(files)
    sheet = ScoreSheet(
        task=found.task,
        context=known,
        split=found.split,
        predictions_sha256=predictions_sha256,
        test_sha256=found.truth_sha256,
        image_ids=found.image_ids,
        estimates=found.estimates,
        notes=(*found.notes, *_interval_notes(found, known)),
        test_reads=(
            TestRead(
                file=f"{benchmark.resolve().name}/{found.truth_file}",
                sha256=found.truth_sha256,
                split=found.split,
                predictions_sha256=predictions_sha256,
            ),
        ),
        confusion=found.confusion,
        curves=found.curves,
    )
    return sheet if sheet.domain == "real" else replace(sheet, test_reads=())


def tuned_thresholds(path: Path) -> dict[str, float]:
    """The best thresholds of a score file, by metric name.

    Raises:
        DatasetError: If it is no score file, or tells none or several.
    """
    rows = [row for row in read_scores(path).scores if row.metric.endswith(_BEST)]
    found = {row.metric: row.value for row in rows if row.value is not None}
    if len(rows) != len({row.metric for row in rows}) or not found:
        raise DatasetError(
            f"{path}: got {len(rows)} rows about a best threshold; expected one of each kind: the "
            "scores of one predictions file on a split that is not test."
        )
    return found


def sibling_thresholds(sheets: Iterable[ScoreSheet], context: ScoreContext) -> dict[str, float]:
    """The best thresholds of the same training on pictures that are no test.

    Those are real ``val`` pictures; of a training that saw no photograph they are rendered ones,
    since no photograph is to influence it.

    Args:
        sheets: What was scored already.
        context: Of what is to be scored.
    """
    anywhere = {"tested_on": None}
    wanted = context.model_copy(update=anywhere)
    for sheet in sheets:
        rendered_only = context.regime == "synthetic"
        fits = sheet.domain == "synthetic" if rendered_only else sheet.split == "val"
        if fits and sheet.context.model_copy(update=anywhere) == wanted:
            best = {k: e.value for (k, _), e in sheet.estimates.items() if k.endswith(_BEST)}
            return {metric: value for metric, value in best.items() if isfinite(value)}
    return {}


def write_scores(
    sheets: Sequence[ScoreSheet], path: Path, *, notes: Sequence[str] = ()
) -> ScoreFile:
    """Write ``scores.json``: every row, means over seeds, comparisons, notes, test reads.

    Args:
        sheets: What ``evaluate`` returned.
        path: Where to write.
        notes: More that a reader must know.

    Returns:
        What was written.
    """
    document = ScoreFile(
        scores=(
            *(row for sheet in sheets for row in sheet.scores),
            *seed_means(sheets),
            *compare_sheets(sheets),
        ),
        notes=_unique([*notes, *(note for sheet in sheets for note in sheet.notes)]),
        test_reads=tuple(read for sheet in sheets for read in sheet.test_reads),
        confusion_matrices=tuple(s.confusion for s in sheets if s.confusion is not None),
        curves=tuple(curve for sheet in sheets for curve in sheet.curves),
        versions={"python": platform.python_version()}
        | installed_versions({name: name for name in _REPORTED}),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomic(path, document.model_dump(mode="json", by_alias=True))
    return document


def write_summary(scores: ScoreFile, out: Path) -> None:
    """Write what a page needs of scores: no curves, rows of all classes together.

    Rows without a value and empty keys are left out, numbers rounded to six decimals, and a row
    is a line, since it is made to be committed; ``read_scores`` reads it.
    """
    rows = tuple(_rounded(r) for r in scores.scores if r.class_name is None and r.value is not None)
    summary = scores.model_copy(update={"scores": rows, "curves": ()})
    document = summary.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    members = (f'"{key}": {_lines(value)}' for key, value in document.items())
    write_text_atomic(out, "{\n" + ",\n".join(members) + "\n}\n")


def read_scores(path: Path) -> ScoreFile:
    """Read ``scores.json``.

    Raises:
        DatasetError: If it is missing or not such a file.
    """
    return read_document(path, ScoreFile, way_out="expected a scores.json, see blendgap evaluate")


def _measure(
    predictions: Path, benchmark: Path, split: str | None, thresholds: Mapping[str, float]
) -> Measurement:
    if predictions.is_dir() or predictions.suffix == ".txt":
        return measure_tracking(predictions, benchmark, split=split)
    if predictions.suffix == ".csv":
        return measure_poses(predictions, benchmark, split=split)
    if task_of(benchmark) == "classification":
        return measure_classification(predictions, benchmark, split=split)
    found = measure_detection(predictions, benchmark, split=split, thresholds=thresholds)
    meta = read_meta(predictions)
    if meta is None or meta.poses is None or not has_poses(benchmark, split):
        return found
    posed = measure_poses(poses_path(predictions), benchmark, split=split)
    return replace(
        found,
        estimates={**found.estimates, **posed.estimates},
        notes=(*found.notes, *posed.notes),
    )


def _rounded(row: Score) -> Score:
    numbers = {name: getattr(row, name) for name in ("value", "low", "high")}
    return row.model_copy(
        update={name: None if x is None else round(x, 6) for name, x in numbers.items()}
    )


def _lines(value: object) -> str:
    """JSON, the entries of a list one a line."""
    if not isinstance(value, list):
        return json.dumps(value)
    return "[\n" + ",\n".join(json.dumps(entry) for entry in value) + "\n]"


def _interval_notes(found: Measurement, context: ScoreContext) -> Iterable[str]:
    """What the intervals of a sheet do not say by themselves."""
    n_images = len(found.image_ids)
    estimates = found.estimates.values()
    where = context.tested_on
    if n_images == 1 and found.task == "detection":
        yield (
            f"{where} is a single photograph: its intervals resample the objects in it and hold "
            "for this photograph only."
        )
    elif 0 < n_images < _FEW_IMAGES:
        yield f"{where} has {n_images} images: intervals from so few are rough."
    flat = [e for e in estimates if e.count > 1 and e.interval[0] == e.interval[1]]
    if flat:
        count = min(estimate.count for estimate in flat)
        # Hanley & Lippman-Hand 1983, "If nothing goes wrong, is everything all right?"
        yield (
            f"{where}: an interval without width means that no resample met an error, not "
            f"certainty: {count} {flat[0].unit_of_count.split(',')[0]} without one still allow "
            f"an error rate of up to {100 * min(1.0, 3 / count):.2g} % (rule of three)."
        )


def _unique(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))
