"""Height and tone maps of a coin's face: die, strike, wear, patina."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.noise import band_noise
from blender_scenes.coins.carving import Tablet
from blender_scenes.coins.motifs import MOTIFS
from blender_scenes.coins.scene import Coin

__all__ = ["coin_face"]

_Map = npt.NDArray[np.float32]


def coin_face(coin: Coin, *, cells: int) -> tuple[_Map, _Map]:
    """The coin's face on the square around it.

    Args:
        coin: Whose face.
        cells: Side N of the maps.

    Returns:
        (N, N) height in metres above the flan, and (N, N) factor on the metal's reflectance;
        row 0 at y = +radius.
    """
    rng = np.random.default_rng(coin.relief_seed)
    relief = _worn(_struck(coin, rng, cells), coin, rng)
    return relief * coin.relief_m, _tone(relief, coin, rng)


def _struck(coin: Coin, rng: np.random.Generator, cells: int) -> _Map:
    # What the die leaves: motif and border, shifted, on a field that is never quite flat.
    die = Tablet(cells)
    MOTIFS[coin.motif](die, rng)
    # The engraver's small forms on the large ones: muscles, folds, locks.
    small = 1 - 1.5 * np.abs(band_noise(rng, cells, scale=rng.uniform(0.035, 0.08)))
    die.height *= 1 + rng.uniform(0.0, 0.16) * np.clip(small, -1, 1)
    if coin.incuse:
        die.height *= -1
    enlarged, mirrored = rng.uniform(1.05, 1.35), rng.choice([-1, 1])
    die.height = _moved(die.height, across=mirrored * enlarged, up=enlarged, shift=(0, 0))
    _BORDERS[coin.border](die, rng)
    turn = rng.uniform(0, 2 * np.pi)
    shift = (coin.off_centre * np.cos(turn), coin.off_centre * np.sin(turn))
    height = _moved(die.height, across=1, up=1, shift=shift)
    radius = np.hypot(die.x, die.y)
    dish = rng.uniform(-0.25, 0.35) * radius**2
    rim = rng.choice([0.0, 0.3]) * np.exp(-(((radius - 0.9) / 0.06) ** 2))
    field = 0.05 * band_noise(rng, cells, scale=0.3)
    return np.asarray(height + dish + rim + field, dtype=np.float32)


def _moved(height: _Map, *, across: float, up: float, shift: tuple[float, float]) -> _Map:
    # Scaled about the middle, then shifted by a fraction of the half side.
    half = len(height) / 2
    centre = half - 0.5
    affine = np.array(
        [
            [across, 0, centre * (1 - across) + half * shift[0]],
            [0, up, centre * (1 - up) - half * shift[1]],
        ]
    )
    moved = cv2.warpAffine(height, affine, height.shape, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _worn(height: _Map, coin: Coin, rng: np.random.Generator) -> _Map:
    # Rubbing takes the high points down and rounds what is left; then pits and scratches.
    level = 0.85 - 0.5 * coin.wear
    flattened = np.where(height > level, level + (1 - coin.wear) * 0.6 * (height - level), height)
    cells = len(height)
    blurred = cv2.GaussianBlur(flattened, (0, 0), cells * (0.004 + 0.01 * coin.wear))
    pits = (0.01 + 0.03 * coin.wear) * band_noise(rng, cells, scale=0.03)
    return np.asarray(blurred + pits, dtype=np.float32)


def _tone(relief: _Map, coin: Coin, rng: np.random.Generator) -> _Map:
    # Dirt stays where rubbing does not reach: in grooves, and at the foot of high relief.
    grooves, feet = (
        cv2.GaussianBlur(relief, (0, 0), share * len(relief)) - relief for share in (0.015, 0.05)
    )
    patina = 1 - coin.patina * np.clip(0.2 + 4 * grooves + 1.5 * feet, 0, 1)
    blotches = 1 - coin.blotches * np.clip(
        0.4 + 0.3 * band_noise(rng, len(relief), scale=0.15), 0, 1
    )
    return np.asarray(patina * blotches, dtype=np.float32)


def _no_border(die: Tablet, rng: np.random.Generator) -> None:
    pass


def _line(die: Tablet, rng: np.random.Generator) -> None:
    radius = np.hypot(die.x, die.y)
    die.height += 0.35 * np.exp(-(((radius - rng.uniform(0.78, 0.88)) / 0.03) ** 2))


def _beads(die: Tablet, rng: np.random.Generator) -> None:
    count, radius = int(rng.integers(36, 64)), rng.uniform(0.78, 0.88)
    angle = np.arange(count) * 2 * np.pi / count
    die.dots(radius * np.column_stack([np.cos(angle), np.sin(angle)]), radius=1.9 / count, rise=0.4)


def _legend(die: Tablet, rng: np.random.Generator) -> None:
    # Letters of a few strokes each, along part of the rim.
    start, letters = rng.uniform(0, 2 * np.pi), int(rng.integers(5, 18))
    strokes = []
    for angle in start + 0.21 * np.arange(letters):
        out = np.array([np.cos(angle), np.sin(angle)])
        along = np.array([-out[1], out[0]])
        for _ in range(int(rng.integers(2, 4))):
            ends = rng.choice([-1.0, 0.0, 1.0], size=(2, 2))
            strokes.append(0.8 * out + ends[:, :1] * 0.055 * along + ends[:, 1:] * 0.075 * out)
    die.strokes(strokes, width=0.035, rise=0.35)


_BORDERS = {"none": _no_border, "line": _line, "beads": _beads, "legend": _legend}
