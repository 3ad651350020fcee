"""What varies in the dice family, and how far."""

from __future__ import annotations

import math

from blender_scenes.blocks.clutter import DISTRACTORS, OCCLUSION
from blender_scenes.blocks.framing import CAMERA
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

__all__ = ["FACTORS"]

_SHARE = (0.0, 1.0)


_COUNT = Factor(
    name="count",
    meaning="how many dice",
    dependants=("placement",),
    parameters=(
        per_frame("dice", Integers(1, 10), 6, "in the scene", (0, 200), wild=Integers(0, 25)),
        per_frame("more", Choice((0,) * 8 + (4, 8, 15)), 0, "now and then, further ones"),
    ),
)

_SHAPE = Factor(
    name="shape",
    meaning="size, edges and pips of a die",
    dependants=("placement",),
    parameters=(
        per_object("size_m", LogUniform(0.0096, 0.0139), 0.012, "side of the cube", (1e-3, 0.2)),
        per_object(
            "edge", LogUniform(0.1, 0.32), 0.18, "radius of its edges over half", (0.02, 0.5)
        ),
        per_object(
            "ball",
            Uniform(1.26, 1.72),
            1.73,
            "ball that cuts its corners, radius over half a side",
            (1.1, 2.0),
        ),
        per_object(
            "handed",
            Choice(("right", "right", "right", "left")),
            "right",
            "one, two, three run anticlockwise (right) around their corner",
        ),
        per_object("pips", Integers(0, 7), 0, "which of two, three and six are turned", (0, 7)),
        per_object("pip_radius", Uniform(0.16, 0.21), 0.185, "over half a side", (0.05, 0.3)),
        per_object("pip_pitch", Uniform(0.36, 0.48), 0.42, "of the outer pips", (0.3, 0.6)),
        per_object("six_long", Uniform(1.05, 1.2), 1.12, "of a six's rows, over it", (0.8, 1.5)),
        per_object("six_wide", Uniform(0.8, 0.93), 0.86, "of a six across, over it", (0.5, 1.2)),
        per_object("pip_depth", Uniform(0.02, 0.09), 0.05, "over half a side", (0.0, 0.3)),
        per_object(
            "hollow", Uniform(0.0, 0.04), 0.0, "of a face's middle, over half a side", (0.0, 0.2)
        ),
    ),
)

_MATERIAL = Factor(
    name="material",
    meaning="plastic and paint of a die",
    parameters=(
        per_object(
            "finish",
            Choice(("opaque",) * 4 + ("marbled",) * 4 + ("translucent",)),
            "opaque",
            "one colour, two that run into each other, or one that light goes through",
        ),
        per_object(
            "colours",
            Choice(("real",)),
            "real",
            "those that dice are sold in, or any",
            wild=Choice(("any",)),
        ),
        per_object("tone", Uniform(0, 1), 0.0, "which of the colours", _SHARE),
        per_object("hue_shift", Uniform(-0.02, 0.02), 0.0, "a full circle is 1", (-1, 1)),
        per_object("brightness", LogUniform(0.75, 1.1), 1.0, "over the colour's", (0.01, 5)),
        per_object("saturation", Uniform(0.2, 1.0), 0.6, "of any colours", _SHARE),
        per_object("value", Uniform(0.03, 0.85), 0.4, "reflectance of any colours", _SHARE),
        per_object("roughness", LogUniform(0.01, 0.06), 0.03, "of the gloss", (0.005, 1.0)),
    ),
)

_PLACEMENT = Factor(
    name="placement",
    meaning="where the dice lie",
    parameters=(
        per_frame("spread", Uniform(0.4, 1.0), 0.8, "share of the field that they fill", _SHARE),
        per_frame("middle_x", Uniform(-0.7, 0.7), 0.0, "of them, half fields", (-1, 1)),
        per_frame("middle_y", Uniform(-0.7, 0.7), 0.0, "of them, half fields", (-1, 1)),
        per_frame("touching", Uniform(0, 0.5), 0.0, "share that touches something", _SHARE),
        per_frame("leaning", Uniform(0, 0.3), 0.0, "share of these that leans on it", _SHARE),
        per_object("company", Uniform(0, 1), 1.0, "how little a die seeks others", _SHARE),
    ),
)

_POSE = Factor(
    name="pose",
    meaning="how the dice lie",
    dependants=("placement",),
    parameters=(
        per_object("face", Integers(1, 6), 1, "number on top", (1, 6)),
        per_object("turn_rad", Uniform(-math.pi, math.pi), 0.0, "about the upright axis"),
        per_object("lean", Uniform(0, 1), 1.0, "how little a die leans", _SHARE),
        per_object("tilt_rad", Uniform(0.32, 0.6), 0.4, "of one that leans", (0.0, 0.7)),
    ),
)

