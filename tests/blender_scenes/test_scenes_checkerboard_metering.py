"""The exposure of a checkerboard: what its light meter reads, against integrals done otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from blender_scenes.blocks.lighting import Lamp, Light
from blender_scenes.blocks.worlds import World, WorldKind
from blender_scenes.checkerboard.metering import white_brightness

FLOOR = 0.5 * 0.1 * 0.5  # half of what an upright surface sees: a tenth of the lamp
UP, FORWARD = np.array([0.0, 0, 1]), np.array([0.0, -1, 0])
KINDS: tuple[WorldKind, ...] = ("even", "studio", "window", "office", "lamps", "overcast", "sky")


@pytest.mark.parametrize("kind", KINDS)
def test_a_level_surface_has_the_worlds_own_irradiance(kind: WorldKind) -> None:
    # Worlds are scaled by another sum, over rows (blocks.worlds.level_irradiance).
    light = Light(world=World(kind=kind, irradiance=0.6, contrast=0.5, seed=3))
    assert white_brightness(light, normal=UP) == pytest.approx(0.6, rel=0.03)


def test_an_upright_surface_sees_half_the_sky_and_half_the_floor() -> None:
    light = Light(world=World(kind="even", irradiance=0.8))
    # Half of 0.8 from above, half of a floor that shows a tenth of it from below.
    assert white_brightness(light, normal=FORWARD) == pytest.approx(0.44, rel=0.01)


def test_a_lamp_counts_by_its_angle_and_not_from_behind() -> None:
    dark = World(kind="even", irradiance=0.0)
    lamp = Lamp(position_m=(0.0, -1.0, 1.0), size_m=0.1, irradiance=0.5)
    light = Light(world=dark, lamps=(lamp,))
    tilted = np.array([0.0, -1, 1]) / math.sqrt(2)
    assert white_brightness(light, normal=FORWARD) == pytest.approx(0.5 + FLOOR, rel=0.01)
    assert white_brightness(light, normal=tilted) == pytest.approx(
        0.5 * math.sqrt(2) + FLOOR * (1 - 1 / math.sqrt(2)), rel=0.02
    )
    assert white_brightness(light, normal=-FORWARD) == 0.1  # as far as a lens opens
