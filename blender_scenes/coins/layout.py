"""Where coins lie at first: rows, grids and scatters."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from pipeline.geometry.boxes import FloatArray

__all__ = ["Layout", "arrange"]

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
