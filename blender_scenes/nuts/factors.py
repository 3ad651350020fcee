"""What varies in the nuts family, and how far."""

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
    Factor,
    Integers,
    LogUniform,
    Uniform,
    per_frame,
    per_object,
)

__all__ = ["CATEGORIES", "FACTORS"]

CATEGORIES = ("date", "fig", "hazelnut")

_FULL_TURN = Uniform(-math.pi, math.pi)
_SHARE = (0.0, 1.0)


_KINDS = Choice(("date",) * 4 + ("hazelnut",) * 3 + ("fig",) * 2)

FACTORS = with_optics(
    (
        Factor(
            name="count",
            meaning="how many pieces",
            dependants=("placement",),
            parameters=(
                per_frame(
                    "pieces",
                    Integers(5, 13),
                    8,
                    "dates, figs and nuts; those that find no room are left out",
                    (0, 200),
                ),
            ),
        ),
        Factor(
            name="shape",
            meaning="what each piece is, its size and its folds",
            dependants=("placement",),
            parameters=(
                per_object("kind", _KINDS, "date", "category", essential=True),
                per_object("size", LogUniform(0.87, 1.12), 1.0, "over the usual", (0.2, 5)),
                per_object("slenderness", LogUniform(0.9, 1.1), 1.0, "length over width", (0.5, 2)),
                per_object(
                    "flatness", Uniform(0.9, 1.0), 1.0, "thickness over the usual", (0.3, 2)
                ),
                per_object("taper", Uniform(0, 1), 0.4, "how much thinner one end is", _SHARE),
                per_object("waist", Uniform(0, 1), 0.0, "how thin the middle is", _SHARE),
                per_object("bend", Uniform(-1, 1), 0.0, "to which side it is bent", (-1, 1)),
                per_object("wrinkles", LogUniform(0.6, 1.4), 1.0, "depth of its folds", (0, 5)),
                per_object("stalk", Uniform(0, 1), 0.3, "length of a fig's", _SHARE),
            ),
        ),
        Factor(
            name="material",
            meaning="colour and sheen of the skins",
            parameters=(
                per_object("tone", Uniform(0, 1), 0.0, "which colour of its kind", _SHARE),
                per_object(
                    "brightness",
                    LogUniform(0.75, 1.25),
                    1.0,
                    "over that of the colour",
                    (0.05, 5),
                    wild=LogUniform(0.4, 2.5),
                ),
                per_object("gloss", Uniform(0, 1), 0.5, "how smooth the skin is", _SHARE),
                per_object("wear", Uniform(0, 1), 0.3, "scuffed, torn, dusty", _SHARE),
            ),
        ),
        Factor(
            name="pose",
            meaning="how the pieces lie",
            dependants=("placement",),
            parameters=(
                per_object("turn_rad", _FULL_TURN, 0.0, "about the upright axis"),
                per_object("roll_rad", _FULL_TURN, 0.0, "about its own axis"),
                per_object("tip", Uniform(-1, 1), 0.0, "one end up, share of what its kind does"),
            ),
        ),
        Factor(
            name="placement",
            meaning="where the pieces are",
            parameters=(
                per_frame(
                    "touching", Uniform(0.0, 0.8), 0.0, "share that lie against another", _SHARE
                ),
                per_frame("piled", Choice((0.0,) * 7 + (0.1,)), 0.0, "share that lie on others"),
                per_frame(
                    "inset", Uniform(0.1, 0.17), 0.13, "of the picture left free", (-0.2, 0.45)
                ),
            ),
        ),
        tailored(
            BACKGROUND,
            ranges={
                "surface": Choice(("marble",) * 8 + ("stone", "wood", "plastic", "paper", "cloth")),
                "tone": Uniform(0.0, 0.25),
                "scale": LogUniform(0.4, 0.9),
                "brightness": LogUniform(0.8, 1.05),
                "hue_shift": Uniform(-0.015, 0.015),
                "contrast": Uniform(0.8, 1.5),
                "wear": Uniform(0, 0.4),
                "folds": Uniform(-1, 0),
            },
            off={"surface": "marble"},
            extra=(
                per_frame(
                    "cover",
                    Choice(("none", "none", "terry", "terry", "microfibre", "microfibre", "both")),
                    "none",
                    "a towel, a cleaning cloth or both lie on it",
                ),
                per_frame(
                    "cover_colours",
                    Choice(("real",)),
                    "real",
                    "those that towels have, or any",
                    wild=Choice(("real", "any", "any")),
                ),
                per_frame("cover_tone", Uniform(0, 1), 0.0, "which of their colours", _SHARE),
                per_frame(
                    "cover_folds", Uniform(0.3, 1.5), 0.0, "how carelessly they are laid", (0, 3)
                ),
                per_frame(
                    "cover_edge",
                    Uniform(0.25, 2.6),
                    2.6,
                    "where they end, over half of the picture; above 1.5 outside",
                    (-2, 10),
                ),
                per_frame(
                    "vessel",
                    Choice(("none",) * 12 + ("tray", "dish")),
                    "none",
                    "a clear tray or a glass dish around the pieces",
                ),
            ),
            dependants=("placement",),
        ),
        tailored(
            LIGHTING,
            ranges={
                "world": Choice(("window", "window", "window", "overcast", "studio")),
                "lamp": Choice(("area",)),
                "elevation_rad": Uniform(0.55, 1.15),
                "distance": LogUniform(1.3, 4.0),
                "size": LogUniform(0.35, 0.9),
                "strength": LogUniform(0.85, 1.15),
                "fill": Uniform(0.3, 0.65),
                "kelvin": LogUniform(5700, 6900),
                "world_kelvin": LogUniform(5800, 7000),
            },
            wild={"lamp": Choice(("area", "spot"))},
        ),
        tailored(
            CAMERA,
            ranges={
                "object_px": LogUniform(108, 148),
                "elevation_rad": Uniform(1.36, 1.57),
                "hfov_rad": Uniform(0.9, 1.12),
                "offset_x": Uniform(-0.04, 0.04),
                "offset_y": Uniform(-0.04, 0.04),
            },
            off={"object_px": 125.0, "elevation_rad": 1.5},
            dependants=("placement",),
        ),
        tailored(
            DISTRACTORS,
            ranges={"small": Choice((0, 0, 0, 1)), "large": Choice((0,))},
            wild={"small": Integers(0, 5), "large": Choice((0, 1))},
            extra=(
                per_frame(
                    "sweets", Choice((0, 0, 1, 2, 3)), 0, "chocolates in gold foil", (0, 100)
                ),
            ),
        ),
        tailored(OCCLUSION, ranges={"things": Choice((0,))}),
        Factor(
            name="sensor",
            meaning="the telephone's chip",
            parameters=(
                per_frame(
                    "exposure", LogUniform(0.97, 1.25), 1.0, "factor on the light", (0.01, 100)
                ),
                per_frame("contrast", Uniform(1.15, 1.4), 1.0, "of its tone curve", (0.1, 5)),
                per_frame("vignetting", Uniform(0, 0.15), 0.0, "light lost in the corners", _SHARE),
                per_frame("blur_sigma_px", Uniform(0, 0.4), 0.0, "of the lens", (0, 20)),
                per_frame("sharpening", Uniform(0.1, 4.0), 0.0, "of outlines, afterwards", (0, 5)),
                per_frame("sharpening_sigma_px", Uniform(0.6, 1.0), 1.0, "its radius", (0.1, 50.0)),
                per_frame("grain", Uniform(0, 0.018), 0.0, "noise, share of full scale", _SHARE),
            ),
        ),
    )
)
