"""What varies in the cards family, and how far."""

from __future__ import annotations

import math

from blender_scenes.blocks.clutter import DISTRACTORS, OCCLUSION
from blender_scenes.blocks.framing import CAMERA
from blender_scenes.blocks.grounds import BACKGROUND, Surface
from blender_scenes.blocks.lighting import LIGHTING
from blender_scenes.blocks.tailoring import tailored
from blender_scenes.cards.deck import BACKS, DECKS, SUITS
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
    meaning="how many cards of the categories",
    dependants=("placement", "distractors"),
    parameters=(
        per_frame(
            "cards",
            Choice((1,) * 12 + (2, 2, 2, 3, 3, 4, 4, 5)),
            1,
            "in the scene",
            (0, 52),
            wild=Integers(0, 8),
        ),
    ),
)

_SHAPE = Factor(
    name="shape",
    meaning="how cards are bent",
    dependants=("placement",),
    parameters=(
        per_object("curl_m", Uniform(-0.001, 0.0016), 0.0, "of the ends", (-0.03, 0.03)),
        per_object("direction_rad", Uniform(0, math.pi), math.pi / 2, "of the curl"),
        per_object("twist_m", Uniform(-0.0005, 0.0005), 0.0, "of the corners", (-0.02, 0.02)),
        per_object("ear", Uniform(0, 1), 1.0, "below 0.12 a card has a dog-ear", _SHARE),
        per_object("ear_m", LogUniform(0.0008, 0.005), 0.003, "height of a dog-ear", (0, 0.03)),
        per_object("ear_reach", Uniform(0.45, 0.85), 0.7, "where it begins", (0, 0.95)),
    ),
)

_MATERIAL = Factor(
    name="material",
    meaning="print, paper and wear",
    parameters=(
        per_frame(
            "deck",
            Choice(("standard",) * 9 + ("bold", "jumbo", "four_corners")),
            "standard",
            "kind of the indices",
            wild=Choice(DECKS),
        ),
        per_frame("back", Choice(BACKS), "red", "of the deck"),
        per_frame("white", Uniform(0.8, 0.9), 0.85, "reflectance of the paper", (0.1, 0.95)),
        per_frame("yellow", Uniform(0.0, 0.3), 0.0, "of the paper, as of age", _SHARE),
        per_frame("ink", Uniform(0.95, 1.0), 1.0, "strength of the print", (0.2, 1.0)),
        per_frame("hue_shift", Uniform(-0.01, 0.01), 0.0, "a full circle is 1", (-1, 1),
                  wild=Uniform(-0.5, 0.5)),
        per_frame("wear", Uniform(0.0, 0.6), 0.0, "of the rims and by stains", _SHARE),
        per_frame("gloss", LogUniform(0.14, 0.5), 0.3, "roughness of the finish", (0.02, 1.0)),
        per_object("creases", Choice((0,) * 12 + (1, 2)), 0, "lines where it was folded", (0, 12),
                   wild=Integers(0, 4)),
        per_object("worn", Uniform(0.3, 1.0), 1.0, "its share of the deck's wear", _SHARE),
    ),
)  # fmt: skip

_PLACEMENT = Factor(
    name="placement",
    meaning="where the cards lie",
    parameters=(
        per_frame(
            "layout",
            Choice(("scatter",) * 5 + ("row", "row", "fan", "grid", "grid", "heap")),
            "scatter",
            "how several lie together",
            wild=Choice(("scatter", "row", "fan", "grid", "heap")),
        ),
        per_frame("step_m", LogUniform(0.022, 0.07), 0.05, "from card to card", (0.002, 0.3)),
        per_frame("spread_rad", Uniform(0.12, 0.5), 0.25, "from card to card of a fan", (0.0, 1.5)),
        per_frame(
            "order",
            Choice(("neat", "neat", "careless", "any", "any")),
            "neat",
            "how they are turned",
            wild=Choice(("neat", "careless", "any")),
        ),
    ),
)

_POSE = Factor(
    name="pose",
    meaning="which card, and how it lies",
    dependants=("placement", "distractors"),
    parameters=(
        per_object("rank", Uniform(0, 1), 0.0, "which of the categories", _SHARE),
        per_object("suit", Choice(SUITS), "spades", "its suit"),
        per_object("turn", Uniform(0, 1), 0.5, "as far as the order leaves it free", _SHARE),
        per_object("flip", Uniform(0, 1), 0.0, "above one half upside down", _SHARE),
    ),
)

