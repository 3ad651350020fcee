"""Where things may go: in what the camera sees, on a grid, in the air. Without Blender.

Starting places come from here, ``discs.push_apart`` then moves those on the ground out of each
other; ``heaps`` and ``dropping`` pile things up.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.framing import ground_under
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, project

__all__ = ["grid_places_m", "in_air", "inside_picture", "scattered_in_view_m"]


def scattered_in_view_m(
    rngs: list[np.random.Generator], camera: Camera, *, inset: float = 0.05
) -> FloatArray:
    """(N, 2) places on the ground, evenly spread over the picture.

    Args:
        rngs: One generator for each, as ``draws.noise("placement", number)``, so that one thing
            more leaves all others where they are.
        camera: That sees the ground.
        inset: Share of the picture at each side that stays free; below 0 some are outside.
    """
    if not rngs:
        return np.zeros((0, 2))
    share = np.array([rng.uniform(inset, 1 - inset, size=2) for rng in rngs])
    size_px = np.array([camera.width_px, camera.height_px], dtype=float)
    return ground_under(camera, share * size_px)


def inside_picture(
    camera: Camera, points_m: FloatArray, *, inset_px: float = 0.0
) -> npt.NDArray[np.bool_]:
    """(N,) whether (N, 3) points are seen, that far from the picture's edge."""
    pixels = project(camera, points_m)
    size = np.array([camera.width_px, camera.height_px])
    with np.errstate(invalid="ignore"):
        return np.asarray(((pixels >= inset_px) & (pixels <= size - inset_px)).all(axis=1))


def grid_places_m(
    count: int, *, extent_m: tuple[float, float], jitter: FloatArray | None = None
) -> FloatArray:
    """(N, 2) middles of the cells of a grid around the origin, row by row from the top left.

    Args:
        count: How many, N.
        extent_m: Width and height of the grid.
        jitter: (N, 2) in -1 ... 1: shares of half a cell to stray.
    """
    if count == 0:
        return np.zeros((0, 2))
    columns = max(1, min(count, round(math.sqrt(count * extent_m[0] / extent_m[1]))))
    rows = -(-count // columns)
    row, column = np.divmod(np.arange(count), columns)
    cell = np.column_stack([column, row]).astype(float)
    if jitter is not None:
        cell += jitter / 2
    pitch_m = np.array(extent_m) / [columns, rows]
    return np.asarray(((cell + 0.5) * pitch_m - np.array(extent_m) / 2) * [1, -1])


def in_air(
    places_m: FloatArray, *, radii_m: FloatArray, gap_m: float = 0.0
) -> npt.NDArray[np.bool_]:
    """(N,) which balls at (N, 3) places to keep so that none touches another, the first first."""
    keep = np.zeros(len(places_m), dtype=bool)
    for index, place in enumerate(places_m):
        distance_m = np.linalg.norm(places_m[keep] - place, axis=1)
        keep[index] = bool((distance_m > radii_m[keep] + radii_m[index] + gap_m).all())
    return keep
