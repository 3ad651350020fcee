"""What varies from sheet to sheet and from digit to digit."""

from __future__ import annotations

from blender_scenes.lens import with_optics
from pipeline.sampling.factors import Choice, Factor, Integers, LogUniform, Parameter, Uniform

__all__ = ["FACTORS"]

FACTORS: tuple[Factor, ...] = with_optics(
    (
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
                    distribution=LogUniform(0.6, 1.2),
                    off=1.0,
                    meaning="factor on the width",
                    per_object=True,
                    bounds=(0.3, 1.6),
                ),
                Parameter(
                    name="slant",
                    distribution=Uniform(-0.15, 0.4),
                    off=0.0,
                    meaning="shift of the top to the right, per height",
                    per_object=True,
                    bounds=(-0.6, 0.6),
                ),
                Parameter(
                    name="stroke_width",
                    distribution=LogUniform(0.08, 0.17),
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
                    distribution=Uniform(0, 0.045),
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
                    distribution=Uniform(0.72, 0.95),
                    off=0.85,
                    wild=Uniform(0.4, 1),
                    meaning="reflectance of the paper",
                    bounds=(0, 1),
                ),
                Parameter(
                    name="warmth",
                    distribution=Uniform(0, 0.12),
                    off=0.0,
                    wild=Uniform(0, 0.6),
                    meaning="share of blue that the paper swallows",
                    bounds=(0, 1),
                ),
                Parameter(
                    name="ink",
                    distribution=Uniform(0.02, 0.15),
                    off=0.05,
                    meaning="reflectance of the ink",
                    per_object=True,
                    bounds=(0, 1),
                ),
                Parameter(
                    name="blue",
                    distribution=Uniform(0, 0.3),
                    off=0.0,
                    meaning="reflectance that the ink has in blue beyond that",
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
                    distribution=LogUniform(0.75, 1.1),
                    off=1.0,
                    wild=LogUniform(0.4, 1.6),
                    meaning="1 shows reflectances as they are",
                    bounds=(0.05, 4),
                ),
                Parameter(
                    name="fall_off",
                    distribution=Uniform(0, 0.35),
                    off=0.0,
                    wild=Uniform(0, 0.8),
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
                    name="grey",
                    distribution=Choice((False, False, False, True)),
                    off=False,
                    meaning="greyscale picture",
                ),
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
)
