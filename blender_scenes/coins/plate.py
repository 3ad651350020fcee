"""The dark holder of the photographic plate, which frames some of the pictures."""

from __future__ import annotations

import numpy as np

from blender_scenes.blocks.materials import plain_material
from blender_scenes.blocks.meshes import frame_mesh, mesh_object
from blender_scenes.coins.scene import CoinsScene
from pipeline.geometry.boxes import FloatArray

__all__ = ["mount_plate_holder"]


def mount_plate_holder(scene: CoinsScene) -> None:
    """A black frame with a rounded window close to the lens, which hides what lies behind it.

    Being part of the scene it also hides the labels there, as it should.
    """
    camera = scene.camera
    window_px = _rounded_window(
        scene.plate_edge, scene.plate_corner, (camera.width_px, camera.height_px)
    )
    (fx, _, cx), (_, fy, cy), _ = camera.K
    depth_m = 0.2 * float(np.linalg.norm(np.array(camera.world_from_cam)[:3, 3]))
    inner_m = (window_px - [cx, cy]) / [fx, fy] * depth_m
    mesh = frame_mesh("plate holder", inner_m=inner_m, widening=3.0)
    mesh.materials.append(plain_material("plate holder", (0.002, 0.002, 0.002)))
    world_from_holder = np.array(camera.world_from_cam)
    world_from_holder[:3, 3] += depth_m * world_from_holder[:3, 2]
    holder = mesh_object(mesh, world_from_obj=world_from_holder)
    # It belongs to the camera, not to the room: no shadow, no reflection.
    holder.visible_shadow = holder.visible_diffuse = holder.visible_glossy = False


def _rounded_window(
    insets: tuple[float, float, float, float], corner: float, size_px: tuple[int, int]
) -> FloatArray:
    # (P, 2) px, clockwise in the picture.
    width, height = size_px
    left, top, right, bottom = (inset * width for inset in insets)
    radius = corner * width
    low = np.array([left, top]) + radius
    high = np.array([width - right, height - bottom]) - radius
    angle = np.linspace(0, np.pi / 2, 12)
    arcs = [
        np.array(centre) + radius * np.column_stack([np.cos(angle + turn), np.sin(angle + turn)])
        for centre, turn in (
            ((high[0], high[1]), 0),
            ((low[0], high[1]), np.pi / 2),
            ((low[0], low[1]), np.pi),
            ((high[0], low[1]), 1.5 * np.pi),
        )
    ]
    return np.concatenate(arcs)
