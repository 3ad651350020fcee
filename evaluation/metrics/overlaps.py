"""How well predicted objects cover true ones: boxes, masks, keypoints, pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray, Rle

__all__ = ["IndexArray", "box_overlaps", "keypoint_similarities", "mask_overlaps", "paired"]

IndexArray = npt.NDArray[np.intp]


def paired(group_preds: IndexArray, group_gt: IndexArray) -> tuple[IndexArray, IndexArray]:
    """Every prediction with every ground truth of its group.

    Args:
        group_preds: (D,) group of each prediction, ascending.
        group_gt: (G,) group of each ground truth, ascending.

    Returns:
        (P,) positions of predictions, ascending, and (P,) of ground truths.
    """
    starts = np.searchsorted(group_gt, group_preds, side="left")
    counts = np.searchsorted(group_gt, group_preds, side="right") - starts
    preds = np.repeat(np.arange(len(group_preds)), counts)
    before = np.cumsum(counts) - counts
    gts = np.arange(len(preds)) - np.repeat(before - starts, counts)
    return preds, gts


def box_overlaps(preds_xywh: FloatArray, gt_xywh: FloatArray, crowd: BoolArray) -> FloatArray:
    """Intersection over union of pairs; over the prediction alone where the truth is a crowd.

    Args:
        preds_xywh: (P, 4) px.
        gt_xywh: (P, 4) px.
        crowd: (P,) of the ground truths.

    Returns:
        (P,) in [0, 1].

    Source: pycocotools' ``bbIou``, in its order of operations.
    """
    # Contiguous columns: millions of pairs, so strides count.
    x, y, w, h = np.ascontiguousarray(preds_xywh.T)
    gx, gy, gw, gh = np.ascontiguousarray(gt_xywh.T)
    across = np.minimum(x + w, gx + gw) - np.maximum(x, gx)
    down = np.minimum(y + h, gy + gh) - np.maximum(y, gy)
    shared = np.maximum(across, 0) * np.maximum(down, 0)
    area = w * h
    union = np.where(crowd, area, area + gw * gh - shared)
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def mask_overlaps(
    preds: Sequence[Rle | None],
    gts: Sequence[Rle | None],
    crowd: BoolArray,
    pairs: tuple[IndexArray, IndexArray],
) -> FloatArray:
    """Intersection over union of pairs of masks; as :func:`box_overlaps` with crowds.

    Args:
        preds: (D,) masks.
        gts: (G,) masks.
        crowd: (G,).
        pairs: As :func:`paired` gives them: groups in one piece, every pair of a group there.

    Returns:
        (P,) in [0, 1].
    """
    pair_pred, pair_gt = pairs
    overlaps = np.zeros(len(pair_pred))
    encoded_preds, encoded_gts = _encoded(preds), _encoded(gts)
    # In a group the predictions follow each other, each with all of the group's truths in turn.
    is_next = (np.diff(pair_pred, prepend=-1) != 0) & (np.diff(pair_gt, prepend=-1) > 0)
    for start, stop in pairwise(np.append(np.flatnonzero(is_next), len(pair_pred))):
        of_preds = slice(pair_pred[start], pair_pred[stop - 1] + 1)
        of_gts = slice(pair_gt[start], pair_gt[stop - 1] + 1)
        found = coco_mask.iou(encoded_preds[of_preds], encoded_gts[of_gts], crowd[of_gts].tolist())
        overlaps[start:stop] = np.ravel(found)
    return overlaps


def keypoint_similarities(
    preds_xy: FloatArray,
    gt_xyv: FloatArray,
    gt_xywh: FloatArray,
    area_px: FloatArray,
    sigmas: FloatArray,
) -> FloatArray:
    """Object keypoint similarity (OKS) of pairs.

    Over the labelled keypoints; where none is labelled, distances are those to the truth's box
    at twice its size, so that predictions in a crowd can be told.

    Args:
        preds_xy: (P, K, 2) px.
        gt_xyv: (P, K, 3) px and COCO visibility.
        gt_xywh: (P, 4) px.
        area_px: (P,) of the true objects.
        sigmas: (K,) or (P, K) per keypoint.

    Returns:
        (P,) in [0, 1].

    Source: pycocotools' ``computeOks``; https://cocodataset.org/#keypoints-eval.
    """
    labelled = gt_xyv[..., 2] > 0  # (P, K)
    none = ~labelled.any(axis=1)
    low = gt_xywh[:, None, :2] - gt_xywh[:, None, 2:]
    high = gt_xywh[:, None, :2] + 2 * gt_xywh[:, None, 2:]
    outside = np.maximum(low - preds_xy, 0) + np.maximum(preds_xy - high, 0)
    apart = np.where(none[:, None, None], outside, preds_xy - gt_xyv[..., :2])
    variance = (2 * sigmas) ** 2
    spread = variance * (area_px + np.spacing(1))[:, None] * 2
    similar = np.exp(-(apart**2).sum(axis=-1) / spread)
    counted = labelled | none[:, None]
    return np.asarray((similar * counted).sum(axis=1) / np.maximum(counted.sum(axis=1), 1))


def _encoded(rles: Sequence[Rle | None]) -> list[dict[str, Any]]:
    """As pycocotools takes them; an object without a mask covers nothing."""
    return [
        {"size": r["size"], "counts": r["counts"].encode()}
        if r
        else {"size": [0, 0], "counts": b""}
        for r in rles
    ]
