"""Solid noise: random values at any points of space, for folds, stripes and scuffs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["creases", "smoothstep", "solid_noise"]

_CELLS = 16  # of the lattice, which repeats


def solid_noise(rng: np.random.Generator, points: FloatArray) -> FloatArray:
    """(N,) smooth values of standard deviation about 1 at (N, 3) points, features of size 1."""
    lattice = rng.standard_normal(_CELLS**3, dtype=np.float32)
    places = points.T + rng.uniform(0, _CELLS, size=(3, 1))
    cell = np.floor(places).astype(np.int32)
    part = (places - cell).astype(np.float32)
    ease = part * part * (3 - 2 * part)
    (x0, y0, z0), (x1, y1, z1) = (
        ((cell + step) % _CELLS) * np.array([[_CELLS**2], [_CELLS], [1]], np.int32)
        for step in (0, 1)
    )
    along_z = [
        lattice[corner + z0] + ease[2] * (lattice[corner + z1] - lattice[corner + z0])
        for corner in (x0 + y0, x0 + y1, x1 + y0, x1 + y1)
    ]
    near, far = (a + ease[1] * (b - a) for a, b in (along_z[:2], along_z[2:]))
    return np.asarray(1.7 * (near + ease[0] * (far - near)), dtype=np.float64)


def creases(rng: np.random.Generator, points: FloatArray, *, sharpness: float = 2.5) -> FloatArray:
    """(N,) in 0 ... 1: 1 along thin winding lines about 1 apart, as skin folds when it shrinks."""
    return np.asarray(np.exp(-sharpness * np.abs(solid_noise(rng, points))))


def smoothstep(values: npt.ArrayLike, low: float, high: float) -> FloatArray:
    """0 below ``low``, 1 above ``high``, smooth between."""
    share = np.clip((np.asarray(values, dtype=float) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
