"""Where cards come to lie: in rows, fans, grids, heaps or scattered, on each other. No Blender."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from scipy.optimize import linprog

from blender_scenes.blocks.grounds import Ground, folds_m
from blender_scenes.blocks.heaps import Heap
from blender_scenes.cards.sheets import CARD_M, Surface
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix4, matrix4
from pipeline.sampling.factors import FactorDraws

__all__ = ["Layout", "Table", "card_places", "place_near"]

Layout = Literal["scatter", "row", "fan", "grid", "heap"]

_TRIES = 24
_CELL_M = 0.002
_GAP_M = 3e-5  # surfaces that meet make no clean shadow
_STEEPEST = 0.5  # slope of a sheet that rests on others
_LOOSE = {"neat": 0.04, "careless": 0.16, "any": 1.0}  # of a turn in each direction
_FIELD_M = 0.4  # half the side of where things rest on each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What things are let down onto, one after the other."""

    heap: Heap

    @classmethod
    def of(cls, ground: Ground) -> Table:
        """With nothing on it but the folds of the ground."""
        if ground.fold_m <= 0:
            return cls(heap=Heap(half_m=_FIELD_M, cell_m=_CELL_M))
        # The net of a folded ground is no finer than this.
        coarse = round(2 * _FIELD_M / (2 * _CELL_M))
        middles = ((np.arange(coarse) + 0.5) / coarse * 2 - 1) * _FIELD_M
        x, y = np.meshgrid(middles, middles)
        folds = folds_m(ground, np.column_stack([x.ravel(), y.ravel()]))
        fine = (round(2 * _FIELD_M / _CELL_M),) * 2
        height_m = cv2.resize(folds.reshape(coarse, coarse).astype(np.float32), fine)
        return cls(heap=Heap(half_m=_FIELD_M, cell_m=_CELL_M, ground_m=height_m))

    def let_down(self, surface: Surface, place: FloatArray) -> Matrix4:
        """Let a sheet down until it rests; it becomes part of what lies there.

        Args:
            surface: Of the sheet.
            place: (3,) x and y of its middle [m] and its turn about the upright axis [rad].

        Returns:
            ``world_from_sheet``: tilted to the plane through the three points around its
            middle that carry it, above all that was there before.
        """
        x, y, turn_rad = place
        about = cv2.Rodrigues(np.array([0.0, 0.0, turn_rad]))[0]
        slope = self._slope(surface.underside_m @ about.T, np.array([x, y]))
        normal = np.array([-slope[0], -slope[1], 1.0]) / math.sqrt(1 + slope @ slope)
        axis = np.array([-normal[1], normal[0], 0.0])
        length = float(np.linalg.norm(axis))
        tilt = cv2.Rodrigues(axis / max(length, 1e-12) * math.asin(length))[0]
        pose = np.eye(4)
        pose[:3, :3] = tilt @ about
        pose[:2, 3] = x, y
        placed = surface.vertices_m @ pose[:3, :3].T + pose[:3, 3]
        pose[2, 3] = self.heap.let_down(placed, surface.triangles, gap_m=_GAP_M)
        return matrix4(pose)

    def _slope(self, points_m: FloatArray, middle_m: FloatArray) -> FloatArray:
        # (2,) of the lowest plane over the middle that nothing below sticks through: the
        # linear programme of a rigid plate at rest.
        heap, cells = self.heap.height_m, self.heap.height_m.shape[0]
        place = np.floor((points_m[:, :2] + middle_m + _FIELD_M) / (2 * _FIELD_M) * cells)
        column, row = np.clip(place.astype(int), 0, cells - 1).T
        needed_m = heap[row, column] - points_m[:, 2]
        if np.ptp(heap[row, column]) < 1e-6:
            return np.zeros(2)
        most = np.column_stack([-points_m[:, :2], -np.ones(len(points_m))])
        found = linprog(
            [0.0, 0.0, 1.0],
            A_ub=most,
            b_ub=-needed_m,
            bounds=[(-_STEEPEST, _STEEPEST)] * 2 + [(None, None)],
        )
        return np.asarray(found.x[:2]) if found.success else np.zeros(2)


