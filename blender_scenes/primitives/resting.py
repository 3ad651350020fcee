"""How solids lie: on one of their sides, or turned freely."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Vector3

__all__ = ["free_turn", "resting_turn"]


def resting_turn(name: str, extent_m: Vector3, *, side: float, turn_rad: float) -> FloatArray:
    """(3, 3) ``world_from_obj`` of a solid that rests without help.

    Args:
        name: One of ``solids.SOLIDS``.
        extent_m: Its sides.
        side: In [0, 1]: standing at 0, else on which of the sides it can lie on.
        turn_rad: About the upright axis.
    """
    lying = math.pi / 2
    if name == "cone":  # along its side, which leans by half the opening angle
        lying += math.atan2(extent_m[0] / 2, extent_m[2])
    standing = {
        "box": [np.eye(3), _turn(lying, 0, 0), _turn(0, lying, 0)],
        "sphere": [np.eye(3)],
        "cylinder": [np.eye(3), _turn(lying, 0, 0)],
        "cone": [np.eye(3), _turn(lying, 0, 0)],
        "torus": [np.eye(3)],
        "capsule": [_turn(lying, 0, 0)],
    }[name]
    return np.asarray(
        _turn(0, 0, turn_rad) @ standing[min(int(side * len(standing)), len(standing) - 1)]
    )


def free_turn(*, side: float, turn_rad: float, tip: float) -> FloatArray:
    """(3, 3) ``world_from_obj`` of a solid in the air: about its axis, tipped over, turned."""
    return np.asarray(
        _turn(0, 0, turn_rad) @ _turn(math.pi * tip, 0, 0) @ _turn(0, 0, 2 * math.pi * side)
    )


def _turn(x_rad: float, y_rad: float, z_rad: float) -> FloatArray:
    return np.asarray(cv2.Rodrigues(np.array([x_rad, y_rad, z_rad]))[0])
