"""What was measured of one predictions file on one test set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.bootstrap import Estimate
from evaluation.sheet import ConfusionTable, Curve, MetricKey, ScoredTask
from pipeline.errors import DatasetError
from pipeline.records.predictions import Task, sha256_of

__all__ = ["Measurement", "digest_of", "task_of"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """Scores of one predictions file and the files behind them.

    Attributes:
        task: What was measured.
        split: The split read; None where the test set has none.
        truth_file: The truth, relative to the test set's folder.
        truth_sha256: Of the truth.
        image_ids: Images scored.
        estimates: By metric and class.
        notes: What a reader must know.
        confusion: Of a classification.
        curves: To draw.
    """

    task: ScoredTask
    split: str | None
    truth_file: str
    truth_sha256: str
    image_ids: tuple[int, ...]
    estimates: Mapping[MetricKey, Estimate]
    notes: tuple[str, ...]
    confusion: ConfusionTable | None = None
    curves: tuple[Curve, ...] = ()


def digest_of(files: Sequence[Path]) -> str:
    """SHA-256 of a file; of several, that of their hashes, one a line, in the order given."""
    hashes = [sha256_of(path) for path in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def task_of(folder: Path) -> Task:
    """What a dataset or benchmark folder tests: detection if it holds a COCO file.

    Raises:
        DatasetError: If there is no such folder.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a dataset or benchmark.")
    places = (folder, folder / "annotations")
    has_coco = any(any(place.glob("instances*.json")) for place in places)
    return "detection" if has_coco else "classification"
