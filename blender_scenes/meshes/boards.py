"""The picture of a printed board with markers along its sides, as pose data sets have them."""

from __future__ import annotations

import cv2
import numpy as np

from blender_scenes.blocks.noise import Map, band_noise
from blender_scenes.meshes.scene import MarkerBoard

__all__ = ["board_picture"]

_BITS = 4  # of a marker, across
_INK, _PAPER = 0.02, 0.75
_BORDER = 0.14  # white between markers, over their pitch


def board_picture(board: MarkerBoard, *, cells: int) -> Map:
    """(N, N, 3) linear RGB reflectance.

    Args:
        board: As drawn.
        cells: About the pixels of the picture that see it.
    """
    rng = np.random.default_rng(board.seed)
    pitch = max(12, cells // board.markers)
    side = pitch * board.markers
    picture = np.full((side, side, 3), _PAPER, np.float32)
    inner = slice(pitch, side - pitch)
    picture[inner, inner] = _poster(rng, side - 2 * pitch)
    for row in range(board.markers):
        for column in range(board.markers):
            if min(row, column) == 0 or max(row, column) == board.markers - 1:
                corner = (row * pitch, column * pitch)
                _marker(picture, corner, pitch, rng.random((_BITS, _BITS)) < 0.5)
    return picture


def _marker(
    picture: Map, corner: tuple[int, int], pitch: int, white: np.typing.NDArray[np.bool_]
) -> None:
    border = round(_BORDER * pitch)
    size = pitch - 2 * border
    cell = size / (_BITS + 2)
    top, left = corner[0] + border, corner[1] + border
    picture[top : top + size, left : left + size] = _INK
    for row, column in np.argwhere(white):
        y, x = (round((number + 1) * cell) for number in (row, column))
        end_y, end_x = (round((number + 2) * cell) for number in (row, column))
        picture[top + y : top + end_y, left + x : left + end_x] = _PAPER


def _poster(rng: np.random.Generator, side: int) -> Map:
    # Blots of colour, blocks and lines of print.
    poster = np.empty((side, side, 3), np.float32)
    poster[:] = _ink(rng)
    for _ in range(3):
        blot = np.clip(0.5 + 0.8 * band_noise(rng, side, scale=0.25), 0, 1)[..., None]
        poster += blot * (_ink(rng) - poster)
    for _ in range(int(rng.integers(2, 7))):
        x, y = (int(v) for v in rng.uniform(0, 0.8, 2) * side)
        wide, tall = (int(v) for v in rng.uniform(0.08, 0.4, 2) * side)
        colour = _ink(rng)
        cv2.rectangle(poster, (x, y), (x + wide, y + tall), colour.tolist(), -1)
        for line in range(y + 4, y + tall - 4, max(4, side // 40)):
            end = x + int(wide * rng.uniform(0.4, 0.9))
            cv2.line(poster, (x + 4, line), (end, line), (0.3 * colour).tolist(), 2)
    return poster


def _ink(rng: np.random.Generator) -> Map:
    # (3,) from dark to pale, from grey to colourful.
    tint = rng.random() * (3 * rng.dirichlet((1.0, 1.0, 1.0)) - 1)
    return np.asarray(np.exp(rng.uniform(-3.5, -0.5)) * (1 + 0.7 * tint), dtype=np.float32)
