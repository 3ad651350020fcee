"""Precision, recall and F1 against the score below which detections are dropped."""

from __future__ import annotations

import numpy as np

from evaluation.bootstrap import Statistic
from evaluation.metrics.detection import DetectionMatches
from pipeline.geometry.boxes import FloatArray

__all__ = ["best_threshold_statistic", "candidate_thresholds", "threshold_statistic"]

_MOST_THRESHOLDS = 200


def candidate_thresholds(matches: DetectionMatches) -> FloatArray:
    """(S,) ascending scores that occur, 200 quantiles of them if there are more."""
    scores: FloatArray = np.unique(
        np.concatenate([np.zeros(0), *(c.scores for c in matches.categories.values())])
    )
    if len(scores) <= _MOST_THRESHOLDS:
        return scores
    shares = np.linspace(0, 1, _MOST_THRESHOLDS)
    return np.asarray(np.unique(np.quantile(scores, shares, method="nearest")))


def threshold_statistic(matches: DetectionMatches, thresholds: FloatArray) -> Statistic:
    """Precision, recall and F1 of all detections with at least a score, at IoU 0.5.

    Counted over all categories together.

    Args:
        matches: Of one predictions file.
        thresholds: (S,).

    Returns:
        Statistic with M = 3 * S: precision at every threshold, then recall, then F1. Precision
        is nan where nothing is left, recall and F1 without truth.
    """
    n_units = matches.units.drawn + matches.units.strays
    tp, fp = (np.zeros((n_units, len(thresholds))) for _ in range(2))
    n_gt = np.zeros(n_units)
    for found in matches.categories.values():
        kept = np.searchsorted(thresholds, found.scores, side="right") - 1
        for counts, flags in ((tp, found.is_tp[0]), (fp, found.is_fp[0])):
            counted = flags & (kept >= 0)
            np.add.at(counts, (found.unit_preds[counted], kept[counted]), 1)
        np.add.at(n_gt, found.unit_gt, 1)
    # What passes a threshold passes all lower ones.
    tp, fp = (np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] for counts in (tp, fp))

    def statistic(weights: FloatArray) -> FloatArray:
        hits, alarms, objects = weights @ tp, weights @ fp, (weights @ n_gt)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            recall = hits / objects
            f1 = np.where(objects > 0, 2 * hits / (hits + alarms + objects), np.nan)
            return np.concatenate([hits / (hits + alarms), recall, f1], axis=1)

    return statistic


def best_threshold_statistic(matches: DetectionMatches, thresholds: FloatArray) -> Statistic:
    """The highest F1 and the threshold that gives it, chosen anew in every resample.

    Args:
        matches: Of one predictions file.
        thresholds: (S,) to choose from, S >= 1.

    Returns:
        Statistic with M = 2; nan without truth.
    """
    at_all = threshold_statistic(matches, thresholds)

    def statistic(weights: FloatArray) -> FloatArray:
        f1 = at_all(weights)[:, 2 * len(thresholds) :]
        defined = np.isfinite(f1).all(axis=1)
        best = np.argmax(np.where(np.isfinite(f1), f1, -1), axis=1)
        highest = np.take_along_axis(f1, best[:, None], axis=1)[:, 0]
        return np.column_stack([highest, np.where(defined, thresholds[best], np.nan)])

    return statistic
