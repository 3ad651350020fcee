"""Errors of 6D poses, as published.

Poses are 4 x 4 ``cam_from_obj`` in metres, points (N, 3) of the object's surface in its own frame,
symmetries (S, 4, 4) transforms that leave its looks alone, the identity among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pipeline.geometry.boxes import FloatArray

__all__ = [
    "add_m",
    "add_s_m",
    "mspd_px",
    "mssd_m",
    "projected_px",
    "reprojection_px",
    "symmetry_transforms",
]

_SYMMETRY_STEP = 0.01  # of the diameter, between two turns about an axis (BOP 2019)


def add_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray) -> float:
    """ADD: mean distance between the same points in both poses.

    Source: Hinterstoisser et al., ACCV 2012.
    """
    return float(np.linalg.norm(_moved(pred, points_m) - _moved(gt, points_m), axis=1).mean())


def add_s_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray) -> float:
    """ADD-S (BOP's ADI): mean distance from each true point to the nearest predicted one.

    Source: Hinterstoisser et al., ACCV 2012.
    """
    distance_m, _ = cKDTree(_moved(pred, points_m)).query(_moved(gt, points_m))
    return float(distance_m.mean())


def mssd_m(pred: FloatArray, gt: FloatArray, points_m: FloatArray, symmetries: FloatArray) -> float:
    """Maximum symmetry-aware surface distance.

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
    """Maximum symmetry-aware projection distance.

    Source: Hodan et al., BOP Challenge 2020, ECCVW.
    """
    seen = projected_px(pred, K, points_m)
    return min(
        float(np.linalg.norm(seen - projected_px(gt @ symmetry, K, points_m), axis=1).max())
        for symmetry in symmetries
    )


def reprojection_px(pred: FloatArray, gt: FloatArray, K: FloatArray, points_m: FloatArray) -> float:
    """Mean distance between the projections of the same points.

    Source: Brachmann et al., CVPR 2016.
    """
    apart = projected_px(pred, K, points_m) - projected_px(gt, K, points_m)
    return float(np.linalg.norm(apart, axis=1).mean())


def projected_px(pose: FloatArray, K: FloatArray, points_m: FloatArray) -> FloatArray:
    """(N, 2) px of points in a pose; what lies in or behind the camera is infinitely far."""
    x = _moved(pose, points_m) @ np.asarray(K).T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x[:, 2:] > 0, x[:, :2] / x[:, 2:], np.inf)


def symmetry_transforms(
    info: Mapping[str, object], *, unit_m: float, step: float = _SYMMETRY_STEP
) -> FloatArray:
    """All symmetries of a model from BOP's facts about it.

    Turns about an axis of continuous symmetry are taken in steps in which no point moves further
    than ``step`` of the diameter.

    Args:
        info: ``symmetries_discrete`` (16 numbers each) and ``symmetries_continuous`` (``axis``
            and ``offset``), both optional.
        unit_m: Metres in one unit of the file.
        step: As a fraction of the diameter.

    Returns:
        (S, 4, 4) in metres, the identity first.

    Source: bop_toolkit, ``get_symmetry_transformations``.
    """
    discrete = [np.eye(4)]
    for numbers in _listed(info.get("symmetries_discrete")):
        transform = np.reshape(np.asarray(numbers, dtype=np.float64), (4, 4)).copy()
        transform[:3, 3] *= unit_m
        discrete.append(transform)
    continuous = [np.eye(4)]
    for entry in _listed(info.get("symmetries_continuous")):
        turns = int(np.ceil(np.pi / step))
        axis = np.asarray(entry["axis"], dtype=np.float64)
        offset = np.asarray(entry["offset"], dtype=np.float64) * unit_m
        for turn in range(1, turns):
            transform = np.eye(4)
            angle_rad = 2 * np.pi * turn / turns
            transform[:3, :3] = Rotation.from_rotvec(
                angle_rad * axis / np.linalg.norm(axis)
            ).as_matrix()
            transform[:3, 3] = offset - transform[:3, :3] @ offset
            continuous.append(transform)
    return np.array([about @ flip for flip in discrete for about in continuous])


def _listed(value: object) -> Sequence:  # type: ignore[type-arg]  # whatever the file holds
    return value if isinstance(value, list) else []


def _moved(pose: FloatArray, points_m: FloatArray) -> FloatArray:
    matrix = np.asarray(pose)
    return np.asarray(points_m @ matrix[:3, :3].T + matrix[:3, 3])
