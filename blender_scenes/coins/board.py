"""The picture of the board: weave, gradient, stains, dust and scratches."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.coins.scene import Board

__all__ = ["board_picture"]

_CELLS = 512
_Map = npt.NDArray[np.float32]


def board_picture(board: Board) -> _Map:
    """(N, N, 3) linear reflectance of the textured square, row 0 at y = +extent / 2."""
    rng = np.random.default_rng(board.seed)
    grain = max(board.grain_m / board.extent_m * _CELLS, 0.5)
    tone = np.exp(0.5 * board.texture * _noise(rng, grain))
    tone *= _gradient(board)
    return np.asarray(tone[..., None] * np.array(board.colour, np.float32), dtype=np.float32)


def _noise(rng: np.random.Generator, sigma: float) -> _Map:
    noise = cv2.GaussianBlur(rng.standard_normal((_CELLS, _CELLS), dtype=np.float32), (0, 0), sigma)
    return np.asarray(noise / noise.std(), dtype=np.float32)


def _gradient(board: Board) -> _Map:
    centres = ((np.arange(_CELLS) + 0.5) / _CELLS * 2 - 1).astype(np.float32)
    along = np.cos(board.gradient_rad) * centres[None, :] - np.sin(board.gradient_rad) * (
        centres[:, None]
    )
    return np.asarray(1 - board.gradient * np.clip(0.5 + 0.6 * along, 0, 1), dtype=np.float32)
