"""From drawn values to the shape, skin and turn of one piece."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from blender_scenes.nuts.scene import Form, Kind, Skin
from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Vector3

__all__ = ["TYPICAL_M", "form_of", "skin_of", "turn_of"]

_SIZE_M: dict[Kind, Vector3] = {
    "date": (0.041, 0.0265, 0.025),
    "fig": (0.034, 0.0262, 0.0225),
    "hazelnut": (0.0225, 0.0178, 0.0175),
    "chocolate": (0.029, 0.0145, 0.0115),
}
TYPICAL_M = _SIZE_M["date"][0]
"""Length of a date, which the camera is set to."""

# Least and most of taper, waist, bend; bend to either side.
_TAPER: dict[Kind, tuple[float, float]] = {
    "date": (0.0, 0.3), "fig": (0.0, 0.5), "hazelnut": (-0.1, 0.06), "chocolate": (0, 0),
}  # fmt: skip
_WAIST = {"date": 0.16, "fig": 0.0, "hazelnut": 0.0, "chocolate": 0.0}
_BEND = {"date": 0.07, "fig": 0.03, "hazelnut": 0.0, "chocolate": 0.05}
_STALK_MOST = 0.4
_TIP_RAD = {"date": 0.14, "fig": 0.5, "hazelnut": 0.6, "chocolate": 0.05}
_ROLL = {"date": 1.0, "fig": 0.12, "hazelnut": 1.0, "chocolate": 0.08}  # flat ones stay flat
_ROUGHNESS: dict[Kind, tuple[float, float]] = {  # smoothest to roughest
    "date": (0.24, 0.45), "fig": (0.5, 0.75), "hazelnut": (0.3, 0.5), "chocolate": (0.15, 0.3),
}  # fmt: skip


def form_of(kind: Kind, drawn: Mapping[str, Any], *, seed: int) -> Form:
    """The shape of a piece from the values of the factor ``shape``."""
    length_m, width_m, height_m = (drawn["size"] * side for side in _SIZE_M[kind])
    stretch = math.sqrt(drawn["slenderness"])
    least, most = _TAPER[kind]
    return Form(
        kind=kind,
        size_m=(length_m * stretch, width_m / stretch, drawn["flatness"] * height_m / stretch),
        taper=least + drawn["taper"] * (most - least),
        waist=_WAIST[kind] * drawn["waist"] ** 2,
        bend=_BEND[kind] * drawn["bend"],
        wrinkles=drawn["wrinkles"],
        stalk=_STALK_MOST * drawn["stalk"],
        seed=seed,
    )


def skin_of(kind: Kind, drawn: Mapping[str, Any], *, seed: int) -> Skin:
    """The surface of a piece from the values of the factor ``material``."""
    smoothest, roughest = _ROUGHNESS[kind]
    return Skin(
        tone=drawn["tone"],
        brightness=drawn["brightness"],
        roughness=roughest + drawn["gloss"] * (smoothest - roughest),
        wear=drawn["wear"],
        seed=seed,
    )


def turn_of(kind: Kind, drawn: Mapping[str, Any], *, face_down: bool) -> FloatArray:
    """(3, 3) rotation of a piece from the values of the factor ``pose``."""
    turn, tip, roll = (
        cv2.Rodrigues(np.array(axis))[0]
        for axis in (
            (0.0, 0.0, drawn["turn_rad"]),
            (0.0, _TIP_RAD[kind] * drawn["tip"], 0.0),
            (math.pi * face_down + _ROLL[kind] * drawn["roll_rad"], 0.0, 0.0),
        )
    )
    return np.asarray(turn @ tip @ roll)
