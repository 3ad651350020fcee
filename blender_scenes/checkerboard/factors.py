"""What varies in the checkerboard family, and how far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from blender_scenes.blocks.lighting import LIGHTING
from blender_scenes.blocks.pictures import OWN
from blender_scenes.blocks.tailoring import tailored
from blender_scenes.lens import with_optics
from pipeline.sampling.factors import (
    Choice,
    Distribution,
    Factor,
    Fixed,
    Integers,
    LogUniform,
    Uniform,
    per_frame,
)

__all__ = ["FACTORS"]

_FULL_TURN = Uniform(-math.pi, math.pi)
_SHARE = (0.0, 1.0)
# Wild ones show all corners, too, and from the front.
_TILT = Uniform(0.05, 0.8)
_SLACK = Uniform(-1, 1)


# Every picture of a data set has the same corners: no range, on or off or wild.
_size = partial(per_frame, bounds=(3, 40))

_LENS = {
    "k1": Uniform(-0.32, -0.2),
    "k2": Uniform(0.08, 0.16),
    "p1": Uniform(-0.001, 0.001),
    "p2": Uniform(-0.001, 0.001),
}

# The camera's own compression takes most of its noise away.
_CHIP = {"jpeg_quality": Integers(45, 62)}

_OWN = (
    Factor(
        name="shape",
        meaning="which target: its size decides the keypoints and is the same in all pictures",
        dependants=("placement", "occlusion"),
        parameters=(
            _size("columns", Fixed(10), 10, "squares in a row"),
            _size("rows", Fixed(7), 7, "squares in a column; odd where columns is even"),
            per_frame("square_m", LogUniform(0.026, 0.038), 0.025, "a square's side", (1e-3, 1.0)),
            per_frame(
                "margin",
                Uniform(-0.45, 0.9),
                0.5,
                "white around the squares, in squares; below 0 they are cut narrower",
                (-0.5, 5.0),
            ),
            per_frame(
                "plate",
                Choice((0.0, 0.25, 0.5, 0.7, 0.9)),
                0.5,
                "of the plate beyond the paper, in squares; 0 is none",
            ),
            per_frame("bend_m", Uniform(-0.003, 0.003), 0.0, "at the ends", (-0.05, 0.05)),
            per_frame("bend_direction_rad", _FULL_TURN, 0.0, "across which it is rolled up"),
            per_frame("twist", Uniform(-0.4, 0.4), 0.0, "of the corners over the bend", (-2, 2)),
        ),
    ),
    Factor(
        name="pose",
        meaning="how the board is held",
        dependants=("placement", "sensor"),
        parameters=(
            per_frame("tilt_rad", _TILT, 0.3, "out of the picture's plane", (0, 1.2), wild=_TILT),
            per_frame("tilt_azimuth_rad", _FULL_TURN, 0.6, "to which side"),
            per_frame(
                "turn_rad",
                Uniform(-2.1, 2.1),  # nobody holds it upside down
                0.0,
                "in the picture's plane",
                wild=_FULL_TURN,
            ),
        ),
    ),
    Factor(
        name="placement",
        meaning="where in the picture the board is, and how large",
        parameters=(
            per_frame(
                "fill",
                Uniform(0.55, 0.98),
                0.75,
                "share of the picture it reaches across",
                (0.02, 3),
                wild=Uniform(0.2, 0.95),
            ),
            per_frame(
                "across", _SLACK, 0.0, "sideways, of the way to the rim", (-3, 3), wild=_SLACK
            ),
            per_frame("up", _SLACK, 0.0, "upwards, of the way to the rim", (-3, 3), wild=_SLACK),
        ),
    ),
    Factor(
        name="material",
        meaning="print, paper and plate",
        parameters=(
            per_frame("white", Uniform(0.65, 0.85), 0.75, "reflectance of the paper", _SHARE),
            per_frame("black", LogUniform(0.006, 0.025), 0.012, "reflectance of the ink", _SHARE),
            per_frame("stain", Uniform(0.0, 0.05), 0.0, "unevenness", (0, 0.4)),
            per_frame(
                "sheen",
                Choice((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.4)),
                1.0,
                "roughness of the print's gloss; 1 is matt",
            ),
            per_frame("plate", LogUniform(0.04, 0.5), 0.2, "reflectance of the plate", _SHARE),
            per_frame("plate_warmth", Uniform(0, 0.6), 0.0, "from grey to brown", _SHARE),
        ),
    ),
    tailored(
        LIGHTING,
        ranges={
            "elevation_rad": Uniform(0.35, 1.2),
            "azimuth_rad": Uniform(-math.pi, 0.0),
            "world": Choice(("office", "office", "overcast", "window", "studio", "even")),
            "fill": Uniform(0.45, 1.0),
            # Walls all around leave no bright spots.
            "contrast": Uniform(0.2, 0.55),
            "strength": LogUniform(0.7, 1.4),
        },
        off={"azimuth_rad": -1.0},
        dependants=("sensor",),
    ),
    Factor(
        name="camera",
        meaning="the camera in the room, and its lens",
        parameters=(
            per_frame("hfov_rad", Uniform(0.95, 1.12), 1.05, "horizontal field of view", (0.05, 2)),
            per_frame("pitch_rad", Uniform(-0.1, 0.35), 0.1, "how far it looks down", (-1.2, 1.2)),
            per_frame("roll_rad", Uniform(-0.06, 0.06), 0.0, "turn of the picture"),
            per_frame(
                "centre_x", Uniform(-0.04, 0.04), 0.0, "principal point's, over width", (-0.4, 0.4)
            ),
            per_frame(
                "centre_y", Uniform(-0.04, 0.04), 0.0, "principal point's, over height", (-0.4, 0.4)
            ),
        ),
    ),
    Factor(
        name="background",
        meaning="the room behind",
        parameters=(
            per_frame(
                "room",
                Choice((True,)),
                True,
                "walls, or nothing but the lighting's world",
                wild=Choice((True, False)),
            ),
            per_frame("depth_m", LogUniform(1.0, 2.2), 1.2, "to the wall", (0.5, 50)),
            per_frame("side_m", Uniform(-2.5, 2.5), 1.5, "to the side wall; below 0 left"),
            per_frame("wall", LogUniform(0.08, 0.3), 0.15, "reflectance of the walls", _SHARE),
            per_frame("floor", LogUniform(0.04, 0.3), 0.1, "reflectance of the floor", _SHARE),
            per_frame("desk", LogUniform(0.06, 0.6), 0.2, "reflectance of the desk", _SHARE),
            per_frame("saturation", Uniform(0.0, 0.4), 0.0, "colourfulness of it all", _SHARE),
            per_frame(
                "panel_m", Choice((0.0, 0.6, 0.9, 1.2)), 0.0, "width of wall panels; 0 is none"
            ),
            per_frame("desk_depth_m", Choice((0.0, 0.5, 0.7, 0.8)), 0.6, "of a desk; 0 is none"),
            OWN,
        ),
    ),
    Factor(
        name="distractors",
        meaning="people and furniture behind the board",
        dependants=("occlusion",),  # a person's hands have its skin
        parameters=(
            per_frame("person", Choice((True, True, True, False)), False, "someone stands there"),
            per_frame("furnishings", Integers(9, 18), 0, "monitors, shelves, posters", (0, 40)),
            per_frame("things", Integers(2, 7), 0, "cups, books, boxes on the desk", (0, 40)),
        ),
    ),
    Factor(
        name="occlusion",
        meaning="what holds the board, over its edge",
        parameters=(
            per_frame("hands", Choice((0, 1, 1, 1, 2)), 0, "at the board's edge"),
            per_frame("clips", Choice((0, 0, 0, 0, 1)), 0, "at the board's edge"),
            per_frame("reach_m", LogUniform(0.008, 0.025), 0.01, "over the edge", (1e-3, 0.2)),
        ),
    ),
    Factor(
        name="sensor",
        meaning="the camera's chip",
        parameters=(
            per_frame("grey", Choice((True,)), True, "no colours", wild=Choice((True, False))),
            per_frame(
                "exposure", LogUniform(0.78, 1.4), 1.0, "1 shows white at full scale", (0.01, 100)
            ),
            per_frame("contrast", Uniform(1.0, 1.3), 1.0, "slope about mid-grey", (0.1, 5)),
            per_frame("vignetting", Uniform(0.05, 0.4), 0.0, "light lost in the corners", _SHARE),
            per_frame("blur_sigma_px", Uniform(0.57, 0.95), 0.0, "of lens and focus", (0, 20)),
            per_frame("sharpening", Uniform(0, 0.15), 0.0, "by the camera", (0, 5)),
            per_frame("grain", Uniform(0.011, 0.022), 0.0, "noise, share of full scale", _SHARE),
            per_frame(
                "dark_rim_px", Choice((0, 1, 1, 1, 1, 2, 2)), 0, "black, on all sides", (0, 20)
            ),
            per_frame("dark_top_px", Integers(0, 4), 0, "further black rows above", (0, 20)),
        ),
    ),
)

_OPTICS: Mapping[str, Mapping[str, Distribution]] = {"camera": _LENS, "sensor": _CHIP}

FACTORS = tuple(
    tailored(factor, ranges=_OPTICS[factor.name], wild=_OPTICS[factor.name])
    if factor.name in _OPTICS
    else factor
    for factor in with_optics(_OWN)
)
