"""What varies in the coins family, and how far."""

from __future__ import annotations

import math

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

_FULL_TURN = Uniform(-math.pi, math.pi)
_SHARE = (0.0, 1.0)
_ANY_ANGLE = (-math.pi, math.pi)


_BACKGROUND = Factor(
    name="background",
    meaning="the board under the coins",
    parameters=(
        per_frame(
            "surface",
            Choice(("felt", "felt", "board", "cloth", "paper", "wood")),
            "felt",
            "kind of texture",
        ),
        per_frame(
            "brightness",
            LogUniform(0.006, 0.35),
            0.03,
            "share of the light that the bright end of the board gives back",
            _SHARE,
        ),
        per_frame("hue", Uniform(0.0, 1.0), 0.6, "hue of the board, a full circle is 1", _SHARE),
        per_frame("saturation", Uniform(0.0, 0.6), 0.0, "colourfulness of the board", _SHARE),
        per_frame(
            "gradient", Uniform(0.0, 0.97), 0.0, "light lost from one end to the other", _SHARE
        ),
        per_frame("gradient_rad", _FULL_TURN, 0.0, "direction of the darker end", _ANY_ANGLE),
        per_frame("clouds", Uniform(0.0, 0.8), 0.0, "contrast of broad patches", _SHARE),
        per_frame("texture", Uniform(0.0, 0.8), 0.3, "contrast of the texture", _SHARE),
        per_frame(
            "grain_m",
            LogUniform(0.0004, 0.0025),
            0.0008,
            "size of its threads, fibres or pores",
            (1e-4, 0.02),
        ),
    ),
)

_LIGHTING = Factor(
    name="lighting",
    meaning="one lamp at the side and light from all around",
    parameters=(
        per_frame("azimuth_rad", _FULL_TURN, 2.4, "where the lamp stands, 0 is right", _ANY_ANGLE),
        per_frame(
            "elevation_rad",
            Uniform(0.3, 1.2),
            0.8,
            "height of the lamp above the board",
            (0.05, math.pi / 2),
        ),
        per_frame(
            "distance_m",
            LogUniform(0.3, 2.0),
            1.0,
            "of the lamp from the middle; near lamps light unevenly",
            (0.15, 20.0),
        ),
        per_frame(
            "size", Uniform(0.05, 0.8), 0.3, "side of the lamp over its distance", (0.01, 2.0)
        ),
        per_frame("strength", Uniform(0.6, 1.5), 1.0, "light on the board", (0.0, 10.0)),
        per_frame("fill", Uniform(0.1, 0.8), 0.3, "share of it that comes from all around", _SHARE),
        per_frame("warmth", Uniform(-0.5, 1.0), 0.0, "-1 bluish lamp, 1 reddish lamp", (-1.0, 1.0)),
    ),
)

_CAMERA = Factor(
    name="camera",
    meaning="a camera on a copy stand, nearly straight above",
    parameters=(
        per_frame(
            "view_width_m",
            LogUniform(0.18, 0.26),
            0.22,
            "width of the picture on the board",
            (0.02, 2.0),
        ),
        per_frame("hfov_rad", Uniform(0.2, 0.7), 0.4, "horizontal field of view", (0.05, 1.5)),
        per_frame("tilt_rad", Uniform(0.0, 0.1), 0.0, "away from straight down", (0.0, 0.7)),
        per_frame("tilt_azimuth_rad", _FULL_TURN, 0.0, "direction of the tilt", _ANY_ANGLE),
        per_frame(
            "roll_rad", Uniform(-0.08, 0.08), 0.0, "turn about the line of sight", _ANY_ANGLE
        ),
    ),
)

_COUNT = Factor(
    name="count",
    meaning="how many coins there are",
    parameters=(
        per_frame(
            "coins",
            Integers(6, 40),
            24,
            "coins wanted; those that find no room are left out",
            (0, 400),
        ),
    ),
    dependants=("placement",),
)

_PLACEMENT = Factor(
    name="placement",
    meaning="where the coins lie",
    parameters=(
        per_frame(
            "layout",
            Choice(("rows", "rows", "grid", "scatter", "pile")),
            "grid",
            "rows of their own length, one grid, chance, or chance crowded in the middle",
        ),
        per_frame(
            "jitter", Uniform(0.0, 0.6), 0.0, "share of a cell that a coin may stray", _SHARE
        ),
        per_frame("spread", Uniform(0.85, 1.1), 1.0, "field of rows over the picture", (0.1, 3.0)),
        per_frame("gap", Uniform(0.0, 0.25), 0.1, "least gap over the mean radius", (0.0, 3.0)),
        per_frame(
            "inset",
            Uniform(0.2, 1.8),
            1.0,
            "least distance of a coin's middle from the picture's edge over its radius; "
            "below 1 coins may be cut",
            (-0.9, 5.0),
        ),
    ),
)

_POSE = Factor(
    name="pose",
    meaning="how each coin lies",
    parameters=(
        per_frame("upright", Choice((True, False)), True, "motifs stand upright, nearly"),
        per_object("turn", Uniform(-1.0, 1.0), 0.0, "share of half a turn", (-1.0, 1.0)),
        per_object(
            "tilt_rad", Uniform(0.0, 0.07), 0.0, "a coin that lies on its relief", (0.0, 0.5)
        ),
        per_object("tilt_azimuth_rad", _FULL_TURN, 0.0, "direction of the tilt", _ANY_ANGLE),
    ),
)

