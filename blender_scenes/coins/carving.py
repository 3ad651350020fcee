"""A clay tablet for height maps: rounded shapes pressed or laid onto a square."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["BoolMask", "Tablet", "smooth_curve"]

BoolMask = npt.NDArray[np.bool_]

_FRACTION_BITS = 4


class Tablet:
    """An (N, N) height map over [-1, 1] x [-1, 1], y up, to which parts are added.

    Attributes:
        height: (N, N) float32, row 0 at y = +1.
        x: (1, N) coordinates of the columns.
        y: (N, 1) coordinates of the rows.
    """

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.height: npt.NDArray[np.float32] = np.zeros((cells, cells), np.float32)
        centres = ((np.arange(cells) + 0.5) / cells * 2 - 1).astype(np.float32)
        self.x, self.y = centres[None, :], -centres[:, None]

    def polygon(self, points: npt.ArrayLike, *, bevel: float, rise: float) -> BoolMask:
        """Lay a shape whose edge rises as a quarter circle over ``bevel``; returns its mask."""
        mask = np.zeros((self.cells, self.cells), np.uint8)
        cv2.fillPoly(mask, [self._pixels(points)], (1,), cv2.LINE_8, _FRACTION_BITS)
        self._lay(mask, bevel, rise)
        return mask.astype(bool)

    def strokes(
        self,
        paths: Sequence[npt.ArrayLike],
        *,
        width: float,
        rise: float,
        bevel: float | None = None,
    ) -> None:
        """Lay round-backed strokes along open paths, each (P, 2)."""
        mask = np.zeros((self.cells, self.cells), np.uint8)
        thickness = max(1, round(width * self.cells / 2))
        for path in paths:
            pixels = self._pixels(path)
            cv2.polylines(mask, [pixels], False, (1,), thickness, cv2.LINE_8, _FRACTION_BITS)
        self._lay(mask, bevel or width / 2, rise)

    def dots(self, centres: npt.ArrayLike, *, radius: float, rise: float) -> None:
        """Lay round dots, (P, 2) centres."""
        mask = np.zeros((self.cells, self.cells), np.uint8)
        scale = 1 << _FRACTION_BITS
        size = max(1, round(radius * self.cells / 2 * scale))
        for x, y in self._pixels(centres)[:, 0]:
            cv2.circle(mask, (int(x), int(y)), size, (1,), -1, cv2.LINE_8, _FRACTION_BITS)
        self._lay(mask, radius, rise)

    def _lay(self, mask: npt.NDArray[np.uint8], bevel: float, rise: float) -> None:
        inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3) / (bevel * self.cells / 2)
        self.height += rise * np.sqrt(1 - (1 - np.clip(inside, 0, 1)) ** 2)

    def _pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        # OpenCV's fixed-point coordinates, which put a pixel's centre at a whole number.
        flipped = np.asarray(points, dtype=float).reshape(-1, 1, 2) * [1, -1]
        pixels = (flipped + 1) * self.cells / 2 - 0.5
        return np.asarray(np.round(pixels * (1 << _FRACTION_BITS)), dtype=np.int32)


def smooth_curve(points: npt.ArrayLike, *, closed: bool, steps: int = 6) -> FloatArray:
    """A Catmull-Rom curve through (P, 2) points; (Q, 2) with ``steps`` points per piece."""
    knots = np.asarray(points, dtype=float)
    around = (
        np.concatenate([knots[-1:], knots, knots[:2]])
        if closed
        else np.concatenate([knots[:1], knots, knots[-1:]])
    )
    a, b, c, d = (around[i : len(around) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    pieces = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    curve = pieces.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])
