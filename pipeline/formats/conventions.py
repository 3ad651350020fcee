"""Numbers as OpenCV's and BOP's files have them: pixel centres at integers, millimetres."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.geometry.camera import Matrix3, Matrix4, matrix4

__all__ = ["bop_from_pose", "intrinsics_from_opencv", "opencv_from_intrinsics", "pose_from_bop"]


def intrinsics_from_opencv(cam_K: Sequence[float]) -> Matrix3:
    """3 x 3 intrinsics, px, pixel (0, 0) centred at (0.5, 0.5), from a file's nine numbers."""
    fx, skew, cx, _, fy, cy, *_ = cam_K
    return ((fx, skew, cx + 0.5), (0.0, fy, cy + 0.5), (0.0, 0.0, 1.0))


def opencv_from_intrinsics(K: Matrix3) -> list[float]:
    """The inverse of :func:`intrinsics_from_opencv`."""
    (fx, skew, cx), (_, fy, cy), _ = K
    return [fx, skew, cx - 0.5, 0.0, fy, cy - 0.5, 0.0, 0.0, 1.0]


def pose_from_bop(rotation: Sequence[float], translation_mm: Sequence[float]) -> Matrix4:
    """4 x 4, metres, from a file's nine numbers (row by row) and three."""
    pose = np.eye(4)
    pose[:3, :3] = np.reshape(rotation, (3, 3))
    pose[:3, 3] = np.divide(translation_mm, 1000)
    return matrix4(pose)


def bop_from_pose(pose: Matrix4) -> tuple[list[float], list[float]]:
    """The inverse of :func:`pose_from_bop`."""
    matrix = np.array(pose)
    return matrix[:3, :3].ravel().tolist(), (1000 * matrix[:3, 3]).tolist()
