"""COCO's AP and AR, from matches, as functions of how often each unit is counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from evaluation.bootstrap import Statistic
from evaluation.metrics.detection import (
    LIMITS,
    CategoryMatches,
    DetectionMatches,
)
from evaluation.metrics.overlaps import IndexArray
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = ["RECALLS", "ap_metrics", "ap_statistic", "ap_table", "precision_recall", "recall_table"]

RECALLS: FloatArray = np.linspace(0.0, 1.0, 101)

_NEXT_RECALLS: FloatArray = np.append(RECALLS[1:], np.inf)
_AT_50, _AT_75 = 0, 5  # of IOU_THRESHOLDS
_CELLS_AT_ONCE, _FEWEST_AT_ONCE = 2**16, 16  # of points times resamples: what a cache holds


def ap_metrics(matches: DetectionMatches) -> tuple[str, ...]:
    """Names of the metrics of :func:`ap_statistic`, of boxes ``box_ap``, ``box_ap50``, ...

    AP and AR are means over IoU thresholds .50:.05:.95; ``small``, ``medium`` and ``large`` are
    objects under 32 x 32, up to 96 x 96 and larger; ``ar10`` is recall with at most ten
    detections per image and category.
    """
    return tuple(metric.name for metric in _metrics(matches))


def ap_statistic(matches: DetectionMatches) -> Statistic:
    """Every metric of :func:`ap_metrics` over all categories, then for each category in turn.

    Returns:
        Statistic with M = metrics * (1 + categories); categories without truth are nan and left
        out of the mean.
    """
    metrics = _metrics(matches)
    curves = {
        area: [_Curve.of(found) for found in categories.values()]
        for area, categories in matches.by_area.items()
    }

    def statistic(weights: FloatArray) -> FloatArray:
        precisions = {
            area: np.stack([curve.average_precision(weights) for curve in found], axis=2)
            for area, found in curves.items()
        }  # (B, T, K)
        columns = []
        for metric in metrics:
            if metric.limit is None:
                table = precisions[metric.area]
            else:
                categories = matches.by_area[metric.area].values()
                tables = [recall_table(c, weights, limit=metric.limit) for c in categories]
                table = np.stack(tables, axis=2)
            chosen = table if metric.threshold is None else table[:, [metric.threshold]]
            columns.append(np.column_stack([_mean(chosen), chosen.mean(axis=1)]))  # (B, 1 + K)
        return np.asarray(np.stack(columns, axis=2).reshape(len(weights), -1))

    return statistic


def ap_table(matches: CategoryMatches, weights: FloatArray) -> FloatArray:
    """Average precision of one category at every IoU threshold, on weighted units.

    101 recall points under the falling envelope of precision, as ``COCOeval.accumulate``;
    weights all 1 give its numbers.

    Args:
        matches: Of the category.
        weights: (B, U) how often each unit occurs in each resample.

    Returns:
        (B, T) in [0, 1]; nan in resamples without a ground truth.
    """
    return _Curve.of(matches).average_precision(weights)


def recall_table(matches: CategoryMatches, weights: FloatArray, *, limit: int) -> FloatArray:
    """Recall of one category with at most ``limit`` detections in an image.

    Args:
        matches: Of the category.
        weights: (B, U).
        limit: Detections per image, the best scores.

    Returns:
        (B, T) in [0, 1]; nan in resamples without a ground truth.
    """
    found = (matches.is_tp & (matches.place < limit)).astype(np.float64)  # (T, D)
    hits = _by_unit(matches.unit_preds, weights.shape[1]) @ found.T  # (U, T)
    n_gt = weights[:, matches.unit_gt].sum(axis=1)
    return np.divide(
        weights @ hits,
        n_gt[:, None],
        out=np.full((len(weights), len(found)), np.nan),
        where=n_gt[:, None] > 0,
    )


def precision_recall(matches: CategoryMatches, *, threshold: int) -> FloatArray:
    """Precision at the 101 points of recall, all units once.

    Args:
        matches: Of one category.
        threshold: Position in ``IOU_THRESHOLDS``.

    Returns:
        (101,) the falling envelope, 0 beyond the recall that is reached; nan without truth.
    """
    if not matches.unit_gt.size:
        return np.full(len(RECALLS), np.nan)
    tp, fp = np.cumsum(matches.is_tp[threshold]), np.cumsum(matches.is_fp[threshold])
    precision = tp / (tp + fp + np.spacing(1))
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return np.asarray(envelope[np.searchsorted(tp / matches.unit_gt.size, RECALLS, side="left")])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Metric:
    """Mean over IoU thresholds, or one of them; of AP, or of AR where there is a limit."""

    name: str
    area: str = "all"
    threshold: int | None = None
    limit: int | None = None


def _metrics(matches: DetectionMatches) -> list[_Metric]:
    word = {"bbox": "box", "segm": "mask", "keypoints": "keypoint"}[matches.kind]
    limits = LIMITS[matches.kind]
    # COCO has no small objects with keypoints.
    sizes = [
        a for a in matches.by_area if a != "all" and (matches.kind, a) != ("keypoints", "small")
    ]
    return [
        _Metric(name=f"{word}_ap"),
        _Metric(name=f"{word}_ap50", threshold=_AT_50),
        _Metric(name=f"{word}_ap75", threshold=_AT_75),
        *(_Metric(name=f"{word}_ap_{size}", area=size) for size in sizes),
        *(_Metric(name=f"{word}_ar{limit}", limit=limit) for limit in limits),
        *(_Metric(name=f"{word}_ar_{size}", area=size, limit=limits[-1]) for size in sizes),
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """The points of one category's precision-recall curve that can matter.

    Precision is highest where recall rises: only detections that are a true positive at some
    threshold are points. The many that are false at every threshold are summed up between them.

    Attributes:
        is_tp: (T, V) of the points.
        is_counted: (T, V) true or false positive; matches with crowds are neither.
        unit: (V,) of the points.
        unit_gt: (G,).
        false: (F,) units of the plain false positives.
        false_before: (F,) first point after each of them.
    """

    is_tp: BoolArray
    is_counted: BoolArray
    unit: IndexArray
    unit_gt: IndexArray
    false: IndexArray
    false_before: IndexArray

    @classmethod
    def of(cls, matches: CategoryMatches) -> _Curve:
        plain = matches.is_fp.all(axis=0)
        points = np.flatnonzero((matches.is_tp | matches.is_fp).any(axis=0) & ~plain)
        false = np.flatnonzero(plain)
        before = np.searchsorted(points, false)
        counted = before < len(points)  # what comes after the last point changes nothing
        is_tp = matches.is_tp[:, points]
        return cls(
            is_tp=is_tp,
            is_counted=is_tp | matches.is_fp[:, points],
            unit=matches.unit_preds[points],
            unit_gt=matches.unit_gt,
            false=matches.unit_preds[false[counted]],
            false_before=before[counted],
        )

    def average_precision(self, weights: FloatArray) -> FloatArray:
        """(B, U) weights -> (B, T); nan in resamples without a ground truth."""
        size = max(_FEWEST_AT_ONCE, _CELLS_AT_ONCE // max(1, len(self.unit)))
        blocks = [weights[start : start + size] for start in range(0, len(weights), size)]
        return np.concatenate([self._of_block(block) for block in blocks])

    def _of_block(self, weights: FloatArray) -> FloatArray:
        by_unit = np.ascontiguousarray(weights.T)  # resamples side by side: rows add up fast
        n_gt = by_unit[self.unit_gt].sum(axis=0)  # (B,)
        table = np.zeros((len(weights), len(self.is_tp)))
        if self.unit.size:
            shape = (len(self.unit), len(by_unit))
            between = csr_array((np.ones(len(self.false)), (self.false_before, self.false)), shape)
            own = by_unit[self.unit]
            false = between @ by_unit  # (V, B)
            made = np.cumsum(false + own, axis=0)
            for t, (is_tp, counted) in enumerate(zip(self.is_tp, self.is_counted, strict=True)):
                some = made if counted.all() else np.cumsum(false + own * counted[:, None], axis=0)
                table[:, t] = _area_under(np.cumsum(own[is_tp], axis=0), some[is_tp], n_gt)
        table[n_gt == 0] = np.nan
        return table


def _area_under(tp: FloatArray, made: FloatArray, n_gt: FloatArray) -> FloatArray:
    """Mean precision over 101 recalls.

    Args:
        tp: (V, B) true positives so far, at the points where recall rises.
        made: (V, B) detections so far.
        n_gt: (B,).
    """
    if not len(tp):
        return np.zeros(tp.shape[1])
    precision = tp / (made + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    newly = np.diff(_reached(tp / np.maximum(n_gt, 1)), axis=0, prepend=0)
    return np.asarray((envelope * newly).sum(axis=0) / len(RECALLS))


def _reached(recall: FloatArray) -> IndexArray:
    """How many of the 101 recalls are at most this one; ``searchsorted``, in half the time."""
    last = (recall * (len(RECALLS) - 1)).astype(np.intp)  # or one beside it, by rounding
    last += _NEXT_RECALLS[last] <= recall
    last -= RECALLS[last] > recall
    return last + 1


def _by_unit(unit: IndexArray, n_units: int) -> csr_array:
    """(U, D) sparse: sums over detections become sums over units."""
    columns = np.arange(len(unit))
    return csr_array((np.ones(len(unit)), (unit, columns)), shape=(n_units, len(unit)))


def _mean(table: FloatArray) -> FloatArray:
    """(B, T, K) -> (B,) over thresholds and the categories that occur."""
    present = np.isfinite(table).all(axis=1).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(table, axis=(1, 2)) / (present * table.shape[1]))
