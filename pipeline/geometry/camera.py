"""The camera: OpenCV axes, Brown-Conrady lens, pixel (0, 0) has its centre at (0.5, 0.5)."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from pydantic import BaseModel, ConfigDict

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import pixel_centres

__all__ = [
    "Camera",
    "Distortion",
    "Matrix3",
    "Matrix4",
    "cam_from_world",
    "look_at",
    "matrix4",
    "opencv_intrinsics",
    "picture_rays_cam",
    "pinhole_camera",
    "project",
    "project_cam",
    "rays_cam",
]

Matrix3 = tuple[tuple[float, float, float], ...]
Matrix4 = tuple[tuple[float, float, float, float], ...]
Distortion = tuple[float, float, float, float, float]

_NEWTON_STEPS = 20
_CONVERGED = 1e-10  # in units of the focal length: far below what a pixel can show
_SAME_PLACE = 1e-6
_POINTS_AT_ONCE = 8192  # stay in the processor's cache: a third of the time


class Camera(BaseModel):
    """A camera as it stands in a frame record.

    Attributes:
        width_px: Image width.
        height_px: Image height.
        K: 3 x 3 intrinsics in px; a centred principal point is (W / 2, H / 2).
        dist: Brown-Conrady k1, k2, p1, p2, k3 in OpenCV's order; zeros for a perfect lens.
        world_from_cam: 4 x 4 rigid transform, metres, +x right, +y down, +z forward.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width_px: int
    height_px: int
    K: Matrix3
    dist: Distortion = (0.0, 0.0, 0.0, 0.0, 0.0)
    world_from_cam: Matrix4

    @property
    def image_hw(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.height_px, self.width_px

    @property
    def is_pinhole(self) -> bool:
        """Whether the lens maps straight lines to straight lines."""
        return not any(self.dist)


def pinhole_camera(
    *, width_px: int, height_px: int, hfov_rad: float, world_from_cam: FloatArray
) -> Camera:
    """A centred camera with square pixels and the given horizontal field of view."""
    focal_px = width_px / 2 / math.tan(hfov_rad / 2)
    return Camera(
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


def cam_from_world(camera: Camera) -> FloatArray:
    """The (4, 4) transform into the camera's axes, metres."""
    return np.asarray(np.linalg.inv(np.array(camera.world_from_cam)))


def opencv_intrinsics(camera: Camera) -> list[float]:
    """The nine numbers of K as BOP's and OpenCV's files want them: pixel centres at integers."""
    (fx, skew, cx), (_, fy, cy), _ = camera.K
    return [fx, skew, cx - 0.5, 0.0, fy, cy - 0.5, 0.0, 0.0, 1.0]


def project(camera: Camera, points_m: FloatArray) -> FloatArray:
    """Project world points through the lens.

    Args:
        camera: The camera.
        points_m: (N, 3) in the world, metres.

    Returns:
        (N, 2) x, y in px; nan for points that are not in front of the camera, or that the lens
        does not show: beyond its fold the polynomial would bend them back into the picture.
    """
    view = cam_from_world(camera)
    return project_cam(camera, np.asarray(points_m) @ view[:3, :3].T + view[:3, 3])


def project_cam(camera: Camera, points_cam_m: FloatArray) -> FloatArray:
    """Like :func:`project`, for (N, 3) points in the camera's axes."""
    points = np.asarray(points_cam_m, dtype=np.float64)
    depth_m = np.where(points[:, 2:] > 0, points[:, 2:], np.nan)
    plane = points[:, :2] / depth_m
    distorted = _distort(plane, camera.dist)
    if not camera.is_pinhole:
        back = _undistort(distorted, camera.dist)
        distorted[~(np.abs(back - plane) < _SAME_PLACE).all(axis=1)] = np.nan
    K = np.array(camera.K)
    return np.asarray(distorted @ K[:2, :2].T + K[:2, 2])


def rays_cam(camera: Camera, pixels_px: FloatArray) -> FloatArray:
    """Directions in which the camera sees pixels: the inverse of :func:`project_cam`.

    Args:
        camera: The camera.
        pixels_px: (N, 2) x, y; also outside the picture.

    Returns:
        (N, 3) in the camera's axes with z = 1, so that the point at depth d is d times the ray;
        nan where no point is seen at that pixel, as beyond the fold of a strong barrel lens.
    """
    K = np.array(camera.K)
    distorted = (np.asarray(pixels_px, dtype=np.float64) - K[:2, 2]) @ np.linalg.inv(K[:2, :2]).T
    if camera.is_pinhole:
        plane = distorted
    else:
        parts = range(0, max(len(distorted), 1), _POINTS_AT_ONCE)
        plane = np.concatenate(
            [_undistort(distorted[at : at + _POINTS_AT_ONCE], camera.dist) for at in parts]
        )
    return np.concatenate([plane, np.ones_like(plane[:, :1])], axis=1)


@lru_cache(maxsize=1)
def picture_rays_cam(camera: Camera) -> FloatArray:
    """:func:`rays_cam` of all pixels' centres, row by row; kept, since bending takes its time.

    Returns:
        (H * W, 3), not to be written to.
    """
    height, width = camera.image_hw
    rays = rays_cam(camera, pixel_centres((0, 0, width, height)))
    rays.setflags(write=False)
    return rays


def _distort(plane: FloatArray, dist: Distortion) -> FloatArray:
    # (N, 2) at depth 1 -> (N, 2); Brown-Conrady as in OpenCV's camera calibration.
    if not any(dist):
        return plane
    k1, k2, p1, p2, k3 = dist
    x, y = plane[:, 0], plane[:, 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    bent: FloatArray = np.stack(
        [
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        ]
    )
    return bent.T


def _undistort(distorted: FloatArray, dist: Distortion) -> FloatArray:
    # Newton's method from the distorted point. What lands beyond the fold of the polynomial
    # (negative determinant) or does not converge is no pixel of this lens.
    k1, k2, p1, p2, k3 = dist
    plane = distorted = np.asfortranarray(distorted)
    with np.errstate(all="ignore"):
        for _ in range(_NEWTON_STEPS):
            x, y = plane[:, 0], plane[:, 1]
            r2 = x * x + y * y
            radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
            slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))  # d radial / d r2, doubled
            dxx = radial + x * x * slope + 2 * p1 * y + 6 * p2 * x
            dyy = radial + y * y * slope + 6 * p1 * y + 2 * p2 * x
            dxy = x * y * slope + 2 * p1 * x + 2 * p2 * y
            error = _distort(plane, dist) - distorted
            determinant = dxx * dyy - dxy * dxy
            step = (
                np.stack(
                    [
                        dyy * error[:, 0] - dxy * error[:, 1],
                        dxx * error[:, 1] - dxy * error[:, 0],
                    ]
                )
                / determinant
            )
            plane = plane - step.T
            if not (np.abs(step) > _CONVERGED).any():
                break
        missed = ~(np.abs(_distort(plane, dist) - distorted) < 1e3 * _CONVERGED).all(axis=1)
    plane[missed | ~(determinant > 0)] = np.nan
    return np.asarray(plane)
