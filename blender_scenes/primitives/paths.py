"""Which of several discs may slide without touching another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["clear_movers"]


def clear_movers(
    places_m: FloatArray,
    *,
    velocities_m_s: FloatArray,
    radii_m: FloatArray,
    horizon_s: float,
) -> npt.NDArray[np.bool_]:
    """Choose the discs that move; the others stand still.

    Paths stay clear from a quarter of the horizon before to the horizon after the moment at
    which the discs are where they are: a shutter opens before it.

    Args:
        places_m: (N, 2).
        velocities_m_s: (N, 2).
        radii_m: (N,).
        horizon_s: How far ahead to look.

    Returns:
        (N,) bool; in order, each disc moves if that touches no disc as chosen so far.
    """
    chosen = np.zeros_like(velocities_m_s)
    moves = np.zeros(len(places_m), dtype=bool)
    for index in range(len(places_m)):
        offset = places_m - places_m[index]
        closing = chosen - velocities_m_s[index]
        speed2 = np.maximum((closing**2).sum(axis=1), 1e-18)
        nearest_s = np.clip(-(offset * closing).sum(axis=1) / speed2, -horizon_s / 4, horizon_s)
        distance_m = np.linalg.norm(offset + nearest_s[:, None] * closing, axis=1)
        distance_m[index] = np.inf
        moves[index] = velocities_m_s[index].any() and (distance_m > radii_m + radii_m[index]).all()
        if moves[index]:
            chosen[index] = velocities_m_s[index]
    return moves
