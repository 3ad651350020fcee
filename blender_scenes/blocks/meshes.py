"""Meshes from arrays, and objects from meshes."""

from __future__ import annotations

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from blender_scenes.blocks.grids import ring_quads
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "ball_mesh",
    "face_mesh",
    "frame_mesh",
    "mesh_object",
    "picture_mesh",
]

_Faces = npt.NDArray[np.int32]


def face_mesh(name: str, vertices_m: FloatArray, faces: _Faces) -> bpy.types.Mesh:
    """A smooth-shaded mesh of triangles or of quads.

    Args:
        name: Of the data block.
        vertices_m: (N, 3).
        faces: (F, 3) or (F, 4) vertex numbers, anticlockwise seen from outside.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices_m))
    mesh.vertices.foreach_set("co", np.ascontiguousarray(vertices_m, np.float32).ravel())
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", np.ascontiguousarray(faces, np.int32).ravel())
    mesh.polygons.add(len(faces))
    starts = np.arange(0, faces.size, faces.shape[1], dtype=np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    mesh.update(calc_edges=True)
    return mesh


def picture_mesh(
    name: str, *, width_m: float, height_m: float, repeats: float = 1.0
) -> bpy.types.Mesh:
    """A level rectangle around the origin with UV coordinates.

    Args:
        name: Of the data block.
        width_m: Along x.
        height_m: Along y.
        repeats: How many UV squares lie side by side; the middle one is [0, 1] x [0, 1].
    """
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    vertices_m = np.column_stack([corners * [width_m, height_m], np.zeros(4)])
    mesh = face_mesh(name, vertices_m, np.array([[0, 1, 2, 3]], np.int32))
    uv = (corners * repeats + 0.5).astype(np.float32)
    mesh.uv_layers.new(name="uv").data.foreach_set("uv", uv.ravel())
    return mesh


def ball_mesh(
    name: str, *, radii_m: tuple[float, float, float], segments: int = 24
) -> bpy.types.Mesh:
    """An ellipsoid around the origin."""
    polar = np.linspace(0.02, np.pi - 0.02, segments // 2)[:, None]
    turn = np.arange(segments) * 2 * np.pi / segments
    ball = np.stack(
        np.broadcast_arrays(
            np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)
        ),
        axis=-1,
    )
    vertices_m = ball.reshape(-1, 3) * np.array(radii_m)
    return face_mesh(name, vertices_m, ring_quads(segments // 2, segments))


def frame_mesh(name: str, *, inner_m: FloatArray, widening: float) -> bpy.types.Mesh:
    """A flat frame at z = 0 around a convex window, (P, 2), ``widening`` times as large."""
    flat_m = np.concatenate([inner_m, widening * inner_m])
    vertices_m = np.column_stack([flat_m, np.zeros(len(flat_m))])
    return face_mesh(name, vertices_m, ring_quads(2, len(inner_m)))


def mesh_object(
    mesh: bpy.types.Mesh,
    *,
    world_from_obj: npt.ArrayLike,
    instance_id: int = 0,
) -> bpy.types.Object:
    """Put a mesh into the scene; ``instance_id`` 0 is background."""
    obj = bpy.data.objects.new(mesh.name, mesh)
    obj.matrix_world = Matrix(np.asarray(world_from_obj).tolist())
    obj.pass_index = instance_id
    bpy.context.scene.collection.objects.link(obj)
    return obj
