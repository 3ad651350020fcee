"""Distances between predicted and true keypoints."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from pipeline.geometry.boxes import FloatArray

__all__ = ["assigned_distances"]


def assigned_distances(preds: FloatArray, true: FloatArray) -> FloatArray:
    """Distances of objects' keypoints, the predictions given out so that they add up to the least.

    Args:
        preds: (P, K, 2) x, y px, at most as many as there are objects.
        true: (G, K, 3) x, y px and COCO visibility; each object has a labelled keypoint.

    Returns:
        (G, K) px, infinite for objects left over; only labelled keypoints count for who gets
        what.
    """
    apart = np.full(true.shape[:2], np.inf)
    if len(preds):
        labelled = true[..., 2] > 0
        distance = np.linalg.norm(preds[:, None] - true[None, ..., :2], axis=-1)
        cost = (distance * labelled).sum(axis=-1) / labelled.sum(axis=-1)  # (P, G)
        rows, columns = linear_sum_assignment(cost)
        apart[columns] = distance[rows, columns]
    return apart
