"""What varies in the primitives family, and how far."""

from __future__ import annotations

import math

from blender_scenes.blocks.lighting import LIGHTING
from blender_scenes.blocks.pictures import OWN
from blender_scenes.blocks.tailoring import tailored
from blender_scenes.lens import CAMERA_MOTION, with_optics
from blender_scenes.primitives.solids import SOLIDS
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


FACTORS = with_optics(
    (
        Factor(
            name="count",
            meaning="how many solids",
            dependants=("placement",),
            parameters=(per_frame("solids", Integers(8, 16), 12, "solids in the scene", (0, 500)),),
        ),
        Factor(
            name="shape",
            meaning="which solid, and how large",
            dependants=("placement",),
            parameters=(
                per_object("solid", Choice(SOLIDS), "box", "category", essential=True),
                per_object("size_m", LogUniform(0.06, 0.12), 0.08, "middling extent", (1e-3, 1.0)),
                per_object("slenderness", LogUniform(0.7, 1.6), 1.0, "height over width", (0.2, 5)),
                per_object(
                    "flatness", LogUniform(0.6, 1.0), 1.0, "a box's depth over width", (0.2, 5)
                ),
            ),
        ),
        Factor(
            name="placement",
            meaning="where the solids are",
            parameters=(
                per_frame(
                    "where",
                    Choice(("ground", "ground", "ground", "air")),
                    "ground",
                    "at rest on the ground, or above it and before each other",
                ),
                per_object("height", Uniform(0, 1), 0.0, "in the air, share of the field", (0, 10)),
                per_frame("gap", Uniform(0.05, 0.5), 0.2, "least distance over size", (0.0, 5.0)),
                per_frame(
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
                per_object("side", Uniform(0, 1), 0.0, "standing or on which side", _SHARE),
                per_object("turn_rad", _FULL_TURN, 0.0, "about the upright axis"),
                per_object("tip", Uniform(0, 1), 0.0, "how far over in the air", _SHARE),
            ),
        ),
        Factor(
            name="material",
            meaning="surface of the solids",
            parameters=(
                per_object(
                    "finish",
                    Choice(("matt", "matt", "plastic", "plastic", "metal")),
                    "matt",
                    "dull, clear-coated or bare metal",
                ),
                per_object("hue", Uniform(0, 1), 0.6, "a full circle is 1", _SHARE),
                per_object(
                    "saturation",
                    Uniform(0.2, 0.95),
                    0.6,
                    "colourfulness",
                    _SHARE,
                    wild=Uniform(0, 1),
                ),
                per_object(
                    "brightness",
                    LogUniform(0.2, 0.85),
                    0.4,
                    "reflectance",
                    _SHARE,
                    wild=LogUniform(0.02, 0.95),
                ),
                per_object(
                    "roughness",
                    LogUniform(0.1, 0.5),
                    0.3,
                    "of the gloss",
                    (0.02, 1.0),
                    wild=LogUniform(0.02, 1),
                ),
                per_object(
                    "mottled", Choice((False, False, True)), False, "noise in the reflectance"
                ),
            ),
        ),
        Factor(
            name="background",
            meaning="the ground",
            parameters=(
                per_frame("hue", Uniform(0, 1), 0.1, "a full circle is 1", _SHARE),
                per_frame(
                    "saturation", Uniform(0, 0.4), 0.0, "colourfulness", _SHARE, wild=Uniform(0, 1)
                ),
                per_frame(
                    "brightness",
                    LogUniform(0.1, 0.7),
                    0.35,
                    "reflectance",
                    _SHARE,
                    wild=LogUniform(0.02, 0.95),
                ),
                per_frame(
                    "mottled", Choice((False, False, True)), False, "noise in the reflectance"
                ),
                OWN,
            ),
        ),
        tailored(
            LIGHTING,
            ranges={
                "world": Choice(("even",)),
                "lamp": Choice(("area",)),
                "elevation_rad": Uniform(0.5, 1.3),
                "distance": Uniform(1.5, 3.0),
                "size": Uniform(0.15, 0.8),
                "strength": LogUniform(0.7, 1.6),
                "fill": Uniform(0.15, 0.5),
                "kelvin": LogUniform(4500, 9500),
                "world_kelvin": Uniform(6500, 6500),
            },
            wild={
                "lamp": Choice(("area", "spot")),
                "strength": LogUniform(0.3, 3),
                "fill": Uniform(0, 0.95),
                "kelvin": LogUniform(2000, 15000),
                "world_kelvin": LogUniform(2000, 15000),
            },
            off={"distance": 2.0, "fill": 0.3},
        ),
        Factor(
            name="camera",
            meaning="where the camera stands",
            parameters=(
                per_frame("azimuth_rad", _FULL_TURN, -1.2, "around the field"),
                per_frame(
                    "elevation_rad",
                    Uniform(0.45, 1.2),
                    0.7,
                    "above the ground",
                    (0.05, 1.56),
                    wild=Uniform(0.2, 1.5),
                ),
                per_frame("roll_rad", Uniform(-0.1, 0.1), 0.0, "turn of the picture"),
                per_frame(
                    "hfov_rad", Uniform(0.5, 0.9), 0.7, "horizontal field of view", (0.05, 2)
                ),
                per_frame("framing", Uniform(0.65, 1.0), 0.8, "field over picture", (0.1, 10.0)),
            ),
        ),
        Factor(
            name="distractors",
            meaning="unlabelled stones around the solids",
            parameters=(
                per_frame("stones", Integers(0, 4), 0, "how many", (0, 100), wild=Integers(0, 20)),
            ),
        ),
        Factor(
            name="occlusion",
            meaning="unlabelled rods between camera and solids",
            parameters=(
                per_frame(
                    "bars", Choice((0, 0, 1, 2)), 0, "how many", wild=Choice((0, 1, 2, 3, 4))
                ),
                per_frame(
                    "width", LogUniform(0.02, 0.06), 0.03, "of a rod over the picture's", (0, 1)
                ),
            ),
        ),
        Factor(
            name="motion",
            meaning="what moves, in sequences and while the shutter is open",
            parameters=(
                per_frame(
                    "horizon_s", Uniform(2, 2), 2.0, "time for which paths stay clear", (0, 600)
                ),
                per_object("speed_m_s", Uniform(0, 0.1), 0.0, "of a solid", (0, 100)),
                per_object("heading_rad", _FULL_TURN, 0.0, "where to"),
                per_object("spin_rad_s", Uniform(-1.5, 1.5), 0.0, "about itself", (-100, 100)),
                *CAMERA_MOTION,
            ),
        ),
        Factor(
            name="sensor",
            meaning="the camera's chip",
            parameters=(
                per_frame(
                    "exposure", LogUniform(0.8, 1.25), 1.0, "factor on the light", (0.01, 100)
                ),
                per_frame("vignetting", Uniform(0, 0.25), 0.0, "light lost in the corners", _SHARE),
                per_frame("blur_sigma_px", Uniform(0, 0.6), 0.0, "of the lens", (0, 20)),
                per_frame("grain", Uniform(0, 0.015), 0.0, "noise, share of full scale", _SHARE),
            ),
        ),
    )
)
