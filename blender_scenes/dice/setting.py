"""Where dice are thrown: a photo box's floor, a tray, a table. Numbers only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from blender_scenes.blocks.grounds import Ground, sample_ground
from blender_scenes.dice.footprints import Footprint
from blender_scenes.dice.scene import Strip, Tray
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4
from pipeline.sampling.factors import FactorDraws

__all__ = ["Field", "Setting", "draw_setting"]

_BOX_TILE_M = 0.45
_BOX_HALF_M = (0.12, 0.092)  # what the camera of a photo box sees without the flap
_BOX_SHIFT_M = 0.025  # away from the flap
_EXPOSED_FOR_TRAY = 1.28  # a phone makes the picture as bright with the darker tray in it
_TRAY_FLOOR_M = 0.0015  # thickness of its bottom
_STRIP_LIFT_M = 0.0006


@dataclass(frozen=True, slots=True, kw_only=True)
class Field(Footprint):
    """A rectangle that dice stay in.

    Attributes:
        walled: Whether dice can lie and lean against its sides.
    """

    walled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Ground and what belongs to it; the fields are those of ``DiceScene``."""

    field: Field
    ground: Ground
    ground_z_m: float
    tray: Tray | None = None
    strip: Strip | None = None


def draw_setting(draws: FactorDraws, *, pictures: tuple[str, ...]) -> Setting:
    """Draw the factor ``background``; the user's photographs are tables."""
    values: dict[str, Any] = draws.frame("background")
    noise = draws.noise("background", 2)
    shift, turns = noise.uniform(-1, 1, size=(2, 2)), noise.normal(0, [0.004, 0.012])
    side = {"near": -1.0, "far": 1.0, "none": 0.0}[values["flap"]]
    field = Field(
        centre_m=np.array([0.0, -side * _BOX_SHIFT_M]),
        half_m=np.array(_BOX_HALF_M),
        turn_rad=0.0,
        walled=False,
    )
    ground = sample_ground(draws, tile_m=_BOX_TILE_M, pictures=pictures)
    if ground.picture or values["setting"] == "table":
        return Setting(field=field, ground=ground, ground_z_m=0.0)
    grey = values["grey"]
    if values["setting"] == "tray":
        grey = min(_EXPOSED_FOR_TRAY * grey, 0.9)
    floor = ground.model_copy(
        update={
            "surface": "paper",
            "light": (grey, grey, 0.985 * grey),
            "dark": (0.96 * grey, 0.96 * grey, 0.945 * grey),
            "contrast": 0.5,
            "roughness": 0.0,
            "wear": values["dirt"],
            "fold_m": values["crease_m"],
        }
    )
    strip = None
    if side:
        look = draws.noise("background", 3).uniform(-1, 1, size=5)
        place_m = (0.004 * shift[0, 0], side * (0.128 + 0.005 * shift[0, 1]))
        strip = Strip(
            world_from_strip=_lying(place_m, float(turns[0]), z_m=_STRIP_LIFT_M),
            size_m=(0.308 + 0.008 * float(look[0]), 0.033 + 0.003 * float(shift[1, 0])),
            curl_m=0.001 + 0.0007 * float(shift[1, 1]),
            magnet_m=0.0142 + 0.0008 * float(look[1]),
            magnet_shade=0.23 + 0.06 * float(look[2]),
            shade=min((1.0 + 0.06 * float(look[3])) * grey, 0.9),
            end_shade=0.12 + 0.1 * float(look[4]),
        )
    if values["setting"] == "box":
        return Setting(field=field, ground=floor, ground_z_m=0.0, strip=strip)
    tray = _tray(values, floor, shift=shift[1], side=side, turn_rad=float(turns[1]), noise=noise)
    pose = np.array(tray.world_from_tray)
    inside = replace(
        field,
        centre_m=pose[:2, 3],
        half_m=np.array(tray.inner_m) / 2,
        turn_rad=float(turns[1]),
        walled=True,
    )
    lower_m = -_TRAY_FLOOR_M
    if strip is not None:
        strip_pose = np.array(strip.world_from_strip)
        strip_pose[2, 3] += lower_m
        strip = strip.model_copy(update={"world_from_strip": matrix4(strip_pose)})
    return Setting(field=inside, ground=floor, ground_z_m=lower_m, tray=tray, strip=strip)


def _tray(
    values: dict[str, Any],
    floor: Ground,
    *,
    shift: FloatArray,
    side: float,
    turn_rad: float,
    noise: np.random.Generator,
) -> Tray:
    grey = values["tray_grey"]
    place_m = (0.006 * shift[0], -side * 0.03 + 0.005 * shift[1])
    return Tray(
        world_from_tray=_lying(place_m, turn_rad, z_m=0.0),
        inner_m=(values["tray_m"], 0.77 * values["tray_m"]),
        height_m=float(noise.uniform(0.014, 0.026)),
        rim_m=float(noise.uniform(0.005, 0.009)),
        floor=floor.model_copy(
            update={
                "light": (grey, 0.975 * grey, 0.925 * grey),
                "dark": (0.86 * grey, 0.84 * grey, 0.8 * grey),
                "contrast": 0.45,
                "fold_m": 0.0,
                "seed": floor.seed ^ 1,
            }
        ),
        walls=(0.7 * grey, 0.67 * grey, 0.6 * grey),
        rim=(0.012, 0.012, 0.016),
        seed=int(noise.integers(2**31)),
    )


def _lying(place_m: tuple[float, float], turn_rad: float, *, z_m: float) -> Matrix4:
    pose = np.eye(4)
    pose[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.0, math.remainder(turn_rad, math.tau)]))[0]
    pose[:3, 3] = *place_m, z_m
    return matrix4(pose)
