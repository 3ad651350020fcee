"""Coins scene to bpy data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import bpy
import numpy as np

from blender_scenes.blocks.floors import lay_ground
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import vertex_metal
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.props import set_out
from blender_scenes.coins.flan import flan_mesh
from blender_scenes.coins.plate import mount_plate_holder
from blender_scenes.coins.scene import Coin, CoinsScene

__all__ = ["build"]

_TILES = 8.0  # of the ground side by side


def build(scene: CoinsScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; coins carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)
    side_m = _TILES * scene.ground.tile_m
    lay_ground(
        scene.ground,
        size_m=(side_m, side_m),
        cells=int(np.clip(1.3 * scene.camera.width_px, 256, 4096)),
        lit_from_rad=scene.light.azimuth_rad,
        files=assets,
    )
    metal = vertex_metal("metal", attribute="reflectance")
    distance_m = float(np.linalg.norm(np.array(scene.camera.world_from_cam)[:3, 3]))
    px_per_m = scene.camera.K[0][0] / distance_m
    for coin in scene.instances:
        _lay_coin(coin, metal, radius_px=coin.radius_m * px_per_m)
    set_out(scene.things)
    mount_plate_holder(scene)


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
