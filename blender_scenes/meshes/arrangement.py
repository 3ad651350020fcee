"""Where the models stand, float, or fall from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.places import grid_places_m
from blender_scenes.meshes.library import Model
from pipeline.geometry.boxes import FloatArray
from pipeline.sampling.factors import FactorDraws

__all__ = ["Arrangement", "Placed", "arrange"]

_TRIES = 80
_EMPTY_M = 0.3
_DROPPED_OVER = 0.6  # of the field: what falls rolls apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A model where it is.

    Attributes:
        number: Index of its draws.
        world_from_obj: (4, 4) rigid transform.
        footprint_m: (P, 2) convex outline on the ground.
    """

    number: int
    model: Model
    world_from_obj: FloatArray
    footprint_m: FloatArray

    @property
    def disc_m(self) -> tuple[float, float, float]:
        """x, y and radius of a disc around its footprint."""
        x, y = self.footprint_m.mean(axis=0)
        return float(x), float(y), _radius_m(self.footprint_m - (x, y))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """All models of a frame.

    Attributes:
        field_m: Side of the square, around the origin, that holds them.
        middle_m: Height of their middle.
        typical_m: Length of a typical one.
    """

    placed: tuple[Placed, ...]
    field_m: float
    middle_m: float
    typical_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turned:
    # A model before it has a place: corners of its hull and middle of its box, turned.
    number: int
    model: Model
    rotation: FloatArray
    corners_m: FloatArray
    middle_m: FloatArray

    @property
    def footprint_m(self) -> FloatArray:
        # (P, 2) around the middle.
        outline = cv2.convexHull((self.corners_m - self.middle_m)[:, :2].astype(np.float32))
        return np.asarray(outline[:, 0], dtype=np.float64)

    @property
    def ball_m(self) -> float:
        return _radius_m(self.corners_m - self.middle_m)

    def at(self, place_m: FloatArray) -> Placed:
        # With its middle at a place in space.
        world_from_obj = np.eye(4)
        world_from_obj[:3, :3] = self.rotation
        world_from_obj[:3, 3] = place_m - self.middle_m
        return Placed(
            number=self.number,
            model=self.model,
            world_from_obj=world_from_obj,
            footprint_m=self.footprint_m + place_m[:2],
        )

    def standing_at(self, place_m: FloatArray) -> Placed:
        lift_m = float((self.middle_m - self.corners_m.min(axis=0))[2])
        return self.at(np.append(place_m, lift_m))


def arrange(draws: FactorDraws, models: Sequence[tuple[int, Model]]) -> Arrangement:
    """Find a place for each model, in order; those that find none are left out.

    Args:
        draws: The factors ``placement`` and ``pose``.
        models: With the index of each one's draws.
    """
    values: dict[str, Any] = draws.frame("placement")
    if not models:
        return Arrangement(placed=(), field_m=_EMPTY_M, middle_m=0.0, typical_m=_EMPTY_M / 2)
    how = values["how"]
    turned = [_turned(draws, *each, free=how in ("drop", "air")) for each in models]
    lengths_m = [model.length_m for _, model in models]
    typical_m = float(np.sqrt(np.mean(np.square(lengths_m))))
    gap_m = values["gap"] * typical_m
    arrangement = _ARRANGERS[how](draws, turned, values["spread"], gap_m)
    return replace(arrangement, typical_m=typical_m)


def _turned(draws: FactorDraws, number: int, model: Model, *, free: bool) -> _Turned:
    pose: dict[str, Any] = draws.object("pose", number)
    rotation = _turn(z_rad=pose["turn_rad"]) @ model.upright
    if free:  # even over all rotations
        tipped = _turn(y_rad=math.acos(pose["tip"])) @ _turn(z_rad=pose["spin_rad"])
        rotation = _turn(z_rad=pose["turn_rad"]) @ tipped @ model.upright
    corners_m = model.hull_m @ rotation.T
    return _Turned(
        number=number,
        model=model,
        rotation=rotation,
        corners_m=corners_m,
        middle_m=(corners_m.min(axis=0) + corners_m.max(axis=0)) / 2,
    )


def _turn(*, y_rad: float = 0.0, z_rad: float = 0.0) -> FloatArray:
    return np.asarray(cv2.Rodrigues(np.array([0.0, y_rad, z_rad]))[0])


def _scattered(
    draws: FactorDraws, turned: Sequence[_Turned], spread: float, gap_m: float
) -> Arrangement:
    grown = [_grown(each.footprint_m, gap_m / 2) for each in turned]
    areas_m2 = [cv2.contourArea(outline.astype(np.float32)) for outline in grown]
    field_m = spread * math.sqrt(sum(areas_m2))
    placed: list[Placed] = []
    taken: list[FloatArray] = []
    for each, outline in zip(turned, grown, strict=True):
        places_m = draws.noise("placement", each.number).uniform(-1, 1, (_TRIES, 2)) * field_m / 2
        place_m = next(
            (p for p in places_m if not any(_overlap(outline + p, other) for other in taken)), None
        )
        if place_m is not None:
            taken.append(outline + place_m)
            placed.append(each.standing_at(place_m))
    return _arrangement(placed, turned, field_m=field_m)


