"""Nuts scene to bpy data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import bpy
import cv2
import numpy as np

from blender_scenes.blocks.finishes import Finish
from blender_scenes.blocks.floors import lay_ground
from blender_scenes.blocks.grids import crowded_line
from blender_scenes.blocks.lights import light_up
from blender_scenes.blocks.materials import clear_material, image_material, vertex_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object
from blender_scenes.blocks.props import painted_mesh, set_out
from blender_scenes.blocks.shapes import sheet
from blender_scenes.nuts.bodies import body_of
from blender_scenes.nuts.fabrics import cloth_height_m, cloth_picture, inside_m, surface_m
from blender_scenes.nuts.scene import Cloth, Form, Kind, NutsScene, Skin, Vessel
from blender_scenes.nuts.vessels import vessel_shape
from pipeline.geometry.camera import Camera, Matrix4, cam_from_world

__all__ = ["build"]

_FINISHES: dict[Kind, Finish] = {"date": "plastic", "hazelnut": "plastic", "fig": "matt"}
_PX_PER_VERTEX = 2.7
_NET = 64  # points along a cloth's side
_CROWDED = 1.6  # most of them where the picture is, see crowded_line
_CELLS_PER_PX = 1.0  # of pictures
_HIDDEN_CELLS = 64  # of a table that only colours the light


def build(scene: NutsScene, assets: Mapping[str, Path]) -> None:
    """Make the scene; fruit and nuts carry their instance id, everything else 0."""
    light_up(scene.light, files=assets)
    camera = scene.camera
    cells = round(_CELLS_PER_PX * scene.table.tile_m * _px_per_m(camera, np.zeros(3)))
    hidden = any(cloth.edge_m > scene.table.tile_m for cloth in scene.cloths)
    lay_ground(
        scene.table,
        size_m=(scene.table_m, scene.table_m),
        cells=_HIDDEN_CELLS if hidden else cells,
        lit_from_rad=scene.light.azimuth_rad,
        files=assets,
    )
    for index in range(len(scene.cloths)):
        _add_cloth(scene, index, side_m=scene.table.tile_m, cells=cells)
    if scene.vessel is not None:
        _add_vessel(scene.vessel, scene.cloths)

    @cache  # pieces that differ in numbers only share a material
    def finished(finish: Finish) -> bpy.types.Material:
        return vertex_material(f"piece {finish}", attribute="paint", finish=finish)

    for piece in scene.instances:
        placed = _add_piece(camera, piece.world_from_obj, piece.form, piece.skin)
        placed.data.materials.append(finished(_FINISHES[piece.form.kind]))
        placed.pass_index = piece.instance_id
    for sweet in scene.sweets:
        placed = _add_piece(camera, sweet.world_from_sweet, sweet.form, sweet.skin)
        placed.data.materials.append(finished("metal"))
    set_out((*scene.clutter, *scene.occluders))


def _add_piece(
    camera: Camera, world_from_piece: Matrix4, form: Form, skin: Skin
) -> bpy.types.Object:
    px_per_m = _px_per_m(camera, np.array(world_from_piece)[:3, 3])
    length_m = form.size_m[0] * (1.3 + form.stalk)
    rings = max(24, round(px_per_m * length_m / _PX_PER_VERTEX))
    segments = max(24, round(px_per_m * math.pi * form.size_m[1] / _PX_PER_VERTEX))
    shape = body_of(form, skin, rings=min(rings, 300), segments=min(segments, 400))
    placed = mesh_object(painted_mesh(form.kind, shape), world_from_obj=world_from_piece)
    placed.color = (1.0, 1.0, 1.0, skin.roughness)
    return placed


def _px_per_m(camera: Camera, place_m: np.typing.NDArray[np.float64]) -> float:
    depth_m = (cam_from_world(camera) @ [*place_m, 1.0])[2]
    return camera.K[0][0] / max(float(depth_m), 1e-3)


def _add_cloth(scene: NutsScene, index: int, *, side_m: float, cells: int) -> None:
    cloth = scene.cloths[index]
    # A square net in the weave's direction; the part beyond the edge hangs down to the table.
    reach_m = 0.75 * side_m
    turn = cv2.Rodrigues(np.array([0.0, 0.0, cloth.angle_rad]))[0]
    place = reach_m * crowded_line(_NET, crowding=_CROWDED)
    x, y = np.meshgrid(place, place)
    flat_m = np.column_stack([x.ravel(), y.ravel()]) @ turn[:2, :2].T
    inside = inside_m(cloth, flat_m)
    # What lies beyond the edge is drawn back onto it, where it makes the hem.
    pull = np.maximum(-inside, 0)[:, None]
    direction = np.array([math.cos(cloth.edge_rad), math.sin(cloth.edge_rad)])
    flat_m = flat_m - pull * direction
    height = surface_m(scene.cloths[:index], flat_m) + np.where(
        inside > 0, cloth_height_m(cloth, flat_m), -0.0005
    )
    net = np.column_stack([flat_m, height]).reshape(_NET, _NET, 3)
    shape = sheet(net, (0.0, 0.0, 0.0))
    mesh = face_mesh(cloth.weave, shape.vertices_m, shape.triangles)
    picture = cloth_picture(cloth, side_m=side_m, cells=cells, lit_from_rad=scene.light.azimuth_rad)
    mesh.materials.append(image_material(cloth.weave, picture))
    uv = (flat_m @ turn[:2, :2]) / side_m + 0.5
    mesh.uv_layers.new(name="uv").data.foreach_set(
        "uv", uv[shape.triangles.ravel()].astype(np.float32).ravel()
    )
    mesh_object(mesh, world_from_obj=np.eye(4))


def _add_vessel(vessel: Vessel, cloths: tuple[Cloth, ...]) -> None:
    mesh = painted_mesh(vessel.kind, vessel_shape(vessel))
    clear = clear_material(vessel.kind)
    mesh.materials.append(clear)
    world_from_vessel = np.eye(4)
    world_from_vessel[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.0, vessel.angle_rad]))[0]
    world_from_vessel[2, 3] = float(surface_m(cloths, np.zeros((1, 2)))[0])
    placed = mesh_object(mesh, world_from_obj=world_from_vessel)
    placed.color = (0.97, 0.98, 0.98, 0.18)
    # Thin and clear: its shadow would hardly show, and rays through it are the dear ones.
    placed.visible_shadow = placed.visible_diffuse = False
    clear.use_transparent_shadow = False  # or every shadow ray of the scene asks what it crosses
