"""Random maps from which pictures and worlds are baked, without Blender."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Map", "band_noise", "fine_noise", "ridges", "unit_spread", "warped"]

Map = npt.NDArray[np.float32]


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


def ridges(rng: np.random.Generator, cells: int, *, scale: float, octaves: int = 3) -> Map:
    """(cells, cells) in 0 ... 1, 1 along thin meandering lines: veins, creases."""
    field = np.zeros((cells, cells), np.float32)
    for octave in range(octaves):
        field += 0.55**octave * band_noise(rng, cells, scale=scale / 2**octave)
    return np.asarray(np.exp(-np.abs(field) * 5.0), dtype=np.float32)


def warped(picture: Map, shift_x_px: Map, shift_y_px: Map) -> Map:
    """A map looked up elsewhere, mirrored at its edges; shifts of the same shape."""
    height, width = picture.shape[:2]
    columns = np.arange(width, dtype=np.float32)[None, :] + shift_x_px
    rows = np.arange(height, dtype=np.float32)[:, None] + shift_y_px
    return np.asarray(
        cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT),
        dtype=np.float32,
    )


def unit_spread(pattern: npt.ArrayLike) -> Map:
    """The map divided by its standard deviation."""
    values = np.asarray(pattern, dtype=np.float32)
    return np.asarray(values / max(float(values.std()), 1e-6), dtype=np.float32)
