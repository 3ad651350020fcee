"""Where the solids stand and how they move, so that none touches another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from blender_scenes.blocks.discs import push_apart
from blender_scenes.primitives.paths import clear_movers
from blender_scenes.primitives.resting import free_turn, resting_turn
from blender_scenes.primitives.solids import solid_of
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4
from pipeline.records.scene import Motion, Vector3
from pipeline.sampling.factors import FactorDraws

__all__ = ["Arrangement", "Placed", "arrange_solids"]

_EMPTY_FIELD_M = 0.5
_CEILING = 0.6  # height of the room in the air over the field's side
_ROUNDS = 300  # of pushing solids apart: few scenes then have one left that does not fit


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A solid where it stands.

    Attributes:
        number: Index of its draws.
        name: One of ``solids.SOLIDS``.
        extent_m: Its sides.
        world_from_obj: 4 x 4 rigid transform.
        motion: None where it stands still.
    """

    number: int
    name: str
    extent_m: Vector3
    world_from_obj: Matrix4
    motion: Motion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """All solids of a frame.

    Attributes:
        field_m: Side of the square, around the origin, that holds them.
        centre_m: What the camera looks at.
    """

    solids: tuple[Placed, ...]
    field_m: float
    centre_m: Vector3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loose:
    # A solid before it has a place; radius_m: of the disc it never leaves as it spins.
    number: int
    name: str
    extent_m: Vector3
    turn: FloatArray
    radius_m: float
    height_m: float


def arrange_solids(draws: FactorDraws) -> Arrangement:
    """Fix shape, pose, place and motion of all solids of a frame."""
    placement: dict[str, Any] = draws.frame("placement")
    in_air = placement["where"] == "air"
    numbers = range(1, int(draws.frame("count")["solids"]) + 1)
    if not numbers:
        return Arrangement(solids=(), field_m=_EMPTY_FIELD_M, centre_m=(0.0, 0.0, 0.0))
    loose = [_loose(draws, number, in_air=in_air) for number in numbers]
    radii_m = np.array([solid.radius_m for solid in loose])
    half_gap_m = placement["gap"] * radii_m.mean() / 2
    field_m = placement["looseness"] * math.sqrt(math.pi * ((radii_m + half_gap_m) ** 2).sum())
    start = np.array([draws.noise("placement", k).uniform(-0.5, 0.5, size=2) for k in numbers])
    places_m, kept = push_apart(
        start * field_m,
        radii_m=radii_m + half_gap_m,
        half_extent_m=np.repeat(field_m / 2 - radii_m[:, None], 2, axis=1),
        rounds=_ROUNDS,
    )
    loose = [solid for solid, keep in zip(loose, kept, strict=True) if keep]
    places_m, radii_m = places_m[kept], radii_m[kept]
    motions = _motions(draws, loose, places_m, radii_m, in_air=in_air)
    ceiling_m = _CEILING * field_m if in_air else 0.0
    solids = []
    for solid, place_m, motion in zip(loose, places_m, motions, strict=True):
        lift_m = ceiling_m * float(draws.object("placement", solid.number)["height"])
        origin_m = (float(place_m[0]), float(place_m[1]), solid.height_m + lift_m)
        solids.append(_placed(solid, origin_m, motion))
    return Arrangement(solids=tuple(solids), field_m=field_m, centre_m=(0.0, 0.0, 0.4 * ceiling_m))


def _loose(draws: FactorDraws, number: int, *, in_air: bool) -> _Loose:
    shape: dict[str, Any] = draws.object("shape", number)
    pose: dict[str, Any] = draws.object("pose", number)
    name = shape["solid"]
    extent_m = _extent(shape)
    turn = (
        free_turn(side=pose["side"], turn_rad=pose["turn_rad"], tip=pose["tip"])
        if in_air
        else resting_turn(name, extent_m, side=pose["side"], turn_rad=pose["turn_rad"])
    )
    vertices_m = solid_of(name, extent_m).vertices_m
    turned_m = vertices_m @ turn.T
    # What spins freely fills a ball.
    reach_m = np.linalg.norm(vertices_m if in_air else turned_m[:, :2], axis=1).max()
    return _Loose(
        number=number,
        name=name,
        extent_m=extent_m,
        turn=turn,
        radius_m=float(reach_m),
        height_m=float(reach_m if in_air else -turned_m[:, 2].min()),
    )


def _extent(shape: dict[str, Any]) -> Vector3:
    # The volume of the box around a solid depends on its size only.
    size_m, slenderness = shape["size_m"], shape["slenderness"]
    width_m, height_m = size_m * slenderness ** (-1 / 3), size_m * slenderness ** (2 / 3)
    match shape["solid"]:
        case "box":
            flatness = math.sqrt(shape["flatness"])
            return (width_m / flatness, width_m * flatness, height_m)
        case "sphere":
            return (size_m, size_m, size_m)
        case "torus":
            return (1.2 * size_m, 1.2 * size_m, 0.3 * height_m)
        case "capsule":
            return (0.7 * width_m, 0.7 * width_m, 0.9 * width_m + 0.6 * height_m)
        case _:
            return (width_m, width_m, height_m)


def _motions(
    draws: FactorDraws,
    loose: list[_Loose],
    places_m: FloatArray,
    radii_m: FloatArray,
    *,
    in_air: bool,
) -> list[tuple[Vector3, Vector3]]:
    # Per solid its velocity and its spin.
    drawn: list[dict[str, Any]] = [draws.object("motion", solid.number) for solid in loose]
    velocities = np.array(
        [
            [
                d["speed_m_s"] * math.cos(d["heading_rad"]),
                d["speed_m_s"] * math.sin(d["heading_rad"]),
            ]
            for d in drawn
        ]
    )
    moves = clear_movers(
        places_m,
        velocities_m_s=velocities,
        radii_m=radii_m,
        horizon_s=float(draws.frame("motion")["horizon_s"]),
    )
    motions = []
    for solid, values, velocity, moving in zip(loose, drawn, velocities, moves, strict=True):
        x, y = velocity * moving
        axis = solid.turn[:, 0] if in_air else np.array([0.0, 0.0, 1.0])
        spin = tuple(float(rate) for rate in values["spin_rad_s"] * axis)
        motions.append(((float(x), float(y), 0.0), cast(Vector3, spin)))
    return motions


def _placed(solid: _Loose, origin_m: Vector3, motion: tuple[Vector3, Vector3]) -> Placed:
    world_from_obj = np.eye(4)
    world_from_obj[:3, :3] = solid.turn
    world_from_obj[:3, 3] = origin_m
    velocity_m_s, spin_rad_s = motion
    return Placed(
        number=solid.number,
        name=solid.name,
        extent_m=solid.extent_m,
        world_from_obj=matrix4(world_from_obj),
        motion=Motion(velocity_m_s=velocity_m_s, spin_rad_s=spin_rad_s, pivot_m=origin_m)
        if any(velocity_m_s) or any(spin_rad_s)
        else None,
    )
