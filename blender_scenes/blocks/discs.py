"""Discs on a table that must not overlap, without Blender."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["push_apart"]


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
