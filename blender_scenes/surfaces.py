"""The surfaces that the camera can see, out of Blender as triangles."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from blender_scenes.triangles import Surface
from pipeline.geometry.boxes import FloatArray

__all__ = ["visible_surfaces"]

_MESH_LIKE = {"MESH", "CURVE", "SURFACE", "META", "FONT"}


def visible_surfaces() -> list[Surface]:
    """All that Cycles would render, modifiers and instancing applied.

    Hair curves, points and volumes have no surface here; what a texture makes transparent
    counts as solid (docs/labels.md).
    """
    depsgraph = bpy.context.evaluated_depsgraph_get()
    surfaces = []
    for instance in depsgraph.object_instances:
        shown = instance.object
        if shown.type not in _MESH_LIKE or shown.hide_render or not shown.visible_camera:
            continue
        mesh = shown.to_mesh()
        if mesh is not None:
            mesh.calc_loop_triangles()
            if len(mesh.loop_triangles):
                world_from_mesh = np.array(instance.matrix_world, np.float64)
                surfaces.append(_surface(mesh, world_from_mesh, _instance_id(instance)))
        shown.to_mesh_clear()
    return surfaces


def _instance_id(instance: Any) -> int:  # noqa: ANN401 - bpy has no types
    # As Cycles has it: collection instances keep the child's index, geometry nodes give theirs.
    if instance.is_instance and instance.parent.instance_type == "NONE":
        return int(instance.parent.pass_index)
    return int(instance.object.pass_index)


def _surface(mesh: Any, world_from_mesh: FloatArray, instance_id: int) -> Surface:  # noqa: ANN401
    count = len(mesh.loop_triangles)
    vertices = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", vertices)
    triangles = np.empty(3 * count, np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles)
    corners = np.empty(3 * count, np.int32)
    mesh.loop_triangles.foreach_get("loops", corners)
    normals = np.empty(3 * len(mesh.loops), np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    return Surface(
        instance_id=instance_id,
        world_from_mesh=world_from_mesh,
        vertices_m=vertices.reshape(-1, 3),
        triangles=triangles.reshape(-1, 3),
        normals=normals.reshape(-1, 3)[corners].reshape(-1, 3, 3),
    )
