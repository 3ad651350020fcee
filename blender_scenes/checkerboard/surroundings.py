"""The room behind the board, what stands in it, and who."""

from __future__ import annotations

import colorsys
import math
from typing import Any

import numpy as np

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.things import LARGE, SMALL
from blender_scenes.checkerboard.furniture import ON_DESK, ON_FLOOR, ON_WALL, furnishing_shape
from blender_scenes.checkerboard.posing import Posed
from blender_scenes.checkerboard.scene import Board, Furnishing, Person, Room
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import matrix4
from pipeline.sampling.factors import FactorDraws

__all__ = ["sample_furnishings", "sample_person", "sample_room", "sample_things", "skin_colour"]

_SMALL_FROM, _SKIN = 1000, 2000  # numbers of draws apart from the furnishings
_STANDING_M = 0.6  # room behind the board for whoever holds it
_LENS_SHOWS = 1.2  # a barrel lens shows more than its focal length says


def sample_room(draws: FactorDraws, posed: Posed) -> Room | None:
    """Draw the factor ``background``; None leaves the world of the lighting in view."""
    values: dict[str, Any] = draws.frame("background")
    if not values["room"]:
        return None
    noise = draws.noise("background")
    hues = noise.random(3)
    wall, floor, desk = (
        _tinted(hue, values["saturation"], values[name])
        for hue, name in zip(hues, ("wall", "floor", "desk"), strict=True)
    )
    eye_z_m = posed.camera.world_from_cam[2][3]
    # Whoever holds the board stands or sits; the camera is never below the desk.
    floor_m = min(-float(noise.uniform(1.0, 1.4)), eye_z_m - 0.95)
    return Room(
        depth_m=values["depth_m"],
        side_m=values["side_m"],
        floor_m=floor_m,
        desk_m=floor_m + 0.74,
        desk_depth_m=min(values["desk_depth_m"], max(values["depth_m"] - _STANDING_M, 0.0)),
        wall=wall,
        floor=floor,
        desk=desk,
        panel_m=values["panel_m"],
    )


def sample_furnishings(
    draws: FactorDraws, posed: Posed, room: Room | None
) -> tuple[Furnishing, ...]:
    """Furniture at the wall; without a room there is none."""
    values: dict[str, Any] = draws.frame("distractors")
    if room is None:
        return ()
    count = values["furnishings"]
    furnishings: list[Furnishing] = []
    taken: list[tuple[FloatArray, FloatArray]] = []  # boxes: what finds no room is left out
    for index in range(1, count + 1):
        noise = draws.noise("distractors", index)
        x_m = _across(noise, posed, room, place=index / (count + 1))
        world_from_it = np.eye(4)
        where = int(noise.integers(5))
        if where < 2:
            kinds, z_m = ON_WALL, room.floor_m + float(noise.uniform(1.0, 1.6))
            y_m = room.depth_m - 0.015
        elif where < 4 and room.desk_depth_m > 0:
            kinds, z_m = ON_DESK, room.desk_m
            y_m = room.depth_m - room.desk_depth_m * float(noise.uniform(0.4, 0.7))
            world_from_it[:3, :3] = _turn(float(noise.normal(0, 0.35)))
        else:
            kinds, z_m = ON_FLOOR, room.floor_m
            y_m = room.depth_m - 0.25
        world_from_it[:3, 3] = x_m, y_m, z_m
        furnishing = Furnishing(
            kind=kinds[int(noise.integers(len(kinds)))],
            world_from_it=matrix4(world_from_it),
            colour=_any_colour(noise),
            seed=int(noise.integers(2**31)),
        )
        vertices_m = furnishing_shape(furnishing).vertices_m
        box = (vertices_m.min(axis=0), vertices_m.max(axis=0))
        if all((box[0] > high).any() or (box[1] < low).any() for low, high in taken):
            taken.append(box)
            furnishings.append(furnishing)
    return tuple(furnishings)


def sample_things(draws: FactorDraws, posed: Posed, room: Room | None) -> tuple[Thing, ...]:
    """Small things on the desk; without a desk there are none."""
    values: dict[str, Any] = draws.frame("distractors")
    if room is None or room.desk_depth_m == 0:
        return ()
    things = []
    kinds = (*LARGE, *LARGE, *SMALL)
    for index in range(1, values["things"] + 1):
        noise = draws.noise("distractors", _SMALL_FROM + index)
        world_from_thing = np.eye(4)
        world_from_thing[:3, :3] = _turn(float(noise.uniform(-math.pi, math.pi)))
        world_from_thing[:3, 3] = (
            _across(noise, posed, room, place=float(noise.random())),
            room.depth_m - room.desk_depth_m * float(noise.uniform(0.15, 0.9)),
            room.desk_m,
        )
        things.append(
            Thing(
                kind=kinds[int(noise.integers(len(kinds)))],
                world_from_thing=matrix4(world_from_thing),
                colour=_any_colour(noise),
                accent=_any_colour(noise),
                seed=int(noise.integers(2**31)),
            )
        )
    return tuple(things)


def sample_person(draws: FactorDraws, board: Board) -> Person | None:
    """Who stands behind the board, or None."""
    values: dict[str, Any] = draws.frame("distractors")
    if not values["person"]:
        return None
    noise = draws.noise("distractors")
    reach_m = np.hypot(board.columns, board.rows) * board.square_m / 2
    return Person(
        position_m=(
            float(noise.normal(0, 0.16)),
            0.12 + 0.8 * float(reach_m) + float(noise.uniform(0, 0.2)),
            float(noise.uniform(-0.32, -0.06)),  # most heads are behind their boards
        ),
        turn_rad=float(noise.normal(0, 0.35)),
        lean_rad=float(noise.normal(0, 0.12)),
        shirt=_any_colour(noise),
        stripe=_any_colour(noise),
        hair=_tinted(0.07, 0.4, float(noise.uniform(0.01, 0.1))),
        skin=skin_colour(draws),
        seed=int(noise.integers(2**31)),
    )


def skin_colour(draws: FactorDraws) -> Rgb:
    """Of face and hands, linear RGB."""
    shade = 0.12 + 0.4 * float(draws.noise("distractors", _SKIN).random())
    return (shade, 0.72 * shade, 0.55 * shade)


def _across(noise: np.random.Generator, posed: Posed, room: Room, *, place: float) -> float:
    # At the wall, 0 ... 1 from the picture's left to its right, a little shaken.
    camera = posed.camera
    eye_m = np.array(camera.world_from_cam)[:3, 3]
    half_m = _LENS_SHOWS * (room.depth_m - eye_m[1]) * camera.width_px / 2 / camera.K[0][0]
    return float(eye_m[0] + half_m * (2 * place - 1 + noise.uniform(-0.15, 0.15)))


def _any_colour(noise: np.random.Generator) -> Rgb:
    hue, saturation, value = noise.random(3)
    return _tinted(hue, 0.7 * saturation**1.5, 0.03 + 0.7 * value**1.5)


def _tinted(hue: float, saturation: float, value: float) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return (red, green, blue)


def _turn(turn_rad: float) -> FloatArray:
    c, s = math.cos(turn_rad), math.sin(turn_rad)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
