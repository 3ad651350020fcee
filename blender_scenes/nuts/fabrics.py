"""Towels and microfibre cloths: how high they are where, and their pictures. No Blender."""

from __future__ import annotations

import cv2
import numpy as np

from blender_scenes.blocks.noise import Map, band_noise, fine_noise, smoothstep, unit_spread
from blender_scenes.nuts.scene import Cloth
from pipeline.geometry.boxes import FloatArray

__all__ = ["cloth_height_m", "cloth_picture", "inside_m", "surface_m"]

_FOLD_M = 0.035  # from one fold to the next
_BRIGHTEST = 0.92


def inside_m(cloth: Cloth, places_m: FloatArray) -> FloatArray:
    """(N,) distance of (N, 2) places from the cloth's edge, below 0 beyond it."""
    direction = np.array([np.cos(cloth.edge_rad), np.sin(cloth.edge_rad)])
    across = places_m @ np.array([-direction[1], direction[0]])
    rng = np.random.default_rng((cloth.seed, 3))
    wave = sum(
        0.0012 * np.sin(across / 0.05 * 1.7**k + rng.uniform(0, 6.3)) / (k + 1) for k in range(3)
    )
    return np.asarray(cloth.edge_m + wave - places_m @ direction)


def cloth_height_m(cloth: Cloth, places_m: FloatArray) -> FloatArray:
    """(N,) height of a cloth's upper side over what is below it, 0 beyond its edge."""
    rng = np.random.default_rng((cloth.seed, 1))
    x, y = places_m.T / _FOLD_M
    height = np.zeros(len(x))
    main = rng.uniform(0, np.pi)
    for index in range(6):
        angle = main + rng.normal(0, 0.5)
        pitch, weight = 1.5 * 1.4**index, 0.62**index
        sway = 0.9 * np.sin(0.7 * (x * np.sin(angle) - y * np.cos(angle)) + rng.uniform(0, 6.3))
        phase = pitch * (x * np.cos(angle) + y * np.sin(angle)) + sway + rng.uniform(0, 6.3)
        height += weight * rng.uniform(0.4, 1.0) * (1 - np.abs(np.sin(phase)) ** 1.3)
    inside = inside_m(cloth, places_m)
    level = cloth.thickness_m + cloth.fold_m * 0.6 * height * smoothstep(inside, 0.0, 0.03)
    return np.asarray(np.where(inside > 0, level, 0.0))


def surface_m(cloths: tuple[Cloth, ...], places_m: FloatArray) -> FloatArray:
    """(N,) height of the topmost cloth, or of the table at 0."""
    height = np.zeros(len(places_m))
    for cloth in cloths:
        height += cloth_height_m(cloth, places_m)
    return height


def cloth_picture(cloth: Cloth, *, side_m: float, cells: int, lit_from_rad: float) -> Map:
    """(N, N, 3) linear reflectance of a square of cloth, row 0 at its largest y.

    Args:
        cloth: Which.
        side_m: Of the square, which lies around the origin.
        cells: Side N.
        lit_from_rad: Where the light comes from, for the sides of threads.
    """
    rng = np.random.default_rng((cloth.seed, 2))
    px_per_m = cells / side_m
    lit_rad = lit_from_rad - cloth.angle_rad
    painter = _terry if cloth.weave == "terry" else _microfibre
    mix, shade = painter(rng, cells, px_per_m, lit_rad)
    dark, light = np.array(cloth.dark, np.float32), np.array(cloth.light, np.float32)
    picture = (dark + np.clip(mix, 0, 1.15)[..., None] * (light - dark)) * shade[..., None]
    return np.asarray(np.clip(picture, 0.002, _BRIGHTEST), dtype=np.float32)


