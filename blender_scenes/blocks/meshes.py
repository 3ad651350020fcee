"""Mesh objects from arrays."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from pipeline.geometry.boxes import FloatArray

__all__ = ["mesh_object", "quad_mesh"]


def quad_mesh(name: str, vertices: FloatArray, quads: npt.NDArray[np.int32]) -> Any:  # noqa: ANN401
    """A smooth-shaded mesh of quads.

    Args:
        name: Of the data block.
        vertices: (N, 3), metres.
        quads: (F, 4) vertex numbers, anticlockwise seen from outside.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices, np.float32).ravel())
    mesh.loops.add(quads.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(quads, np.int32).ravel())
    mesh.polygons.add(len(quads))
    mesh.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
    mesh.update(calc_edges=True)
    return mesh


def mesh_object(
    mesh: Any,  # noqa: ANN401 - bpy has no types
    *,
    world_from_obj: npt.ArrayLike,
    instance_id: int = 0,
) -> Any:  # noqa: ANN401
    """Put a mesh into the scene; ``instance_id`` 0 is background."""
    obj = bpy.data.objects.new(mesh.name, mesh)
    obj.matrix_world = Matrix(np.asarray(world_from_obj).tolist())
    obj.pass_index = instance_id
    bpy.context.scene.collection.objects.link(obj)
    return obj
