"""Scene family ``digits``: a sheet of paper with a grid of written and printed digits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.framing import camera_above
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.digits.factors import FACTORS
from blender_scenes.digits.fonts import FONTS, find_font
from blender_scenes.digits.styles import styles_of
from blender_scenes.family import SceneFamily
from pipeline.geometry.camera import Camera, matrix4
from pipeline.records.scene import SampledInstance, SampledScene
from pipeline.sampling.factors import Factor, FactorDraws
from pipeline.specs.scene import ImageSpec, SceneSpec

__all__ = ["DigitsFamily", "DigitsScene", "Glyph"]

_CELL_M = 0.012
# Ink lies on the paper, and neighbours, should they overlap, on each other: high enough for
# float32 rays from a metre away, too low to see.
_INK_LAYER_M = 2e-5
_DIGITS = tuple("0123456789")


class Glyph(SampledInstance):
    """One digit on the paper.

    Attributes:
        style: Name of a pen style, or of a font (``fonts.FONTS``).
        height_m: Of the pen's path, or of the font's digit.
        aspect: Factor on the width.
        slant: Horizontal shift of the top relative to the bottom, per height.
        jitter: Standard deviation of the control points' displacement, per height.
        warp: Standard deviation of the smooth distortion, per height.
        stroke_width: Of the pen, per height.
        pressure: Relative standard deviation of the pen's width along a stroke.
        ink: Reflectance in linear red, green and blue.
        seed: Fixes jitter, warp and pressure.
    """

    style: str
    height_m: float
    aspect: float
    slant: float
    jitter: float
    warp: float
    stroke_width: float
    pressure: float
    ink: Rgb
    seed: int


class DigitsScene(SampledScene):
    """A sampled sheet.

    Attributes:
        instances: One glyph per cell, row by row.
        sheet_m: Width and height of the paper; it goes on beyond the picture.
        paper: Reflectance of the paper in linear red, green and blue.
        light: What falls on the sheet's middle; 1 shows a reflectance as it is.
        light_slope_per_m: Relative change of the light along the sheet's x and y.
    """

    instances: tuple[Glyph, ...]
    sheet_m: tuple[float, float]
    paper: Rgb
    light: float
    light_slope_per_m: tuple[float, float]


class DigitsFamily(SceneFamily):
    """Digits as people and printers make them, one per cell of a grid."""

    name: ClassVar[str] = "digits"
    summary: ClassVar[str] = "a sheet of paper with 100 to 144 written and printed digits"
    categories: tuple[str, ...] = _DIGITS
    image: ClassVar[ImageSpec] = ImageSpec(width=640, height=640)
    scene_type: ClassVar[type[SampledScene]] = DigitsScene
    build_module: ClassVar[str] = "blender_scenes.digits.build"
    max_bounces: ClassVar[tuple[int, int, int]] = (0, 0, 0)  # the sheet glows, see build.py
    denoise: ClassVar[bool] = False
    factors: ClassVar[tuple[Factor, ...]] = FACTORS

    def of(self, spec: SceneSpec, *, source: Path) -> Self:
        """With all fonts, whichever of them the factors leave."""
        made = super().of(spec, source=source)
        made.assets = {**made.assets, **{name: find_font(name) for name in FONTS}}
        return made

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> DigitsScene:
        """Fix every number of one sheet."""
        columns, rows = (int(draws.frame("count")[key]) for key in ("columns", "rows"))
        material = {key: float(value) for key, value in draws.frame("material").items()}
        lighting = {key: float(value) for key, value in draws.frame("lighting").items()}
        # What the picture is wide: the whole grid, with room for a small tilt and roll.
        view_m = 1.06 * _CELL_M * max(columns, rows * image.width / image.height)
        azimuth_rad = math.radians(lighting["azimuth_deg"])
        slope_per_m = lighting["fall_off"] / (view_m / 2)
        return DigitsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=_camera(draws, image, view_m),
            instances=tuple(
                _glyph(draws, row * columns + column + 1, _cell_centre(row, column, rows, columns))
                for row in range(rows)
                for column in range(columns)
            ),
            factors=draws.drawn,
            sensor=sample_sensor(draws),
            sheet_m=(3 * view_m, 3 * view_m * image.height / image.width),
            paper=_paper(reflectance=material["paper"], warmth=material["warmth"]),
            light=lighting["strength"],
            light_slope_per_m=(
                -slope_per_m * math.cos(azimuth_rad),
                -slope_per_m * math.sin(azimuth_rad),
            ),
        )


def _paper(*, reflectance: float, warmth: float) -> Rgb:
    return (reflectance, reflectance * (1 - warmth / 3), reflectance * (1 - warmth))


def _cell_centre(row: int, column: int, rows: int, columns: int) -> tuple[float, float, float]:
    return (
        (column - (columns - 1) / 2) * _CELL_M,
        ((rows - 1) / 2 - row) * _CELL_M,
        (1 + row % 2 * 2 + column % 2) * _INK_LAYER_M,
    )


def _glyph(draws: FactorDraws, index: int, centre_m: tuple[float, float, float]) -> Glyph:
    digit = _DIGITS[int(draws.noise("placement", index).integers(len(_DIGITS)))]
    shape = draws.object("shape", index)
    styles = styles_of(digit) if shape["source"] == "pen" else FONTS
    place = draws.object("placement", index)
    ink, blue = (float(draws.object("material", index)[key]) for key in ("ink", "blue"))
    angle_rad = math.radians(float(draws.object("pose", index)["rotation_deg"]))
    world_from_obj = np.eye(4)
    world_from_obj[:2, :2] = [
        [math.cos(angle_rad), -math.sin(angle_rad)],
        [math.sin(angle_rad), math.cos(angle_rad)],
    ]
    shift = np.array([place["shift_x"], place["shift_y"], 0.0], dtype=np.float64)
    world_from_obj[:3, 3] = centre_m + shift * _CELL_M
    return Glyph(
        instance_id=index,
        category=digit,
        world_from_obj=matrix4(world_from_obj),
        style=styles[min(int(float(shape["style"]) * len(styles)), len(styles) - 1)],
        height_m=float(shape["height"]) * _CELL_M,
        aspect=float(shape["aspect"]),
        slant=float(shape["slant"]),
        jitter=float(shape["jitter"]),
        warp=float(shape["warp"]),
        stroke_width=float(shape["stroke_width"]),
        pressure=float(shape["pressure"]),
        ink=(ink, ink, min(ink + blue, 1.0)),
        seed=draws.noise_seed("shape", index),
    )


def _camera(draws: FactorDraws, image: ImageSpec, view_m: float) -> Camera:
    drawn = {key: math.radians(float(value)) for key, value in draws.frame("camera").items()}
    return camera_above(
        image,
        view_m=view_m,
        hfov_rad=drawn["hfov_deg"],
        tilt_rad=drawn["tilt_deg"],
        azimuth_rad=drawn["azimuth_deg"],
        roll_rad=-drawn["roll_deg"],
    )
