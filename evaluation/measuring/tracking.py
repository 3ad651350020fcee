"""What is measured of tracks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.bootstrap import Estimate, Units, bootstrap
from evaluation.measurement import Measurement, digest_of
from evaluation.metrics.tracking import TRACKING_METRICS, sequence_counts, tracking_statistic
from evaluation.sheet import MetricKey
from evaluation.tracks import prediction_files, read_mot, read_track_truth, tracked
from pipeline.errors import PredictionsError

__all__ = ["measure_tracking"]


def measure_tracking(predictions: Path, benchmark: Path, *, split: str | None) -> Measurement:
    """CLEAR MOT, identity and HOTA scores of MOT files; the class of a box is not looked at.

    Args:
        predictions: The file of one sequence, or a folder with ``{sequence}.txt``.
        benchmark: A folder in MOTChallenge's layout, or COCO sequences.
        split: As :func:`evaluation.tracks.read_track_truth` takes it.

    Raises:
        PredictionsError: If the predictions are wrong or a sequence has none.
        DatasetError: If the test set is wrong.
    """
    truth = read_track_truth(benchmark, split)
    files = prediction_files(predictions, truth)
    counts = np.array(
        [
            sequence_counts(tracked(truth.sequences[name], read_mot(path, error=PredictionsError)))
            for name, path in sorted(files.items())
        ]
    )
    keys: list[MetricKey] = [(metric, None) for metric in TRACKING_METRICS]
    units = Units(drawn=len(files), name="sequences")
    estimates: dict[MetricKey, Estimate] = dict(
        zip(keys, bootstrap(tracking_statistic(counts), units), strict=True)
    )
    notes = []
    if len(files) < len(truth.sequences):
        notes.append(f"{len(files)} of {len(truth.sequences)} sequences are scored.")
    if len(files) == 1:
        notes.append("A single sequence cannot be resampled: its scores have no interval.")
    return Measurement(
        task="tracking",
        split=truth.split,
        truth_file=truth.source,
        truth_sha256=digest_of(truth.files),
        image_ids=tuple(range(1, len(files) + 1)),
        estimates=estimates,
        notes=tuple(notes),
    )
