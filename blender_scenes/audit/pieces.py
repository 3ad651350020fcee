"""The things in a built scene, as a render would show them. Needs bpy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt
from mathutils.bvhtree import BVHTree

__all__ = ["Piece", "Shading", "scene_pieces"]

_Array = npt.NDArray[np.float64]

_NOTHING_TO_SEE = {"LIGHT", "CAMERA", "EMPTY", "LIGHT_PROBE", "SPEAKER", "ARMATURE", "LATTICE"}
_SHOWN_AS_MESH = {"CURVE", "SURFACE", "FONT", "META"}  # Blender lists their meshes as instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Shading:
    """Smooth normals of a mesh's triangles.

    Attributes:
        polygons: (T,) ascending, of which polygon a triangle is part.
        corners: (T, 3, 3) places of its corners.
        normals: (T, 3, 3) unit normals there.
    """

    polygons: npt.NDArray[np.int64]
    corners: _Array
    normals: _Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One thing that the depsgraph lists.

    Attributes:
        instance_id: What Cycles' object index would show.
        tree: None for what has no surface to hit.
        world_from_piece: (4, 4); may scale.
        vertices: (N, 3) in the piece's frame.
        poses: (4, 4) of the object and of those it hangs on, without scale.
        see_through: Whether light passes where a ray would stop.
        fuzz: (8, 3) corners of a box around hair, points or smoke, which no ray can hit.
        shading: None unless asked for.
    """

    instance_id: int
    tree: BVHTree | None
    world_from_piece: _Array
    vertices: _Array
    poses: tuple[_Array, ...]
    see_through: bool
    fuzz: _Array | None
    shading: Shading | None

    def in_frame(self, points: _Array, frame_from_world: _Array) -> _Array:
        """(N, 3) points of the piece in another frame."""
        transform = frame_from_world @ self.world_from_piece
        return np.asarray(points @ transform[:3, :3].T + transform[:3, 3])


def scene_pieces(*, shading: bool) -> list[Piece]:
    """All that a render would show of the scene as it is built."""
    _use_render_settings()
    depsgraph = bpy.context.evaluated_depsgraph_get()
    return [
        _piece(entry, depsgraph, shading=shading)
        for entry in depsgraph.object_instances
        if entry.object.type not in _NOTHING_TO_SEE | _SHOWN_AS_MESH
        and not entry.object.hide_render
        and entry.object.visible_camera
    ]


def _use_render_settings() -> None:
    # The depsgraph of a script is the viewport's.
    for obj in bpy.data.objects:
        for modifier in obj.modifiers:
            modifier.show_viewport = modifier.show_render
            if modifier.type in {"SUBSURF", "MULTIRES"}:
                modifier.levels = modifier.render_levels
    for curve in bpy.data.curves:
        curve.resolution_u = curve.render_resolution_u or curve.resolution_u
        curve.resolution_v = curve.render_resolution_v or curve.resolution_v
    for ball in bpy.data.metaballs:
        ball.resolution = ball.render_resolution


def _piece(entry: Any, depsgraph: Any, *, shading: bool) -> Piece:  # noqa: ANN401 - bpy has no types
    obj = entry.object
    world_from_piece = np.array(entry.matrix_world, np.float64)
    poses, owner = [_without_scale(world_from_piece)], entry.parent if entry.is_instance else obj
    while owner is not None:
        poses.append(_without_scale(np.array(owner.matrix_world, np.float64)))
        owner = owner.parent
    solid = obj.type == "MESH" and len(obj.data.polygons) > 0
    return Piece(
        instance_id=obj.pass_index,
        tree=BVHTree.FromObject(obj, depsgraph) if solid else None,
        world_from_piece=world_from_piece,
        vertices=_floats(obj.data.vertices, "co", 3) if solid else np.empty((0, 3)),
        poses=tuple(poses),
        see_through=any(map(_lets_through, obj.material_slots)),
        fuzz=_fuzz(obj),
        shading=_shading(obj.data) if solid and shading else None,
    )


def _floats(collection: Any, name: str, width: int) -> _Array:  # noqa: ANN401
    values = np.empty(width * len(collection), np.float32)
    collection.foreach_get(name, values)
    return values.reshape(-1, width).astype(np.float64)


def _shading(mesh: Any) -> Shading:  # noqa: ANN401
    mesh.calc_loop_triangles()
    triangles = mesh.loop_triangles
    vertices, loops = (np.empty(3 * len(triangles), np.int32) for _ in range(2))
    polygons = np.empty(len(triangles), np.int32)
    triangles.foreach_get("vertices", vertices)
    triangles.foreach_get("loops", loops)
    triangles.foreach_get("polygon_index", polygons)
    order = np.argsort(polygons, kind="stable")
    places = _floats(mesh.vertices, "co", 3)[vertices].reshape(-1, 3, 3)
    normals = _floats(mesh.corner_normals, "vector", 3)[loops].reshape(-1, 3, 3)
    return Shading(
        polygons=polygons[order].astype(np.int64), corners=places[order], normals=normals[order]
    )


def _without_scale(matrix: _Array) -> _Array:
    rigid = matrix.copy()
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    rigid[:3, :3] /= np.where(lengths > 0, lengths, 1)
    return rigid


def _fuzz(obj: Any) -> _Array | None:  # noqa: ANN401
    reach = [s.settings.hair_length for s in obj.particle_systems if s.settings.type == "HAIR"]
    if obj.type == "MESH" and not reach:
        return None
    corners = np.array([tuple(corner) for corner in obj.bound_box], np.float64)
    margin = max(reach, default=0.0)
    low, high = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    return np.array(list(product(*zip(low, high, strict=True))))


def _lets_through(slot: Any) -> bool:  # noqa: ANN401
    # Glass does not: it counts as the glass object.
    tree = slot.material.node_tree if slot.material is not None else None
    for node in tree.nodes if tree is not None else ():
        if node.type in {"BSDF_TRANSPARENT", "HOLDOUT"}:
            return True
        alpha = node.inputs.get("Alpha") if node.type == "BSDF_PRINCIPLED" else None
        if alpha is not None and (alpha.is_linked or alpha.default_value < 1):
            return True
    return False
