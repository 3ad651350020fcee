"""The factors ``distractors`` and ``occlusion``: unlabelled things about. Without Blender.

A family puts :data:`DISTRACTORS` and :data:`OCCLUSION` among its factors, calls
:func:`sample_clutter` and :func:`sample_occluders` and stores the :class:`Thing` tuples;
``props.set_out`` builds them.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from blender_scenes.blocks.colours import Rgb, srgb_hex
from blender_scenes.blocks.framing import ground_under
from blender_scenes.blocks.things import LARGE, SMALL, ThingKind, thing_shape
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, Matrix4, matrix4
from pipeline.records.scene import Record
from pipeline.sampling.factors import (
    Choice,
    Factor,
    FactorDraws,
    Integers,
    LogUniform,
    Uniform,
    per_frame,
)

__all__ = ["DISTRACTORS", "OCCLUSION", "Thing", "sample_clutter", "sample_occluders"]

_TRIES = 12  # places looked at before a thing is left out
_FARTHEST_M = 2.0

_NATURAL: dict[str, tuple[str, ...]] = {
    "stone": ("8a857c", "6b6762", "a89f90", "54504a", "c2b8a6"),
    "stick": ("5b4028", "8a6b48", "3a2a1c", "c9a877"),
    "leaf": ("4f6b2f", "8a7a34", "a3622b", "6b3f22", "7a8f4a"),
    "paper": ("f4f2ec", "efe6c9", "e3eef3", "f6e58d"),
    "coin": ("b8b8b4", "b08d57", "b87333", "c9b060"),
    "clip": ("b0b2b5", "c9ccd0"),
    "ring": ("b0b2b5", "c9b060", "6b6762"),
    "crumb": ("c79a5c", "7a4f2a", "e6d5b0", "3a2a20"),
    "cable": ("1a1a1c", "e8e8e6", "3a3a40", "8a8a8c"),
}
_METALS = frozenset({"coin", "clip", "ring"})
_MATT = frozenset({"stone", "stick", "leaf", "paper", "crumb", "book", "box"})


class Thing(Record):
    """An unlabelled thing.

    Attributes:
        kind: What it is.
        world_from_thing: 4 x 4 rigid transform; it lies on its own z = 0.
        scale: Size over that of the real thing.
        colour: Linear RGB of most of it.
        accent: Of its second part.
        roughness: Of its gloss; 1 is matt.
        metal: Whether it is bare metal.
        seed: Of its shape.
    """

    kind: ThingKind
    world_from_thing: Matrix4
    scale: float = 1.0
    colour: Rgb
    accent: Rgb
    roughness: float = 1.0
    metal: bool = False
    seed: int = 0


DISTRACTORS = Factor(
    name="distractors",
    meaning="unlabelled things about",
    parameters=(
        per_frame(
            "small",
            Integers(0, 4),
            0,
            "pens, stones, leaves and the like among the objects",
            (0, 100),
        ),
        per_frame(
            "large",
            Choice((0, 0, 0, 1, 2)),
            0,
            "cups, bottles, books and the like at the edge of the picture",
            wild=Choice((0, 1, 2, 3)),
        ),
        per_frame(
            "size", LogUniform(0.8, 1.25), 1.0, "of the things over their usual one", (0.05, 20)
        ),
        per_frame(
            "colours",
            Choice(("real",)),
            "real",
            "those that the things have, or any",
            wild=Choice(("any",)),
        ),
    ),
)
"""Everyday things that are none of the categories."""

OCCLUSION = Factor(
    name="occlusion",
    meaning="things between camera and objects",
    parameters=(
        per_frame(
            "things",
            Choice((0, 0, 0, 0, 1)),
            0,
            "pens, sticks, cables, leaves before the lens",
            wild=Choice((0, 1, 2)),
        ),
        per_frame("width", Uniform(0.02, 0.08), 0.04, "of a thing over the picture's", (0.001, 1)),
        per_frame(
            "depth", Uniform(0.35, 0.7), 0.5, "of a thing over that of the objects", (0.05, 0.95)
        ),
    ),
)
"""Things that hide part of the objects."""

_OCCLUDERS: tuple[ThingKind, ...] = ("pen", "stick", "leaf", "cable")
_THICKNESS = {"pen": 0.011, "stick": 0.006, "leaf": 0.04, "cable": 0.005}  # usual, metres


def sample_clutter(
    draws: FactorDraws,
    camera: Camera,
    *,
    taken_m: FloatArray,
    small: Sequence[ThingKind] = SMALL,
    large: Sequence[ThingKind] = LARGE,
) -> tuple[Thing, ...]:
    """Draw the factor ``distractors``; what finds no room is left out.

    Args:
        draws: Of a family that has :data:`DISTRACTORS`.
        camera: On whose picture they are spread.
        taken_m: (N, 3) discs that must stay free: x, y, radius.
        small: Kinds that lie among the objects.
        large: Kinds that stand at its upper rim and at its sides.
    """
    values: dict[str, Any] = draws.frame("distractors")
    discs = [tuple(disc) for disc in np.reshape(taken_m, (-1, 3))]
    things = []
    for index in range(1, values["large"] + values["small"] + 1):
        noise = draws.noise("distractors", index)
        big = index <= values["large"]
        kinds = large if big else small
        kind = kinds[int(noise.integers(len(kinds)))]
        thing = _thing(kind, noise, scale=values["size"], real=values["colours"] == "real")
        radius_m = thing.scale * _reach_m(kind, thing.seed)
        tries = noise.uniform(-1, 1, size=(_TRIES, 2))
        if big:  # at the rim, and not between camera and objects
            tries[:, 1] = np.minimum(tries[:, 1], 0.2)
            tries /= np.abs(tries).max(axis=1, keepdims=True)
        turn = float(noise.uniform(-math.pi, math.pi))
        pixels_px = (0.5 + 0.5 * tries) * [camera.width_px, camera.height_px]
        for x, y in ground_under(camera, pixels_px, farthest_m=_FARTHEST_M).tolist():
            if all(math.hypot(x - a, y - b) > radius_m + r for a, b, r in discs):
                discs.append((x, y, radius_m))
                things.append(thing.model_copy(update={"world_from_thing": _on_ground(x, y, turn)}))
                break
    return tuple(things)


def sample_occluders(draws: FactorDraws, camera: Camera, *, distance_m: float) -> tuple[Thing, ...]:
    """Draw the factor ``occlusion``.

    Args:
        draws: Of a family that has :data:`OCCLUSION`.
        camera: In front of which the things hang.
        distance_m: From it to the objects.
    """
    values: dict[str, Any] = draws.frame("occlusion")
    depth_m = values["depth"] * distance_m
    view_m = depth_m * np.array([camera.width_px / camera.K[0][0],
                                 camera.height_px / camera.K[1][1]])  # fmt: skip
    things = []
    for index in range(1, values["things"] + 1):
        noise = draws.noise("occlusion", index)
        kind = _OCCLUDERS[int(noise.integers(len(_OCCLUDERS)))]
        thing = _thing(kind, noise, scale=values["width"] * view_m[0] / _THICKNESS[kind], real=True)
        # Reaches in from the rim.
        rim = noise.uniform(-1, 1, size=2)
        rim /= np.abs(rim).max()
        cam_from_thing = np.eye(4)
        heading = math.atan2(rim[1], rim[0]) + float(noise.normal(0, 0.4))
        cam_from_thing[:3, :3] = (
            cv2.Rodrigues(np.array([0, 0, heading]))[0]
            @ cv2.Rodrigues(np.array([math.pi + noise.normal(0, 0.3), 0, 0]))[0]
        )
        cam_from_thing[:3, 3] = [*(0.42 * rim * view_m), depth_m]
        world_from_thing = np.array(camera.world_from_cam) @ cam_from_thing
        things.append(thing.model_copy(update={"world_from_thing": matrix4(world_from_thing)}))
    return tuple(things)


def _thing(kind: ThingKind, noise: np.random.Generator, *, scale: float, real: bool) -> Thing:
    hues, shades = noise.random(3), noise.random(3)
    # Between every third one grey, white and black as things are.
    colour, accent = (
        colorsys.hsv_to_rgb(hues[k], 0.85 * shades[k] ** 1.5, 0.02 + 0.75 * hues[2] ** (k + 1))
        for k in range(2)
    )
    if real and kind in _NATURAL:
        codes = _NATURAL[kind]
        shade = 0.75 + 0.4 * float(shades[2])
        red, green, blue = (min(shade * c, 0.9) for c in srgb_hex(codes[int(hues[0] * len(codes))]))
        colour = (red, green, blue)
        accent = (0.6 * red, 0.6 * green, 0.6 * blue)
    return Thing(
        kind=kind,
        world_from_thing=matrix4(np.eye(4)),
        scale=scale,
        colour=colour,
        accent=accent,
        roughness=1.0 if kind in _MATT else float(noise.uniform(0.08, 0.45)),
        metal=kind in _METALS,
        seed=int(noise.integers(2**31)),
    )


@lru_cache(maxsize=256)
def _reach_m(kind: ThingKind, seed: int) -> float:
    vertices_m = thing_shape(kind, colour=(0, 0, 0), accent=(0, 0, 0), seed=seed).vertices_m
    return float(np.linalg.norm(vertices_m[:, :2], axis=1).max())


def _on_ground(x_m: float, y_m: float, turn_rad: float) -> Matrix4:
    world_from_thing = np.eye(4)
    world_from_thing[:3, :3] = cv2.Rodrigues(np.array([0, 0, turn_rad]))[0]
    world_from_thing[:2, 3] = x_m, y_m
    return matrix4(world_from_thing)