_BACKGROUND = tailored(
    BACKGROUND,
    off={"surface": "board"},
    extra=(
        per_frame(
            "setting",
            Choice(("box",) * 26 + ("tray",) * 5 + ("table",)),
            "box",
            "white photo box, a tray in it, or a table",
            wild=Choice(("box", "tray", "table")),
        ),
        per_frame(
            "flap",
            Choice(("near", "near", "far", "far", "none")),
            "none",
            "where the box's clear flap with its magnets lies",
        ),
        per_frame("grey", LogUniform(0.66, 0.76), 0.7, "reflectance of the box", (0.01, 0.95)),
        per_frame(
            "crease_m", LogUniform(2e-4, 1.2e-3), 0.0, "height of the box's creases", (0, 0.01)
        ),
        per_frame("dirt", Uniform(0.0, 0.04), 0.0, "specks and stains in box and tray", _SHARE),
        per_frame("tray_m", LogUniform(0.2, 0.222), 0.21, "longer side of the tray", (0.05, 1.0)),
        per_frame(
            "tray_grey", LogUniform(0.58, 0.7), 0.64, "its lining's reflectance", (0.01, 0.9)
        ),
    ),
    dependants=("placement", "distractors"),
)

_LIGHTING = tailored(
    LIGHTING,
    ranges={
        "world": Choice(("lightbox",) * 8 + ("studio", "even")),
        "lamp": Choice(("ring",) * 8 + ("area",) * 2),
        "elevation_rad": Uniform(0.9, 1.45),
        "distance": LogUniform(1.5, 3.0),
        "size": LogUniform(0.4, 1.0),
        "strength": LogUniform(0.62, 0.7),
        "fill": Uniform(0.25, 0.7),
        "kelvin": LogUniform(5900, 7000),
        "world_kelvin": LogUniform(6100, 6800),
        "contrast": Uniform(0.8, 1.0),
    },
    off={"strength": 0.66, "fill": 0.8},
)

_CAMERA = tailored(
    CAMERA,
    ranges={
        "object_px": LogUniform(24.3, 29.8),
        "azimuth_rad": Uniform(-math.pi / 2 - 0.015, -math.pi / 2 + 0.015),
        "elevation_rad": Uniform(1.5, math.pi / 2),
        "roll_rad": Uniform(-0.01, 0.01),
        "hfov_rad": Uniform(0.6, 0.78),
        "offset_x": Uniform(-0.02, 0.02),
        "offset_y": Uniform(-0.02, 0.02),
    },
    off={"object_px": 27.0, "elevation_rad": math.pi / 2, "hfov_rad": 0.69},
    dependants=("distractors", "occlusion", "lighting"),  # a ring lamp hangs around it
)

_SENSOR = Factor(
    name="sensor",
    meaning="the camera's chip",
    parameters=(
        per_frame("exposure", LogUniform(0.96, 1.05), 1.0, "factor on the light", (0.01, 100)),
        per_frame("contrast", Uniform(1.1, 1.35), 1.0, "of its tone curve", (0.1, 5)),
        per_frame("vignetting", Uniform(0.06, 0.18), 0.0, "light lost in the corners", _SHARE),
        per_frame(
            "pixel_filter_px", Uniform(0.7, 1.1), 1.5, "that gathers a pixel's light", (0.01, 10)
        ),
        per_frame("blur_sigma_px", Uniform(0.0, 0.3), 0.0, "of the lens", (0, 20)),
        per_frame("sharpening", Uniform(0.1, 0.9), 0.0, "of the phone, unsharp mask", (0, 10)),
        per_frame("grain", Uniform(0.0, 0.0004), 0.0, "noise, share of full scale", _SHARE),
    ),
)

# What a phone makes of it, where a spec does not say otherwise: shrinking to 640 px averaged the
# chip's noise, and the encoder's steps are so coarse that most blocks come out flat.
_PHONE: dict[str, Distribution] = {
    "red_gain": LogUniform(0.99, 1.04),
    "blue_gain": LogUniform(0.96, 1.01),
    "full_well_e": LogUniform(1e5, 4e5),
    "read_noise_e": Uniform(2, 8),
    "jpeg_quality": Integers(52, 62),
}

FACTORS = tuple(
    tailored(factor, ranges=_PHONE) if factor.name == "sensor" else factor
    for factor in with_optics(
        (
            _COUNT,
            _SHAPE,
            _MATERIAL,
            _PLACEMENT,
            _POSE,
            _BACKGROUND,
            _LIGHTING,
            _CAMERA,
            tailored(DISTRACTORS, ranges={"small": Choice((0, 0, 1, 2, 3)), "large": Choice((0,))}),
            tailored(OCCLUSION, ranges={"things": Choice((0,) * 24 + (1,))}),
            _SENSOR,
        )
    )
)
