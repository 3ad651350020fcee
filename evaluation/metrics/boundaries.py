"""Boundary IoU: overlap of what lies within a few pixels of an outline."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Statistic
from evaluation.metrics.semantic import IGNORED, ClassMap
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray

__all__ = ["boundary_counts", "boundary_of", "boundary_statistic"]

_WIDTH = 0.02  # of the picture's diagonal


def boundary_of(mask: BoolArray) -> BoolArray:
    """The part of a mask within 2 % of the picture's diagonal of its outline.

    Beyond the picture's border there is nothing, so that the border is outline too.

    Args:
        mask: (H, W).

    Source: Cheng et al., CVPR 2021, Boundary IoU, whose code erodes by 3 x 3 squares.
    """
    height, width = mask.shape
    width_px = max(1, round(_WIDTH * math.hypot(height, width)))
    square = np.ones((2 * width_px + 1, 2 * width_px + 1), np.uint8)
    inner = cv2.erode(
        mask.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)
    )
    return np.asarray(mask & (inner == 0))


def boundary_counts(
    predicted: ClassMap,
    truth: ClassMap,
    *,
    n_classes: int,
    cells: npt.NDArray[np.int32] | None = None,
) -> npt.NDArray[np.int64]:
    """Pixels in both boundaries and in either, of every class but the background.

    Args:
        predicted: (H, W) class index.
        truth: (H, W) class index or ``IGNORED``.
        n_classes: Background included.
        cells: (H, W) index from 0 of the unit a pixel belongs to; by default one for all.

    Returns:
        (U, C - 1, 2) counts.
    """
    counted = truth != IGNORED
    unit = np.zeros(truth.shape, np.int32) if cells is None else cells
    counts = np.zeros((int(unit.max()) + 1, n_classes - 1, 2), dtype=np.int64)
    for index in range(1, n_classes):
        ours, theirs = predicted == index, truth == index
        if not ours.any() and not theirs.any():
            continue
        edges = boundary_of(ours), boundary_of(theirs)
        for column, pixels in enumerate((edges[0] & edges[1], edges[0] | edges[1])):
            found = np.bincount(unit[pixels & counted], minlength=len(counts))
            counts[:, index - 1, column] = found
    return counts


def boundary_statistic(counts: npt.NDArray[np.int64]) -> Statistic:
    """Boundary IoU, averaged over the classes that occur, then of each.

    Args:
        counts: (U, C - 1, 2) per unit.

    Returns:
        Statistic with M = 1 + (C - 1).
    """

    def statistic(weights: FloatArray) -> FloatArray:
        both, either = np.moveaxis(np.tensordot(weights, counts, axes=1), 2, 0)  # (B, C - 1)
        with np.errstate(invalid="ignore"):
            iou = both / either
            mean = np.nansum(iou, axis=1) / np.isfinite(iou).sum(axis=1)
        return np.column_stack([mean, iou])

    return statistic
