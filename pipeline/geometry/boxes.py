"""Boxes: xyxy in pixels inside, COCO's xywh in files only."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["FloatArray", "box_of_mask", "boxes_iou", "xywh_from_xyxy", "xyxy_from_xywh"]

FloatArray = npt.NDArray[np.floating[Any]]


def xyxy_from_xywh(bbox: FloatArray) -> FloatArray:
    """Convert (..., 4) [x, y, w, h] to [x0, y0, x1, y1], in px."""
    boxes = np.asarray(bbox, dtype=np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., :2] + boxes[..., 2:]], axis=-1)


def xywh_from_xyxy(boxes_xyxy: FloatArray) -> FloatArray:
    """Convert (..., 4) [x0, y0, x1, y1] to [x, y, w, h], in px."""
    boxes = np.asarray(boxes_xyxy, dtype=np.float64)
    return np.concatenate([boxes[..., :2], boxes[..., 2:] - boxes[..., :2]], axis=-1)


def boxes_iou(boxes_a: FloatArray, boxes_b: FloatArray) -> FloatArray:
    """Intersection over union of every pair.

    Args:
        boxes_a: (N, 4) xyxy, px.
        boxes_b: (M, 4) xyxy, px.

    Returns:
        (N, M) in [0, 1]; 0 where both boxes are empty.

    >>> boxes_iou(np.array([[0, 0, 2, 2]]), np.array([[1, 0, 3, 2]])).round(3)
    array([[0.333]])
    """
    top_left = np.maximum(boxes_a[:, None, :2], boxes_b[None, :, :2])
    bottom_right = np.minimum(boxes_a[:, None, 2:], boxes_b[None, :, 2:])
    intersection = np.prod(np.clip(bottom_right - top_left, 0, None), axis=-1)
    area_a = np.prod(boxes_a[:, 2:] - boxes_a[:, :2], axis=-1)
    area_b = np.prod(boxes_b[:, 2:] - boxes_b[:, :2], axis=-1)
    union = area_a[:, None] + area_b[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union, dtype=float), where=union > 0)


def box_of_mask(mask: npt.NDArray[np.bool_]) -> FloatArray:
    """The tight box of a mask.

    Args:
        mask: (H, W) bool.

    Returns:
        (4,) xyxy in px with pixel (0, 0) covering [0, 1) x [0, 1); nan for an empty mask.
    """
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8)) if mask.size else (0, 0, 0, 0)
    if width == 0:
        return np.full(4, np.nan)
    return np.array([x, y, x + width, y + height], dtype=np.float64)
