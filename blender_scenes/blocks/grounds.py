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
from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Record
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    LogUniform,
    Parameter,
    Uniform,
)

__all__ = ["BACKGROUND", "SURFACES", "Ground", "Surface", "folds_m", "sample_ground"]

Surface = Literal[
    "wood", "cloth", "towel", "carpet", "felt", "paper", "board", "plastic", "metal", "marble",
    "stone", "leather", "picture",
]  # fmt: skip

# Pairs of the darker and the lighter colour of each, as on a screen.
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
    "marble": ("b9b4a8 ece9e2", "a8a296 e3dfd6", "24262a 4b4e54", "8d8478 d6cec2", "a5aaae e6e9eb"),
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
    picture: str = ""
    seed: int = 0


BACKGROUND = Factor(
    name="background",
    meaning="what the objects lie on",
    parameters=(
        Parameter(
            name="surface",
            distribution=Choice(_COMMON),
            wild=Choice(SURFACES),
            off="paper",
            meaning="what it is made of",
        ),
        Parameter(
            name="colours",
            distribution=Choice(("real",)),
            wild=Choice(("any",)),
            off="real",
            meaning="those that the surface has, or any",
        ),
        Parameter(
            name="tone",
            distribution=Uniform(0, 1),
            off=0.0,
            meaning="which of its colours",
            bounds=(0, 1),
        ),
        Parameter(
            name="hue_shift",
            distribution=Uniform(-0.03, 0.03),
            off=0.0,
            meaning="away from that colour; a full circle is 1",
            bounds=(-1, 1),
        ),
        Parameter(
            name="brightness",
            distribution=LogUniform(0.7, 1.25),
            off=1.0,
            meaning="over that of the colour",
            bounds=(0.01, 5),
        ),
        Parameter(
            name="scale",
            distribution=LogUniform(0.7, 1.5),
            off=1.0,
            meaning="size of threads, boards and veins over the usual",
            bounds=(0.1, 10),
        ),
        Parameter(
            name="contrast",
            distribution=Uniform(0.5, 1.2),
            off=1.0,
            meaning="of the pattern over the usual",
            bounds=(0, 3),
        ),
        Parameter(
            name="wear",
            distribution=Uniform(0, 1),
            off=0.0,
            meaning="stains, scratches, dust, pale patches",
            bounds=(0, 1),
        ),
        Parameter(
            name="gloss",
            distribution=Uniform(-1.0, 1.0),
            off=-1.0,
            meaning="below 0 matt, else how smooth its coat is, where it has one",
            bounds=(-1, 1),
        ),
        Parameter(
            name="folds",
            distribution=Uniform(-0.5, 1.0),
            off=0.0,
            meaning="below 0 flat, else height over that of a carelessly laid cloth",
            bounds=(-1, 3),
        ),
    ),
)
"""Table tops, cloths, floors, with wear; or a user's photographs."""


def sample_ground(draws: FactorDraws, *, tile_m: float, pictures: Sequence[str] = ()) -> Ground:
    """Draw the factor ``background``.

    Args:
        draws: Of a family that has :data:`BACKGROUND`.
        tile_m: Side of the square that the picture covers, about what the camera sees.
        pictures: Asset names of the user's photographs; where there are some, they are the
            grounds.
    """
    values: dict[str, Any] = draws.frame("background")
    noise = draws.noise("background")
    surface, picture = values["surface"], ""
    if pictures:
        surface, picture = "picture", pictures[int(noise.integers(len(pictures)))]
    dark, light = _colours(surface, values, noise)
    smoothest, roughest = _GLOSS.get(surface, (0.0, 0.0))
    gloss = values["gloss"]
    return Ground(
        surface=surface,
        dark=dark,
        light=light,
        tile_m=tile_m,
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
