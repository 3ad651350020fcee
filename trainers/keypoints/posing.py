"""Poses of objects whose keypoints were found."""

from __future__ import annotations

import numpy as np

from pipeline.geometry.camera import Distortion, Matrix3, Matrix4, matrix4
from pipeline.geometry.pnp import solve_pnp
from pipeline.records.keypoints import RigidPoints
from trainers.results import DetectedObject

__all__ = ["pose_of"]

_SURE = 0.1  # confidence of keypoints that are used at all
_TOLERANCE = 0.02  # of the keypoints' span
_LEAST_PX = 2.0


def pose_of(
    item: DetectedObject, points: RigidPoints, *, K: Matrix3, dist: Distortion | None
) -> Matrix4 | None:
    """The 4 x 4 ``cam_from_obj``, metres; None where its keypoints agree on none."""
    assert item.keypoints is not None
    found = item.keypoints[: len(points.points_m)]
    sure = found[:, 2] >= _SURE
    if not sure.any():
        return None
    found, places = found[sure], np.array(points.points_m)[sure]
    span_px = float(np.linalg.norm(np.ptp(found[:, :2], axis=0)))
    pose = solve_pnp(
        places,
        found[:, :2],
        K,
        dist,
        symmetries=np.array([np.eye(4), *points.symmetries]),
        tolerance_px=max(_LEAST_PX, _TOLERANCE * span_px),
    )
    return None if pose is None else matrix4(pose.cam_from_obj)
