"""Steady rigid motion of objects and of the camera."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import matrix4
from pipeline.records.scene import Motion, SampledInstance, SampledScene, Vector3

__all__ = ["displacement", "scene_after"]


def displacement(motion: Motion | None, dt_s: float) -> FloatArray:
    """What a motion does to the world's points in a time, which may be negative.

    Returns:
        (4, 4) ``world_later_from_world``: a turn about the pivot, then a shift.
    """
    transform = np.eye(4)
    if motion is None:
        return transform
    pivot_m = np.array(motion.pivot_m)
    transform[:3, :3] = cv2.Rodrigues(np.array(motion.spin_rad_s) * dt_s)[0]
    shift_m = np.array(motion.velocity_m_s) * dt_s
    transform[:3, 3] = pivot_m + shift_m - transform[:3, :3] @ pivot_m
    return transform


def scene_after(scene: SampledScene, dt_s: float) -> SampledScene:
    """The same scene a time later: objects and camera moved, everything else as it was."""
    camera = scene.camera.model_copy(
        update={
            "world_from_cam": matrix4(
                displacement(scene.camera_motion, dt_s) @ np.array(scene.camera.world_from_cam)
            )
        }
    )
    return scene.model_copy(
        update={
            "camera": camera,
            "camera_motion": _carried(scene.camera_motion, dt_s),
            "instances": tuple(_instance_after(instance, dt_s) for instance in scene.instances),
        }
    )


def _instance_after(instance: SampledInstance, dt_s: float) -> SampledInstance:
    if instance.motion is None:
        return instance
    pose = displacement(instance.motion, dt_s) @ np.array(instance.world_from_obj)
    return instance.model_copy(
        update={"world_from_obj": matrix4(pose), "motion": _carried(instance.motion, dt_s)}
    )


def _carried(motion: Motion | None, dt_s: float) -> Motion | None:
    # The axis of the turn travels along.
    if motion is None:
        return None
    x, y, z = np.array(motion.pivot_m) + np.array(motion.velocity_m_s) * dt_s
    pivot_m: Vector3 = (float(x), float(y), float(z))
    return motion.model_copy(update={"pivot_m": pivot_m})
