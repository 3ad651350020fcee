"""What the pieces lie on and in: cloths over the table, a tray or dish. Without Blender."""

from __future__ import annotations

import colorsys
import math
from typing import Any

import numpy as np

from blender_scenes.blocks.colours import Rgb, shifted_hue, srgb_hex
from blender_scenes.nuts.scene import Cloth, Vessel, Weave
from pipeline.sampling.factors import FactorDraws

__all__ = ["sample_cloths", "sample_vessel"]

# Between the threads and on them, as on a screen.
_COLOURS: dict[Weave, tuple[str, ...]] = {
    "terry": ("949696 f4f5f5", "9a9b9b f7f7f7", "98958f f4f1eb", "90979c eef2f5"),
    "microfibre": ("488088 90c4cb", "4b7a73 8cb8ae", "537260 92ab99", "47737e 88b8c3",
                   "6b7179 adb4bd"),
}  # fmt: skip
_FOLD_M: dict[Weave, float] = {"terry": 0.02, "microfibre": 0.002}
_THICKNESS_M: dict[Weave, float] = {"terry": 0.0035, "microfibre": 0.0022}
_LAYERS: dict[str, tuple[Weave, ...]] = {
    "none": (),
    "terry": ("terry",),
    "microfibre": ("microfibre",),
    "both": ("microfibre", "terry"),
}


def sample_cloths(draws: FactorDraws, *, view_m: float) -> tuple[Cloth, ...]:
    """The cloths of a frame from the factor ``background``.

    Args:
        draws: Of the family.
        view_m: Half of what the camera sees of the table.
    """
    values: dict[str, Any] = draws.frame("background")
    weaves = _LAYERS[values["cover"]]
    cloths = []
    for index, weave in enumerate(weaves):
        noise = draws.noise("background", 10 + index)
        dark, light = _colours(weave, values, noise)
        edge_rad = float(noise.uniform(-math.pi, math.pi))
        # Of two, the upper one ends in view so that the lower one shows.
        reach = values["cover_edge"] if index == 0 else min(values["cover_edge"], 0.6) - 0.3
        cloths.append(
            Cloth(
                weave=weave,
                dark=dark,
                light=light,
                angle_rad=edge_rad + float(noise.normal(0, 0.02)),
                edge_m=(reach + (1.5 if index == 0 and len(weaves) > 1 else 0.0)) * view_m,
                edge_rad=edge_rad,
                fold_m=_FOLD_M[weave] * values["cover_folds"],
                thickness_m=_THICKNESS_M[weave],
                seed=draws.noise_seed("background", 20 + index),
            )
        )
    return tuple(cloths)


def _colours(weave: Weave, values: dict[str, Any], noise: np.random.Generator) -> tuple[Rgb, Rgb]:
    hue, saturation, brightness, shift, shade = (float(v) for v in noise.random(5))
    if values["cover_colours"] == "any":
        light = colorsys.hsv_to_rgb(hue, 0.8 * saturation, 0.1 + 0.7 * brightness)
        return shifted_hue(light, turn=0.0, brightness=0.4), light
    palette = _COLOURS[weave]
    pair = palette[min(int(values["cover_tone"] * len(palette)), len(palette) - 1)]
    dark, light = (
        shifted_hue(srgb_hex(code), turn=0.02 * (shift - 0.5), brightness=0.9 + 0.2 * shade)
        for code in pair.split()
    )
    return dark, light


def sample_vessel(
    draws: FactorDraws, *, seen_m: tuple[float, float], along_rad: float
) -> Vessel | None:
    """The vessel of a frame from the factor ``background``.

    Args:
        draws: Of the family.
        seen_m: Width and height of the table in the picture.
        along_rad: Direction of its width about the upright axis.
    """
    kind = draws.frame("background")["vessel"]
    if kind == "none":
        return None
    noise = draws.noise("background", 30)
    width_m, height_m = np.array(seen_m) / 2
    if kind == "tray":
        share, turn = float(noise.uniform(0.8, 0.95)), float(noise.normal(0, 0.04))
        return Vessel(
            kind="tray",
            half_m=(share * float(width_m), share * float(height_m)),
            height_m=float(noise.uniform(0.025, 0.045)),
            angle_rad=along_rad + turn,
        )
    radius_m = float(noise.uniform(0.85, 1.1) * height_m)
    return Vessel(
        kind="dish",
        half_m=(radius_m, radius_m),
        height_m=float(noise.uniform(0.3, 0.5)) * radius_m,
        angle_rad=0.0,
    )
