"""Where pieces lie: side by side or against each other, each at rest on what is below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.heaps import Heap
from blender_scenes.blocks.shapes import Shape
from pipeline.geometry.boxes import FloatArray

__all__ = ["Loose", "lay_out"]

_CELL_M = 0.0005
_TRIES = 24
_STEP = 2  # cells that a piece slides at once towards its neighbour


@dataclass(frozen=True, slots=True, kw_only=True)
class Loose:
    """A piece before it has a place.

    Attributes:
        shape: Its surface, coarse.
        turn: (3, 3) rotation.
        place_m: Wanted x, y.
        tries_m: (T, 2) others, if there is no room.
        joins: Whether it lies against one that is there already.
        rides: Whether it may lie on top of others.
    """

    shape: Shape
    turn: FloatArray
    place_m: FloatArray
    tries_m: FloatArray
    joins: bool
    rides: bool


class _Table:
    # Which cells of a square around the origin are taken.
    def __init__(self, half_m: float) -> None:
        self.half_m = half_m
        self.cells = math.ceil(2 * half_m / _CELL_M)
        self.taken = np.zeros((self.cells, self.cells), np.uint8)

    def cell(self, place_m: FloatArray) -> npt.NDArray[np.int64]:
        return np.asarray(np.round((place_m + self.half_m) / _CELL_M), dtype=np.int64)

    def is_free(self, stamp: npt.NDArray[np.uint8], middle: npt.NDArray[np.int64]) -> bool:
        part = self._under(stamp, middle)
        return part is not None and not bool((part & stamp).any())

    def take(self, stamp: npt.NDArray[np.uint8], middle: npt.NDArray[np.int64]) -> None:
        part = self._under(stamp, middle)
        if part is not None:
            part |= stamp

    def _under(
        self, stamp: npt.NDArray[np.uint8], middle: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.uint8] | None:
        half = len(stamp) // 2
        x, y = (int(v) - half for v in middle)
        if min(x, y) < 0 or max(x, y) + len(stamp) > self.cells:
            return None
        return self.taken[y : y + len(stamp), x : x + len(stamp)]


def lay_out(
    pieces: Sequence[Loose], *, half_m: float, floor_m: FloatArray
) -> list[FloatArray | None]:
    """Find a place for each piece, in order; a later one never moves an earlier one.

    Args:
        pieces: To be laid down.
        half_m: Half the side of the square, around the origin, that they stay in.
        floor_m: (N, N) heights of what they come to rest on, row 0 at the smallest y.

    Returns:
        (4, 4) poses, None where there was no room.
    """
    table = _Table(half_m)
    pile_m = np.asarray(floor_m, np.float32)
    cell_m = 2 * half_m / len(floor_m)
    poses: list[FloatArray | None] = []
    middles: list[npt.NDArray[np.int64]] = []
    for piece in pieces:
        turned_m = piece.shape.vertices_m @ piece.turn.T
        stamp = _stamp(turned_m, piece.shape.triangles)
        middle = _place(piece, stamp, table, middles)
        if middle is None:
            poses.append(None)
            continue
        table.take(stamp, middle)
        middles.append(middle)
        place_m = middle * _CELL_M - half_m
        # Cells are coarse: who has a place of its own must not climb up its neighbours.
        heap = Heap(half_m=half_m, cell_m=cell_m, ground_m=pile_m if piece.rides else floor_m)
        lift_m = heap.let_down(turned_m + np.append(place_m, 0.0), piece.shape.triangles)
        pile_m = np.maximum(pile_m, heap.height_m)
        pose = np.eye(4)
        pose[:3, :3] = piece.turn
        pose[:3, 3] = [*place_m, lift_m]
        poses.append(pose)
    return poses


def _place(
    piece: Loose,
    stamp: npt.NDArray[np.uint8],
    table: _Table,
    middles: list[npt.NDArray[np.int64]],
) -> npt.NDArray[np.int64] | None:
    for wanted_m in (piece.place_m, *piece.tries_m[:_TRIES]):
        middle = table.cell(wanted_m)
        if piece.rides and middles:
            return middle
        if not table.is_free(stamp, middle):
            continue
        return _slid(stamp, table, middle, middles) if piece.joins and middles else middle
    return None


def _slid(
    stamp: npt.NDArray[np.uint8],
    table: _Table,
    start: npt.NDArray[np.int64],
    middles: list[npt.NDArray[np.int64]],
) -> npt.NDArray[np.int64]:
    # Towards the nearest piece until they touch.
    nearest = min(middles, key=lambda other: float(np.hypot(*(other - start))))
    way = nearest - start
    length = float(np.hypot(*way))
    middle = start
    for walked in np.arange(_STEP, length, _STEP):
        ahead = start + np.round(way * (walked / length)).astype(np.int64)
        if not table.is_free(stamp, ahead):
            break
        middle = ahead
    return middle


def _stamp(turned_m: FloatArray, triangles: npt.NDArray[np.int32]) -> npt.NDArray[np.uint8]:
    # The outline from above, in a square around the piece's origin.
    half = math.ceil(np.abs(turned_m[:, :2]).max() / _CELL_M) + 2
    stamp = np.zeros((2 * half + 1, 2 * half + 1), np.uint8)
    corners = np.round((turned_m[:, :2] / _CELL_M + half)[triangles] * 16).astype(np.int32)
    for corner in corners:
        cv2.fillConvexPoly(stamp, corner, (1,), cv2.LINE_8, 4)
    return stamp
