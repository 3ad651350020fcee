"""Grounds and backdrops as bpy data: a level square, a folded cloth, a picture behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import bpy
import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.backdrops import Backdrop, backdrop_picture
from blender_scenes.blocks.grids import crowded_line
from blender_scenes.blocks.ground_pictures import ground_picture
from blender_scenes.blocks.grounds import Ground, folds_m
from blender_scenes.blocks.materials import glowing_material, image_material
from blender_scenes.blocks.meshes import face_mesh, mesh_object, picture_mesh
from blender_scenes.blocks.noise import Map
from blender_scenes.blocks.pictures import read_picture
from blender_scenes.blocks.shapes import sheet
from pipeline.geometry.camera import Camera

__all__ = ["hang_backdrop", "lay_ground"]

_NO_FILES: Mapping[str, Path] = MappingProxyType({})
_AMPLE = 2.0  # backdrop over the view; mirrored beyond
_NET = 129  # points along a folded cloth's side
_CROWDED = 4.0  # how much closer they are in the middle, see crowded_line


def lay_ground(
    ground: Ground,
    *,
    size_m: tuple[float, float],
    cells: int,
    lit_from_rad: float = 2.4,
    world_from_ground: npt.ArrayLike | None = None,
    files: Mapping[str, Path] = _NO_FILES,
) -> bpy.types.Object:
    """Put a ground into the scene, unlabelled.

    Args:
        ground: As drawn.
        size_m: Along x and y; the tile is repeated, mirrored, as often as it takes.
        cells: Of the tile's picture, about the picture's pixels that see it.
        lit_from_rad: Where the light comes from, ``Light.azimuth_rad``.
        world_from_ground: 4 x 4 rigid transform; level around the origin unless given.
        files: The family's assets, where the ground is a photograph of them.
    """
    picture = (
        read_picture(files[ground.picture], width_px=cells)
        if ground.surface == "picture"
        else ground_picture(ground, cells=cells, lit_from_rad=lit_from_rad)
    )
    mesh = _net(ground, size_m, aspect=picture.shape[0] / picture.shape[1])
    mesh.materials.append(image_material(ground.surface, picture, coat_roughness=ground.roughness))
    transform = np.eye(4) if world_from_ground is None else world_from_ground
    return mesh_object(mesh, world_from_obj=transform)


def _net(ground: Ground, size_m: tuple[float, float], *, aspect: float) -> bpy.types.Mesh:
    points = _NET if ground.fold_m > 0 else 2
    # Far more points in the middle than at the far ends.
    crowded = crowded_line(points, crowding=_CROWDED) / 2
    x, y = np.meshgrid(crowded * size_m[0], crowded * size_m[1])
    flat_m = np.column_stack([x.ravel(), y.ravel()])
    net = np.column_stack([flat_m, folds_m(ground, flat_m)]).reshape(points, points, 3)
    shape = sheet(net, (0.0, 0.0, 0.0))
    mesh = face_mesh("ground", shape.vertices_m, shape.triangles)
    uv = flat_m / (ground.tile_m * np.array([1.0, aspect])) + 0.5
    mesh.uv_layers.new(name="uv").data.foreach_set(
        "uv", uv[shape.triangles.ravel()].astype(np.float32).ravel()
    )
    return mesh


def hang_backdrop(
    backdrop: Backdrop,
    camera: Camera,
    *,
    distance_m: float,
    files: Mapping[str, Path] = _NO_FILES,
) -> bpy.types.Object:
    """Fill the view behind the objects with a picture that shines by itself, unlabelled.

    It gives no light to the scene, whose light is the ``lighting`` factor's alone.

    Args:
        backdrop: As drawn.
        camera: Whose view it fills, with room for a lens's distortion and some motion.
        distance_m: From the camera to the objects.
        files: The family's assets, where it shows a photograph of them.
    """
    size_px = (camera.width_px, camera.height_px)
    picture = (
        backdrop.brightness * _filling(read_picture(files[backdrop.picture]), size_px)
        if backdrop.picture
        else backdrop_picture(backdrop, size_px=size_px)
    )
    depth_m = backdrop.distance * distance_m
    (fx, _, cx), (_, fy, cy), _ = camera.K
    wide, tall = camera.width_px / fx * depth_m, camera.height_px / fy * depth_m
    mesh = picture_mesh("backdrop", width_m=_AMPLE * wide, height_m=_AMPLE * tall, repeats=_AMPLE)
    mesh.materials.append(glowing_material("backdrop", picture))
    cam_from_board = np.diag([1.0, -1.0, -1.0, 1.0])
    cam_from_board[:3, 3] = [
        (camera.width_px / 2 - cx) / fx * depth_m,
        (camera.height_px / 2 - cy) / fy * depth_m,
        depth_m,
    ]
    board = mesh_object(mesh, world_from_obj=np.array(camera.world_from_cam) @ cam_from_board)
    board.visible_diffuse = board.visible_shadow = False
    return board


def _filling(picture: Map, size_px: tuple[int, int]) -> Map:
    # The middle of a picture, of the view's size, neither stretched nor with a margin.
    share = max(size_px[0] / picture.shape[1], size_px[1] / picture.shape[0])
    method = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    fitted = cv2.resize(picture, None, fx=share, fy=share, interpolation=method)
    left, top = (max(0, fitted.shape[1 - k] - size_px[k]) // 2 for k in (0, 1))
    return np.asarray(fitted[top : top + size_px[1], left : left + size_px[0]], dtype=np.float32)
