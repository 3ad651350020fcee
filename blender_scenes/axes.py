"""Blender's camera axes; nowhere else."""

from __future__ import annotations

import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera

__all__ = ["blender_lens", "blender_matrix"]

# Blender's camera looks along -z with +y up; ours along +z with +y down.
_CAM_FROM_BLENDER_CAM = np.diag([1.0, -1.0, -1.0, 1.0])


def blender_matrix(camera: Camera) -> FloatArray:
    """(4, 4) ``matrix_world`` of the Blender camera that stands where ours does."""
    return np.asarray(np.array(camera.world_from_cam) @ _CAM_FROM_BLENDER_CAM)


def blender_lens(camera: Camera, *, sensor_width_mm: float) -> tuple[float, float, float]:
    """``(lens_mm, shift_x, shift_y)`` for sensor fit HORIZONTAL and square pixels.

    Raises:
        ValueError: If fx and fy differ, which Blender cannot express with square pixels.
    """
    (fx, _, cx), (_, fy, cy), _ = camera.K
    if abs(fx - fy) > 1e-6 * fx:
        raise ValueError(f"fx {fx} and fy {fy} differ; expected square pixels.")
    width = camera.width_px
    return (
        fx / width * sensor_width_mm,
        (width / 2 - cx) / width,
        (cy - camera.height_px / 2) / width,
    )
