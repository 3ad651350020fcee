"""Coins scene to bpy data."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.lights import area_lamp, even_sky
from blender_scenes.blocks.materials import image_material, vertex_metal
from blender_scenes.blocks.meshes import mesh_object, quad_mesh
from blender_scenes.coins.board import board_picture
from blender_scenes.coins.outline import flan_outline
from blender_scenes.coins.relief import coin_face
from blender_scenes.coins.scene import Board, Coin, CoinsScene
from pipeline.geometry.boxes import FloatArray

__all__ = ["build"]

_SEGMENTS = 96
_FACE_RINGS = 32
# Rings from the face's edge down the side: (share of the radius, share of the thickness).
_SIDE = np.array([[1.0, 0.82], [1.0, 0.35], [0.97, 0.0]])


def build(scene: CoinsScene) -> None:
    """Make the scene; coins carry their instance id, everything else 0."""
    even_sky(scene.light.fill)
    area_lamp(
        position_m=scene.light.position_m,
        size_m=scene.light.size_m,
        irradiance=scene.light.irradiance,
        colour=scene.light.colour,
    )
    _lay_board(scene.board)
    metal = vertex_metal("metal", attribute="reflectance")
    for coin in scene.instances:
        _lay_coin(coin, metal)


def _lay_board(board: Board) -> None:
    half_m = 4 * board.extent_m
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * half_m
    mesh = quad_mesh("board", corners, np.array([[0, 1, 2, 3]], np.int32))
    # The texture's square is [0, 1]; beyond it the picture is mirrored.
    uv = mesh.uv_layers.new(name="uv")
    square = corners[:, :2] / board.extent_m + 0.5
    uv.data.foreach_set("uv", square.astype(np.float32).ravel())
    mesh.materials.append(image_material("board", board_picture(board), roughness=0.9))
    mesh_object(mesh, world_from_obj=np.eye(4))


def _lay_coin(coin: Coin, metal: Any) -> None:  # noqa: ANN401 - bpy has no types
    vertices, reflectance = _coin_surface(coin)
    mesh = quad_mesh(f"coin {coin.instance_id}", vertices, _coin_quads())
    attribute = mesh.attributes.new("reflectance", "FLOAT_COLOR", "POINT")
    attribute.data.foreach_set("color", reflectance.ravel())
    mesh.materials.append(metal)
    coin_object = mesh_object(
        mesh, world_from_obj=coin.world_from_obj, instance_id=coin.instance_id
    )
    coin_object.color = (coin.metallic, coin.roughness, 0, 1)


def _coin_surface(coin: Coin) -> tuple[FloatArray, npt.NDArray[np.float32]]:
    # (N, 3) vertices in metres and (N, 4) reflectance; rings from the middle outwards, then down.
    angle = np.arange(_SEGMENTS) * (2 * np.pi / _SEGMENTS)
    edge_m = coin.radius_m * flan_outline(coin, points=_SEGMENTS)
    share = np.concatenate([np.linspace(0.004, 0.985, _FACE_RINGS), _SIDE[:, 0]])
    xy_m = (share[:, None] * edge_m)[..., None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    height_m, tone = coin_face(coin, cells=112)
    cells = len(height_m)
    column = ((xy_m[..., 0] / coin.radius_m + 1) * cells / 2 - 0.5).astype(np.float32)
    row = ((1 - xy_m[..., 1] / coin.radius_m) * cells / 2 - 0.5).astype(np.float32)
    lifted_m, toned = (
        cv2.remap(face, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for face in (height_m, tone)
    )
    level = np.concatenate([np.ones(_FACE_RINGS), _SIDE[:, 1]])[:, None]
    on_face = np.clip((1 - share) / 0.08, 0, 1)[:, None]
    z_m = coin.thickness_m * level + lifted_m * on_face
    vertices = np.concatenate([xy_m, z_m[..., None]], axis=-1).reshape(-1, 3)
    reflectance = np.ones((toned.size, 4), np.float32)
    reflectance[:, :3] = toned.reshape(-1, 1) * np.array(coin.colour, np.float32)
    return vertices, reflectance


@cache
def _coin_quads() -> npt.NDArray[np.int32]:
    rings = _FACE_RINGS + len(_SIDE)
    here = np.arange(_SEGMENTS)
    after = (here + 1) % _SEGMENTS
    ring = np.arange(rings - 1)[:, None] * _SEGMENTS
    quads = np.stack(
        [ring + here, ring + _SEGMENTS + here, ring + _SEGMENTS + after, ring + after], axis=-1
    )
    return quads.reshape(-1, 4).astype(np.int32)