def _terry(
    rng: np.random.Generator, cells: int, px_per_m: float, lit_rad: float
) -> tuple[Map, Map]:
    # Loops of yarn that curl any way and catch the light, brushed to one side in patches.
    loops = _curled(rng, cells, width_px=0.0002 * px_per_m, length_px=0.0018 * px_per_m)
    tufts = _band(rng, cells, 0.0008 * px_per_m)
    brushed = np.clip(0.8 + 0.25 * _band(rng, cells, 0.006 * px_per_m), 0.3, 1.4)
    height = loops + 0.5 * tufts
    fade = float(smoothstep(0.00042 * px_per_m, 0.25, 0.9))
    glint = np.clip(loops - 1.0, 0, 1.5)
    mix = 0.48 + fade * brushed * (0.3 * loops + 0.5 * glint) + 0.07 * tufts + 0.1 * brushed
    shade = 1 + 0.07 * _embossed(height, lit_rad)
    return np.asarray(mix, np.float32), np.asarray(shade, np.float32)


def _microfibre(
    rng: np.random.Generator, cells: int, px_per_m: float, lit_rad: float
) -> tuple[Map, Map]:
    # Soft ribs two millimetres wide with dotted furrows between, ruffled here and there.
    pitch_px = float(rng.uniform(0.0018, 0.0024)) * px_per_m
    fade = float(smoothstep(pitch_px, 2.0, 4.0))
    sway = 0.2 * pitch_px * _band(rng, cells, 0.006 * px_per_m)
    across = (np.arange(cells, dtype=np.float32)[None, :] + sway) / pitch_px
    furrow = np.exp(-((np.abs(across % 1 - 0.5) / 0.17) ** 2))
    dash = np.clip(0.65 + 0.5 * _band(rng, cells, 0.0006 * px_per_m), 0, 1.3)
    calm = np.clip(0.7 + 0.4 * _band(rng, cells, 0.008 * px_per_m), 0.1, 1.1)
    pile = _band(rng, cells, 0.0002 * px_per_m)
    ruffled = _band(rng, cells, 0.0008 * px_per_m)
    furrow = fade * furrow * dash * calm
    mix = (
        0.7
        + 0.17 * pile
        + 0.07 * ruffled
        - 0.8 * furrow
        + 0.05 * _band(rng, cells, 0.03 * px_per_m)
    )
    shade = 1 + 0.09 * _embossed(pile - 1.5 * furrow, lit_rad)
    return np.asarray(mix, np.float32), np.asarray(shade, np.float32)


def _band(rng: np.random.Generator, cells: int, size_px: float) -> Map:
    # Noise of a size; weaker where a pixel holds several.
    if size_px > 6:
        return band_noise(rng, cells, scale=min(2 * size_px / cells, 0.5))
    fade = min(1.0, size_px / 0.7)
    return np.asarray(fade * fine_noise(rng, cells, max(size_px, 0.5)), dtype=np.float32)


def _curled(rng: np.random.Generator, cells: int, *, width_px: float, length_px: float) -> Map:
    # White noise drawn out along directions that turn from place to place.
    grain = fine_noise(rng, cells, max(width_px / 2, 0.5))
    heading = 2.2 * _band(rng, cells, length_px / 1.6) + _band(rng, cells, 8 * length_px)
    along, down = np.cos(heading), np.sin(heading)
    place = np.arange(cells, dtype=np.float32)
    drawn = np.zeros((cells, cells), np.float32)
    for share in np.linspace(-0.5, 0.5, 7):
        shift = np.float32(share * length_px)
        drawn += cv2.remap(
            grain, place[None, :] + shift * along, place[:, None] + shift * down,
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT,
        )  # fmt: skip
    return unit_spread(drawn)


def _embossed(height: Map, lit_rad: float) -> Map:
    right = cv2.Scharr(np.asarray(height, np.float32), cv2.CV_32F, 1, 0)
    down = cv2.Scharr(np.asarray(height, np.float32), cv2.CV_32F, 0, 1)
    return unit_spread(down * np.sin(lit_rad) - right * np.cos(lit_rad))
