"""Predictions and a test set in, scores with intervals out."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from pydantic import ValidationError

from evaluation.comparisons import compare_sheets, seed_means
from evaluation.measurement import Measurement, measure_classification, measure_detection, task_of
from evaluation.sheet import (
    Score,
    ScoreContext,
    ScoreFile,
    ScoreSheet,
    TestRead,
)
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic
from pipeline.records.predictions import read_meta, sha256_of

__all__ = [
    "Score",
    "ScoreContext",
    "ScoreFile",
    "ScoreSheet",
    "evaluate",
    "read_scores",
    "write_scores",
]

_FEW_IMAGES = 10
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
) -> ScoreSheet:
    """Score a predictions file, ours or an outside model's.

    Args:
        predictions: COCO results JSON, with or without a meta file beside it.
        benchmark: A dataset of ours, a COCO benchmark folder or an ImageFolder.
        split: By default ``test`` if there is one, else ``val``, else the whole.
        context: How the model was trained. ``tested_on`` is by default the folder's name with
            ``/synthetic`` for a dataset that blendgap rendered and ``/real`` for all others;
            ``seed`` is the meta file's.

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
    measure = measure_detection if task_of(benchmark) == "detection" else measure_classification
    found = measure(predictions, benchmark, split=split)
    predictions_sha256 = sha256_of(predictions)
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
    )
    return sheet if sheet.domain == "real" else replace(sheet, test_reads=())


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
        versions=_versions(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomic(path, document.model_dump(mode="json", by_alias=True))
    return document


def read_scores(path: Path) -> ScoreFile:
    """Read ``scores.json``.

    Raises:
        DatasetError: If it is missing or not such a file.
    """
    try:
        return ScoreFile.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DatasetError(
            f"{path}: key '{key}': {first['msg']}; expected a scores.json, see blendgap evaluate."
        ) from error


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
            f"an error rate of up to {min(1.0, 3 / count):.0%} (rule of three)."
        )


def _unique(notes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(notes))


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _REPORTED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
