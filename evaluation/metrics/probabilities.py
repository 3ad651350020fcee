"""What probabilities of classes are worth: top-5, ROC and PR with areas, calibration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Statistic
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = [
    "CALIBRATION_BINS",
    "Reliability",
    "ranking_curves",
    "ranking_statistic",
    "reliability",
    "top_statistic",
]

CALIBRATION_BINS = 15
_TOP = 5

ClassIndices = npt.NDArray[np.integer]  # type: ignore[type-arg]  # any integer width


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """A reliability diagram; bins without a picture are nan.

    Attributes:
        confidence: (15,) mean highest probability.
        accuracy: (15,) share of right answers.
        counts: (15,) pictures.
    """

    confidence: FloatArray
    accuracy: FloatArray
    counts: npt.NDArray[np.int64]


def top_statistic(probabilities: FloatArray, truth: ClassIndices) -> Statistic:
    """Top-5 accuracy and the expected calibration error (ECE).

    ECE is the mean distance between confidence (the highest probability) and accuracy over 15
    bins of equal width, weighted by their pictures.

    Args:
        probabilities: (N, C).
        truth: (N,) true class index.

    Returns:
        Statistic over N pictures with M = 2; nan without pictures.

    Source: Guo et al., ICML 2017.
    """
    own = np.take_along_axis(probabilities, truth[:, None], axis=1)
    # Ties are broken by class index, as a sort of the probabilities would.
    before = (probabilities > own).sum(axis=1)
    before += ((probabilities == own) & (np.arange(probabilities.shape[1]) < truth[:, None])).sum(
        axis=1
    )
    in_top = (before < _TOP).astype(np.float64)
    confidence, right, bins = _confidence(probabilities, truth)
    in_bin = np.eye(CALIBRATION_BINS)[bins]  # (N, 15)

    def statistic(weights: FloatArray) -> FloatArray:
        total = weights.sum(axis=1)
        gap = np.abs(weights @ (in_bin * right[:, None]) - weights @ (in_bin * confidence[:, None]))
        with np.errstate(invalid="ignore"):
            return np.column_stack([weights @ in_top / total, gap.sum(axis=1) / total])

    return statistic


def ranking_statistic(probabilities: FloatArray, truth: ClassIndices) -> Statistic:
    """Area under the ROC curve and average precision, each class against the rest.

    Average precision is the area under the precision-recall curve in steps, without
    interpolation, as in scikit-learn.

    Args:
        probabilities: (N, C).
        truth: (N,) true class index.

    Returns:
        Statistic with M = 2 + 2 * C: both, averaged over the classes where they are defined
        (which need pictures of the class and of others), then both of each class.
    """
    areas = [_areas(probabilities[:, c], truth == c) for c in range(probabilities.shape[1])]

    def statistic(weights: FloatArray) -> FloatArray:
        per_class = np.stack([area(weights) for area in areas], axis=1)  # (B, C, 2)
        defined = np.isfinite(per_class).sum(axis=1)
        with np.errstate(invalid="ignore"):
            mean = np.nansum(per_class, axis=1) / defined
        return np.concatenate([mean, per_class.reshape(len(weights), -1)], axis=1)

    return statistic


def ranking_curves(
    scores: FloatArray, positive: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Counts behind the ROC and PR curves of one class.

    Args:
        scores: (N,).
        positive: (N,).

    Returns:
        Three (S,) arrays from the highest score down, one point per distinct score: false
        positive rate, recall, precision; nan where there is no picture of that kind.
    """
    ordered, starts = _falling(scores)
    tp = np.cumsum(np.add.reduceat(positive[ordered].astype(float), starts))
    made = np.append(starts[1:], len(scores)).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (made - tp) / (~positive).sum(), tp / positive.sum(), tp / made


def reliability(probabilities: FloatArray, truth: ClassIndices) -> Reliability:
    """Confidence against accuracy, in the bins of the ECE.

    Args:
        probabilities: (N, C) of every class, rows add up to 1.
        truth: (N,) class index.

    Returns:
        Means of each bin, nan where it is empty.
    """
    confidence, right, bins = _confidence(probabilities, truth)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    with np.errstate(invalid="ignore"):
        means = [
            np.bincount(bins, weights=values, minlength=CALIBRATION_BINS) / counts
            for values in (confidence, right)
        ]
    return Reliability(confidence=means[0], accuracy=means[1], counts=counts)


def _confidence(
    probabilities: FloatArray, truth: ClassIndices
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.intp]]:
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth).astype(np.float64)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    # As torchmetrics: a bin holds its lower edge; a probability of 1 is in the last.
    bins = np.digitize(confidence, edges[1:-1])
    return confidence, right, bins


def _areas(scores: FloatArray, positive: BoolArray) -> Callable[[FloatArray], FloatArray]:
    """(B, N) weights -> (B, 2) area under the ROC curve, average precision."""
    ordered, starts = _falling(scores)
    is_positive = positive[ordered]

    def areas(weights: FloatArray) -> FloatArray:
        moved = weights[:, ordered]
        hits, alarms = (
            np.add.reduceat(moved * mask, starts, axis=1) for mask in (is_positive, ~is_positive)
        )  # (B, S)
        tp, fp = np.cumsum(hits, axis=1), np.cumsum(alarms, axis=1)
        n_pos, n_neg = tp[:, -1:], fp[:, -1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            # A negative is beaten by the positives above it, half by those of the same score.
            auc = (alarms * (tp - hits / 2)).sum(axis=1, keepdims=True) / (n_pos * n_neg)
            precision = np.divide(tp, tp + fp, out=np.zeros_like(tp), where=tp > 0)
            average = (hits * precision).sum(axis=1, keepdims=True) / n_pos
        # Without other pictures every ranking is perfect, which says nothing.
        average[n_neg == 0] = np.nan
        return np.concatenate([auc, average], axis=1)

    return areas


def _falling(scores: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Order of falling scores, and where each distinct one begins."""
    ordered = np.argsort(-scores, kind="stable")
    return ordered, np.flatnonzero(np.diff(scores[ordered], prepend=np.inf) != 0)
