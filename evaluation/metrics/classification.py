"""Accuracy, precision, recall, F1 and Matthews correlation, from one answer per picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Statistic
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "CLASS_METRICS",
    "METRICS",
    "classification_metrics",
    "classification_statistic",
    "confusion_matrix",
]

METRICS = ("accuracy", "macro_f1", "mcc", "macro_precision", "macro_recall")
CLASS_METRICS = ("accuracy", "precision", "f1")
"""Of one class; its accuracy is its recall."""

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
        (..., 5 + 3 * C): ``METRICS``, then ``CLASS_METRICS`` of every class. Macro means are over
        classes that occur in truth or prediction, of which one that is never predicted has
        precision 0 and one that is never true has recall 0. The Matthews correlation is 0 where
        truth or prediction has one class only. All nan without pictures, per class nan without
        pictures to divide by.

    Source: Gorodkin 2004 for the correlation of more than two classes; scikit-learn for the
    cases without pictures.
    """
    hit = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    in_truth, in_prediction = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = hit.sum(axis=-1) / total
        recall, precision = hit / in_truth, hit / in_prediction
        f1 = 2 * hit / (in_truth + in_prediction)
        occurs = np.isfinite(f1).sum(axis=-1)
        macro_f1, macro_precision, macro_recall = (
            np.nansum(each, axis=-1) / occurs for each in (f1, precision, recall)
        )
        covariance = hit.sum(axis=-1) * total - (in_truth * in_prediction).sum(axis=-1)
        variance_truth = total**2 - (in_truth**2).sum(axis=-1)
        variance_prediction = total**2 - (in_prediction**2).sum(axis=-1)
        scale = np.sqrt(variance_truth * variance_prediction)
        mcc = np.where(scale > 0, covariance / scale, np.where(total > 0, 0.0, np.nan))
    overall = np.stack([accuracy, macro_f1, mcc, macro_precision, macro_recall], axis=-1)
    per_class = np.stack([recall, precision, f1], axis=-1)
    return np.concatenate([overall, per_class.reshape(*overall.shape[:-1], -1)], axis=-1)


def classification_statistic(
    *, predicted: ClassIndices, truth: ClassIndices, n_classes: int
) -> Statistic:
    """``METRICS``, then ``CLASS_METRICS`` of every class.

    Args:
        predicted: (N,) class index of each picture's answer.
        truth: (N,) its true class index.
        n_classes: C.

    Returns:
        Statistic over N pictures with M = 5 + 3 * C.
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
