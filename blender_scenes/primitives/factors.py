"""What varies in the primitives family, and how far."""

from __future__ import annotations

import math
from functools import partial

from blender_scenes.lens import CAMERA_MOTION, with_optics
from blender_scenes.primitives.solids import SOLIDS
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


def _frame(
    name: str,
    distribution: Distribution,
    off: Drawn,
    meaning: str,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    *,
    wild: Distribution | None = None,
    per_object: bool = False,
    essential: bool = False,
) -> Parameter:
    return Parameter(
        name=name,
        distribution=distribution,
        off=off,
        meaning=meaning,
        bounds=bounds,
        wild=wild,
        per_object=per_object,
        essential=essential,
    )


_object = partial(_frame, per_object=True)

FACTORS = with_optics(
    (
        Factor(
            name="count",
            meaning="how many solids",
            dependants=("placement",),
            parameters=(_frame("solids", Integers(8, 16), 12, "solids in the scene", (0, 500)),),
        ),
        Factor(
            name="shape",
            meaning="which solid, and how large",
            dependants=("placement",),
            parameters=(
                _object("solid", Choice(SOLIDS), "box", "category", essential=True),
                _object("size_m", LogUniform(0.06, 0.12), 0.08, "middling extent", (1e-3, 1.0)),
                _object("slenderness", LogUniform(0.7, 1.6), 1.0, "height over width", (0.2, 5)),
                _object(
                    "flatness", LogUniform(0.6, 1.0), 1.0, "a box's depth over width", (0.2, 5)
                ),
            ),
        ),
        Factor(
            name="placement",
            meaning="where the solids are",
            parameters=(
                _frame(
                    "where",
                    Choice(("ground", "ground", "ground", "air")),
                    "ground",
                    "at rest on the ground, or above it and before each other",
                ),
                _object("height", Uniform(0, 1), 0.0, "in the air, share of the field", (0, 10)),
                _frame("gap", Uniform(0.05, 0.5), 0.2, "least distance over size", (0.0, 5.0)),
                _frame(
                    "looseness",
                    Uniform(1.35, 1.8),
                    1.5,
                    "field's side over a close packing's",
                    (1, 9),
                ),
            ),
        ),
        Factor(
            name="pose",
            meaning="how the solids lie",
            parameters=(
                _object("side", Uniform(0, 1), 0.0, "standing or on which side", _SHARE),
                _object("turn_rad", _FULL_TURN, 0.0, "about the upright axis"),
                _object("tip", Uniform(0, 1), 0.0, "how far over in the air", _SHARE),
            ),
        ),
        Factor(
            name="material",
            meaning="surface of the solids",
            parameters=(
                _object(
                    "finish",
                    Choice(("matt", "matt", "plastic", "plastic", "metal")),
                    "matt",
                    "dull, clear-coated or bare metal",
                ),
                _object("hue", Uniform(0, 1), 0.6, "a full circle is 1", _SHARE),
                _object(
                    "saturation",
                    Uniform(0.2, 0.95),
                    0.6,
                    "colourfulness",
                    _SHARE,
                    wild=Uniform(0, 1),
                ),
                _object(
                    "brightness",
                    LogUniform(0.2, 0.85),
                    0.4,
                    "reflectance",
                    _SHARE,
                    wild=LogUniform(0.02, 0.95),
                ),
                _object(
                    "roughness",
                    LogUniform(0.1, 0.5),
                    0.3,
                    "of the gloss",
                    (0.02, 1.0),
                    wild=LogUniform(0.02, 1),
                ),
                _object("mottled", Choice((False, False, True)), False, "noise in the reflectance"),
            ),
        ),
        Factor(
            name="background",
            meaning="the ground",
            parameters=(
                _frame("hue", Uniform(0, 1), 0.1, "a full circle is 1", _SHARE),
                _frame(
                    "saturation", Uniform(0, 0.4), 0.0, "colourfulness", _SHARE, wild=Uniform(0, 1)
                ),
                _frame(
                    "brightness",
                    LogUniform(0.1, 0.7),
                    0.35,
                    "reflectance",
                    _SHARE,
                    wild=LogUniform(0.02, 0.95),
                ),
                _frame("mottled", Choice((False, False, True)), False, "noise in the reflectance"),
            ),
        ),
        Factor(
            name="lighting",
            meaning="one lamp and light from all around",
            parameters=(
                _frame("azimuth_rad", _FULL_TURN, 2.4, "where the lamp stands"),
                _frame("elevation_rad", Uniform(0.5, 1.3), 0.9, "height of the lamp", (0.1, 1.57)),
                _frame(
                    "distance", Uniform(1.5, 3.0), 2.0, "lamp's, over the field's side", (0.5, 99)
                ),
                _frame("size", Uniform(0.15, 0.8), 0.4, "lamp's side over its distance", (0.01, 2)),
                _frame(
                    "strength",
                    LogUniform(0.7, 1.6),
                    1.0,
                    "of all light together",
                    (0.01, 100),
                    wild=LogUniform(0.3, 3),
                ),
                _frame(
                    "fill",
                    Uniform(0.15, 0.5),
                    0.3,
                    "share from all around",
                    _SHARE,
                    wild=Uniform(0, 0.95),
                ),
                _frame("warmth", Uniform(-1, 1), 0.0, "blue to yellow", (-1, 1)),
            ),
        ),
        Factor(
            name="camera",
            meaning="where the camera stands",
            parameters=(
                _frame("azimuth_rad", _FULL_TURN, -1.2, "around the field"),
                _frame(
                    "elevation_rad",
                    Uniform(0.45, 1.2),
                    0.7,
                    "above the ground",
                    (0.05, 1.56),
                    wild=Uniform(0.2, 1.5),
                ),
                _frame("roll_rad", Uniform(-0.1, 0.1), 0.0, "turn of the picture"),
                _frame("hfov_rad", Uniform(0.5, 0.9), 0.7, "horizontal field of view", (0.05, 2)),
                _frame("framing", Uniform(0.65, 1.0), 0.8, "field over picture", (0.1, 10.0)),
            ),
        ),
        Factor(
            name="distractors",
            meaning="unlabelled stones around the solids",
            parameters=(
                _frame("stones", Integers(0, 4), 0, "how many", (0, 100), wild=Integers(0, 20)),
            ),
        ),
        Factor(
            name="occlusion",
            meaning="unlabelled rods between camera and solids",
            parameters=(
                _frame("bars", Choice((0, 0, 1, 2)), 0, "how many", wild=Choice((0, 1, 2, 3, 4))),
                _frame(
                    "width", LogUniform(0.02, 0.06), 0.03, "of a rod over the picture's", (0, 1)
                ),
            ),
        ),
        Factor(
            name="motion",
            meaning="what moves, in sequences and while the shutter is open",
            parameters=(
                _frame(
                    "horizon_s", Uniform(2, 2), 2.0, "time for which paths stay clear", (0, 600)
                ),
                _object("speed_m_s", Uniform(0, 0.1), 0.0, "of a solid", (0, 100)),
                _object("heading_rad", _FULL_TURN, 0.0, "where to"),
                _object("spin_rad_s", Uniform(-1.5, 1.5), 0.0, "about itself", (-100, 100)),
                *CAMERA_MOTION,
            ),
        ),
        Factor(
            name="sensor",
            meaning="the camera's chip",
            parameters=(
                _frame("exposure", LogUniform(0.8, 1.25), 1.0, "factor on the light", (0.01, 100)),
                _frame("vignetting", Uniform(0, 0.25), 0.0, "light lost in the corners", _SHARE),
                _frame("blur_sigma_px", Uniform(0, 0.6), 0.0, "of the lens", (0, 20)),
                _frame("grain", Uniform(0, 0.015), 0.0, "noise, share of full scale", _SHARE),
            ),
        ),
    )
)
