"""The picture of the board: weave or fibres, gradient, stains, dust and scratches."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from blender_scenes.blocks.noise import Map, band_noise, unit_spread
from blender_scenes.coins.scene import Board, Surface

__all__ = ["board_picture"]

_Weaver = Callable[[np.random.Generator, int, float], Map]


def board_picture(board: Board, *, cells: int) -> Map:
    """(N, N, 3) linear reflectance of the textured square, row 0 at y = +extent / 2.

    Args:
        board: What to paint.
        cells: Side N.
    """
    rng = np.random.default_rng(board.seed)
    grain = max(board.grain_m / board.extent_m * cells, 0.7)
    pattern = _PATTERNS[board.surface](rng, cells, grain)
    clouds = band_noise(rng, cells, scale=0.12) + 2 * band_noise(rng, cells, scale=0.4)
    tone = np.exp(board.texture * 0.35 * pattern + board.clouds * 0.25 * clouds)
    tone *= _gradient(board, cells)
    litter = np.random.default_rng(board.litter_seed)
    _stain(tone, litter, board.stains)
    reflectance = tone[..., None] * np.array(board.colour, np.float32)
    reflectance = reflectance + _dust(litter, cells, board)[..., None]
    return np.asarray(np.clip(reflectance, 0, 0.9), dtype=np.float32)


def _gradient(board: Board, cells: int) -> Map:
    centres = ((np.arange(cells) + 0.5) / cells * 2 - 1).astype(np.float32)
    along = (
        np.cos(board.gradient_rad) * centres[None, :]
        - np.sin(board.gradient_rad) * (centres[:, None])
    )
    # Even steps of a person's brightness scale: a constant factor per length.
    share = np.clip(0.5 + 0.7 * along, 0, 1)
    return np.asarray(np.power(1 - min(board.gradient, 0.999), share), dtype=np.float32)


def _stain(tone: Map, rng: np.random.Generator, stains: int) -> None:
    # Round and soft: what a coin out of focus, or its shadow, would look like.
    cells = len(tone)
    centres = ((np.arange(cells) + 0.5) / cells).astype(np.float32)
    for _ in range(stains):
        x, y = rng.uniform(0.1, 0.9, size=2)
        radius, softness = rng.uniform(0.02, 0.1), rng.uniform(0.15, 0.6)
        distance = np.hypot(centres[None, :] - x, (centres[:, None] - y) * rng.uniform(0.7, 1.4))
        spot = 1 / (1 + np.exp(np.clip((distance / radius - 1) / softness * 4, -30, 30)))
        tone *= np.exp(rng.uniform(-0.9, 0.7) * spot).astype(np.float32)


def _dust(rng: np.random.Generator, cells: int, board: Board) -> Map:
    # (N, N) reflectance added by specks and scratches, at four times the board's resolution
    # in position.
    dust = np.zeros((cells, cells), np.float32)
    for _ in range(board.specks):
        x, y = (int(v) for v in rng.uniform(0, 4 * cells, size=2))
        radius = max(1, int(cells * rng.exponential(0.003)))
        cv2.circle(dust, (x, y), radius, (0.6 * rng.random() ** 2,), -1, cv2.LINE_AA, 2)
    for _ in range(board.scratches):
        start, turn = rng.uniform(0, 4 * cells, size=2), rng.uniform(0, 2 * np.pi)
        end = start + cells * rng.uniform(0.2, 3.0) * np.array([np.cos(turn), np.sin(turn)])
        first, last = ((int(x), int(y)) for x, y in (start, end))
        cv2.line(dust, first, last, (0.25 * rng.random() ** 3,), 1, cv2.LINE_AA, 2)
    return dust


def _felt(rng: np.random.Generator, cells: int, grain: float) -> Map:
    # Short fibres lie in all directions: noise smeared along a few of them.
    fibres = np.zeros((cells, cells), np.float32)
    reach = max(3, 2 * round(2 * grain) + 1)
    for turn in rng.uniform(0, np.pi, size=3):
        t = np.linspace(-1, 1, reach)[:, None] * [np.cos(turn), np.sin(turn)] * (reach // 2)
        kernel = np.zeros((reach, reach), np.float32)
        columns, rows = np.round(t + reach // 2).astype(int).T
        kernel[rows, columns] = 1
        noise = rng.standard_normal((cells, cells), dtype=np.float32)
        fibres += cv2.filter2D(noise, -1, kernel)
    return unit_spread(fibres)


def _cloth(rng: np.random.Generator, cells: int, grain: float) -> Map:
    period = max(3.0, 2.5 * grain)
    place = np.arange(cells, dtype=np.float32)
    sway = 1.5 * band_noise(rng, cells, scale=0.3)
    warp = np.sin(2 * np.pi / period * (place[None, :] + sway))
    weft = np.sin(2 * np.pi / period * (place[:, None] + sway.T))
    return unit_spread(warp * weft + 0.6 * _soft(rng, cells, 0.8))


def _card(rng: np.random.Generator, cells: int, grain: float) -> Map:
    return unit_spread(_soft(rng, cells, 0.7) + 0.7 * _soft(rng, cells, grain))


def _paper(rng: np.random.Generator, cells: int, grain: float) -> Map:
    return np.asarray(0.3 * _soft(rng, cells, grain), dtype=np.float32)


def _wood(rng: np.random.Generator, cells: int, grain: float) -> Map:
    # Growth rings cut lengthwise: stripes of a slowly bending coordinate.
    across = (np.arange(cells, dtype=np.float32) / cells)[:, None]
    bend = across + 0.04 * band_noise(rng, cells, scale=0.35)
    rings = np.sin(2 * np.pi * rng.uniform(12, 30) * bend + 2 * np.sin(9 * bend))
    pores = cv2.GaussianBlur(
        rng.standard_normal((cells, cells), dtype=np.float32), (0, 0), 8 * grain, sigmaY=0.7
    )
    wood = unit_spread(rings + 0.7 * unit_spread(pores))
    return wood if rng.random() < 0.5 else np.ascontiguousarray(wood.T)


def _soft(rng: np.random.Generator, cells: int, sigma: float) -> Map:
    noise = rng.standard_normal((cells, cells), dtype=np.float32)
    return unit_spread(cv2.GaussianBlur(noise, (0, 0), sigma))


_PATTERNS: dict[Surface, _Weaver] = {
    "felt": _felt,
    "cloth": _cloth,
    "board": _card,
    "paper": _paper,
    "wood": _wood,
}
