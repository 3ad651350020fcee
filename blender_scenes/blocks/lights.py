"""Lamps and the light from all around, in units of a white surface's brightness."""

from __future__ import annotations

import math

import bpy
import numpy as np
from mathutils import Vector

__all__ = ["area_lamp", "even_sky"]


def area_lamp(
    *,
    position_m: tuple[float, float, float],
    size_m: float,
    irradiance: float,
    colour: tuple[float, float, float],
) -> None:
    """A square lamp that looks at the origin.

    Args:
        position_m: Of its middle.
        size_m: Its side.
        irradiance: On a level surface at the origin; 1 shows a white one at full scale.
        colour: Linear RGB.
    """
    lamp = bpy.data.lights.new("lamp", "AREA")
    lamp.shape, lamp.size, lamp.color = "SQUARE", size_m, colour
    place = Vector(position_m)
    # A small Lambertian lamp of power P gives P cos(theta) / (pi d^2).
    distance_m = float(np.linalg.norm(position_m))
    lamp.energy = math.pi * irradiance * math.pi * distance_m**3 / position_m[2]
    lamp_object = bpy.data.objects.new("lamp", lamp)
    lamp_object.location = place
    lamp_object.rotation_euler = place.to_track_quat("Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(lamp_object)


def even_sky(radiance: float) -> None:
    """Light of equal brightness from everywhere; 1 alone shows a white surface at full scale."""
    world = bpy.data.worlds.new("sky")
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (1, 1, 1, 1)
    background.inputs["Strength"].default_value = radiance
    world.cycles.sampling_method = "NONE"  # an importance map costs more than it brings
    bpy.context.scene.world = world
