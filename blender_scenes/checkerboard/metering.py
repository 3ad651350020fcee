"""What the camera's light meter reads from the board."""

from __future__ import annotations

import numpy as np

from blender_scenes.blocks.lighting import Light
from blender_scenes.blocks.worlds import World, bake_world
from pipeline.geometry.boxes import FloatArray

__all__ = ["white_brightness"]

_UNKNOWN = 0.7  # of a photographed world's light on a level surface: that on an upright one
_ROWS = 48  # of a world whose light is summed up: panels in a ceiling are 10 degrees wide
_FLOOR = 0.1  # reflectance of the usual one, which hides what a world has below the horizon
_DARKEST = 0.1  # a meter opens the lens no further


def white_brightness(light: Light, *, normal: FloatArray) -> float:
    """How bright a white surface shows; 1 is full scale.

    Args:
        light: Of the scene, above a floor; what stands in its way counts for nothing.
        normal: (3,) where the surface looks.
    """
    lamps = 0.0
    for lamp in light.lamps:
        towards = np.subtract(lamp.position_m, lamp.target_m)
        lamps += lamp.irradiance * max(0.0, float(towards @ normal)) / float(towards[2])
    level = light.world.irradiance + sum(lamp.irradiance for lamp in light.lamps)
    return max(lamps + _from_world(light.world, normal, _FLOOR * level), _DARKEST)


def _from_world(world: World, normal: FloatArray, ground: float) -> float:
    # Its light on a surface over pi; ``ground`` is the radiance from below.
    if world.kind == "picture":
        return _UNKNOWN * world.irradiance
    radiance = bake_world(world, height=_ROWS).mean(axis=2)
    elevation = ((0.5 - (np.arange(_ROWS) + 0.5) / _ROWS) * np.pi)[:, None]
    azimuth = (0.5 - (np.arange(2 * _ROWS) + 0.5) / (2 * _ROWS)) * 2 * np.pi
    radiance[elevation[:, 0] < 0] = ground
    slope = np.cos(elevation) * (np.cos(azimuth) * normal[0] + np.sin(azimuth) * normal[1])
    facing = np.maximum(slope + np.sin(elevation) * normal[2], 0)
    solid_angle = np.cos(elevation) * (np.pi / _ROWS) ** 2
    return float((radiance * facing * solid_angle).sum() / np.pi)
