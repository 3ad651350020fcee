"""Things on the board that are no coins, and the plate holder before the lens."""

from __future__ import annotations

from collections.abc import Callable

import bpy
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.materials import image_material, plain_material
from blender_scenes.blocks.meshes import (
    ball_mesh,
    frame_mesh,
    mesh_object,
    picture_mesh,
    torus_mesh,
)
from blender_scenes.coins.carving import Tablet
from blender_scenes.coins.scene import CoinsScene, Prop
from pipeline.geometry.boxes import FloatArray

__all__ = ["lay_prop", "mount_plate_holder"]

_PAPER_M = 0.0003


def lay_prop(prop: Prop) -> None:
    """Put one prop on the board."""
    _LAYERS[prop.kind](prop)


def _label(prop: Prop) -> None:
    # Paper with a line or two of print.
    rng = np.random.default_rng(prop.seed)
    aspect = rng.uniform(0.3, 0.8)
    print_ = Tablet(96)
    for line in np.linspace(0.45, -0.45, int(rng.integers(1, 4))):
        starts = np.arange(-0.8, 0.8, 0.13)[rng.random(13) < 0.8]
        letters = [
            np.array([[x, line], [x, line]]) + rng.uniform(0, [0.1, 0.2], size=(2, 2))
            for x in np.repeat(starts, 2)
        ]
        print_.strokes(letters, width=0.03, rise=1.0)
    ink = np.clip(print_.height, 0, 1)[..., None]
    picture = np.array(prop.colour, np.float32) * (1 - 0.85 * ink)
    mesh = picture_mesh("label", width_m=prop.size_m, height_m=aspect * prop.size_m)
    mesh.materials.append(image_material("label", picture.astype(np.float32)))
    mesh_object(mesh, world_from_obj=_world_from_prop(prop, z_m=_PAPER_M))


def _pin(prop: Prop) -> None:
    _lay_mesh(prop, ball_mesh("pin", radii_m=(prop.size_m / 2,) * 3))


def _pebble(prop: Prop) -> None:
    rng = np.random.default_rng(prop.seed)
    a, b, c = prop.size_m / 2 * rng.uniform(0.4, 1.0, size=3)
    _lay_mesh(prop, ball_mesh("pebble", radii_m=(a, b, 0.6 * c)))


def _ring(prop: Prop) -> None:
    rng = np.random.default_rng(prop.seed)
    wire_m = prop.size_m * rng.uniform(0.02, 0.07)
    mesh = torus_mesh("ring", radius_m=prop.size_m / 2 - wire_m, wire_m=wire_m)
    _lay_mesh(prop, mesh)


def _lay_mesh(prop: Prop, mesh: bpy.types.Mesh) -> None:
    mesh.materials.append(plain_material(prop.kind, prop.colour))
    mesh_object(mesh, world_from_obj=_world_from_prop(prop, z_m=0))


def _world_from_prop(prop: Prop, *, z_m: float) -> FloatArray:
    cos, sin = np.cos(prop.angle_rad), np.sin(prop.angle_rad)
    world_from_prop = np.eye(4)
    world_from_prop[:2, :2] = [[cos, -sin], [sin, cos]]
    world_from_prop[:3, 3] = [*prop.position_m, z_m]
    return world_from_prop


_LAYERS: dict[str, Callable[[Prop], None]] = {
    "label": _label,
    "pin": _pin,
    "pebble": _pebble,
    "ring": _ring,
}


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
) -> npt.NDArray[np.float64]:
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