def card_places(draws: FactorDraws, count: int, *, half_view_m: FloatArray) -> FloatArray:
    """(N, 3) x, y, turn of cards in the order in which they are laid.

    Args:
        draws: The factors ``placement`` and ``pose``.
        count: N.
        half_view_m: (2,) half of what the camera sees of the ground, which they stay in.
    """
    values: dict[str, Any] = draws.frame("placement")
    noise = draws.noise("placement")
    layout: Layout = values["layout"] if count > 1 else "scatter"
    step_m = values["step_m"]
    rank = np.arange(count) - (count - 1) / 2
    own = [draws.noise("placement", number) for number in range(1, count + 1)]
    stray = np.array([one.normal(0, 1, size=2) for one in own]).reshape(count, 2)
    places = np.zeros((count, 3))
    if layout == "row":
        places[:, 0] = rank * step_m
        places[:, :2] += stray * [0.08 * step_m, 0.004]
    elif layout == "fan":
        angle = -rank * values["spread_rad"]
        pivot_m = 0.07 + 0.5 * step_m
        places[:, 0] = -pivot_m * np.sin(angle)
        places[:, 1] = pivot_m * (np.cos(angle) - 1)
        places[:, 2] = angle
    elif layout == "grid":
        columns = math.ceil(math.sqrt(count))
        gap_m = 0.2 * step_m
        row, column = np.divmod(np.arange(count), columns)
        places[:, 0] = (column - (columns - 1) / 2) * (CARD_M[0] + gap_m)
        places[:, 1] = ((math.ceil(count / columns) - 1) / 2 - row) * (CARD_M[1] + gap_m)
        places[:, :2] += stray * 0.12 * step_m
    elif layout == "heap":
        places[:, :2] = stray * 0.9 * step_m
    else:
        places[:, :2] = _scattered(own, half_view_m, apart_m=0.6 * step_m + 0.055)
    loose = 2 * math.pi * _LOOSE[values["order"]]
    together_rad = float(noise.uniform(-0.5, 0.5)) * loose
    about = np.array(
        [
            [math.cos(together_rad), math.sin(together_rad)],
            [-math.sin(together_rad), math.cos(together_rad)],
        ]
    )
    if layout != "scatter":
        places[:, :2] = _squeezed(places[:, :2] @ about, half_view_m)
        places[:, 2] += together_rad
        loose *= 0.0 if layout == "fan" else 1.0 if layout == "heap" else 0.25
    for number in range(1, count + 1):
        pose: dict[str, Any] = draws.object("pose", number)
        places[number - 1, 2] += (pose["turn"] - 0.5) * loose + math.pi * (pose["flip"] > 0.5)
    return places


def place_near(
    noise: np.random.Generator,
    places: FloatArray,
    *,
    half_view_m: FloatArray,
    nearest_m: float,
    farthest_m: float,
) -> FloatArray:
    """(3,) x, y, turn of something that lies beside or on one of several cards.

    Args:
        noise: Where chance comes from.
        places: (N, 3) of the cards; without any it lies somewhere.
        half_view_m: (2,) half of what the camera sees.
        nearest_m: Between its middle and that of the card.
        farthest_m: The same at most.
    """
    which, distance, angle, turn, x, y = noise.random(6)
    turn_rad = 2 * math.pi * turn
    if len(places) == 0:
        return np.array([*(np.array([x, y]) * 2 - 1) * half_view_m, turn_rad])
    card = places[min(int(which * len(places)), len(places) - 1)]
    distance_m = nearest_m + distance * (farthest_m - nearest_m)
    heading = 2 * math.pi * angle
    place = card[:2] + distance_m * np.array([math.cos(heading), math.sin(heading)])
    return np.array([*place, turn_rad])


def _scattered(
    own: Sequence[np.random.Generator], half_view_m: FloatArray, *, apart_m: float
) -> FloatArray:
    # Each as the first of several places that is far enough from the earlier ones, else as the
    # farthest.
    room_m = np.maximum(0.95 * half_view_m - 0.04, 0.02)
    places: list[FloatArray] = []
    for noise in own:
        tries = noise.uniform(-1, 1, size=(_TRIES, 2)) * room_m
        if not places:
            places.append(tries[0] * (0.45 if len(own) == 1 else 0.8))
            continue
        nearest = np.linalg.norm(tries[:, None] - np.array(places), axis=2).min(axis=1)
        free = np.flatnonzero(nearest > apart_m)
        places.append(tries[free[0] if len(free) else int(nearest.argmax())])
    return np.array(places).reshape(len(own), 2)


def _squeezed(places_m: FloatArray, half_view_m: FloatArray) -> FloatArray:
    # Moved together about the middle until no card's middle is out of the picture.
    room_m = np.maximum(half_view_m - 0.03, 0.01)
    return places_m / max(1.0, float((np.abs(places_m) / room_m).max(initial=0)))
