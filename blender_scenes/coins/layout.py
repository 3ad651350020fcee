"""Where coins lie: rows, grids and scatters, then pushed apart until none overlap."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["Layout", "arrange", "push_apart"]

Layout = Literal["rows", "grid", "scatter", "pile"]


def arrange(layout: Layout, *, jitter: FloatArray, extent_m: tuple[float, float]) -> FloatArray:
    """First positions, overlaps allowed.

    Args:
        layout: Rows of their own number of coins, a strict grid, chance, or chance in the middle.
        jitter: (N, 2) in [-1, 1], one pair per coin.
        extent_m: Width and height of the field, whose middle is the origin.

    Returns:
        (N, 2) x, y in metres.
    """
    count = len(jitter)
    extent = np.array(extent_m)
    if layout == "scatter":
        return np.asarray(jitter * extent / 2)
    if layout == "pile":
        return np.asarray(jitter * np.abs(jitter) * extent / 2)
    rows = max(1, round(math.sqrt(count * extent[1] / extent[0])))
    columns = math.ceil(count / rows)
    index = np.arange(count)
    row = index // columns
    in_row = np.minimum(columns, count - row * columns) if layout == "rows" else columns
    grid = np.column_stack([(index % columns + 0.5) / in_row, 1 - (row + 0.5) / rows]) - 0.5
    return np.asarray(grid * extent + jitter * extent / [columns, rows] / 2)


def push_apart(
    positions_m: FloatArray, *, radii_m: FloatArray, half_extent_m: FloatArray, rounds: int = 80
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Move discs out of each other and into the field; what then still overlaps is to go.

    Args:
        positions_m: (N, 2).
        radii_m: (N,) with half the wanted gap added.
        half_extent_m: (N, 2) farthest that each disc's middle may be from the origin, x and y.
        rounds: How often every pair is looked at.

    Returns:
        (N, 2) positions and (N,) bool, which of the discs to keep: the longest run, from the
        first on, of discs that overlap no earlier kept one.
    """
    half = np.maximum(half_extent_m, 0)
    places = np.clip(positions_m, -half, half)
    apart_m = radii_m[:, None] + radii_m[None, :]
    np.fill_diagonal(apart_m, 0)
    for _ in range(rounds):
        offset = places[:, None] - places[None]
        distance = np.maximum(np.hypot(offset[..., 0], offset[..., 1]), 1e-9)
        overlap = np.maximum(apart_m - distance, 0)
        if not overlap.any():
            break
        push = offset / distance[..., None] * (overlap * 0.5)[..., None]
        places = np.clip(places + 0.9 * push.sum(axis=1), -half, half)
    offset = places[:, None] - places[None]
    clear = np.hypot(offset[..., 0], offset[..., 1]) > apart_m - 1e-3 * radii_m.min()
    keep = np.zeros(len(places), dtype=bool)
    for index in range(len(places)):
        keep[index] = clear[index, keep].all()
    return places, keep
