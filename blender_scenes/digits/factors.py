"""What varies from sheet to sheet and from digit to digit."""

from __future__ import annotations

from blender_scenes.lens import with_optics
from pipeline.sampling.factors import (
    Choice,
    Factor,
    Integers,
    LogUniform,
    Uniform,
    per_frame,
    per_object,
)

__all__ = ["FACTORS"]

_SHARE = (0.0, 1.0)

FACTORS: tuple[Factor, ...] = with_optics(
    (
        Factor(
            name="count",
            meaning="cells of the grid",
            dependants=("placement",),
            parameters=(
                per_frame("columns", Integers(10, 12), 10, "digits in a row", (1, 64)),
                per_frame("rows", Integers(10, 12), 10, "digits in a column", (1, 64)),
            ),
        ),
        Factor(
            name="placement",
            meaning="where in its cell a digit stands",
            parameters=(
                per_object(
                    "shift_x",
                    Uniform(-0.08, 0.08),
                    0.0,
                    "to the right, share of the cell",
                    (-0.2, 0.2),
                ),
                per_object(
                    "shift_y", Uniform(-0.08, 0.08), 0.0, "upwards, share of the cell", (-0.2, 0.2)
                ),
            ),
        ),
        Factor(
            name="shape",
            meaning="who wrote or printed it",
            parameters=(
                per_object("source", Choice(("pen",) * 7 + ("font",)), "pen", "pen stroke or font"),
                per_object(
                    "style",
                    Uniform(0, 1),
                    0.0,
                    "which of the digit's pen styles, or which font",
                    _SHARE,
                ),
                per_object("height", Uniform(0.55, 0.7), 0.65, "share of the cell", (0.2, 0.75)),
                per_object("aspect", LogUniform(0.6, 1.2), 1.0, "factor on the width", (0.3, 1.6)),
                per_object(
                    "slant",
                    Uniform(-0.15, 0.4),
                    0.0,
                    "shift of the top to the right, per height",
                    (-0.6, 0.6),
                ),
                per_object(
                    "stroke_width",
                    LogUniform(0.08, 0.17),
                    0.1,
                    "of the pen, per height",
                    (0.03, 0.3),
                ),
                per_object(
                    "pressure",
                    Uniform(0, 0.2),
                    0.0,
                    "change of the pen's width along a stroke",
                    (0, 0.5),
                ),
                per_object(
                    "jitter",
                    Uniform(0.005, 0.04),
                    0.0,
                    "shift of the pen's control points, per height",
                    (0, 0.1),
                ),
                per_object(
                    "warp", Uniform(0, 0.045), 0.0, "smooth distortion, per height", (0, 0.1)
                ),
            ),
        ),
        Factor(
            name="pose",
            meaning="how a digit is turned",
            parameters=(
                per_object("rotation_deg", Uniform(-8, 8), 0.0, "counter-clockwise", (-180, 180)),
            ),
        ),
        Factor(
            name="material",
            meaning="ink and paper",
            parameters=(
                per_frame(
                    "paper",
                    Uniform(0.72, 0.95),
                    0.85,
                    "reflectance of the paper",
                    _SHARE,
                    wild=Uniform(0.4, 1),
                ),
                per_frame(
                    "warmth",
                    Uniform(0, 0.12),
                    0.0,
                    "share of blue that the paper swallows",
                    _SHARE,
                    wild=Uniform(0, 0.6),
                ),
                per_object("ink", Uniform(0.02, 0.15), 0.05, "reflectance of the ink", _SHARE),
                per_object(
                    "blue",
                    Uniform(0, 0.3),
                    0.0,
                    "reflectance that the ink has in blue beyond that",
                    _SHARE,
                ),
            ),
        ),
        Factor(
            name="lighting",
            meaning="light on the sheet",
            parameters=(
                per_frame(
                    "strength",
                    LogUniform(0.75, 1.1),
                    1.0,
                    "1 shows reflectances as they are",
                    (0.05, 4),
                    wild=LogUniform(0.4, 1.6),
                ),
                per_frame(
                    "fall_off",
                    Uniform(0, 0.35),
                    0.0,
                    "loss from the middle to the dark edge",
                    (0, 0.9),
                    wild=Uniform(0, 0.8),
                ),
                per_frame(
                    "azimuth_deg", Uniform(0, 360), 0.0, "side of the dark edge", (-360, 360)
                ),
            ),
        ),
        Factor(
            name="camera",
            meaning="a hand-held camera above the sheet",
            parameters=(
                per_frame("tilt_deg", Uniform(0, 4), 0.0, "away from straight above", (0, 30)),
                per_frame(
                    "azimuth_deg", Uniform(0, 360), 0.0, "side to which it is tilted", (-360, 360)
                ),
                per_frame("roll_deg", Uniform(-2, 2), 0.0, "turn of the picture", (-180, 180)),
                per_frame("hfov_deg", Uniform(28, 45), 35.0, "horizontal field of view", (5, 90)),
            ),
        ),
        Factor(
            name="sensor",
            meaning="the camera's chip",
            parameters=(
                per_frame("grey", Choice((False, False, False, True)), False, "greyscale picture"),
                per_frame("blur_sigma_px", Uniform(0.2, 0.7), 0.0, "blur of the lens", (0, 10)),
                per_frame("grain", Uniform(0, 0.02), 0.0, "noise, share of full scale", _SHARE),
                per_frame("vignetting", Uniform(0, 0.15), 0.0, "light lost in the corners", _SHARE),
            ),
        ),
    )
)