_SURFACES: tuple[Surface, ...] = (
    *("carpet",) * 9, *("wood",) * 8, *("cloth",) * 4, *("stone",) * 4, "leather", "towel",
    "marble", "felt", "board", "plastic",
)  # fmt: skip

_BACKGROUND = tailored(
    BACKGROUND,
    ranges={
        "surface": Choice(_SURFACES),
        "brightness": LogUniform(0.36, 0.75),
        "scale": LogUniform(0.6, 1.4),
        "contrast": Uniform(1.2, 2.6),
    },
    off={"surface": "wood"},
    dependants=("placement", "distractors"),
)

_LIGHTING = tailored(
    LIGHTING,
    ranges={
        "world": Choice(("window",) * 4 + ("lamps", "lamps", "office", "overcast", "studio")),
        "strength": LogUniform(0.65, 1.2),
        "fill": Uniform(0.2, 0.9),
        "kelvin": LogUniform(3900, 7500),
        "world_kelvin": LogUniform(4300, 7500),
        "elevation_rad": Uniform(0.6, 1.4),
    },
    off={"strength": 0.8},
)

_CAMERA = tailored(
    CAMERA,
    ranges={
        "object_px": LogUniform(130, 270),
        "azimuth_rad": Uniform(-math.pi / 2 - 0.25, -math.pi / 2 + 0.25),
        "elevation_rad": Uniform(0.95, math.pi / 2),
        "roll_rad": Uniform(-0.12, 0.12),
        "hfov_rad": LogUniform(0.85, 1.2),
    },
    wild={
        "azimuth_rad": Uniform(-math.pi, math.pi),
        "elevation_rad": Uniform(0.6, math.pi / 2),
    },
    off={"object_px": 180.0, "elevation_rad": 1.35},
    dependants=("placement", "distractors", "occlusion"),
)

_DISTRACTORS = tailored(
    DISTRACTORS,
    ranges={"small": Choice((0, 0, 0, 0, 1, 2)), "large": Choice((0,) * 7 + (1,))},
    extra=(
        per_frame(
            "others",
            Choice((0,) * 7 + (1, 2, 4)),
            0,
            "cards that are none of the categories",
            (0, 40),
            wild=Choice((0, 1, 2, 4, 8)),
        ),
        per_frame("face_down", Uniform(0, 1), 0.5, "share of these that shows its back", _SHARE),
        per_frame("piled", Uniform(0, 0.5), 0.0, "share of these that is a pile", _SHARE),
        per_frame("above", Uniform(0, 1), 0.5, "share of these that is laid last", _SHARE),
    ),
    dependants=("placement",),
)

_OCCLUSION = tailored(
    OCCLUSION,
    ranges={"things": Choice((0,) * 14 + (1,))},
    extra=(
        per_frame(
            "prints",
            Choice((0,) * 7 + (1, 1, 2)),
            0,
            "leaflets and books beside cards or on them",
            (0, 10),
        ),
    ),
)

_SENSOR = Factor(
    name="sensor",
    meaning="the camera's chip",
    parameters=(
        per_frame("exposure", LogUniform(0.85, 1.15), 1.0, "factor on the light", (0.01, 100)),
        per_frame("contrast", Uniform(1.0, 1.25), 1.0, "of the phone's curve", (0.2, 4)),
        per_frame("vignetting", Uniform(0.0, 0.35), 0.0, "light lost in the corners", _SHARE),
        per_frame("blur_sigma_px", Uniform(0.0, 0.55), 0.0, "of the lens", (0, 20)),
        per_frame("sharpening", Uniform(0.5, 2.6), 0.0, "of the phone, unsharp mask", (0, 10)),
        per_frame("grain", Uniform(0.0, 0.007), 0.0, "noise, share of full scale", _SHARE),
    ),
)
_PHONE: dict[str, Distribution] = {
    "red_gain": LogUniform(0.95, 1.08),
    "blue_gain": LogUniform(0.88, 1.08),
    "full_well_e": LogUniform(2e4, 2e5),
    "read_noise_e": Uniform(2, 8),
    "jpeg_quality": Integers(80, 95),
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
            _DISTRACTORS,
            _OCCLUSION,
            _SENSOR,
        )
    )
)
