"""Flat prints as pictures: outlines in millimetres, patterns, letters. Without Blender."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.ft2font import FT2Font
from matplotlib.path import Path as GlyphPath

from blender_scenes.digits.fonts import find_font
from pipeline.geometry.boxes import FloatArray

__all__ = ["Canvas", "Ink", "Outlines", "Pattern", "Picture", "bezier", "mirrored", "text"]

Ink = tuple[int, int, int]
"""sRGB, 0 to 255."""

Outlines = tuple[FloatArray, ...]
"""Closed (N, 2) outlines x, y."""

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) sRGB."""

Pattern = Literal["plain", "stripes", "dots", "chevrons", "checks", "scales"]

_SHIFT = 4  # fractional bits of OpenCV's coordinates
_FONT_SIZE = 256


class Canvas:
    """A picture being drawn; the origin is its upper left corner, y runs down.

    Args:
        size_mm: Width and height.
        px_per_mm: Resolution.
        ground: What it is filled with.
    """

    def __init__(self, size_mm: tuple[float, float], *, px_per_mm: float, ground: Ink) -> None:
        width, height = (round(side * px_per_mm) for side in size_mm)
        self.px_per_mm = px_per_mm
        self.picture: Picture = np.full((height, width, 3), ground, np.uint8)

    def fill(self, outlines: Iterable[FloatArray], ink: Ink) -> None:
        """Fill what lies inside an odd number of outlines."""
        points = [self._fixed(outline) for outline in outlines]
        cv2.fillPoly(self.picture, points, ink, cv2.LINE_AA, _SHIFT)

    def line(
        self, path_mm: npt.ArrayLike, ink: Ink, *, width_mm: float, closed: bool = False
    ) -> None:
        """Draw along a path."""
        thick = max(1, round(width_mm * self.px_per_mm))
        points = [self._fixed(np.asarray(path_mm, float))]
        cv2.polylines(self.picture, points, closed, ink, thick, cv2.LINE_AA, _SHIFT)

    def woven(
        self,
        outline_mm: npt.ArrayLike,
        inks: tuple[Ink, ...],
        pattern: Pattern = "plain",
        *,
        pitch_mm: float = 2.0,
        turn_rad: float = 0.0,
        edge: Ink | None = None,
    ) -> None:
        """Fill an outline with a pattern of several inks, and draw its edge."""
        outline = np.asarray(outline_mm, float)
        shape = self.picture.shape[:2]
        low = np.clip((outline.min(axis=0) * self.px_per_mm).astype(int) - 1, 0, shape[::-1])
        high = np.clip((outline.max(axis=0) * self.px_per_mm).astype(int) + 2, 0, shape[::-1])
        if (high <= low).any():
            return
        box = (slice(low[1], high[1]), slice(low[0], high[0]))
        mask = np.zeros(tuple(high - low)[::-1], np.uint8)
        points = self._fixed(outline) - (low * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(mask, [points], (255,), cv2.LINE_AA, _SHIFT)
        y, x = np.mgrid[box] / self.px_per_mm
        chosen = np.array(inks, np.float32)[_index(x, y, pattern, pitch_mm, turn_rad) % len(inks)]
        share = mask[..., None] / np.float32(255)
        self.picture[box] = (share * chosen + (1 - share) * self.picture[box]).round()
        if edge is not None:
            self.line(outline, edge, width_mm=0.3, closed=True)

    def _fixed(self, outline_mm: FloatArray) -> npt.NDArray[np.int32]:
        # OpenCV's pixels have their centres at integers.
        places = (outline_mm * self.px_per_mm - 0.5) * (1 << _SHIFT)
        return np.asarray(np.round(places), dtype=np.int32)


def _index(
    x: FloatArray, y: FloatArray, pattern: Pattern, pitch_mm: float, turn_rad: float
) -> npt.NDArray[np.intp]:
    along = (x * np.cos(turn_rad) + y * np.sin(turn_rad)) / pitch_mm
    across = (y * np.cos(turn_rad) - x * np.sin(turn_rad)) / pitch_mm
    if pattern == "plain":
        number = np.zeros_like(x)
    elif pattern == "stripes":
        number = np.floor(2 * across)
    elif pattern == "chevrons":
        number = np.floor(2 * (across + np.abs(along % 1 - 0.5)))
    elif pattern == "checks":
        number = np.floor(along) + np.floor(across)
    elif pattern == "dots":
        row = np.floor(across)
        number = np.hypot((along + row / 2) % 1 - 0.5, across % 1 - 0.5) < 0.3
    else:
        row = np.floor(2 * across)
        number = np.floor(4 * np.hypot((along + row / 2) % 1 - 0.5, (2 * across - row) / 2))
    return np.asarray(number, dtype=np.intp)


def bezier(*points: tuple[float, float], steps: int = 12) -> FloatArray:
    """(N, 2) a chain of cubic Bezier curves: a start, then three points for each."""
    nodes = np.array(points, float)
    t = np.linspace(0, 1, steps + 1)[1:, None]
    pieces = [nodes[:1]]
    for k in range(0, len(nodes) - 1, 3):
        a, b, c, d = nodes[k : k + 4]
        pieces.append(
            (1 - t) ** 3 * a + 3 * t * (1 - t) ** 2 * b + 3 * t**2 * (1 - t) * c + t**3 * d
        )
    return np.concatenate(pieces)


def mirrored(half: FloatArray) -> FloatArray:
    """A closed outline from its right half, which starts and ends at x = 0."""
    return np.concatenate([half, half[::-1] * [-1.0, 1.0]])


@lru_cache(maxsize=64)
def text(words: str, font: str, *, tightness: float = 1.0) -> Outlines:
    """Outlines of a line of letters, 1 high and in the middle of the origin, y down.

    Args:
        words: With at least one visible letter.
        font: As in ``digits.fonts``.
        tightness: Advance from letter to letter over the font's own.
    """
    face = FT2Font(str(find_font(font)))
    face.set_size(_FONT_SIZE, 72)
    outlines: list[FloatArray] = []
    pen = 0.0
    for letter in words:
        glyph = face.load_char(ord(letter))
        vertices, codes = face.get_path()
        shapes = GlyphPath(vertices, codes).to_polygons()
        outlines += [np.asarray(shape) + np.array([pen, 0.0]) for shape in shapes]
        pen += tightness * glyph.linearHoriAdvance / 65536
    every = np.concatenate(outlines)
    low, high = every.min(axis=0), every.max(axis=0)
    flip = np.array([1.0, -1.0]) / (high[1] - low[1])
    return tuple((outline - (low + high) / 2) * flip for outline in outlines)
