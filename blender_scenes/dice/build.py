"""Dice scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import bpy
import numpy as np

from blender_scenes.blocks.finishes import Finish
from blender_scenes.blocks.floors import lay_ground
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import vertex_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.props import painted_mesh, set_out
from blender_scenes.blocks.shapes import Shape
from blender_scenes.dice.box import flap_shape, rim_shape, tray_walls
from blender_scenes.dice.paints import surface_paint
from blender_scenes.dice.scene import DiceScene, Die
from blender_scenes.dice.solid import die_surface
from pipeline.geometry.camera import Matrix4

__all__ = ["build"]

_GROUND_M = 4.0
_PAINT = "paint"
_CELLS_PER_PX = 2  # of a die's face: paint is soft over one cell, so that pips keep their edges
_FEWEST_CELLS, _MOST_CELLS = 24, 160  # pips stay round, meshes small
_RIM_ROUGHNESS = 0.25


def build(scene: DiceScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; dice carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)

    @cache  # objects that differ in numbers only share a material
    def finished(finish: Finish) -> bpy.types.Material:
        return vertex_material(finish, attribute=_PAINT, finish=finish)

    def place(name: str, shape: Shape, pose: Matrix4, finish: Finish) -> None:
        mesh = painted_mesh(name, shape, attribute=_PAINT)
        mesh.materials.append(finished(finish))
        mesh_object(mesh, world_from_obj=pose).color = (1, 1, 1, _RIM_ROUGHNESS)

    cells = max(256, scene.camera.width_px)
    lifted = np.eye(4)
    lifted[2, 3] = scene.ground_z_m
    lay_ground(
        scene.ground,
        size_m=(_GROUND_M, _GROUND_M),
        cells=cells,
        lit_from_rad=scene.light.azimuth_rad,
        world_from_ground=lifted,
        files=assets,
    )
    if scene.strip is not None:
        place("flap", flap_shape(scene.strip), scene.strip.world_from_strip, "matt")
    if scene.tray is not None:
        lay_ground(
            scene.tray.floor,
            size_m=scene.tray.inner_m,
            cells=cells,
            lit_from_rad=scene.light.azimuth_rad,
            world_from_ground=scene.tray.world_from_tray,
        )
        place("walls", tray_walls(scene.tray), scene.tray.world_from_tray, "matt")
        place("rim", rim_shape(scene.tray), scene.tray.world_from_tray, "plastic")
    set_out(scene.things)
    for die in scene.instances:
        finish: Finish = "translucent" if die.paint.finish == "translucent" else "plastic"
        depth_m = np.linalg.norm(
            np.subtract(die.world_from_obj, scene.camera.world_from_cam)[:3, 3]
        )
        side_px = die.shape.size_m * scene.camera.K[0][0] / float(depth_m)
        _add_die(die, finished(finish), side_px=side_px)


def _add_die(die: Die, material: bpy.types.Material, *, side_px: float) -> None:
    cells = 2 * round(np.clip(_CELLS_PER_PX * side_px, _FEWEST_CELLS, _MOST_CELLS) / 2)
    surface = die_surface(die.shape, cells=cells)
    mesh = face_mesh(f"die {die.instance_id}", surface.vertices_m, surface.quads)
    rgba = np.ones((len(surface.painted), 4), np.float32)
    rgba[:, :3] = surface_paint(
        die.paint,
        places=surface.vertices_m / (die.shape.size_m / 2),
        painted=surface.painted,
    )
    mesh.attributes.new(_PAINT, "FLOAT_COLOR", "POINT").data.foreach_set("color", rgba.ravel())
    mesh.materials.append(material)
    placed = mesh_object(mesh, world_from_obj=die.world_from_obj, instance_id=die.instance_id)
    placed.color = (1, 1, 1, die.paint.roughness)
