"""The factor ``background``: what things lie on, as numbers. Without Blender.

A family puts :data:`BACKGROUND` (or ``tailored(BACKGROUND, ...)``) among its factors, calls
:func:`sample_ground` and stores the :class:`Ground` in its scene; ``floors.lay_ground`` builds
it from ``ground_pictures.ground_picture``, and ``folds_m`` says how high it is.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from blender_scenes.blocks.colours import Rgb, shifted_hue, srgb_hex
from blender_scenes.blocks.pictures import OWN, own_picture
from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Record
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    LogUniform,
    Uniform,
    per_frame,
)

__all__ = ["BACKGROUND", "SURFACES", "Ground", "Surface", "folds_m", "sample_ground"]

Surface = Literal[
    "wood", "cloth", "towel", "carpet", "felt", "paper", "board", "plastic", "metal", "marble",
    "stone", "leather", "picture",
]  # fmt: skip

# Pairs of colours as on a screen: of pores, veins and threads below, and of the rest.
_PALETTES: dict[Surface, tuple[str, ...]] = {
    "wood": ("5a3a22 8a5f3a", "2e1c12 54351f", "a77b4b cfa878", "c3a27a e2cba6", "6b3420 9c5a38",
             "8f8476 b9aea0", "7a4a1e b67a3c", "d8cdb8 ece4d4"),
    "cloth": ("e4ddd0 f4efe6", "28344f 3d4d72", "7c2328 a33a3c", "3b4a3a 5a6b56", "9c9a94 c2bfb8",
              "b89b6e d3bb93", "1d1d20 37373c", "c8d0d8 e6ebef"),
    "towel": ("d9d6cf f3f1ec", "b9c3c9 d7dee2", "c9b79c e3d4bd", "8b98a8 aab6c4", "d3c2c4 ebdcdd"),
    "carpet": ("8c7a62 c9b797", "6d6a66 a5a29d", "3a3632 6f6862", "7d6b57 b3a085", "56463a 8f7a68",
               "9a9a98 c9c9c6"),
    "felt": ("14161a 22262c", "14402a 1f5c3d", "3a1218 5a1f28", "14203f 223362", "4a4a4c 68686b"),
    "paper": ("e9e6df f7f5f0", "d8c9a8 ead9ba", "f0f0f0 fcfcfc", "c9d6df e2ebf0", "b98d5f cfa577"),
    "board": ("8a8a88 a5a5a2", "b58a5c cda476", "2a2a2c 414144", "d5d2ca eae7e0"),
    "plastic": ("dcdcda f0f0ee", "202124 2e2f33", "c9cbd0 dfe1e5", "8fa2b5 a9bacb", "c7b8a2 d9ccb9",
                "9b2a26 b5403a"),
    "metal": ("84878a b4b7ba", "6c6a66 96948f", "9a9da0 cfd2d4"),
    "marble": ("b9b4a8 ece9e2", "a8a296 e3dfd6", "787a7e 1b1d20", "8d8478 d6cec2", "a5aaae e6e9eb"),
    "stone": ("6e6c68 a09d97", "8f887c bdb5a7", "3d3e40 68696c", "a39c90 cfc8bc", "4a3f38 857567"),
    "leather": ("2a1a12 4d3322", "141416 29292c", "6b3f22 96602f", "8b7a66 b3a28c"),
}  # fmt: skip

SURFACES: tuple[Surface, ...] = tuple(_PALETTES)
"""Surfaces that are drawn, not photographed."""

_GLOSS: dict[Surface, tuple[float, float]] = {  # roughness from and to where there is a coat
    "wood": (0.18, 0.5), "plastic": (0.12, 0.45), "metal": (0.2, 0.45), "marble": (0.1, 0.35),
    "leather": (0.3, 0.55), "picture": (0.2, 0.5),
}  # fmt: skip
_FOLDED: dict[Surface, float] = {"cloth": 0.006, "towel": 0.007, "leather": 0.002, "paper": 0.001}
_COMMON: tuple[Surface, ...] = (
    "wood", "wood", "wood", "cloth", "cloth", "towel", "carpet", "felt", "paper", "board",
    "plastic", "plastic", "metal", "marble", "stone", "leather",
)  # fmt: skip
_WAVES = 7
_LEVEL = 0.45  # share of the folds' height below which most of the cloth is


class Ground(Record):
    """A surface that things lie on, level but for its folds, at z = 0.

    Attributes:
        surface: Kind of pattern.
        dark: Linear RGB reflectance of its darker parts.
        light: Of its lighter parts.
        tile_m: Side of the square of which the picture is made; mirrored beyond.
        scale: Size of the pattern over that of the real thing.
        contrast: Of the pattern; 1 is the real thing's.
        wear: 0 new and clean to 1 used for years: stains, scratches, dust, pale patches.
        roughness: Of the gloss of a coat; 0 is none.
        fold_m: From the deepest to the highest fold.
        gradient: Light lost from one end of the tile to the other, 0 to 1.
        gradient_rad: Direction in which it gets darker, about the upright axis.
        picture: Name of the family's asset for ``picture``, else empty.
        seed: Of pattern and wear.
    """

    surface: Surface
    dark: Rgb
    light: Rgb
    tile_m: float
    scale: float = 1.0
    contrast: float = 1.0
    wear: float = 0.0
    roughness: float = 0.0
    fold_m: float = 0.0
    gradient: float = 0.0
    gradient_rad: float = 0.0
    picture: str = ""
    seed: int = 0


BACKGROUND = Factor(
    name="background",
    meaning="what the objects lie on",
    parameters=(
        per_frame("surface", Choice(_COMMON), "paper", "what it is made of", wild=Choice(SURFACES)),
        per_frame(
            "colours",
            Choice(("real",)),
            "real",
            "those that the surface has, or any",
            wild=Choice(("any",)),
        ),
        per_frame("tone", Uniform(0, 1), 0.0, "which of its colours", (0, 1)),
        per_frame(
            "hue_shift",
            Uniform(-0.03, 0.03),
            0.0,
            "away from that colour; a full circle is 1",
            (-1, 1),
        ),
        per_frame("brightness", LogUniform(0.7, 1.25), 1.0, "over that of the colour", (0.01, 5)),
        per_frame(
            "scale",
            LogUniform(0.7, 1.5),
            1.0,
            "size of threads, boards and veins over the usual",
            (0.1, 10),
        ),
        per_frame("contrast", Uniform(0.5, 1.2), 1.0, "of the pattern over the usual", (0, 3)),
        per_frame("wear", Uniform(0, 1), 0.0, "stains, scratches, dust, pale patches", (0, 1)),
        per_frame(
            "gloss",
            Uniform(-1.0, 1.0),
            -1.0,
            "below 0 matt, else how smooth its coat is, where it has one",
            (-1, 1),
        ),
        per_frame(
            "folds",
            Uniform(-0.5, 1.0),
            0.0,
            "below 0 flat, else height over that of a carelessly laid cloth",
            (-1, 3),
        ),
        OWN,
    ),
)
"""Table tops, cloths, floors, with wear; or a user's photographs."""


