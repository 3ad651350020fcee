"""Rigid bodies dropped until they rest, by Blender's own physics.

Numbers in, numbers out: :func:`drop` makes stand-ins of its own and removes them, so it needs
no objects in the scene. Where things come to rest is computed, not sampled: a family's
``build`` calls it for a scene that says ``falling: true`` and returns the scene with the poses
found (``falling: false``), which goes into the frame record and is not dropped again when that
record is replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import bpy
import numpy as np
import numpy.typing as npt
from mathutils import Matrix

from blender_scenes.blocks.meshes import face_mesh, mesh_object
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4

__all__ = ["Body", "drop"]

_FPS = 24
_SUBSTEPS = 20
_CHECKED_EVERY = 4  # frames
_STILL = 1e-3  # of a body's size between two checks
_FLOOR = 1000.0  # side of the floor and its thickness over the bodies' size


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A thing that falls, or that things fall on.

    Attributes:
        vertices_m: (V, 3) in its own frame.
        triangles: (T, 3) vertex numbers, anticlockwise seen from outside.
        world_from_obj: 4 x 4 rigid transform to begin with.
        hull: What it collides as: the convex hull of its vertices, or its triangles, which may
            be hollow (only for what stays where it is).
    """

    vertices_m: FloatArray
    triangles: npt.NDArray[np.int32]
    world_from_obj: npt.ArrayLike
    hull: Literal["CONVEX_HULL", "MESH", "BOX", "SPHERE", "CYLINDER"] = "CONVEX_HULL"


def drop(
    bodies: Sequence[Body],
    *,
    fixed: Sequence[Body] = (),
    friction: float = 0.6,
    bounciness: float = 0.2,
    frames: int = 72,
) -> tuple[Matrix4, ...]:
    """Let bodies fall onto the level floor z = 0 and each other until all rest.

    Args:
        bodies: Above the floor and not inside each other; the origin of each frame is its
            centre of mass.
        fixed: Trays, walls, folded ground.
        friction: Of all.
        bounciness: Share of speed kept in a bounce.
        frames: After so many it is over, at rest or not; one takes as long as a body needs to
            fall 0.09 of its size from rest.

    Returns:
        4 x 4 ``world_from_obj`` of each body.
    """
    if not bodies:
        return ()
    scene = bpy.context.scene
    # In a world where bodies are a metre large: Bullet's tolerances are made for that.
    size_m = float(np.median([np.ptp(body.vertices_m, axis=0).max() for body in bodies]))
    standins = [_standin(body, size_m) for body in (*bodies, *fixed)]
    floor = _floor()
    falling = standins[: len(bodies)]
    bpy.ops.rigidbody.world_add()
    world = scene.rigidbody_world
    world.collection = collection = bpy.data.collections.new("bodies")
    world.substeps_per_frame, world.solver_iterations = _SUBSTEPS, 20
    world.point_cache.frame_start, world.point_cache.frame_end = 1, frames + 1
    scene.render.fps = _FPS
    try:
        hulls = [body.hull for body in (*bodies, *fixed)]
        for obj, hull in zip((*standins, floor), (*hulls, "BOX"), strict=True):
            world.collection.objects.link(obj)
            body = obj.rigid_body
            body.type = "ACTIVE" if obj in falling else "PASSIVE"
            body.collision_shape = hull
            body.friction, body.restitution = friction, bounciness
            body.use_margin, body.collision_margin = True, 0.0
            body.linear_damping, body.angular_damping = 0.1, 0.4
        poses = _fall(scene, falling, frames)
    finally:
        bpy.ops.rigidbody.world_remove()
        meshes = [obj.data for obj in (*standins, floor)]
        bpy.data.batch_remove([*standins, floor, *meshes, collection])
        scene.frame_set(1)
    poses[:, :3, 3] *= size_m
    return tuple(matrix4(pose) for pose in poses)


def _fall(scene: bpy.types.Scene, falling: Sequence[bpy.types.Object], frames: int) -> FloatArray:
    # (N, 4, 4) in the magnified world.
    before = np.zeros((len(falling), 4, 4))
    for frame in range(1, frames + 1):
        scene.frame_set(frame)
        if frame % _CHECKED_EVERY and frame < frames:
            continue
        graph = bpy.context.evaluated_depsgraph_get()
        now = np.array([obj.evaluated_get(graph).matrix_world for obj in falling], dtype=np.float64)
        if np.abs(now - before).max() < _STILL:
            break
        before = now
    turn, _, other = np.linalg.svd(now[:, :3, :3])
    now[:, :3, :3] = turn @ other  # float32 rotations are not quite rigid
    return now


def _standin(body: Body, size_m: float) -> bpy.types.Object:
    mesh = face_mesh("body", np.asarray(body.vertices_m) / size_m, body.triangles)
    pose = np.array(body.world_from_obj, dtype=float)
    pose[:3, 3] /= size_m
    return mesh_object(mesh, world_from_obj=pose)


def _floor() -> bpy.types.Object:
    # Thick, so that nothing falls through.
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                      [1, 5, 7, 3]], np.int32)  # fmt: skip
    floor = mesh_object(
        face_mesh("floor", corners * [_FLOOR, _FLOOR, 10.0], quads), world_from_obj=np.eye(4)
    )
    floor.matrix_world = Matrix.Translation((0, 0, -10.0))
    return floor
