"""The surfaces that the camera can see, out of Blender as triangles."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from blender_scenes.triangles import Surface
from pipeline.geometry.boxes import FloatArray

__all__ = ["visible_surfaces"]


def visible_surfaces() -> list[Surface]:
    """All that Cycles would render, modifiers and instancing applied.

    Hair curves, points and volumes have no surface here; what a texture makes transparent
    counts as solid (docs/labels.md).
    """
    _take_render_settings()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    surfaces = []
    for instance in depsgraph.object_instances:
        shown = instance.object
        # Text, curves and metaballs come twice, the second time as a mesh.
        if shown.type != "MESH" or shown.hide_render or not shown.visible_camera:
            continue
        mesh = shown.to_mesh()
        mesh.calc_loop_triangles()
        if len(mesh.loop_triangles):
            world_from_mesh = np.array(instance.matrix_world, np.float64)
            surfaces.append(_surface(mesh, world_from_mesh, int(shown.pass_index)))
        shown.to_mesh_clear()
    return surfaces


def _take_render_settings() -> None:
    # A script's depsgraph is the viewport's; the picture is made with the render's settings.
    for placed in bpy.data.objects:
        for modifier in placed.modifiers:
            modifier.show_viewport = modifier.show_render
            if modifier.type in {"SUBSURF", "MULTIRES"}:
                modifier.levels = modifier.render_levels
    for curve in bpy.data.curves:
        curve.resolution_u = curve.render_resolution_u or curve.resolution_u
        curve.resolution_v = curve.render_resolution_v or curve.resolution_v
    for ball in bpy.data.metaballs:
        ball.resolution = ball.render_resolution


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
