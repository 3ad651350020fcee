"""Light of the building blocks: colours, worlds and lamps that add up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from block_draws import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2xyz

from blender_scenes.blocks.colours import kelvin_rgb, linear_rgb, srgb_hex
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.worlds import World, bake_world, fitted_world, level_irradiance

KINDS = (
    "even", "studio", "lightbox", "window", "office", "lamps", "overcast", "sky",
)  # fmt: skip


def planckian_rgb(kelvin: float) -> np.ndarray:
    """From Planck's law and Wyman, Sloan and Shirley's fits of the CIE 1931 matching functions."""
    nm = np.arange(380.0, 781.0)
    power = nm**-5 / np.expm1(1.4387769e7 / (nm * kelvin))

    def lobe(mean: float, below: float, above: float) -> np.ndarray:
        return np.exp(-0.5 * ((nm - mean) * np.where(nm < mean, below, above)) ** 2)

    x = (
        0.362 * lobe(442.0, 0.0624, 0.0374)
        + 1.056 * lobe(599.8, 0.0264, 0.0323)
        - 0.065 * lobe(501.1, 0.0490, 0.0382)
    )
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437.0, 0.0845, 0.0278) + 0.681 * lobe(459.0, 0.0385, 0.0725)
    xyz = np.array([(curve * power).sum() for curve in (x, y, z)])
    to_rgb = np.linalg.inv(rgb2xyz(np.eye(3)[None])[0].T)
    return to_rgb @ xyz


@pytest.mark.parametrize("kelvin", [2200.0, 2800.0, 4000.0, 5500.0, 8000.0, 12000.0])
def test_colour_temperatures_are_a_black_bodys(kelvin: float) -> None:
    expected = planckian_rgb(kelvin).clip(0) / planckian_rgb(6500.0)
    assert np.allclose(kelvin_rgb(kelvin), expected / expected.max(), atol=0.03)


def test_srgb_is_decoded_as_scikit_image_does() -> None:
    values = np.random.default_rng(0).random((50, 3))
    to_rgb = np.linalg.inv(rgb2xyz(np.eye(3)[None])[0].T)
    assert np.allclose(linear_rgb(values), rgb2xyz(values[None])[0] @ to_rgb.T, atol=1e-5)
    assert srgb_hex("ff0080") == pytest.approx((1.0, 0.0, 0.2158605), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**31), contrast=st.floats(0, 1), kelvin=st.floats(2000, 12000))
@settings(max_examples=8)
def test_every_world_lights_a_level_surface_as_asked(
    kind: str, seed: int, contrast: float, kelvin: float
) -> None:
    world = World(kind=kind, irradiance=0.7, contrast=contrast, kelvin=kelvin, seed=seed)
    light = bake_world(world, height=64)
    assert light.shape == (64, 128, 3)
    assert light.dtype == np.float32
    assert np.isfinite(light).all()
    assert light.min() > 0
    assert level_irradiance(light).mean() == pytest.approx(0.7, rel=1e-4)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=8)
def test_a_lightbox_shines_from_two_sides_and_is_dark_above(seed: int) -> None:
    light = bake_world(World(kind="lightbox", irradiance=0.7, seed=seed)).mean(axis=2)
    rows, columns = np.nonzero(light > 0.8 * light.max())
    azimuths_rad = columns / light.shape[1] * 2 * math.pi
    # Opposite strips cancel as directions and add up once angles are doubled.
    assert abs(np.exp(1j * azimuths_rad).mean()) < 0.1
    assert abs(np.exp(2j * azimuths_rad).mean()) > 0.25  # 0 were it even
    assert rows.max() < len(light) / 2
    assert light[0].max() < 0.21 * light[len(light) // 4].max()  # the hole is a fifth of the roof
    assert light[0].max() < 0.6 * np.median(light)


def test_level_irradiance_is_the_integral_over_the_upper_half() -> None:
    light = np.random.default_rng(1).random((64, 128, 3)).astype(np.float32)
    towards = np.random.default_rng(2).normal(size=(200_000, 3))
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    rows = np.minimum((0.5 - np.arcsin(towards[:, 2]) / np.pi) * 64, 63).astype(int)
    columns = ((0.5 - np.arctan2(towards[:, 1], towards[:, 0]) / (2 * np.pi)) * 128).astype(int)
    seen = light[rows, columns % 128] * towards[:, 2:].clip(0)
    assert np.allclose(level_irradiance(light), 4 * seen.mean(axis=0), atol=0.01)


def test_a_world_turns_and_flattens() -> None:
    world = World(kind="window", irradiance=1.0, seed=4)
    light = bake_world(world, height=64)
    turned = bake_world(world.model_copy(update={"turn_rad": math.pi / 2}), height=64)
    assert np.allclose(turned, np.roll(light, -32, axis=1))
    flat = fitted_world(world.model_copy(update={"contrast": 0.0}), light)
    assert np.allclose(flat, 1.0, atol=1e-5)


def test_light_of_a_frame_is_shared_between_world_and_lamp() -> None:
    light = sample_light(drawn(lighting={"strength": 0.8, "fill": 0.25}), reach_m=0.2)
    assert light.world.irradiance == pytest.approx(0.2)
    assert [lamp.irradiance for lamp in light.lamps] == pytest.approx([0.6])
    x, y, _ = light.lamps[0].position_m
    assert light.azimuth_rad == pytest.approx(math.atan2(y, x))
    assert sample_light(drawn(lighting={"fill": 1.0}), reach_m=0.2).lamps == ()


def test_users_panoramas_replace_the_worlds() -> None:
    names = ["hdris/a.hdr", "hdris/b.hdr"]
    worlds = [sample_light(drawn(k), reach_m=1.0, pictures=names).world for k in range(12)]
    assert {world.picture for world in worlds} == set(names)
    assert {world.kind for world in worlds} == {"picture"}
