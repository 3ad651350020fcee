"""Errors of 6D poses, as published.

Poses are 4 x 4 ``cam_from_obj`` in metres, points (N, 3) of the object's surface in its own frame,
symmetries (S, 4, 4) transforms that leave its looks alone, the identity among them.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pipeline.geometry.boxes import FloatArray

__all__ = [
    "add_m",
    "add_s_m",
    "mspd_px",
    "mssd_m",
    "projected_px",
    "reprojection_px",
]


def add_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray) -> float:
    """ADD: mean distance between the same points in both poses [m].

    Args:
        pred: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        gt: The same of the true pose.
        points_m: (N, 3) of the model, N >= 1 [m].

    Source: Hinterstoisser et al., ACCV 2012.
    """
    return float(np.linalg.norm(_moved(pred, points_m) - _moved(gt, points_m), axis=1).mean())


def add_s_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray) -> float:
    """ADD-S (BOP's ADI): mean distance from each true point to the nearest predicted one [m].

    Args:
        pred: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        gt: The same of the true pose.
        points_m: (N, 3) of the model, N >= 1 [m].

    Source: Hinterstoisser et al., ACCV 2012.
    """
    distance_m, _ = cKDTree(_moved(pred, points_m)).query(_moved(gt, points_m))
    return float(distance_m.mean())


def mssd_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray, symmetries: FloatArray) -> float:
    """Maximum symmetry-aware surface distance [m]: the least over symmetries.

    Args:
        pred: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        gt: The same of the true pose.
        points_m: (N, 3) of the model, N >= 1 [m].
        symmetries: (S, 4, 4) ``obj_from_obj`` under which the object looks the same [m].

    Source: Drost et al., ICCVW 2017; Hodan et al., BOP Challenge 2020, ECCVW.
    """
    moved = _moved(pred, points_m)
    return min(
        float(np.linalg.norm(moved - _moved(gt @ symmetry, points_m), axis=1).max())
        for symmetry in symmetries
    )


def mspd_px(
    pred: FloatArray, gt: FloatArray, K: FloatArray, points_m: FloatArray, symmetries: FloatArray
) -> float:
    """Maximum symmetry-aware projection distance [px]: the least over symmetries.

    Args:
        pred: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        gt: The same of the true pose.
        K: (3, 3) camera matrix [px].
        points_m: (N, 3) of the model, N >= 1 [m].
        symmetries: (S, 4, 4) ``obj_from_obj`` under which the object looks the same [m].

    Returns:
        Infinity where a predicted point lies in or behind the camera.

    Source: Hodan et al., BOP Challenge 2020, ECCVW.
    """
    seen = projected_px(pred, K, points_m)
    return min(
        float(np.linalg.norm(seen - projected_px(gt @ symmetry, K, points_m), axis=1).max())
        for symmetry in symmetries
    )


def reprojection_px(pred: FloatArray, gt: FloatArray, K: FloatArray, points_m: FloatArray) -> float:
    """Mean distance between the projections of the same points [px].

    Args:
        pred: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        gt: The same of the true pose.
        K: (3, 3) camera matrix [px].
        points_m: (N, 3) of the model, N >= 1 [m].

    Returns:
        Infinity where a predicted point lies in or behind the camera.

    Source: Brachmann et al., CVPR 2016.
    """
    apart = projected_px(pred, K, points_m) - projected_px(gt, K, points_m)
    return float(np.linalg.norm(apart, axis=1).mean())


def projected_px(pose: FloatArray, K: FloatArray, points_m: FloatArray) -> FloatArray:
    """Where points of a model are seen; what lies in or behind the camera is infinitely far.

    Args:
        pose: (4, 4) or (3, 4) ``cam_from_obj``, translation in metres.
        K: (3, 3) camera matrix [px].
        points_m: (N, 3) of the model, N >= 1 [m].

    Returns:
        (N, 2) x, y [px].
    """
    x = _moved(pose, points_m) @ np.asarray(K).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x[:, 2:] > 0, x[:, :2] / x[:, 2:], np.inf)


def _moved(pose: FloatArray, points_m: FloatArray) -> FloatArray:
    matrix = np.asarray(pose)
    return np.asarray(points_m @ matrix[:3, :3].T + matrix[:3, 3])
