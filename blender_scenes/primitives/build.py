"""Primitives scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import bpy
import cv2
import numpy as np

from blender_scenes.blocks.finishes import Finish
from blender_scenes.blocks.floors import lay_ground
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import painted_material, plain_material
from blender_scenes.blocks.meshes import ball_mesh, face_mesh, mesh_object, picture_mesh
from blender_scenes.primitives.scene import Bar, Primitive, PrimitivesScene, Stone
from blender_scenes.primitives.solids import solid_of
from pipeline.records.scene import Vector3

__all__ = ["build"]

_SPOTS_PER_M = 25.0


def build(scene: PrimitivesScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; solids carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)

    @cache  # objects that differ in numbers only share a material
    def paint(finish: Finish, mottled: bool) -> bpy.types.Material:
        return painted_material(finish, finish=finish, spots_per_m=_SPOTS_PER_M if mottled else 0)

    side_m = scene.ground_m
    if scene.photograph:
        lay_ground(
            scene.photograph,
            size_m=(side_m, side_m),
            cells=scene.camera.width_px,
            files=assets,
        )
    else:
        ground = picture_mesh("ground", width_m=side_m, height_m=side_m)
        ground.materials.append(paint("matt", scene.ground_mottled))
        mesh_object(ground, world_from_obj=np.eye(4)).color = (*scene.ground, 1)
    for solid in scene.instances:
        _add_solid(solid, paint(solid.finish, solid.mottled))
    for stone in scene.stones:
        _add_stone(stone)
    for bar in scene.bars:
        _add_bar(bar)


def _add_solid(solid: Primitive, paint: bpy.types.Material) -> None:
    mesh = _mesh(f"{solid.category} {solid.instance_id}", solid.category, solid.extent_m)
    mesh.materials.append(paint)
    placed = mesh_object(mesh, world_from_obj=solid.world_from_obj, instance_id=solid.instance_id)
    placed.color = (*solid.colour, solid.roughness)
    placed["grain"] = solid.grain


def _add_stone(stone: Stone) -> None:
    mesh = ball_mesh("stone", radii_m=stone.radii_m)
    mesh.materials.append(plain_material("stone", (stone.grey, stone.grey, stone.grey)))
    world_from_stone = np.eye(4)
    world_from_stone[:3, :3] = cv2.Rodrigues(np.array([0, 0, stone.angle_rad]))[0]
    world_from_stone[:3, 3] = stone.position_m
    mesh_object(mesh, world_from_obj=world_from_stone)


def _add_bar(bar: Bar) -> None:
    width_m = 2 * bar.radius_m
    mesh = _mesh("bar", "cylinder", (width_m, width_m, bar.length_m))
    mesh.materials.append(plain_material("bar", (bar.grey, bar.grey, bar.grey)))
    mesh_object(mesh, world_from_obj=bar.world_from_bar)


def _mesh(name: str, solid: str, extent_m: Vector3) -> bpy.types.Mesh:
    surface = solid_of(solid, extent_m)
    return face_mesh(name, surface.vertices_m, surface.triangles)
