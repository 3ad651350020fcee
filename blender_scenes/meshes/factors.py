"""What varies in the meshes family, and how far."""

from __future__ import annotations

import math

from blender_scenes.blocks.backdrops import BACKDROP_PARAMETERS
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
_FULL_TURN = Uniform(-math.pi, math.pi)

_COUNT = Factor(
    name="count",
    meaning="how many objects",
    dependants=("placement", "camera", "lighting", "distractors"),
    parameters=(
        per_frame("objects", Integers(2, 8), 5, "that carry labels", (0, 200)),
        per_frame(
            "mix",
            Choice(("each",)),
            "each",
            "each model once before any comes twice, or any",
            wild=Choice(("each", "any")),
        ),
    ),
)

_SHAPE = Factor(
    name="shape",
    meaning="which models are there",
    dependants=("placement", "camera", "lighting", "distractors"),
    parameters=(
        per_object(
            "model", Uniform(0, 1), 0.0, "which, in the order of names, of any", _SHARE,
            essential=True, wild=Uniform(0, 1),
        ),
    ),
)  # fmt: skip

_MATERIAL = Factor(
    name="material",
    meaning="colour and gloss of an object",
    parameters=(
        per_object(
            "paint",
            Choice(("own",)),
            "own",
            "the model's colours and pictures, or plastic of any colour over them",
            wild=Choice(("own", "any")),
        ),
        per_object("brightness", LogUniform(0.85, 1.15), 1.0, "over its own", (0.01, 5)),
        per_object("tint", Uniform(0, 0.08), 0.0, "how far its colours lean to a hue", _SHARE),
        per_object("tint_hue", Uniform(0, 1), 0.0, "a full circle is 1", _SHARE),
        per_object("roughness", LogUniform(0.75, 1.35), 1.0, "over its own", (0.01, 10)),
        per_object("hue", Uniform(0, 1), 0.6, "of plastic", _SHARE),
        per_object("saturation", Uniform(0, 0.8), 0.0, "of plastic", _SHARE),
        per_object("value", LogUniform(0.08, 0.8), 0.5, "reflectance of plastic", _SHARE),
    ),
)

_PLACEMENT = Factor(
    name="placement",
    meaning="where the objects are",
    dependants=("camera", "lighting", "distractors"),
    parameters=(
        per_frame(
            "how",
            Choice(("scatter", "scatter", "drop")),
            "scatter",
            "standing about, fallen, standing in rows, or floating",
            wild=Choice(("scatter", "drop", "grid", "air")),
        ),
        per_frame("spread", LogUniform(1.5, 2.6), 1.8, "of the field over the objects", (1, 20)),
        per_frame("gap", Uniform(0.0, 0.15), 0.05, "left free, over a typical object", (0, 5)),
    ),
)

_POSE = Factor(
    name="pose",
    meaning="how the objects are turned",
    dependants=("placement",),
    parameters=(
        per_object("turn_rad", _FULL_TURN, 0.0, "about the upright axis"),
        per_object("tip", Uniform(-1, 1), 1.0, "cosine of tipping over, in the air", (-1, 1)),
        per_object("spin_rad", _FULL_TURN, 0.0, "about its own axis, in the air"),
    ),
)

_BACKGROUND = tailored(
    BACKGROUND,
    ranges={"folds": Uniform(-0.5, 0.0)},  # what stands wants a level ground
    wild={"folds": Uniform(-0.5, 0.0)},
    extra=(
        per_frame(
            "context",
            Choice(("table", "table", "room", "room", "box", "open")),
            "table",
            "a table top or floor, a table in a room, a photo box, or out of doors",
            wild=Choice(("table", "room", "box", "open")),
        ),
        per_frame("markers", Choice((0, 0, 0, 0, 7)), 0, "along a printed board's side; 0 is none"),
        *BACKDROP_PARAMETERS,
    ),
    dependants=("lighting",),
)

_LIGHTING = tailored(
    LIGHTING,
    ranges={"elevation_rad": Uniform(0.6, 1.4), "strength": LogUniform(0.6, 1.05)},
)

_CAMERA = tailored(
    CAMERA,
    ranges={
        "object_px": LogUniform(70, 190),
        "elevation_rad": Uniform(0.3, 1.45),
        "offset_x": Uniform(-0.12, 0.12),
        "offset_y": Uniform(-0.12, 0.12),
    },
    off={"elevation_rad": 0.8},
    dependants=("distractors", "occlusion"),
)

_DISTRACTORS = tailored(
    DISTRACTORS,
    ranges={"large": Integers(0, 2)},
    wild={"large": Integers(0, 4)},
    extra=(
        per_frame(
            "models",
            Integers(0, 2),
            0,
            "of the folder that are none of the spec's categories, where there are some",
            (0, 100),
        ),
    ),
    dependants=("placement",),
)

_SENSOR = Factor(
    name="sensor",
    meaning="the camera's chip",
    parameters=(
        per_frame("exposure", LogUniform(0.8, 1.15), 1.0, "factor on the light", (0.01, 100)),
        per_frame("contrast", Uniform(0.95, 1.2), 1.0, "slope about mid-grey", (0.1, 5)),
        per_frame("vignetting", Uniform(0.0, 0.25), 0.0, "light lost in the corners", _SHARE),
        per_frame("blur_sigma_px", Uniform(0.2, 0.7), 0.0, "of the lens", (0, 20)),
        per_frame("sharpening", Uniform(0.0, 1.0), 0.0, "by the camera", (0, 10)),
        per_frame("grain", Uniform(0.0, 0.01), 0.0, "noise, share of full scale", _SHARE),
    ),
)

# What a camera does, where a spec does not say otherwise.
_CAMERAS: dict[str, Distribution] = {
    "red_gain": LogUniform(0.96, 1.05),
    "blue_gain": LogUniform(0.95, 1.05),
    "full_well_e": LogUniform(6000, 40000),
    "read_noise_e": Uniform(2, 10),
    "jpeg_quality": Integers(78, 96),
}

FACTORS = tuple(
    tailored(factor, ranges=_CAMERAS) if factor.name == "sensor" else factor
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
            _DISTRACTORS,
            OCCLUSION,
            _SENSOR,
        )
    )
)
