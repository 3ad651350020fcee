"""The pinhole camera: OpenCV axes, pixel (0, 0) has its centre at (0.5, 0.5)."""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel, ConfigDict

from pipeline.geometry.boxes import FloatArray

__all__ = ["Matrix4", "PinholeCamera", "look_at", "matrix4", "pinhole_camera", "project"]

Matrix3 = tuple[tuple[float, float, float], ...]
Matrix4 = tuple[tuple[float, float, float, float], ...]


class PinholeCamera(BaseModel):
    """A camera as it stands in a frame record.

    Attributes:
        width_px: Image width.
        height_px: Image height.
        K: 3 x 3 intrinsics in px; a centred principal point is (W / 2, H / 2).
        world_from_cam: 4 x 4 rigid transform, metres, +x right, +y down, +z forward.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width_px: int
    height_px: int
    K: Matrix3
    world_from_cam: Matrix4


def pinhole_camera(
    *, width_px: int, height_px: int, hfov_rad: float, world_from_cam: FloatArray
) -> PinholeCamera:
    """A centred camera with square pixels and the given horizontal field of view."""
    focal_px = width_px / 2 / math.tan(hfov_rad / 2)
    return PinholeCamera(
        width_px=width_px,
        height_px=height_px,
        K=((focal_px, 0.0, width_px / 2), (0.0, focal_px, height_px / 2), (0.0, 0.0, 1.0)),
        world_from_cam=matrix4(world_from_cam),
    )


def matrix4(transform: FloatArray) -> Matrix4:
    """A (4, 4) array as it stands in a record."""
    a, b, c, d = (tuple(float(value) for value in row) for row in transform)
    return (a, b, c, d)  # type: ignore[return-value]  # rows of a (4, 4) array have four values


def look_at(*, eye_m: FloatArray, target_m: FloatArray, up: FloatArray) -> FloatArray:
    """A (4, 4) ``world_from_cam`` at ``eye_m`` whose +z points at ``target_m``.

    Raises:
        ValueError: If eye and target coincide, or ``up`` is along the line of sight.
    """
    forward = np.asarray(target_m, float) - np.asarray(eye_m, float)
    right = np.cross(forward, up)
    if np.linalg.norm(forward) == 0 or np.linalg.norm(right) < 1e-9:
        raise ValueError(f"No view from {eye_m} to {target_m} with up {up}.")
    z = forward / np.linalg.norm(forward)
    x = right / np.linalg.norm(right)
    world_from_cam = np.eye(4)
    world_from_cam[:3, :3] = np.column_stack([x, np.cross(z, x), z])
    world_from_cam[:3, 3] = eye_m
    return world_from_cam


def project(camera: PinholeCamera, points_m: FloatArray) -> FloatArray:
    """Project world points.

    Args:
        camera: The camera.
        points_m: (N, 3) in the world, metres.

    Returns:
        (N, 2) px, pixel centres at 0.5; nan for points that are not in front of the camera.
    """
    cam_from_world = np.linalg.inv(np.array(camera.world_from_cam))
    points_cam = np.asarray(points_m) @ cam_from_world[:3, :3].T + cam_from_world[:3, 3]
    pixels = points_cam @ np.array(camera.K).T
    depth_m = np.where(pixels[:, 2:] > 0, pixels[:, 2:], np.nan)
    return np.asarray(pixels[:, :2] / depth_m)