def _in_rows(
    draws: FactorDraws, turned: Sequence[_Turned], spread: float, gap_m: float
) -> Arrangement:
    pitch_m = 2 * max(_radius_m(each.footprint_m) for each in turned) + gap_m
    field_m = math.ceil(math.sqrt(len(turned))) * pitch_m
    places_m = grid_places_m(len(turned), extent_m=(field_m, field_m))
    placed = [each.standing_at(place) for each, place in zip(turned, places_m, strict=True)]
    return _arrangement(placed, turned, field_m=field_m)


def _in_air(
    draws: FactorDraws, turned: Sequence[_Turned], spread: float, gap_m: float
) -> Arrangement:
    balls_m = [each.ball_m + gap_m / 2 for each in turned]
    field_m = spread * float(np.cbrt(sum((2 * ball) ** 3 for ball in balls_m)))
    placed: list[Placed] = []
    taken: list[tuple[FloatArray, float]] = []
    for each, ball_m in zip(turned, balls_m, strict=True):
        noise = draws.noise("placement", each.number)
        places_m = noise.uniform([-0.5, -0.5, 0], [0.5, 0.5, 0.7], (_TRIES, 3)) * field_m
        places_m[:, 2] += ball_m
        place_m = next((p for p in places_m if _is_clear(p, ball_m, taken)), None)
        if place_m is not None:
            taken.append((place_m, ball_m))
            placed.append(each.at(place_m))
    middle_m = float(np.mean([place[2] for place, _ in taken]))
    return Arrangement(placed=tuple(placed), field_m=field_m, middle_m=middle_m, typical_m=0.0)


def _above(
    draws: FactorDraws, turned: Sequence[_Turned], spread: float, gap_m: float
) -> Arrangement:
    # On top of the balls around those before it.
    areas_m2 = [cv2.contourArea(each.footprint_m.astype(np.float32)) for each in turned]
    field_m = spread * math.sqrt(sum(areas_m2))
    placed: list[Placed] = []
    taken: list[tuple[FloatArray, float]] = []
    for each in turned:
        noise = draws.noise("placement", each.number)
        place_m = noise.uniform(-0.5, 0.5, 2) * _DROPPED_OVER * field_m
        ball_m = each.ball_m + gap_m / 2
        height_m = ball_m
        for other, radius in taken:
            apart2 = (ball_m + radius) ** 2 - float(((place_m - other[:2]) ** 2).sum())
            if apart2 > 0:
                height_m = max(height_m, float(other[2]) + math.sqrt(apart2))
        middle = np.append(place_m, height_m)
        taken.append((middle, ball_m))
        placed.append(each.at(middle))
    return _arrangement(placed, turned, field_m=field_m)


_ARRANGERS: dict[str, Callable[[FactorDraws, Sequence[_Turned], float, float], Arrangement]] = {
    "scatter": _scattered,
    "grid": _in_rows,
    "air": _in_air,
    "drop": _above,
}


def _arrangement(
    placed: Sequence[Placed], turned: Sequence[_Turned], *, field_m: float
) -> Arrangement:
    heights_m = [float(np.ptp(each.corners_m[:, 2])) for each in turned]
    middle_m = float(np.median(heights_m)) / 2
    return Arrangement(placed=tuple(placed), field_m=field_m, middle_m=middle_m, typical_m=0.0)


def _is_clear(
    place_m: FloatArray, ball_m: float, taken: Sequence[tuple[FloatArray, float]]
) -> bool:
    return all(np.linalg.norm(place_m - other) > ball_m + radius for other, radius in taken)


def _grown(outline_m: FloatArray, by_m: float) -> FloatArray:
    reach = np.linalg.norm(outline_m, axis=1, keepdims=True).clip(1e-9)
    hull = cv2.convexHull((outline_m * (1 + by_m / reach)).astype(np.float32))
    return np.asarray(hull[:, 0], dtype=np.float64)


def _overlap(one: FloatArray, other: FloatArray) -> bool:
    apart = (one.min(axis=0) > other.max(axis=0)) | (one.max(axis=0) < other.min(axis=0))
    if apart.any():
        return False
    # In units of their size: OpenCV counts in float32 and drops what is tiny.
    scale = 100 / float(np.ptp(one, axis=0).max())
    middle = one.mean(axis=0)
    area, _ = cv2.intersectConvexConvex(
        ((one - middle) * scale).astype(np.float32), ((other - middle) * scale).astype(np.float32)
    )
    return bool(area > 0)


def _radius_m(points_m: npt.NDArray[np.float64]) -> float:
    return float(np.linalg.norm(points_m, axis=1).max())
