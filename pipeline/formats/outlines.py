"""Masks as one polygon, for formats that have no other."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = ["outline_of_mask"]

# How far inside the pixels' edges the outline runs: enough to survive float32 in pictures of
# 8192 px, too little for any raster to notice.
_INSIDE_PX = 1 / 256


def outline_of_mask(mask: BoolArray) -> FloatArray:
    """One closed polygon that encloses the pixels of a mask, whatever draws it.

    It runs along the pixels' edges, just inside. Drawn in continuous coordinates (pycocotools)
    it gives the mask; cut to whole numbers and drawn with its border (``cv2.fillPoly``) as well.
    Parts and holes are joined by lines that go there and back: they enclose nothing, but who
    draws the border draws them too.

    Args:
        mask: (H, W) bool.

    Returns:
        (N, 2) x, y, px; (0, 2) for an empty mask.
    """
    # In a mask of twice the size, odd coordinates are right and lower halves of pixels: only
    # there can OpenCV's contours, which visit pixels, tell an object's two sides apart.
    doubled = mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    ring = np.empty((0, 2), dtype=np.int64)
    for contour in contours:
        part = contour[:, 0].astype(np.int64)
        if len(ring) == 0:
            ring = part
            continue
        distances = ((ring[:, None] - part[None]) ** 2).sum(axis=2)
        leave, enter = np.unravel_index(int(distances.argmin()), distances.shape)
        detour = np.concatenate([part[enter:], part[: enter + 1]])
        ring = np.concatenate([ring[: leave + 1], detour, ring[leave:]])
    is_far_side = ring & 1
    inwards = np.where(is_far_side, -_INSIDE_PX, _INSIDE_PX)
    return np.asarray((ring + is_far_side) / 2 + inwards)
