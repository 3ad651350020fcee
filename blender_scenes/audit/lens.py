"""OpenCV's camera model, as the files describe it: pixel centres at whole numbers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["Lens"]

_Array = npt.NDArray[np.float64]
_UNDISTORT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 200, 1e-12)
_ROUND_TRIP_PX = 1e-3
_BORDER_POINTS = 64


class Lens:
    """What K and the distortion coefficients do.

    Args:
        K: (3, 3), pixel centres at whole numbers.
        dist_coeffs: k1, k2, p1, p2, k3.
    """

    def __init__(self, K: npt.ArrayLike, dist_coeffs: Sequence[float]) -> None:
        self.K: _Array = np.array(K, np.float64).reshape(3, 3)
        self._dist: _Array = np.array(dist_coeffs, np.float64)
        self._straight = not self._dist.any()

    def project(self, points_cam: _Array) -> _Array:
        """(N, 3) in the camera's axes -> (N, 2) px."""
        if len(points_cam) == 0:
            return np.empty((0, 2))
        points = np.ascontiguousarray(points_cam, np.float64).reshape(-1, 1, 3)
        pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), self.K, self._dist)
        return np.asarray(pixels.reshape(-1, 2))

    def rays(self, pixels: _Array) -> _Array:
        """(N, 2) px -> (N, 3) with z = 1; nan where the lens sees nothing."""
        if len(pixels) == 0:
            return np.empty((0, 3))
        points = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        plane = cv2.undistortPointsIter(
            points, self.K, self._dist, np.eye(3), np.eye(3), _UNDISTORT
        )
        rays = np.concatenate([plane.reshape(-1, 2), np.ones((len(points), 1))], axis=1)
        if not self._straight:
            with np.errstate(all="ignore"):
                missed = np.abs(self.project(rays) - pixels).max(axis=1)
            rays[~((missed < _ROUND_TRIP_PX) & self.unfolded(rays))] = np.nan
        return np.asarray(rays)

    def window(
        self, points_cam: _Array, canvas: tuple[int, int, int, int]
    ) -> tuple[int, int, int, int]:
        """The part of a canvas (x0, y0, x1, y1) that can show what has these (N, 3) vertices."""
        if len(points_cam) == 0:
            return (canvas[0], canvas[1], canvas[0], canvas[1])
        if points_cam[:, 2].min() < 1e-6:  # reaches behind the camera
            return canvas
        plane = points_cam[:, :2] / points_cam[:, 2:]
        (left, top), (right, bottom) = plane.min(axis=0), plane.max(axis=0)
        # Inside its fold a lens keeps the inside of a rectangle inside the rectangle's image.
        along = np.linspace(0, 1, _BORDER_POINTS)
        x, y = left + along * (right - left), top + along * (bottom - top)
        ones = np.ones(_BORDER_POINTS)
        border = np.concatenate(
            [
                np.stack([x, top * ones, ones], axis=1),
                np.stack([x, bottom * ones, ones], axis=1),
                np.stack([left * ones, y, ones], axis=1),
                np.stack([right * ones, y, ones], axis=1),
            ]
        )
        if not self.unfolded(border).all():
            return canvas
        pixels = self.project(border)
        low, high = np.floor(pixels.min(axis=0)) - 1, np.ceil(pixels.max(axis=0)) + 2
        x0, x1 = np.clip([low[0], high[0]], canvas[0], canvas[2])
        y0, y1 = np.clip([low[1], high[1]], canvas[1], canvas[3])
        return (int(x0), int(y0), int(x1), int(y1))

    def unfolded(self, points_cam: _Array) -> npt.NDArray[np.bool_]:
        """(N,): strong distortion maps far points back into the picture; these are not such.

        A point is good if the radial polynomial grows all the way out to it.
        """
        if self._straight:
            return np.ones(len(points_cam), bool)
        k1, k2, _, _, k3 = self._dist
        with np.errstate(all="ignore"):
            r2 = ((points_cam[:, :2] / points_cam[:, 2:]) ** 2).sum(axis=1)
        # d (r + k1 r^3 + k2 r^5 + k3 r^7) / dr = 0, in 1 / r^2
        roots = np.roots([1.0, 3 * k1, 5 * k2, 7 * k3])
        fold = roots[np.abs(roots.imag) < 1e-9].real.max(initial=0.0)
        return np.asarray(r2 * fold < 1)
