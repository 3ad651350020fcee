"""Colours of dice: what they are sold in, and how they run over a surface. No Blender."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np

from blender_scenes.blocks.colours import luminance, shifted_hue, srgb_hex
from blender_scenes.dice.scene import DiePaint
from pipeline.geometry.boxes import FloatArray

__all__ = ["draw_paint", "surface_paint"]

# Body, second colour, pips; as on a screen.
_SOLD: dict[str, tuple[str, ...]] = {
    "opaque": (
        "f2f3f5 f2f3f5 101012", "e9e3d0 e9e3d0 131210", "1a1a1c 1a1a1c f4f4f4",
        "d8201c d8201c f4f4f4", "0a9646 0a9646 f4f4f4", "1c20a4 1c20a4 f4f4f4",
        "76128c 76128c f4f4f4", "f3e21c f3e21c 111111", "2a1c4c 2a1c4c f0f0f0",
        "b01c24 b01c24 d8b040", "1f6fd0 1f6fd0 f4f4f4", "ee7a18 ee7a18 f4f4f4",
        "e6e81e e6e81e 111111", "9c2c44 9c2c44 f4f4f4", "16161a 16161a d82024",
    ),
    "marbled": (
        "0d5a52 3a8c5c f0dc20", "1c68ac 101620 a02a44", "4a4442 262120 c03440",
        "a88444 7a5a28 0c0c0c", "ffd808 ff9a18 101010", "8c2434 b4566a f2f2f2",
        "2c1a50 4a3478 f2f2f2", "c41c1c 8c1014 e8c048", "1a3a9a 5a80d0 f2f2f2",
        "186030 60a870 f2f2f2", "d8d4cc a8a4a0 101010", "202226 585c64 f2f2f2",
    ),
    "translucent": (
        "d41a20 d41a20 f6f6f6", "12a050 12a050 f6f6f6", "2040d0 2040d0 f6f6f6",
        "8a2a9c 8a2a9c f6f6f6", "f0a010 f0a010 f6f6f6", "cfd6da cfd6da 101010",
        "4a4c50 4a4c50 f6f6f6", "20a0b8 20a0b8 f6f6f6",
    ),
}  # fmt: skip
_SWIRLS = 5  # waves that bend each other


def draw_paint(values: dict[str, Any], *, seed: int) -> DiePaint:
    """The paint of one die from its draws of the factor ``material``."""
    sold = _SOLD[values["finish"]]
    if values["colours"] == "any":
        body = colorsys.hsv_to_rgb(values["tone"], values["saturation"], values["value"])
        swirl = shifted_hue(body, turn=0.15, brightness=0.5)
        pips = (0.9, 0.9, 0.9) if float(luminance(body)) < 0.3 else (0.01, 0.01, 0.01)
    else:
        codes = sold[min(int(values["tone"] * len(sold)), len(sold) - 1)].split()
        body, swirl, pips = (srgb_hex(code) for code in codes)
    body, swirl = (
        shifted_hue(colour, turn=values["hue_shift"], brightness=values["brightness"])
        for colour in (body, swirl)
    )
    return DiePaint(
        finish=values["finish"],
        body=body,
        swirl=swirl,
        pips=pips,
        roughness=values["roughness"],
        seed=seed,
    )


def surface_paint(paint: DiePaint, *, places: FloatArray, painted: FloatArray) -> FloatArray:
    """(N, 3) linear RGB over a die.

    Args:
        paint: Its colours.
        places: (N, 3) over half its side.
        painted: (N,) share that is a pip's paint.
    """
    body: FloatArray = np.broadcast_to(np.array(paint.body), (len(places), 3))
    if paint.finish == "marbled":
        share = _marbling(places, paint.seed)[:, None]
        body = (1 - share) * body + share * np.array(paint.swirl)
    return np.asarray((1 - painted)[:, None] * body + painted[:, None] * np.array(paint.pips))


def _marbling(places: FloatArray, seed: int) -> FloatArray:
    # (N,) in 0 ... 1: streaks of two plastics that were stirred.
    rng = np.random.default_rng(seed)
    bent = places.copy()
    for _ in range(_SWIRLS):
        wave, push = rng.normal(0, 1.6, size=3), rng.normal(0, 0.35, size=3)
        bent += np.sin(bent @ wave + rng.uniform(0, 6.3))[:, None] * push
    streaks = np.sin(bent @ rng.normal(0, 2.2, size=3) + rng.uniform(0, 6.3))
    depth = rng.uniform(0.2, 0.7)
    return np.asarray(np.clip(0.5 + depth * streaks + rng.uniform(-0.4, 0.1), 0, 1))
