"""Coins scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np

from blender_scenes.blocks.lights import area_lamp, even_sky
from blender_scenes.blocks.materials import image_material, vertex_metal
from blender_scenes.blocks.meshes import face_mesh, mesh_object, picture_mesh
from blender_scenes.coins.board import board_picture
from blender_scenes.coins.flan import flan_mesh
from blender_scenes.coins.props import lay_prop, mount_plate_holder
from blender_scenes.coins.scene import Coin, CoinsScene

__all__ = ["build"]

_BOARD_REPEATS = 8.0


def build(scene: CoinsScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; coins carry their instance id, everything else 0."""
    even_sky(scene.light.fill)
    area_lamp(
        position_m=scene.light.position_m,
        size_m=scene.light.size_m,
        irradiance=scene.light.irradiance,
        colour=scene.light.colour,
    )
    _lay_board(scene)
    metal = vertex_metal("metal", attribute="reflectance")
    distance_m = float(np.linalg.norm(np.array(scene.camera.world_from_cam)[:3, 3]))
    px_per_m = scene.camera.K[0][0] / distance_m
    for coin in scene.instances:
        _lay_coin(coin, metal, radius_px=coin.radius_m * px_per_m)
    for prop in scene.props:
        lay_prop(prop)
    mount_plate_holder(scene)


def _lay_board(scene: CoinsScene) -> None:
    side_m = scene.board.extent_m * _BOARD_REPEATS
    cells = int(np.clip(1.3 * scene.camera.width_px, 256, 4096))
    mesh = picture_mesh("board", width_m=side_m, height_m=side_m, repeats=_BOARD_REPEATS)
    picture = board_picture(scene.board, cells=cells)
    mesh.materials.append(image_material("board", picture))
    mesh_object(mesh, world_from_obj=np.eye(4))


def _lay_coin(coin: Coin, metal: bpy.types.Material, *, radius_px: float) -> None:
    flan = flan_mesh(coin, radius_px=radius_px)
    mesh = face_mesh(f"coin {coin.instance_id}", flan.vertices_m, flan.quads)
    rgba = np.ones((len(flan.reflectance), 4), np.float32)
    rgba[:, :3] = flan.reflectance
    mesh.attributes.new("reflectance", "FLOAT_COLOR", "POINT").data.foreach_set(
        "color", rgba.ravel()
    )
    mesh.materials.append(metal)
    placed = mesh_object(mesh, world_from_obj=coin.world_from_obj, instance_id=coin.instance_id)
    placed.color = (coin.metallic, coin.roughness, 0, 1)