def sample_ground(draws: FactorDraws, *, tile_m: float, pictures: Sequence[str] = ()) -> Ground:
    """Draw the factor ``background``.

    Args:
        draws: Of a family that has :data:`BACKGROUND`.
        tile_m: Side of the square that the picture covers, about what the camera sees.
        pictures: Asset names of the user's photographs, the grounds of frames that show ``own``;
            as wide as the tile, times ``scale``.
    """
    values: dict[str, Any] = draws.frame("background")
    picture = own_picture(draws, "background", pictures)
    surface: Surface = "picture" if picture else values["surface"]
    dark, light = _colours(surface, values, draws.noise("background"))
    smoothest, roughest = _GLOSS.get(surface, (0.0, 0.0))
    gloss = values["gloss"]
    return Ground(
        surface=surface,
        dark=dark,
        light=light,
        tile_m=tile_m * (values["scale"] if picture else 1.0),
        scale=values["scale"],
        contrast=values["contrast"],
        wear=values["wear"],
        roughness=roughest + (smoothest - roughest) * gloss if gloss >= 0 else 0.0,
        fold_m=max(values["folds"], 0.0) * _FOLDED.get(surface, 0.0) * values["scale"],
        picture=picture,
        seed=draws.noise_seed("background", 1),
    )


def folds_m(ground: Ground, places_m: FloatArray) -> FloatArray:
    """(N,) height of a ground at (N, 2) places x, y; its folds rise and sink about z = 0."""
    if ground.fold_m <= 0:
        return np.zeros(len(places_m))
    # Waves run across each other, each swayed by the next, with crests sharper than troughs.
    rng = np.random.default_rng((ground.seed, 1))
    x, y = np.asarray(places_m, dtype=float).T / (0.16 * ground.scale)
    height = np.zeros(len(x))
    total = 0.0
    main = rng.uniform(0, math.pi)
    for index in range(_WAVES):
        angle = main + rng.normal(0, 0.35) if index < 4 else rng.uniform(0, math.pi)
        pitch, amplitude = 0.7 * 1.45**index, 0.75**index * rng.uniform(0.5, 1.0)
        sway = 0.5 * np.sin(0.8 * (x * math.sin(angle) + y) + rng.uniform(0, 6.3))
        phase = pitch * (x * math.cos(angle) + y * math.sin(angle)) + sway + rng.uniform(0, 6.3)
        height += amplitude * (1 - np.abs(np.sin(phase))) ** 1.5
        total += amplitude
    return np.asarray((height / total - _LEVEL) * ground.fold_m)


def _colours(
    surface: Surface, values: dict[str, Any], noise: np.random.Generator
) -> tuple[Rgb, Rgb]:
    hue, saturation, brightness, depth = (float(v) for v in noise.random(4))
    if values["colours"] == "any":
        light = colorsys.hsv_to_rgb(hue, 0.9 * saturation, 0.08 + 0.75 * brightness)
        dark = shifted_hue(light, turn=0.1 * (depth - 0.5), brightness=0.3 + 0.5 * depth)
    elif surface == "picture":
        dark, light = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    else:
        palette = _PALETTES[surface]
        pair = palette[min(int(values["tone"] * len(palette)), len(palette) - 1)]
        dark, light = (srgb_hex(code) for code in pair.split())
    turned = (
        shifted_hue(colour, turn=values["hue_shift"], brightness=values["brightness"])
        for colour in (dark, light)
    )
    dark, light = turned
    return dark, light
