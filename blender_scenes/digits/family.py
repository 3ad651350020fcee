"""Scene family ``digits``: a sheet of paper with a grid of written and printed digits."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from blender_scenes.digits.fonts import FONTS
from blender_scenes.digits.styles import styles_of
from blender_scenes.family import SceneFamily
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import PinholeCamera, look_at, matrix4, pinhole_camera
from pipeline.records.scene import SampledInstance, SampledScene, SensorSettings
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    Integers,
    LogUniform,
    Parameter,
    Uniform,
)
from pipeline.specs.scene import ImageSpec

__all__ = ["DigitsFamily", "DigitsScene", "Glyph"]

_CELL_M = 0.012
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
        ink: Reflectance.
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
    ink: float
    seed: int


class DigitsScene(SampledScene):
    """A sampled sheet.

    Attributes:
        instances: One glyph per cell, row by row.
        sheet_m: Width and height of the paper that the camera may see.
        paper: Reflectance of the paper.
        light: What falls on the sheet's middle; 1 shows a reflectance as it is.
        light_slope_per_m: Relative change of the light along the sheet's x and y.
    """

    instances: tuple[Glyph, ...]
    sheet_m: tuple[float, float]
    paper: float
    light: float
    light_slope_per_m: tuple[float, float]


class DigitsFamily(SceneFamily):
    """Digits as people and printers make them, one per cell of a grid."""

    name: ClassVar[str] = "digits"
    summary: ClassVar[str] = "a sheet of paper with 100 to 144 written and printed digits"
    categories: ClassVar[tuple[str, ...]] = _DIGITS
    image: ClassVar[ImageSpec] = ImageSpec(width=480, height=480)
    scene_type: ClassVar[type[SampledScene]] = DigitsScene
    build_module: ClassVar[str] = "blender_scenes.digits.build"
    max_bounces: ClassVar[tuple[int, int, int]] = (0, 0, 0)  # the sheet glows, see build.py
    denoise: ClassVar[bool] = False
    factors: ClassVar[tuple[Factor, ...]] = (
        Factor(
            name="count",
            meaning="cells of the grid",
            dependants=("placement",),
            parameters=(
                Parameter(
                    name="columns",
                    distribution=Integers(10, 12),
                    off=10,
                    meaning="digits in a row",
                    bounds=(1, 64),
                ),
                Parameter(
                    name="rows",
                    distribution=Integers(10, 12),
                    off=10,
                    meaning="digits in a column",
                    bounds=(1, 64),
                ),
            ),
        ),
        Factor(
            name="placement",
            meaning="where in its cell a digit stands",
            parameters=(
                Parameter(
                    name="shift_x",
                    distribution=Uniform(-0.08, 0.08),
                    off=0.0,
                    meaning="to the right, share of the cell",
                    per_object=True,
                    bounds=(-0.2, 0.2),
                ),
                Parameter(
                    name="shift_y",
                    distribution=Uniform(-0.08, 0.08),
                    off=0.0,
                    meaning="upwards, share of the cell",
                    per_object=True,
                    bounds=(-0.2, 0.2),
                ),
            ),
        ),
        Factor(
            name="shape",
            meaning="who wrote or printed it",
            parameters=(
                Parameter(
                    name="source",
                    distribution=Choice(("pen",) * 7 + ("font",)),
                    off="pen",
                    meaning="pen stroke or font",
                    per_object=True,
                ),
                Parameter(
                    name="style",
                    distribution=Uniform(0, 1),
                    off=0.0,
                    meaning="which of the digit's pen styles, or which font",
                    per_object=True,
                    bounds=(0, 1),
                ),
                Parameter(
                    name="height",
                    distribution=Uniform(0.55, 0.7),
                    off=0.65,
                    meaning="share of the cell",
                    per_object=True,
                    bounds=(0.2, 0.75),
                ),
                Parameter(
                    name="aspect",
                    distribution=LogUniform(0.6, 1.3),
                    off=1.0,
                    meaning="factor on the width",
                    per_object=True,
                    bounds=(0.3, 1.6),
                ),
                Parameter(
                    name="slant",
                    distribution=Uniform(-0.15, 0.5),
                    off=0.0,
                    meaning="shift of the top to the right, per height",
                    per_object=True,
                    bounds=(-0.6, 0.6),
                ),
                Parameter(
                    name="stroke_width",
                    distribution=LogUniform(0.07, 0.17),
                    off=0.1,
                    meaning="of the pen, per height",
                    per_object=True,
                    bounds=(0.03, 0.3),
                ),
                Parameter(
                    name="pressure",
                    distribution=Uniform(0, 0.2),
                    off=0.0,
                    meaning="change of the pen's width along a stroke",
                    per_object=True,
                    bounds=(0, 0.5),
                ),
                Parameter(
                    name="jitter",
                    distribution=Uniform(0.005, 0.04),
                    off=0.0,
                    meaning="shift of the pen's control points, per height",
                    per_object=True,
                    bounds=(0, 0.1),
                ),
                Parameter(
                    name="warp",
                    distribution=Uniform(0, 0.035),
                    off=0.0,
                    meaning="smooth distortion, per height",
                    per_object=True,
                    bounds=(0, 0.1),
                ),
            ),
        ),
        Factor(
            name="pose",
            meaning="how a digit is turned",
            parameters=(
                Parameter(
                    name="rotation_deg",
                    distribution=Uniform(-8, 8),
                    off=0.0,
                    meaning="counter-clockwise",
                    per_object=True,
                    bounds=(-180, 180),
                ),
            ),
        ),
        Factor(
            name="material",
            meaning="ink and paper",
            parameters=(
                Parameter(
                    name="paper",
                    distribution=Uniform(0.65, 0.95),
                    off=0.85,
                    meaning="reflectance of the paper",
                    bounds=(0, 1),
                ),
                Parameter(
                    name="ink",
                    distribution=Uniform(0.02, 0.2),
                    off=0.05,
                    meaning="reflectance of the ink",
                    per_object=True,
                    bounds=(0, 1),
                ),
            ),
        ),
        Factor(
            name="lighting",
            meaning="light on the sheet",
            parameters=(
                Parameter(
                    name="strength",
                    distribution=LogUniform(0.6, 1.1),
                    off=1.0,
                    meaning="1 shows reflectances as they are",
                    bounds=(0.05, 4),
                ),
                Parameter(
                    name="fall_off",
                    distribution=Uniform(0, 0.35),
                    off=0.0,
                    meaning="loss from the middle to the dark edge",
                    bounds=(0, 0.9),
                ),
                Parameter(
                    name="azimuth_deg",
                    distribution=Uniform(0, 360),
                    off=0.0,
                    meaning="side of the dark edge",
                    bounds=(-360, 360),
                ),
            ),
        ),
        Factor(
            name="camera",
            meaning="a hand-held camera above the sheet",
            parameters=(
                Parameter(
                    name="tilt_deg",
                    distribution=Uniform(0, 4),
                    off=0.0,
                    meaning="away from straight above",
                    bounds=(0, 30),
                ),
                Parameter(
                    name="azimuth_deg",
                    distribution=Uniform(0, 360),
                    off=0.0,
                    meaning="side to which it is tilted",
                    bounds=(-360, 360),
                ),
                Parameter(
                    name="roll_deg",
                    distribution=Uniform(-2, 2),
                    off=0.0,
                    meaning="turn of the picture",
                    bounds=(-180, 180),
                ),
                Parameter(
                    name="hfov_deg",
                    distribution=Uniform(28, 45),
                    off=35.0,
                    meaning="horizontal field of view",
                    bounds=(5, 90),
                ),
            ),
        ),
        Factor(
            name="sensor",
            meaning="the camera's chip",
            parameters=(
                Parameter(
                    name="blur_sigma_px",
                    distribution=Uniform(0.2, 0.7),
                    off=0.0,
                    meaning="blur of the lens",
                    bounds=(0, 10),
                ),
                Parameter(
                    name="grain",
                    distribution=Uniform(0, 0.02),
                    off=0.0,
                    meaning="noise, share of full scale",
                    bounds=(0, 1),
                ),
                Parameter(
                    name="vignetting",
                    distribution=Uniform(0, 0.15),
                    off=0.0,
                    meaning="light lost in the corners",
                    bounds=(0, 1),
                ),
            ),
        ),
    )

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> DigitsScene:
        """Fix every number of one sheet."""
        columns, rows = (int(draws.frame("count")[key]) for key in ("columns", "rows"))
        paper = float(draws.frame("material")["paper"])
        lighting = {key: float(value) for key, value in draws.frame("lighting").items()}
        sensor = {key: float(value) for key, value in draws.frame("sensor").items()}
        half_m = _CELL_M * max(columns, rows) / 2
        azimuth_rad = math.radians(lighting["azimuth_deg"])
        slope_per_m = lighting["fall_off"] / half_m
        camera = _camera(draws, image, grid_m=(columns * _CELL_M, rows * _CELL_M))
        return DigitsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=tuple(
                _glyph(draws, row * columns + column + 1, _cell_centre(row, column, rows, columns))
                for row in range(rows)
                for column in range(columns)
            ),
            factors=draws.drawn,
            sensor=SensorSettings(
                grey=True,
                blur_sigma_px=sensor["blur_sigma_px"],
                grain=sensor["grain"],
                vignetting=sensor["vignetting"],
                seed=draws.noise_seed("sensor"),
            ),
            sheet_m=(columns * _CELL_M * 3, rows * _CELL_M * 3),
            paper=paper,
            light=lighting["strength"],
            light_slope_per_m=(
                -slope_per_m * math.cos(azimuth_rad),
                -slope_per_m * math.sin(azimuth_rad),
            ),
        )


def _cell_centre(row: int, column: int, rows: int, columns: int) -> tuple[float, float]:
    return ((column - (columns - 1) / 2) * _CELL_M, ((rows - 1) / 2 - row) * _CELL_M)


def _glyph(draws: FactorDraws, index: int, centre_m: tuple[float, float]) -> Glyph:
    digit = _DIGITS[int(draws.noise("placement", index).integers(len(_DIGITS)))]
    shape = draws.object("shape", index)
    styles = styles_of(digit) if shape["source"] == "pen" else FONTS
    place = draws.object("placement", index)
    angle_rad = math.radians(float(draws.object("pose", index)["rotation_deg"]))
    world_from_obj = np.eye(4)
    world_from_obj[:2, :2] = [
        [math.cos(angle_rad), -math.sin(angle_rad)],
        [math.sin(angle_rad), math.cos(angle_rad)],
    ]
    world_from_obj[:2, 3] = (
        centre_m[0] + float(place["shift_x"]) * _CELL_M,
        centre_m[1] + float(place["shift_y"]) * _CELL_M,
    )
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
        ink=float(draws.object("material", index)["ink"]),
        seed=draws.noise_seed("shape", index),
    )


def _camera(draws: FactorDraws, image: ImageSpec, grid_m: tuple[float, float]) -> PinholeCamera:
    drawn = {key: float(value) for key, value in draws.frame("camera").items()}
    hfov_rad = math.radians(drawn["hfov_deg"])
    tilt_rad, azimuth_rad, roll_rad = (
        math.radians(drawn[key]) for key in ("tilt_deg", "azimuth_deg", "roll_deg")
    )
    # The whole grid stays in view at a small tilt and roll.
    width_m = 1.06 * max(grid_m[0], grid_m[1] * image.width / image.height)
    distance_m = width_m / 2 / math.tan(hfov_rad / 2)
    eye_m: FloatArray = distance_m * np.array(
        [
            math.sin(tilt_rad) * math.cos(azimuth_rad),
            math.sin(tilt_rad) * math.sin(azimuth_rad),
            math.cos(tilt_rad),
        ]
    )
    return pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=hfov_rad,
        world_from_cam=look_at(
            eye_m=eye_m,
            target_m=np.zeros(3),
            up=np.array([-math.sin(roll_rad), math.cos(roll_rad), 0.0]),
        ),
    )