_SHAPE = Factor(
    name="shape",
    meaning="flan and relief of each coin",
    parameters=(
        per_frame("typical_radius_m", LogUniform(0.0105, 0.0175), 0.013, "of a coin", (0.002, 0.1)),
        per_frame("spread", Uniform(0.05, 0.45), 0.2, "of the logarithm of the radius", (0.0, 1.0)),
        per_object("size", Uniform(-1.0, 1.0), 0.0, "place within the spread", (-1.0, 1.0)),
        per_object("thickness", Uniform(0.07, 0.22), 0.12, "over the radius", (0.02, 1.0)),
        per_object(
            "ovalness",
            Uniform(0.0, 0.06),
            0.0,
            "half the axes' difference over the radius",
            (0.0, 0.3),
        ),
        per_object(
            "irregularity",
            Uniform(0.05, 1.0),
            0.0,
            "0 a lathe's circle, 1 a hammered lump",
            (0.0, 2.0),
        ),
        per_object("cuts", Choice((0, 0, 1, 2, 3)), 0, "straight cuts along the edge"),
        per_object("nicks", Choice((0, 0, 1, 2, 4)), 0, "notches and spurs of the edge"),
        per_object(
            "motif",
            Choice(
                ("portrait",) * 5 + ("figure", "figure", "face", "animal", "symbol", "worn", "worn")
            ),
            "portrait",
            "what stands in the middle",
        ),
        per_object(
            "border",
            Choice(("none", "line", "beads", "legend")),
            "none",
            "what runs along the rim",
        ),
        per_object("relief", Uniform(0.05, 0.18), 0.08, "height over the radius", (0.0, 0.5)),
        per_object("wear", Uniform(0.0, 1.0), 0.0, "0 fresh from the die, 1 rubbed flat", _SHARE),
        per_object(
            "off_centre", Uniform(0.0, 0.22), 0.0, "how far the die missed the middle", _SHARE
        ),
        per_object("incuse", Choice((False,) * 9 + (True,)), False, "the motif is sunk"),
    ),
    dependants=("placement",),
)

_MATERIAL = Factor(
    name="material",
    meaning="metal of each coin",
    parameters=(
        per_frame("mixed", Choice((True, False)), True, "metals differ within a picture"),
        per_object(
            "metal",
            Choice(("silver", "silver", "bronze", "copper", "gold", "lead")),
            "silver",
            "colour of the metal",
        ),
        per_object(
            "brightness", Uniform(0.15, 0.85), 0.5, "light that the metal gives back", _SHARE
        ),
        per_object("metallic", Uniform(0.0, 0.7), 0.3, "0 dull as a cast, 1 mirror metal", _SHARE),
        per_object("roughness", Uniform(0.3, 0.7), 0.45, "of the bare metal", (0.05, 1.0)),
        per_object("patina", Uniform(0.2, 1.0), 0.4, "darkness of what lies deep", _SHARE),
        per_object("blotches", Uniform(0.0, 0.35), 0.0, "contrast of stains", _SHARE),
    ),
)

_DISTRACTORS = Factor(
    name="distractors",
    meaning="what is no coin: dust, scratches, stains, labels, pins, rings",
    parameters=(
        per_frame("specks", Integers(0, 80), 0, "grains of dust on the board", (0, 5000)),
        per_frame("scratches", Choice((0, 0, 0, 1, 2, 4)), 0, "thin lines on the board"),
        per_frame("stains", Integers(0, 5), 0, "soft round spots on the board", (0, 100)),
        per_frame("labels", Choice((0, 0, 0, 0, 1, 2, 3)), 0, "paper labels with print"),
        per_frame("pins", Choice((0, 0, 0, 1, 2, 4)), 0, "round-headed pins"),
        per_frame("pebbles", Choice((0, 0, 0, 1, 2, 3)), 0, "pebbles and crumbs"),
        per_frame("rings", Choice((0, 0, 0, 1, 2)), 0, "wire rings"),
        per_frame("film_specks", Integers(0, 25), 0, "specks on the film", (0, 5000)),
        per_frame("film_scratches", Choice((0, 0, 0, 1, 2, 3)), 0, "scratches on the film"),
    ),
)

_SENSOR = Factor(
    name="sensor",
    meaning="film, lens and print",
    parameters=(
        per_frame("grey", Choice((True, True, True, False)), False, "greyscale instead of colour"),
        per_frame("exposure", Uniform(0.75, 1.3), 1.0, "factor on the light", (0.01, 100.0)),
        per_frame(
            "contrast", Uniform(0.75, 1.4), 1.0, "slope of the film around mid-grey", (0.1, 5.0)
        ),
        per_frame("fog", Uniform(0.0, 0.08), 0.0, "black of the print", _SHARE),
        per_frame("vignetting", Uniform(0.0, 0.5), 0.0, "light lost in the corners", _SHARE),
        per_frame("blur_sigma_px", Uniform(0.2, 0.6), 0.0, "of lens and print", (0.0, 20.0)),
        per_frame("sharpening", Uniform(0.2, 3.0), 0.0, "amount of unsharp masking", (0.0, 10.0)),
        per_frame("sharpening_sigma_px", Uniform(0.6, 1.6), 1.0, "its radius", (0.1, 50.0)),
        per_frame(
            "grain", LogUniform(0.002, 0.02), 0.0, "of the film, fraction of full scale", _SHARE
        ),
        per_frame(
            "grain_size_px", Uniform(0.3, 1.0), 0.5, "Gaussian radius of a grain", (0.0, 20.0)
        ),
        per_frame(
            "plate_edge",
            Uniform(-0.08, 0.04),
            -1.0,
            "how far the plate holder reaches into the picture, over its width; each side "
            "up to 0.05 less",
            (-1.0, 0.3),
        ),
    ),
)

FACTORS = with_optics(
    (
        _BACKGROUND,
        _LIGHTING,
        _CAMERA,
        _COUNT,
        _PLACEMENT,
        _POSE,
        _SHAPE,
        _MATERIAL,
        _DISTRACTORS,
        _SENSOR,
    )
)
