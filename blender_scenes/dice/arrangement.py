"""Where dice come to lie: flat, touching, against a wall or leaning on what stands there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from blender_scenes.dice.footprints import Footprint, contact_distance, overlap, reach
from blender_scenes.dice.scene import DieShape
from blender_scenes.dice.setting import Field
from blender_scenes.dice.solid import die_surface, face_frame
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4
from pipeline.sampling.factors import FactorDraws

__all__ = ["Lying", "lay_dice"]

_TRIES = 40
_GAP_M = 2e-5  # surfaces that meet make no clean shadow
_SIDEWAYS = 0.35  # of a die: how far off its middle one that leans may stand
_CELLS = 24  # of the surface that tells how low a leaning die is


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A die where it lies.

    Attributes:
        number: Index of its draws.
        face: Its number on top, 1 to 6.
        world_from_obj: 4 x 4 rigid transform.
    """

    number: int
    face: int
    world_from_obj: Matrix4


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    # Something upright: a (2,) point at its foot, where it looks to, how far it goes sideways.
    foot_m: FloatArray
    outwards: FloatArray
    half_m: float


def lay_dice(draws: FactorDraws, shapes: Sequence[DieShape], *, field: Field) -> tuple[Lying, ...]:
    """Lay down dice one after the other; those that find no room are left out.

    Args:
        draws: The factors ``placement`` and ``pose``.
        shapes: Of dice 1, 2, ...
        field: That they stay in.
    """
    frame: dict[str, Any] = draws.frame("placement")
    taken: list[Footprint] = []
    upright: list[Footprint] = []  # those that another can lean on
    dice = []
    for number, shape in enumerate(shapes, start=1):
        pose: dict[str, Any] = draws.object("pose", number)
        own: dict[str, Any] = draws.object("placement", number)
        noise = draws.noise("placement", number)
        touching = own["company"] < frame["touching"]
        leans = touching and pose["lean"] < frame["leaning"]
        tries = noise.uniform(-1, 1, size=(_TRIES, 3))
        for share in tries:
            side = _chosen_side(upright, field, share) if leans else None
            if side is not None:
                footprint, turn = _leaning(shape, pose, side, share)
            else:
                footprint = _loose(shape, pose, field, share, frame)
                if touching:
                    footprint = _pushed(footprint, taken, field, share)
                turn = _turned(shape, pose, footprint.turn_rad)
            if _inside(footprint, field) and not any(
                overlap(footprint, other, gap_m=_GAP_M / 2) for other in taken
            ):
                taken.append(footprint)
                if side is None:
                    upright.append(footprint)
                dice.append(
                    Lying(
                        number=number,
                        face=pose["face"],
                        world_from_obj=_resting(shape, turn, footprint, flat=side is None),
                    )
                )
                break
    return tuple(dice)


def _loose(
    shape: DieShape, pose: dict[str, Any], field: Field, share: FloatArray, frame: dict[str, Any]
) -> Footprint:
    half_m = np.full(2, shape.size_m / 2)
    middle = np.array([frame["middle_x"], frame["middle_y"]])
    place = frame["spread"] * share[:2] + (1 - frame["spread"]) * middle
    return Footprint(
        centre_m=field.centre_m + (place * (field.half_m - half_m)) @ field.axes,
        half_m=half_m,
        turn_rad=pose["turn_rad"],
    )


def _pushed(
    loose: Footprint, taken: Sequence[Footprint], field: Field, share: FloatArray
) -> Footprint:
    # Against a wall or, corners and all, against another die.
    if field.walled and share[2] < 0:
        wall = _wall(field, share)
        off_m = float((loose.centre_m - wall.foot_m) @ wall.outwards)
        wanted_m = float(reach(loose, wall.outwards[None])[0]) + _GAP_M
        return replace(loose, centre_m=loose.centre_m + (wanted_m - off_m) * wall.outwards)
    if not taken:
        return loose
    neighbour = taken[_picked(share, taken)]
    angle = math.atan2(share[1], share[0])
    direction = np.array([math.cos(angle), math.sin(angle)])
    distance_m = contact_distance(neighbour, loose, direction) + _GAP_M
    return replace(loose, centre_m=neighbour.centre_m + distance_m * direction)


