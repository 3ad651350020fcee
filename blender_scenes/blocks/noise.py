"""Noise on pictures and in space, from which surfaces and worlds are made. Without Blender."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = [
    "Map",
    "band_noise",
    "creases",
    "fine_noise",
    "smoothstep",
    "solid_noise",
    "unit_spread",
]

Map = npt.NDArray[np.float32]

_CELLS = 16  # of the lattice of solid noise, which repeats


def band_noise(rng: np.random.Generator, cells: int, *, scale: float) -> Map:
    """(cells, cells) smooth noise, standard deviation 1, features of ``scale`` of the side."""
    coarse = max(3, round(1 / scale) + 2)
    noise = cv2.resize(
        rng.standard_normal((coarse, coarse), dtype=np.float32),
        (cells, cells),
        interpolation=cv2.INTER_CUBIC,
    )
    return unit_spread(noise)


def fine_noise(
    rng: np.random.Generator, cells: int, sigma_px: float, *, stretch: float = 1.0
) -> Map:
    """(cells, cells) blurred white noise, standard deviation 1.

    Args:
        rng: Where it comes from.
        cells: Side.
        sigma_px: Of the blur down the columns.
        stretch: How much longer it is along the rows.
    """
    along, down = sigma_px * stretch, sigma_px
    step_x, step_y = (max(1, int(sigma / 2)) for sigma in (along, down))
    small = (-(-cells // step_y) + 2, -(-cells // step_x) + 2)
    noise = np.asarray(
        cv2.GaussianBlur(
            rng.standard_normal(small, dtype=np.float32),
            (0, 0),
            max(along / step_x, 1e-3),
            sigmaY=max(down / step_y, 1e-3),
        )
    )
    if step_x > 1 or step_y > 1:
        size = (small[1] * step_x, small[0] * step_y)
        noise = np.asarray(cv2.resize(noise, size, interpolation=cv2.INTER_LINEAR))
    return unit_spread(noise[:cells, :cells])


def unit_spread(pattern: npt.ArrayLike) -> Map:
    """The map divided by its standard deviation."""
    values = np.asarray(pattern, dtype=np.float32)
    return np.asarray(values / max(float(values.std()), 1e-6), dtype=np.float32)


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
