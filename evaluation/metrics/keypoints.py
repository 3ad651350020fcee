"""PCK: the share of keypoints found within a fraction of the object's size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist

from evaluation.bootstrap import Statistic
from evaluation.clusters import ImageUnits
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.keypoints import assigned_distances

__all__ = ["PCK_FRACTIONS", "KeypointErrors", "keypoint_errors", "pck_curve", "pck_statistic"]

PCK_FRACTIONS = (0.005, 0.01, 0.02, 0.05, 0.1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeypointErrors:
    """Of one true object.

    Attributes:
        image_id: Where it is.
        category_id: Its class.
        errors_px: (K,) of the labelled keypoints; infinite where the object was not predicted.
        diagonal_px: Of its box.
        span_px: Greatest distance between its labelled keypoints; the diagonal of a board. 0
            with fewer than two.
    """

    image_id: int
    category_id: int
    errors_px: FloatArray
    diagonal_px: float
    span_px: float


def keypoint_errors(
    detections: Iterable[Detection], truth: Mapping[int, Sequence[CocoInstance]]
) -> tuple[KeypointErrors, ...]:
    """Distances between predicted and true keypoints, labelled ones only, hidden ones included.

    In every image and category the predictions with the best scores, as many as there are
    objects, are given to the objects so that their distances add up to the least. Objects left
    over have infinite errors.

    Args:
        detections: Those without keypoints are not looked at.
        truth: By image id; crowds and objects without a labelled keypoint are left out.
    """
    preds: dict[tuple[int, int], list[Detection]] = {}
    for pred in sorted(detections, key=lambda d: -d.score):
        if pred.keypoints is not None:
            preds.setdefault((pred.image_id, pred.category_id), []).append(pred)
    found: list[KeypointErrors] = []
    for image_id, instances in truth.items():
        objects: dict[int, list[CocoInstance]] = {}
        for gt in instances:
            if not gt.iscrowd and any(v > 0 for *_, v in gt.keypoints or ()):
                objects.setdefault(gt.category_id, []).append(gt)
        for category_id, gts in objects.items():
            best = preds.get((image_id, category_id), [])[: len(gts)]
            found += _assigned(best, gts)
    return tuple(found)


def pck_statistic(
    errors: Sequence[KeypointErrors], *, category_ids: Sequence[int], units: ImageUnits
) -> Statistic:
    """PCK at every fraction of the box's diagonal, then of the keypoints' span.

    Args:
        errors: Of all objects.
        category_ids: In the order of the columns.
        units: Of the images.

    Returns:
        Statistic with M = (1 + categories) * 2 * fractions: all categories together, then each.

    Source: Yang & Ramanan, TPAMI 2013, with the box's diagonal or the span in place of its side.
    """
    n_columns = 2 * len(PCK_FRACTIONS)
    hits = np.zeros((units.units.drawn, len(category_ids), n_columns))
    totals = np.zeros_like(hits)
    for each in errors:
        limits = np.outer([each.diagonal_px, each.span_px], PCK_FRACTIONS).ravel()
        at = units.unit_of[each.image_id], category_ids.index(each.category_id)
        hits[at] += (each.errors_px[:, None] <= limits).sum(axis=0)
        totals[at] += len(each.errors_px)

    def statistic(weights: FloatArray) -> FloatArray:
        within, of = (np.tensordot(weights, counts, axes=1) for counts in (hits, totals))
        tables = [np.concatenate([t.sum(axis=1, keepdims=True), t], axis=1) for t in (within, of)]
        with np.errstate(invalid="ignore"):
            return np.asarray((tables[0] / tables[1]).reshape(len(weights), -1))

    return statistic


def pck_curve(errors: Sequence[KeypointErrors], fractions: FloatArray) -> FloatArray:
    """PCK at any fractions (F,) of the box's diagonal, all objects together."""
    relative = np.concatenate([e.errors_px / e.diagonal_px for e in errors] or [np.zeros(0)])
    if not relative.size:
        return np.full(len(fractions), np.nan)
    return np.asarray((relative[:, None] <= fractions).mean(axis=0))


def _assigned(preds: Sequence[Detection], gts: Sequence[CocoInstance]) -> Iterable[KeypointErrors]:
    true = np.array([gt.keypoints for gt in gts], dtype=np.float64)  # (G, K, 3)
    points = np.array([pred.keypoints for pred in preds], dtype=np.float64)
    apart = assigned_distances(points.reshape(-1, true.shape[1], 3)[..., :2], true)
    labelled = true[..., 2] > 0
    for gt, points, known, errors in zip(gts, true, labelled, apart, strict=True):
        x0, y0, x1, y1 = gt.box_xyxy
        xy = points[known, :2]
        yield KeypointErrors(
            image_id=gt.image_id,
            category_id=gt.category_id,
            errors_px=errors[known],
            diagonal_px=float(np.hypot(x1 - x0, y1 - y0)),
            span_px=float(pdist(xy).max()) if len(xy) > 1 else 0.0,
        )
