"""Things let down one after the other onto what lies there already. Without Blender.

Much cheaper than rigid bodies: nothing tips or rolls, each comes to rest at the first touch of
its underside on a height map.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["Heap"]


class Heap:
    """A height map of a square field that grows with every thing let down.

    Args:
        half_m: Half the field's side, around the origin.
        cell_m: Side of a cell; things rest to within this.
        ground_m: (N, N) heights to begin with, row 0 at the smallest y; flat unless given.
    """

    def __init__(
        self, *, half_m: float, cell_m: float, ground_m: npt.ArrayLike | None = None
    ) -> None:
        self._half_m = half_m
        self._cells = max(8, round(2 * half_m / cell_m))
        self._scale = self._cells / (2 * half_m)
        self.height_m = np.zeros((self._cells, self._cells), np.float32)
        if ground_m is not None:
            self.height_m[:] = np.asarray(ground_m, np.float32)

    def let_down(
        self, vertices_m: FloatArray, triangles: npt.NDArray[np.int32], *, gap_m: float = 0.0
    ) -> float:
        """How far up a thing must go to rest here; it becomes part of the heap.

        Args:
            vertices_m: (V, 3) turned and at its place in x and y.
            triangles: (T, 3) vertex numbers.
            gap_m: Air to leave below.

        Returns:
            What to add to z.
        """
        corner, bottom, top = self._silhouette(vertices_m, triangles)
        rows = slice(corner[1], corner[1] + bottom.shape[0])
        columns = slice(corner[0], corner[0] + bottom.shape[1])
        below = self.height_m[rows, columns]
        touched = np.isfinite(bottom)
        if not touched.any():  # outside the field or smaller than a cell
            return float(-vertices_m[:, 2].min())
        lift = float((below - bottom)[touched].max()) + gap_m
        below[touched] = np.maximum(below, top + lift)[touched]
        return lift

    def rest(
        self,
        surfaces: Sequence[tuple[FloatArray, npt.NDArray[np.int32]]],
        *,
        gap_m: float = 0.0,
    ) -> FloatArray:
        """(N,) lifts of several things, let down in order."""
        return np.array([self.let_down(*surface, gap_m=gap_m) for surface in surfaces])

    def _silhouette(
        self, vertices_m: FloatArray, triangles: npt.NDArray[np.int32]
    ) -> tuple[tuple[int, int], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        # Lowest and highest z of the surface over the cells of its box, inf and -inf where it
        # is not: of points spread over the triangles, and of their neighbour cells, so that no
        # cell is missed.
        flat = (vertices_m[:, :2] + self._half_m) * self._scale
        low = np.clip(np.floor(flat.min(axis=0)).astype(int) - 1, 0, self._cells - 1)
        high = np.clip(np.ceil(flat.max(axis=0)).astype(int) + 1, low + 1, self._cells)
        wide, tall = (int(side) for side in high - low)
        points = np.concatenate([vertices_m, _spread(vertices_m, triangles, self._scale)])
        column, row = np.floor((points[:, :2] + self._half_m) * self._scale - low).astype(int).T
        held = (column >= 0) & (column < wide) & (row >= 0) & (row < tall)
        bottom = np.full((tall, wide), np.inf, np.float32)
        top = np.full((tall, wide), -np.inf, np.float32)
        heights = points[held, 2].astype(np.float32)
        np.minimum.at(bottom, (row[held], column[held]), heights)
        np.maximum.at(top, (row[held], column[held]), heights)
        near = np.ones((3, 3), np.uint8)
        return (
            (int(low[0]), int(low[1])),
            np.asarray(cv2.erode(bottom, near), dtype=np.float32),
            np.asarray(cv2.dilate(top, near), dtype=np.float32),
        )


def _spread(
    vertices_m: FloatArray, triangles: npt.NDArray[np.int32], cells_per_m: float
) -> FloatArray:
    # (P, 3) points on triangles, two for every cell seen from above, by a sequence that leaves
    # no gaps (Roberts' R2).
    a, b, c = (vertices_m[triangles[:, k]] for k in range(3))
    area = np.abs(np.cross((b - a)[:, :2], (c - a)[:, :2])) / 2 * cells_per_m**2
    one = np.repeat(np.arange(len(triangles)), np.ceil(2 * area).astype(int))
    u, v = ((np.arange(len(one))[:, None] * [0.7548776662, 0.5698402910]) % 1).T[:, :, None]
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return np.asarray(a[one] + u * (b - a)[one] + v * (c - a)[one])
