"""The factor ``lighting``: a world around the scene and a lamp above it. Without Blender.

A family puts :data:`LIGHTING` (or ``tailored(LIGHTING, ...)``) among its factors, calls
:func:`sample_light` and stores the :class:`Light` in its scene; ``lights.light_up`` builds it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from blender_scenes.blocks.colours import Rgb, kelvin_rgb
from blender_scenes.blocks.pictures import OWN, own_picture
from blender_scenes.blocks.worlds import World, WorldKind
from pipeline.records.scene import Record, Vector3
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    LogUniform,
    Uniform,
    per_frame,
)

__all__ = ["LIGHTING", "Lamp", "Light", "sample_light"]

_COMMON: tuple[WorldKind, ...] = (
    "studio", "studio", "window", "window", "office", "lamps", "overcast", "sky", "even", "even",
)  # fmt: skip
_SPOT_SIZE = 0.25  # of a spot over an area lamp: its shadows are the harder ones
_RING_SIZE = 0.6  # of a ring, which hangs no further off than the camera


class Lamp(Record):
    """A lamp that looks at a point.

    Attributes:
        kind: A square that shines to one side, a ball in a reflector, or a ring of diodes.
        position_m: Of its middle.
        target_m: What it looks at.
        size_m: Side or diameter; large lamps throw soft shadows.
        irradiance: On a level surface at the target; 1 shows a white one at full scale.
        colour: Linear RGB, brightest channel 1.
        cone_rad: Full opening angle of a spot.
    """

    kind: Literal["area", "spot", "ring"] = "area"
    position_m: Vector3
    target_m: Vector3 = (0.0, 0.0, 0.0)
    size_m: float
    irradiance: float
    colour: Rgb = (1.0, 1.0, 1.0)
    cone_rad: float = 1.2


class Light(Record):
    """All light of a scene."""

    world: World
    lamps: tuple[Lamp, ...] = ()

    @property
    def azimuth_rad(self) -> float:
        """Where most of the directed light comes from, about the upright axis; 0 is +x."""
        if not self.lamps:
            return self.world.turn_rad
        lamp = max(self.lamps, key=lambda one: one.irradiance)
        return math.atan2(
            lamp.position_m[1] - lamp.target_m[1], lamp.position_m[0] - lamp.target_m[0]
        )


LIGHTING = Factor(
    name="lighting",
    meaning="surroundings that give light, and a lamp",
    parameters=(
        per_frame(
            "world",
            Choice(_COMMON),
            "even",
            "what is around the scene",
            wild=Choice(tuple(dict.fromkeys(_COMMON))),
        ),
        per_frame(
            "lamp",
            Choice(("area", "area", "spot")),
            "area",
            "a square that throws soft shadows, a small spot, in places a ring around the camera",
        ),
        per_frame(
            "azimuth_rad", Uniform(-math.pi, math.pi), 2.4, "where the lamp stands, 0 is right"
        ),
        per_frame(
            "elevation_rad", Uniform(0.5, 1.4), 0.9, "height of the lamp", (0.1, math.pi / 2)
        ),
        per_frame(
            "distance", LogUniform(1.5, 6.0), 3.0, "lamp's, over the reach of the scene", (0.5, 100)
        ),
        per_frame("size", LogUniform(0.1, 0.8), 0.4, "lamp's side over its distance", (0.01, 2)),
        per_frame(
            "strength",
            LogUniform(0.6, 1.1),
            1.0,
            "of all light together; 1 shows white at full scale",
            (0.01, 100),
        ),
        per_frame(
            "fill",
            Uniform(0.3, 1.0),
            0.4,
            "share from the surroundings, the lamp gives the rest",
            (0, 1),
        ),
        per_frame(
            "kelvin",
            LogUniform(4500, 8500),
            6500.0,
            "colour temperature of the lamp; 6500 shows white",
            (1700, 25000),
        ),
        per_frame(
            "world_kelvin",
            LogUniform(4500, 8500),
            6500.0,
            "colour temperature of the surroundings' light",
            (1700, 25000),
        ),
        per_frame(
            "world_turn_rad",
            Uniform(-math.pi, math.pi),
            0.0,
            "turn of the surroundings about the upright axis",
        ),
        per_frame(
            "contrast",
            Uniform(0.5, 1.0),
            1.0,
            "of the surroundings: 0 is light from everywhere alike",
            (0, 1),
        ),
        OWN,
    ),
)
"""Studio, room or sky around the scene, and an area or spot lamp."""


def sample_light(
    draws: FactorDraws,
    *,
    reach_m: float,
    target_m: Vector3 = (0.0, 0.0, 0.0),
    pictures: Sequence[str] = (),
    camera_m: Vector3 | None = None,
) -> Light:
    """Draw the factor ``lighting``.

    Args:
        draws: Of a family that has :data:`LIGHTING`.
        reach_m: Size of the lit scene, which the lamp's distance is a multiple of.
        target_m: What the lamp looks at.
        pictures: Asset names of the user's panoramas, the worlds of frames that show ``own``.
        camera_m: Where the camera is, which a ring of diodes hangs around.

    Raises:
        ValueError: If the lamp is a ring and the camera's place is not given.
    """
    values: dict[str, Any] = draws.frame("lighting")
    picture = own_picture(draws, "lighting", pictures)
    world = World(
        kind="picture" if picture else values["world"],
        irradiance=values["strength"] * values["fill"],
        turn_rad=values["world_turn_rad"],
        kelvin=values["world_kelvin"],
        contrast=values["contrast"],
        picture=picture,
        seed=draws.noise_seed("lighting", 1),
    )
    share = values["strength"] * (1 - values["fill"])
    if share <= 0:
        return Light(world=world)
    if values["lamp"] == "ring":
        if camera_m is None:
            raise ValueError("A ring hangs around the camera: camera_m is missing.")
        distance_m = math.dist(camera_m, target_m)
        ring = Lamp(
            kind="ring",
            position_m=camera_m,
            target_m=target_m,
            size_m=_RING_SIZE * values["size"] * distance_m,
            irradiance=share,
            colour=kelvin_rgb(values["kelvin"]),
        )
        return Light(world=world, lamps=(ring,))
    distance_m, elevation = values["distance"] * reach_m, values["elevation_rad"]
    azimuth = values["azimuth_rad"]
    towards = np.array(
        [
            math.cos(elevation) * math.cos(azimuth),
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
        ]
    )
    x, y, z = np.array(target_m) + distance_m * towards
    spot = values["lamp"] == "spot"
    lamp = Lamp(
        kind=values["lamp"],
        position_m=(float(x), float(y), float(z)),
        target_m=target_m,
        size_m=values["size"] * distance_m * (_SPOT_SIZE if spot else 1.0),
        irradiance=share,
        colour=kelvin_rgb(values["kelvin"]),
        cone_rad=min(2.6, 2.2 * math.atan(2.0 / values["distance"]) + 0.3),
    )
    return Light(world=world, lamps=(lamp,))