def _chosen_side(upright: Sequence[Footprint], field: Field, share: FloatArray) -> _Side | None:
    if field.walled and share[2] < 0:
        return _wall(field, share)
    if not upright:
        return None
    neighbour = upright[_picked(share, upright)]
    outwards = neighbour.axes[0 if share[1] < 0 else 1] * math.copysign(1.0, share[0])
    reach_m = float(reach(neighbour, outwards[None])[0])
    return _Side(
        foot_m=neighbour.centre_m + reach_m * outwards,
        outwards=outwards,
        half_m=_SIDEWAYS * float(neighbour.half_m.min()),
    )


def _wall(field: Field, share: FloatArray) -> _Side:
    along, across = (0, 1) if share[1] < 0 else (1, 0)
    outwards = -field.axes[along] * math.copysign(1.0, share[0])
    return _Side(
        foot_m=field.centre_m - outwards * field.half_m[along],
        outwards=outwards,
        # No corner of a die reaches the next wall.
        half_m=0.85 * float(field.half_m[across]),
    )


def _picked(share: FloatArray, taken: Sequence[Footprint]) -> int:
    return min(int(abs(share[2]) * len(taken)), len(taken) - 1)


def _leaning(
    shape: DieShape, pose: dict[str, Any], side: _Side, share: FloatArray
) -> tuple[Footprint, FloatArray]:
    # The edge at the side's foot is lifted: friction holds a die at a wall from a tilt of some
    # 18 degrees on (atan(1/3) for a coefficient of 0.5).
    heading = math.atan2(side.outwards[1], side.outwards[0])
    quarters = math.floor((pose["turn_rad"] + math.pi) / (math.pi / 2))
    upright = _turned(shape, pose, heading + quarters * math.pi / 2)
    axis = np.array([-side.outwards[1], side.outwards[0], 0.0])
    turn = cv2.Rodrigues(axis * pose["tilt_rad"])[0] @ upright
    surface_m = die_surface(shape, cells=_CELLS).vertices_m @ turn.T
    towards = surface_m[:, :2] @ side.outwards
    half_m = np.array([np.abs(towards).max(), shape.size_m / 2])
    along = np.array([-side.outwards[1], side.outwards[0]])
    sideways = 2 * abs(share[1]) - 1  # its sign chose the side
    centre_m = side.foot_m + (half_m[0] + _GAP_M) * side.outwards + sideways * side.half_m * along
    return Footprint(centre_m=centre_m, half_m=half_m, turn_rad=heading), np.asarray(turn)


def _turned(shape: DieShape, pose: dict[str, Any], turn_rad: float) -> FloatArray:
    # Brings a face up, its first axis along the turn.
    about = cv2.Rodrigues(np.array([0.0, 0.0, turn_rad]))[0]
    return np.asarray(about @ face_frame(shape.handed, pose["face"]).T)


def _resting(shape: DieShape, turn: FloatArray, footprint: Footprint, *, flat: bool) -> Matrix4:
    lowest_m = (
        -shape.size_m / 2
        if flat
        else float((die_surface(shape, cells=_CELLS).vertices_m @ turn.T)[:, 2].min())
    )
    pose = np.eye(4)
    pose[:3, :3] = turn
    pose[:3, 3] = *footprint.centre_m, -lowest_m
    return matrix4(pose)


def _inside(footprint: Footprint, field: Field) -> bool:
    off_m = np.abs(field.axes @ (footprint.centre_m - field.centre_m))
    return bool((off_m + reach(footprint, field.axes) <= field.half_m).all())
