"""What varies in the coins family, and how far."""

from __future__ import annotations

import math

from blender_scenes.blocks.clutter import DISTRACTORS
from blender_scenes.blocks.grounds import BACKGROUND
from blender_scenes.blocks.lighting import LIGHTING
from blender_scenes.blocks.tailoring import tailored
from blender_scenes.lens import with_optics
from pipeline.sampling.factors import (
    Choice,
    Distribution,
    Factor,
    Integers,
    LogUniform,
    Uniform,
    per_frame,
    per_object,
)
from pipeline.specs.scene import FactorName

__all__ = ["FACTORS"]

_FULL_TURN = Uniform(-math.pi, math.pi)
_SHARE = (0.0, 1.0)
_ANY_ANGLE = (-math.pi, math.pi)

_BACKGROUND = tailored(
    BACKGROUND,
    ranges={
        "surface": Choice(
            ("felt",) * 4 + ("cloth",) * 2 + ("board",) * 2 + ("paper", "wood", "leather", "stone")
        ),
        "hue_shift": Uniform(-0.15, 0.15),
        "brightness": LogUniform(0.15, 1.2),
        "scale": LogUniform(0.5, 1.5),
        "contrast": Uniform(0.5, 1.6),
        "gloss": Uniform(-1.0, 0.3),
        "folds": Uniform(-1.0, 0.0),
    },
    off={"surface": "felt"},
    extra=(
        per_frame(
            "gradient", Uniform(0.0, 0.97), 0.0, "light lost from one end to the other", _SHARE
        ),
        per_frame("gradient_rad", _FULL_TURN, 0.0, "direction of the darker end", _ANY_ANGLE),
    ),
)

_LIGHTING = tailored(
    LIGHTING,
    ranges={
        "world": Choice(("even",) * 6 + ("studio", "window", "office", "lamps")),
        "lamp": Choice(("area", "area", "area", "spot")),
        "elevation_rad": Uniform(0.3, 1.2),
        "distance": LogUniform(1.5, 9.0),
        "size": Uniform(0.05, 0.8),
        "strength": Uniform(0.6, 1.5),
        "fill": Uniform(0.1, 0.8),
        "kelvin": LogUniform(3500, 9000),
    },
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
        per_object("colours", Choice(("real",)), "real", "those of metals, or any"),
        per_object("roughness", Uniform(0.3, 0.7), 0.45, "of the bare metal", (0.05, 1.0)),
        per_object("patina", Uniform(0.2, 1.0), 0.4, "darkness of what lies deep", _SHARE),
        per_object("blotches", Uniform(0.0, 0.35), 0.0, "contrast of stains", _SHARE),
    ),
)

_DISTRACTORS = tailored(
    DISTRACTORS,
    ranges={"small": Integers(0, 7), "large": Choice((0,)), "size": LogUniform(0.4, 1.0)},
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
        per_frame("specks", Integers(0, 25), 0, "on the film", (0, 5000)),
        per_frame("scratches", Choice((0, 0, 0, 1, 2, 3)), 0, "on the film"),
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

# The others get twice as wide.
_WILD: dict[FactorName, dict[str, Distribution]] = {
    "background": {"brightness": LogUniform(0.05, 3.0), "folds": Uniform(-1.0, 0.0)},
    "lighting": {"strength": LogUniform(0.3, 3.0), "fill": Uniform(0.0, 1.0)},
    "camera": {
        "view_width_m": LogUniform(0.12, 0.5),
        "tilt_rad": Uniform(0.0, 0.6),
        "roll_rad": _FULL_TURN,
    },
    "count": {"coins": Integers(0, 60)},
    "placement": {
        "layout": Choice(("rows", "grid", "scatter", "pile")),
        "gap": Uniform(0.0, 1.0),
        "inset": Uniform(-0.3, 2.0),
    },
    "shape": {
        "typical_radius_m": LogUniform(0.006, 0.03),
        "spread": Uniform(0.0, 0.8),
        "ovalness": Uniform(0.0, 0.2),
        "irregularity": Uniform(0.0, 1.8),
        "motif": Choice(("portrait", "figure", "face", "animal", "symbol", "worn")),
        "incuse": Choice((False, True)),
    },
    "material": {
        "metal": Choice(("silver", "bronze", "copper", "gold", "lead")),
        "colours": Choice(("real", "any", "any")),
        "brightness": Uniform(0.03, 0.95),
    },
    "distractors": {"small": Integers(0, 15), "large": Choice((0, 0, 1))},
    "sensor": {
        "grey": Choice((True, False)),
        "exposure": LogUniform(0.5, 1.8),
        "contrast": Uniform(0.5, 1.8),
        "vignetting": Uniform(0.0, 0.9),
        "blur_sigma_px": Uniform(0.0, 1.5),
        "sharpening": Uniform(0.0, 4.0),
        "grain": LogUniform(0.001, 0.06),
        "plate_edge": Uniform(-0.08, 0.08),
    },
}

FACTORS = with_optics(
    tuple(
        tailored(factor, wild=_WILD.get(factor.name, {}))
        for factor in (
            _BACKGROUND, _LIGHTING, _CAMERA, _COUNT, _PLACEMENT, _POSE, _SHAPE, _MATERIAL,
            _DISTRACTORS, _SENSOR,
        )
    )
)  # fmt: skip
