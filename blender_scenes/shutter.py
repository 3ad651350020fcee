"""Motion while the shutter is open, as keyframes."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from blender_scenes.axes import blender_matrix
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.motion import displacement, scene_after
from pipeline.records.scene import SampledScene

__all__ = ["open_shutter"]

_MOMENT = 2  # Blender's frame of the picture; its neighbours are when the shutter opens and closes


def open_shutter(scene: SampledScene, camera_object: Any) -> bool:  # noqa: ANN401 - bpy has no types
    """Let Cycles blur what moves during ``scene.lens.shutter_s``, centred on the moment.

    Returns:
        Whether anything moves.
    """
    half_s = scene.lens.shutter_s / 2
    motions = {i.instance_id: i.motion for i in scene.instances if i.motion is not None}
    if not motions and scene.camera_motion is None:
        return False
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    for moved in bpy.data.objects:
        if moved.pass_index in motions and moved.parent is None:
            motion = motions[moved.pass_index]
            at_rest = np.array(moved.matrix_world)
            _key(moved, [displacement(motion, dt_s) @ at_rest for dt_s in (-half_s, 0.0, half_s)])
    if scene.camera_motion is not None:
        cameras = [scene_after(scene, dt_s).camera for dt_s in (-half_s, 0.0, half_s)]
        # Only the pose moves: the lens is that of the view which is rendered.
        _key(camera_object, [blender_matrix(camera) for camera in cameras])
    render = bpy.context.scene.render
    render.use_motion_blur = True
    render.motion_blur_position = "CENTER"
    render.motion_blur_shutter = 2.0  # frames: from the one before the moment to the one after
    bpy.context.scene.frame_set(_MOMENT)
    return True


def _key(moved: Any, world_from_moved: list[FloatArray]) -> None:  # noqa: ANN401 - bpy has no types
    moved.rotation_mode = "QUATERNION"
    before = None
    for frame, matrix in enumerate(world_from_moved, start=_MOMENT - 1):
        moved.matrix_world = Matrix(matrix.tolist())
        if before is not None:
            moved.rotation_quaternion.make_compatible(before)
        before = moved.rotation_quaternion.copy()
        for path in ("location", "rotation_quaternion"):
            moved.keyframe_insert(path, frame=frame)
