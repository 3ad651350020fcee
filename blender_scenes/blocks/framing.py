"""The factor ``camera``: on a shell, as far off as the wanted size on screen. Without Blender.

A family puts :data:`CAMERA` (or ``tailored(CAMERA, ...)``) among its factors, wraps them all in
``lens.with_optics`` and calls :func:`frame_camera` with the size of a typical object.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, look_at, pinhole_camera, rays_cam
from pipeline.records.scene import Vector3
from pipeline.sampling.factors import Factor, FactorDraws, LogUniform, Uniform, per_frame
from pipeline.specs.scene import ImageSpec

__all__ = ["CAMERA", "NOMINAL_PX", "camera_above", "frame_camera", "ground_under"]

NOMINAL_PX = 640
"""Length of the longer side of the picture in which ``object_px`` counts."""

CAMERA = Factor(
    name="camera",
    meaning="where the camera stands and how large it shows the objects",
    parameters=(
        per_frame(
            "object_px",
            LogUniform(60, 160),
            100.0,
            "length of a typical object, where the longer side of the picture is 640",
            (1, 2000),
        ),
        per_frame("azimuth_rad", Uniform(-math.pi, math.pi), -math.pi / 2, "around the scene"),
        per_frame("elevation_rad", Uniform(0.7, 1.5), 1.2, "above the ground", (0.02, math.pi / 2)),
        per_frame(
            "roll_rad",
            Uniform(-0.05, 0.05),
            0.0,
            "turn about the line of sight",
            (-math.pi, math.pi),
        ),
        per_frame(
            "hfov_rad",
            LogUniform(0.7, 1.15),
            0.9,
            "field of view along the longer side",
            (0.02, 2.6),
        ),
        per_frame(
            "offset_x",
            Uniform(-0.1, 0.1),
            0.0,
            "of the scene's middle from the picture's, over its width",
            (-1, 1),
        ),
        per_frame(
            "offset_y",
            Uniform(-0.1, 0.1),
            0.0,
            "of the scene's middle from the picture's, over its height",
            (-1, 1),
        ),
    ),
)
"""A phone held above a table; families narrow it to what their photographs show."""


def frame_camera(
    draws: FactorDraws,
    *,
    image: ImageSpec,
    object_m: float,
    target_m: Vector3 = (0.0, 0.0, 0.0),
) -> Camera:
    """Draw the factor ``camera``.

    Args:
        draws: Of a family that has :data:`CAMERA`.
        image: Size of the picture.
        object_m: Length of a typical object, which is ``object_px`` long at the target, seen
            from the front.
        target_m: Middle of the scene.
    """
    values: dict[str, Any] = draws.frame("camera")
    longest = max(image.width, image.height)
    focal_px = longest / 2 / math.tan(values["hfov_rad"] / 2)
    distance_m = focal_px * object_m / (values["object_px"] * longest / NOMINAL_PX)
    azimuth, elevation, roll = (values[f"{key}_rad"] for key in ("azimuth", "elevation", "roll"))
    outwards = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    upwards = np.array([0.0, 0.0, 1.0])
    # Up in the picture is along the shell's meridian: defined straight above, too.
    meridian = math.cos(elevation) * upwards - math.sin(elevation) * outwards
    sideways = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    eye_m = distance_m * (math.cos(elevation) * outwards + math.sin(elevation) * upwards)
    world_from_cam = look_at(
        eye_m=eye_m, target_m=np.zeros(3), up=math.cos(roll) * meridian + math.sin(roll) * sideways
    )
    # Moved in the picture's plane, not turned: the target keeps its size and its view.
    shift_px = np.array([values["offset_x"] * image.width, values["offset_y"] * image.height])
    world_from_cam[:3, 3] -= world_from_cam[:3, :2] @ (shift_px * distance_m / focal_px)
    world_from_cam[:3, 3] += target_m
    return pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=2 * math.atan(image.width / 2 / focal_px),
        world_from_cam=world_from_cam,
    )


def camera_above(
    image: ImageSpec,
    *,
    view_m: float,
    hfov_rad: float,
    tilt_rad: float,
    azimuth_rad: float,
    roll_rad: float,
) -> Camera:
    """A camera nearly straight above the world's origin, as on a copy stand.

    Args:
        image: Size of the picture.
        view_m: Width that it shows of the ground.
        hfov_rad: Horizontal field of view.
        tilt_rad: Away from straight down.
        azimuth_rad: To which side, about the upright axis.
        roll_rad: Turn of the camera about its line of sight, clockwise seen from above.
    """
    distance_m = view_m / 2 / math.tan(hfov_rad / 2)
    towards = np.array(
        [
            math.sin(tilt_rad) * math.cos(azimuth_rad),
            math.sin(tilt_rad) * math.sin(azimuth_rad),
            math.cos(tilt_rad),
        ]
    )
    return pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=hfov_rad,
        world_from_cam=look_at(
            eye_m=distance_m * towards,
            target_m=np.zeros(3),
            up=np.array([math.sin(roll_rad), math.cos(roll_rad), 0.0]),
        ),
    )


def ground_under(
    camera: Camera, pixels_px: FloatArray, *, farthest_m: float = 10.0, z_m: float = 0.0
) -> FloatArray:
    """(N, 2) x, y of the level ground that (N, 2) pixels show.

    Args:
        camera: Above the ground.
        pixels_px: x, y; also outside the picture.
        farthest_m: From the point below the camera; what shows more, as the sky does, is put
            at this distance.
        z_m: Height of the ground.
    """
    world_from_cam = np.array(camera.world_from_cam)
    rays = rays_cam(camera, np.asarray(pixels_px, dtype=float)) @ world_from_cam[:3, :3].T
    eye_m = world_from_cam[:3, 3]
    down = np.maximum(-rays[:, 2], 1e-9)
    depth = (eye_m[2] - z_m) / down
    depth = np.minimum(depth, farthest_m / np.maximum(np.linalg.norm(rays[:, :2], axis=1), 1e-9))
    return np.asarray(eye_m[:2] + depth[:, None] * rays[:, :2])
