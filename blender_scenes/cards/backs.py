"""The backs of cards: a lattice and medallions inside a white border. Without Blender."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from blender_scenes.cards.deck import CARD_MM, Back
from blender_scenes.cards.drawing import Canvas, Ink, Pattern, Picture
from blender_scenes.cards.faces import PX_PER_MM, WHITE
from pipeline.geometry.boxes import FloatArray

__all__ = ["card_back"]

_STYLES: dict[Back, tuple[Ink, Pattern, float, float]] = {  # ink, lattice, its pitch, its turn
    "red": ((190, 30, 42), "scales", 5.0, 0.0),
    "blue": ((36, 62, 130), "scales", 5.0, 0.0),
    "black": ((40, 38, 44), "dots", 3.2, 0.785),
    "green": ((28, 96, 66), "chevrons", 3.6, 0.0),
    "diamonds": ((196, 40, 44), "checks", 3.0, 0.785),
    "weave": ((40, 74, 150), "checks", 1.6, 0.785),
}
_BORDER_MM = 3.6


@lru_cache(maxsize=8)
def card_back(back: Back) -> Picture:
    """(704, 504, 3) a back, the same upside down; not to be written to."""
    ink, lattice, pitch_mm, turn_rad = _STYLES[back]
    canvas = Canvas(CARD_MM, px_per_mm=PX_PER_MM, ground=WHITE)
    middle = np.array(CARD_MM) / 2
    inner = middle - _BORDER_MM
    canvas.woven(_rectangle(inner), (ink, WHITE), lattice, pitch_mm=pitch_mm, turn_rad=turn_rad)
    canvas.line(_rectangle(inner), ink, width_mm=0.9, closed=True)
    canvas.line(_rectangle(inner - 1.8), WHITE, width_mm=1.2, closed=True)
    canvas.line(_rectangle(inner - 2.8), ink, width_mm=0.5, closed=True)
    for rise_mm in (0.0, 21.0):
        place = middle - [0, rise_mm]
        for radius, colour in ((10.5, ink), (9.6, WHITE), (8.6, ink), (4.4, WHITE), (3.4, ink)):
            canvas.fill([place + radius * _star(1 + 0.06 * (radius > 5))], colour)
        for k in range(8):
            t = np.pi * k / 4
            petal = place + 6.4 * np.array([np.cos(t), np.sin(t)]) + 1.3 * _star(1.0)
            canvas.fill([petal], WHITE)
    upper = canvas.picture[: canvas.picture.shape[0] // 2]
    whole: Picture = np.concatenate([upper, upper[::-1, ::-1]])
    whole.setflags(write=False)
    return whole


def _rectangle(half_mm: FloatArray) -> FloatArray:
    return np.array(CARD_MM) / 2 + np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half_mm


def _star(swell: float) -> FloatArray:
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = 1 + (swell - 1) * np.cos(8 * turn)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
