"""Accuracy, macro F1 and Matthews correlation, from one answer per picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Statistic
from pipeline.geometry.boxes import FloatArray

__all__ = ["classification_metrics", "classification_statistic", "confusion_matrix"]

ClassIndices = npt.NDArray[np.integer]  # type: ignore[type-arg]  # any integer width


def confusion_matrix(
    *, predicted: ClassIndices, truth: ClassIndices, n_classes: int
) -> npt.NDArray[np.int64]:
    """(C, C) pictures by true class (row) and predicted class (column)."""
    flat = np.asarray(truth, dtype=np.int64) * n_classes + predicted
    return np.bincount(flat, minlength=n_classes**2).reshape(n_classes, n_classes)


def classification_metrics(confusion: FloatArray) -> FloatArray:
    """Scores of confusion counts.

    Args:
        confusion: (..., C, C); rows are the truth, columns the prediction.

    Returns:
        (..., 3 + C): accuracy; F1, averaged over classes that occur in truth or prediction;
        Matthews correlation, 0 where truth or prediction has one class only; then the accuracy
        within each true class. All nan without pictures, per class nan without its pictures.

    Source: Gorodkin 2004 for the correlation of more than two classes.
    """
    hit = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    in_truth, in_prediction = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = hit.sum(axis=-1) / total
        f1 = 2 * hit / (in_truth + in_prediction)
        occurs = np.isfinite(f1)
        macro_f1 = np.where(occurs, f1, 0).sum(axis=-1) / occurs.sum(axis=-1)
        covariance = hit.sum(axis=-1) * total - (in_truth * in_prediction).sum(axis=-1)
        variance_truth = total**2 - (in_truth**2).sum(axis=-1)
        variance_prediction = total**2 - (in_prediction**2).sum(axis=-1)
        scale = np.sqrt(variance_truth * variance_prediction)
        mcc = np.where(scale > 0, covariance / scale, np.where(total > 0, 0.0, np.nan))
        recall = hit / in_truth
    overall = np.stack([accuracy, macro_f1, mcc], axis=-1)
    return np.concatenate([overall, recall], axis=-1)


def classification_statistic(
    *, predicted: ClassIndices, truth: ClassIndices, n_classes: int
) -> Statistic:
    """Accuracy, macro F1, Matthews correlation, then the accuracy within each true class.

    Args:
        predicted: (N,) class index of each picture's answer.
        truth: (N,) its true class index.
        n_classes: C.

    Returns:
        Statistic over N pictures with M = 3 + C.
    """
    pair = np.asarray(truth, dtype=np.int64) * n_classes + predicted
    order = np.argsort(pair, kind="stable")
    pairs, starts = np.unique(pair[order], return_index=True)

    def statistic(weights: FloatArray) -> FloatArray:
        confusion = np.zeros((len(weights), n_classes**2))
        if pairs.size:
            confusion[:, pairs] = np.add.reduceat(weights[:, order], starts, axis=1)
        return classification_metrics(confusion.reshape(-1, n_classes, n_classes))

    return statistic
