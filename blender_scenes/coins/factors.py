"""What varies in the coins family, and how far."""

from __future__ import annotations

import math
from functools import partial

from blender_scenes.lens import with_optics
from pipeline.sampling.factors import (
    Choice,
    Distribution,
    Drawn,
    Factor,
    Integers,
    LogUniform,
    Parameter,
    Uniform,
)

__all__ = ["FACTORS"]

_FULL_TURN = Uniform(-math.pi, math.pi)
_SHARE = (0.0, 1.0)
_ANY_ANGLE = (-math.pi, math.pi)


def _frame(
    name: str,
    distribution: Distribution,
    off: Drawn,
    meaning: str,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    *,
    per_object: bool = False,
) -> Parameter:
    return Parameter(
        name=name,
        distribution=distribution,
        off=off,
        meaning=meaning,
        bounds=bounds,
        per_object=per_object,
    )


_coin = partial(_frame, per_object=True)

_BACKGROUND = Factor(
    name="background",
    meaning="the board under the coins",
    parameters=(
        _frame(
            "surface",
            Choice(("felt", "felt", "board", "cloth", "paper", "wood")),
            "felt",
            "kind of texture",
        ),
        _frame(
            "brightness",
            LogUniform(0.006, 0.35),
            0.03,
            "share of the light that the bright end of the board gives back",
            _SHARE,
        ),
        _frame("hue", Uniform(0.0, 1.0), 0.6, "hue of the board, a full circle is 1", _SHARE),
        _frame("saturation", Uniform(0.0, 0.6), 0.0, "colourfulness of the board", _SHARE),
        _frame("gradient", Uniform(0.0, 0.97), 0.0, "light lost from one end to the other", _SHARE),
        _frame("gradient_rad", _FULL_TURN, 0.0, "direction of the darker end", _ANY_ANGLE),
        _frame("clouds", Uniform(0.0, 0.8), 0.0, "contrast of broad patches", _SHARE),
        _frame("texture", Uniform(0.0, 0.8), 0.3, "contrast of the texture", _SHARE),
        _frame(
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
        _frame("azimuth_rad", _FULL_TURN, 2.4, "where the lamp stands, 0 is right", _ANY_ANGLE),
        _frame(
            "elevation_rad",
            Uniform(0.3, 1.2),
            0.8,
            "height of the lamp above the board",
            (0.05, math.pi / 2),
        ),
        _frame(
            "distance_m",
            LogUniform(0.3, 2.0),
            1.0,
            "of the lamp from the middle; near lamps light unevenly",
            (0.15, 20.0),
        ),
        _frame("size", Uniform(0.05, 0.8), 0.3, "side of the lamp over its distance", (0.01, 2.0)),
        _frame("strength", Uniform(0.6, 1.5), 1.0, "light on the board", (0.0, 10.0)),
        _frame("fill", Uniform(0.1, 0.8), 0.3, "share of it that comes from all around", _SHARE),
        _frame("warmth", Uniform(-0.5, 1.0), 0.0, "-1 bluish lamp, 1 reddish lamp", (-1.0, 1.0)),
    ),
)

_CAMERA = Factor(
    name="camera",
    meaning="a camera on a copy stand, nearly straight above",
    parameters=(
        _frame(
            "view_width_m",
            LogUniform(0.18, 0.26),
            0.22,
            "width of the picture on the board",
            (0.02, 2.0),
        ),
        _frame("hfov_rad", Uniform(0.2, 0.7), 0.4, "horizontal field of view", (0.05, 1.5)),
        _frame("tilt_rad", Uniform(0.0, 0.1), 0.0, "away from straight down", (0.0, 0.7)),
        _frame("tilt_azimuth_rad", _FULL_TURN, 0.0, "direction of the tilt", _ANY_ANGLE),
        _frame("roll_rad", Uniform(-0.08, 0.08), 0.0, "turn about the line of sight", _ANY_ANGLE),
    ),
)

_COUNT = Factor(
    name="count",
    meaning="how many coins there are",
    parameters=(
        _frame(
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
        _frame(
            "layout",
            Choice(("rows", "rows", "grid", "scatter", "pile")),
            "grid",
            "rows of their own length, one grid, chance, or chance crowded in the middle",
        ),
        _frame("jitter", Uniform(0.0, 0.6), 0.0, "share of a cell that a coin may stray", _SHARE),
        _frame("spread", Uniform(0.85, 1.1), 1.0, "field of rows over the picture", (0.1, 3.0)),
        _frame("gap", Uniform(0.0, 0.25), 0.1, "least gap over the mean radius", (0.0, 3.0)),
        _frame(
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
        _frame("upright", Choice((True, False)), True, "motifs stand upright, nearly"),
        _coin("turn", Uniform(-1.0, 1.0), 0.0, "share of half a turn", (-1.0, 1.0)),
        _coin("tilt_rad", Uniform(0.0, 0.07), 0.0, "a coin that lies on its relief", (0.0, 0.5)),
        _coin("tilt_azimuth_rad", _FULL_TURN, 0.0, "direction of the tilt", _ANY_ANGLE),
    ),
)

_SHAPE = Factor(
    name="shape",
    meaning="flan and relief of each coin",
    parameters=(
        _frame("typical_radius_m", LogUniform(0.0105, 0.0175), 0.013, "of a coin", (0.002, 0.1)),
        _frame("spread", Uniform(0.05, 0.45), 0.2, "of the logarithm of the radius", (0.0, 1.0)),
        _coin("size", Uniform(-1.0, 1.0), 0.0, "place within the spread", (-1.0, 1.0)),
        _coin("thickness", Uniform(0.07, 0.22), 0.12, "over the radius", (0.02, 1.0)),
        _coin(
            "ovalness",
            Uniform(0.0, 0.06),
            0.0,
            "half the axes' difference over the radius",
            (0.0, 0.3),
        ),
        _coin(
            "irregularity",
            Uniform(0.05, 1.0),
            0.0,
            "0 a lathe's circle, 1 a hammered lump",
            (0.0, 2.0),
        ),
        _coin("cuts", Choice((0, 0, 1, 2, 3)), 0, "straight cuts along the edge"),
        _coin("nicks", Choice((0, 0, 1, 2, 4)), 0, "notches and spurs of the edge"),
        _coin(
            "motif",
            Choice(
                ("portrait",) * 5 + ("figure", "figure", "face", "animal", "symbol", "worn", "worn")
            ),
            "portrait",
            "what stands in the middle",
        ),
        _coin(
            "border",
            Choice(("none", "line", "beads", "legend")),
            "none",
            "what runs along the rim",
        ),
        _coin("relief", Uniform(0.05, 0.18), 0.08, "height over the radius", (0.0, 0.5)),
        _coin("wear", Uniform(0.0, 1.0), 0.0, "0 fresh from the die, 1 rubbed flat", _SHARE),
        _coin("off_centre", Uniform(0.0, 0.22), 0.0, "how far the die missed the middle", _SHARE),
        _coin("incuse", Choice((False,) * 9 + (True,)), False, "the motif is sunk"),
    ),
    dependants=("placement",),
)

_MATERIAL = Factor(
    name="material",
    meaning="metal of each coin",
    parameters=(
        _frame("mixed", Choice((True, False)), True, "metals differ within a picture"),
        _coin(
            "metal",
            Choice(("silver", "silver", "bronze", "copper", "gold", "lead")),
            "silver",
            "colour of the metal",
        ),
        _coin("brightness", Uniform(0.15, 0.85), 0.5, "light that the metal gives back", _SHARE),
        _coin("metallic", Uniform(0.0, 0.7), 0.3, "0 dull as a cast, 1 mirror metal", _SHARE),
        _coin("roughness", Uniform(0.3, 0.7), 0.45, "of the bare metal", (0.05, 1.0)),
        _coin("patina", Uniform(0.2, 1.0), 0.4, "darkness of what lies deep", _SHARE),
        _coin("blotches", Uniform(0.0, 0.35), 0.0, "contrast of stains", _SHARE),
    ),
)

_DISTRACTORS = Factor(
    name="distractors",
    meaning="what is no coin: dust, scratches, stains, labels, pins, rings",
    parameters=(
        _frame("specks", Integers(0, 80), 0, "grains of dust on the board", (0, 5000)),
        _frame("scratches", Choice((0, 0, 0, 1, 2, 4)), 0, "thin lines on the board"),
        _frame("stains", Integers(0, 5), 0, "soft round spots on the board", (0, 100)),
        _frame("labels", Choice((0, 0, 0, 0, 1, 2, 3)), 0, "paper labels with print"),
        _frame("pins", Choice((0, 0, 0, 1, 2, 4)), 0, "round-headed pins"),
        _frame("pebbles", Choice((0, 0, 0, 1, 2, 3)), 0, "pebbles and crumbs"),
        _frame("rings", Choice((0, 0, 0, 1, 2)), 0, "wire rings"),
        _frame("film_specks", Integers(0, 25), 0, "specks on the film", (0, 5000)),
        _frame("film_scratches", Choice((0, 0, 0, 1, 2, 3)), 0, "scratches on the film"),
    ),
)

_SENSOR = Factor(
    name="sensor",
    meaning="film, lens and print",
    parameters=(
        _frame("grey", Choice((True, True, True, False)), False, "greyscale instead of colour"),
        _frame("exposure", Uniform(0.75, 1.3), 1.0, "factor on the light", (0.01, 100.0)),
        _frame(
            "contrast", Uniform(0.75, 1.4), 1.0, "slope of the film around mid-grey", (0.1, 5.0)
        ),
        _frame("fog", Uniform(0.0, 0.08), 0.0, "black of the print", _SHARE),
        _frame("vignetting", Uniform(0.0, 0.5), 0.0, "light lost in the corners", _SHARE),
        _frame("blur_sigma_px", Uniform(0.2, 0.6), 0.0, "of lens and print", (0.0, 20.0)),
        _frame("sharpening", Uniform(0.2, 3.0), 0.0, "amount of unsharp masking", (0.0, 10.0)),
        _frame("sharpening_sigma_px", Uniform(0.6, 1.6), 1.0, "its radius", (0.1, 50.0)),
        _frame(
            "grain", LogUniform(0.002, 0.02), 0.0, "of the film, fraction of full scale", _SHARE
        ),
        _frame("grain_size_px", Uniform(0.3, 1.0), 0.5, "Gaussian radius of a grain", (0.0, 20.0)),
        _frame(
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
