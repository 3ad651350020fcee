"""Jacks, queens and kings: two-headed figures in a frame, each of the twelve its own.

Without Blender. Drawn is the upper half in millimetres from the frame's upper left corner; the
lower one is the same turned by half a turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from blender_scenes.cards.deck import Rank, Suit
from blender_scenes.cards.drawing import Canvas, Ink, Pattern, Picture, bezier
from blender_scenes.cards.suits import draw_suit
from pipeline.geometry.boxes import FloatArray

__all__ = ["court_picture"]

_FRAME_MM = (43.4, 72.2)
_LINE: Ink = (28, 24, 30)
_SKIN: Ink = (252, 246, 238)
_RED: Ink = (206, 32, 40)
_YELLOW: Ink = (246, 196, 32)
_BLUE: Ink = (38, 78, 160)
_BLACK: Ink = (26, 24, 28)
_WHITE: Ink = (250, 250, 250)
_X = _FRAME_MM[0] / 2
_MIDDLE = _FRAME_MM[1] / 2
_FINER = 2.0  # drawn, than shown: edges get smooth by shrinking

Prop = Literal["sword", "flower", "staff", "axe"]


@dataclass(frozen=True, slots=True)
class _Figure:
    # What tells one court card from another of its rank: robes, what it holds, where it looks.
    robe: tuple[Ink, Ink]
    cut: Pattern
    stole: tuple[Ink, Ink]
    weave: Pattern
    sleeve: tuple[Ink, Ink, Ink]
    sash: tuple[Ink, Ink] | None
    prop: Prop
    looks: int  # -1 left, 0 at us, 1 right
    slope: float  # of the line at which the halves meet


_FIGURES: dict[tuple[str, Suit], _Figure] = {
    ("jack", "spades"): _Figure((_BLUE, _WHITE), "stripes", (_RED, _YELLOW), "chevrons",
                                (_YELLOW, _BLACK, _RED), (_BLACK, _YELLOW), "axe", -1, 0.35),
    ("jack", "hearts"): _Figure((_YELLOW, _BLACK), "scales", (_BLUE, _WHITE), "stripes",
                                (_RED, _BLACK, _YELLOW), (_BLACK, _YELLOW), "staff", -1, 0.0),
    ("jack", "clubs"): _Figure((_RED, _BLACK), "stripes", (_BLUE, _WHITE), "checks",
                               (_BLACK, _YELLOW, _BLUE), (_BLUE, _YELLOW), "staff", 1, 0.3),
    ("jack", "diamonds"): _Figure((_RED, _YELLOW), "stripes", (_YELLOW, _BLACK), "chevrons",
                                  (_BLUE, _WHITE, _RED), None, "axe", 0, -0.35),
    ("queen", "spades"): _Figure((_RED, _YELLOW), "scales", (_YELLOW, _BLACK), "dots",
                                 (_BLUE, _WHITE, _YELLOW), None, "flower", 1, -0.3),
    ("queen", "hearts"): _Figure((_BLUE, _YELLOW), "dots", (_RED, _WHITE), "checks",
                                 (_YELLOW, _RED, _BLACK), (_RED, _YELLOW), "flower", -1, 0.3),
    ("queen", "clubs"): _Figure((_YELLOW, _RED), "stripes", (_BLUE, _YELLOW), "chevrons",
                                (_RED, _WHITE, _BLUE), None, "flower", 0, 0.0),
    ("queen", "diamonds"): _Figure((_BLACK, _YELLOW), "dots", (_RED, _BLACK), "stripes",
                                   (_YELLOW, _BLUE, _RED), (_BLUE, _WHITE), "flower", 0, 0.4),
    ("king", "spades"): _Figure((_RED, _BLACK), "dots", (_YELLOW, _RED), "checks",
                                (_BLUE, _YELLOW, _BLACK), None, "sword", 1, 0.0),
    ("king", "hearts"): _Figure((_YELLOW, _RED), "stripes", (_BLUE, _WHITE), "dots",
                                (_BLUE, _BLACK, _YELLOW), None, "sword", 0, 0.0),
    ("king", "clubs"): _Figure((_BLUE, _YELLOW), "chevrons", (_RED, _BLACK), "scales",
                               (_YELLOW, _RED, _WHITE), (_YELLOW, _BLACK), "sword", 1, 0.3),
    ("king", "diamonds"): _Figure((_YELLOW, _BLACK), "stripes", (_RED, _YELLOW), "chevrons",
                                  (_RED, _BLUE, _WHITE), (_BLACK, _YELLOW), "axe", -1, -0.3),
}  # fmt: skip


@lru_cache(maxsize=24)
def court_picture(rank: Rank, suit: Suit, *, px_per_mm: float) -> Picture:
    """(H, W, 3) a court card's frame and figure; not to be written to."""
    figure = _FIGURES[rank, suit]
    half = Canvas(_FRAME_MM, px_per_mm=_FINER * px_per_mm, ground=_WHITE)
    _robes(half, figure)
    _prop(half, figure)
    _HEADS[rank](half, figure)
    draw_suit(half, suit, (6.2, 7.6), height_mm=12.0)
    height, width = half.picture.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    below = rows + 0.5 - height / 2 > figure.slope * (columns + 0.5 - width / 2)
    half.picture[below] = half.picture[::-1, ::-1][below]
    _belt(half, figure.slope)
    wide, tall = _FRAME_MM
    half.line([(0, 0), (wide, 0), (wide, tall), (0, tall)], _BLUE, width_mm=0.8, closed=True)
    size = (2 * round(wide * px_per_mm / 2), 2 * round(tall * px_per_mm / 2))
    small = np.asarray(cv2.resize(half.picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    small.setflags(write=False)
    return small


def _robes(half: Canvas, figure: _Figure) -> None:
    robe = bezier((_X - 7, 16), (_X - 13, 18), (_X - 18, 22), (_X - 20, 31), (_X - 21, 36),
                  (_X - 21, 40), (_X - 20, 46), (_X - 8, 46), (_X + 8, 46), (_X + 20, 46),
                  (_X + 21, 40), (_X + 21, 36), (_X + 20, 31), (_X + 18, 22), (_X + 13, 18),
                  (_X + 7, 16))  # fmt: skip
    half.woven(robe, figure.robe, figure.cut, pitch_mm=3.4, turn_rad=0.5, edge=_LINE)
    for side in (-1, 1):
        middle = np.array([_X + 14.5 * side, 32.5])
        for radius, ink in zip((8.6, 6.6, 4.8), figure.sleeve, strict=True):
            ring = middle + _round(radius, 1.15 * radius)
            half.woven(ring, (ink,), edge=_LINE)
        half.woven(middle + _round(3.0, 3.4), (figure.sleeve[0], _BLACK), "checks", pitch_mm=1.3,
                   turn_rad=0.7, edge=_LINE)  # fmt: skip
        lapel = np.array([(5.5, 16.5), (10.5, 18.5), (5.0, 45), (1.0, 45)]) * [side, 1] + [_X, 0]
        half.woven(lapel, (_YELLOW, _BLACK), "chevrons", pitch_mm=2.2, turn_rad=1.4, edge=_LINE)
    stole = np.array([(_X - 5.5, 17), (_X + 5.5, 17), (_X + 3.2, 46), (_X - 3.2, 46)])
    half.woven(stole, figure.stole, figure.weave, pitch_mm=2.4, edge=_LINE)
    if figure.sash:
        sash = np.array([(_X - 17, 20), (_X - 12, 18), (_X + 19, 39), (_X + 17, 45)])
        half.woven(sash, figure.sash, "dots", pitch_mm=2.2, turn_rad=0.6, edge=_LINE)
    collar = bezier((_X - 9, 17.5), (_X - 6, 24), (_X + 6, 24), (_X + 9, 17.5),
                    (_X + 6, 18.5), (_X - 6, 18.5), (_X - 9, 17.5))  # fmt: skip
    half.woven(collar, (_BLACK, _YELLOW), "dots", pitch_mm=2.0, edge=_LINE)
    hem = [(_X + (8.4 * math.cos(t)), 17.8 + 5.2 * math.sin(t)) for t in np.linspace(0.2, 2.9, 12)]
    half.line(hem, figure.stole[0], width_mm=0.7)


def _belt(full: Canvas, slope: float) -> None:
    # Where the halves meet, the same for both.
    turn = math.atan(slope)
    along, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-slope, 1.0])
    across = across / np.linalg.norm(across)
    middle = np.array([_X, _MIDDLE])
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    band = [middle + s * 17.0 * along + t * 1.5 * across for s, t in corners]
    full.woven(np.array(band), (_BLACK,), edge=_LINE)
    for k in range(-4, 5):
        place = middle + 3.6 * k * along
        full.woven(place + _round(1.1, 1.1), (_YELLOW if k % 2 else _RED,), edge=_LINE)
    full.woven(middle + _round(2.6, 2.6), (_RED,), edge=_LINE)
    full.woven(middle + _round(1.3, 1.3), (_YELLOW,), edge=_LINE)


def _prop(half: Canvas, figure: _Figure) -> None:
    x = 2 * _X - 4.2
    hand = np.array([x - 1.0, 25.5])
    if figure.prop == "sword":
        blade = np.array([(x - 1.1, 22), (x - 1.1, 3), (x, 1), (x + 1.1, 3), (x + 1.1, 22)])
        half.woven(blade, ((214, 226, 244), _WHITE), "stripes", pitch_mm=2.2, turn_rad=math.pi / 2,
                   edge=_BLUE)  # fmt: skip
        half.woven(np.array([(x - 3.4, 22), (x + 3.4, 22), (x + 3.4, 23.6), (x - 3.4, 23.6)]),
                   (_YELLOW,), edge=_LINE)  # fmt: skip
        half.woven(np.array([(x - 0.9, 23.6), (x + 0.9, 23.6), (x + 0.9, 29), (x - 0.9, 29)]),
                   (_YELLOW, _BLACK), "stripes", pitch_mm=1.6, edge=_LINE)  # fmt: skip
    elif figure.prop == "flower":
        half.line([(x, 14), (x - 0.6, 20), (x - 1.2, 27)], _BLUE, width_mm=0.6)
        for k in range(5):
            t = 2 * math.pi * k / 5
            petal = np.array([x + 2.1 * math.sin(t), 11.6 - 2.1 * math.cos(t)]) + _round(1.7, 1.7)
            half.woven(petal, (_YELLOW,), edge=_LINE)
        half.woven(np.array([x, 11.6]) + _round(1.3, 1.3), (_RED,), edge=_LINE)
    else:
        shaft = np.array([(x - 0.7, 6), (x + 0.7, 6), (x + 0.7, 45), (x - 0.7, 45)])
        half.woven(shaft, (_YELLOW, _BLACK), "stripes", pitch_mm=5.0, turn_rad=0.6, edge=_LINE)
        if figure.prop == "axe":
            head = bezier((x, 7), (x - 2, 6), (x - 5, 4), (x - 6, 8), (x - 6, 11), (x - 5, 15),
                          (x, 12))  # fmt: skip
            half.woven(head, (_YELLOW, _WHITE), "stripes", pitch_mm=1.4, edge=_LINE)
        else:
            tip = np.array([(x, 0.8), (x + 2.2, 6), (x, 8), (x - 2.2, 6)])
            half.woven(tip, (_RED,), edge=_LINE)
    half.woven(hand + _round(2.7, 1.9), (_SKIN,), edge=_LINE)
    other = np.array([7.0, 27.0])
    half.woven(other + _round(2.6, 1.9), (_SKIN,), edge=_LINE)
    for place, side in ((hand, -1), (other, 1)):
        for k in (-1, 0, 1):  # fingers
            finger = place + 0.9 * np.array([(0.0, k), (2.6 * side, k)])
            half.line(finger, _LINE, width_mm=0.2)


def _face(half: Canvas, figure: _Figure, *, chin: float = 18.6) -> None:
    x, look = _X, figure.looks
    face = bezier((x - 5, 8), (x - 5.2, 13), (x - 3.5, chin), (x, chin), (x + 3.5, chin),
                  (x + 5.2, 13), (x + 5, 8), (x + 2, 7), (x - 2, 7), (x - 5, 8))  # fmt: skip
    half.woven(face, (_SKIN,), edge=_LINE)
    at = x + 1.5 * look
    for side in (-1, 1):
        eye = (at + 1.9 * side, 11.2)
        half.line([(eye[0] - 1.0, 10.1), (eye[0] + 1.0, 10.0)], _LINE, width_mm=0.35)
        half.line([(eye[0] - 0.8, 11.3), (eye[0] + 0.8, 11.3)], _LINE, width_mm=0.3)
        half.woven(np.array(eye) + _round(0.42, 0.42), (_LINE,))
    nose = [(at + 0.3, 11.2), (at + 0.7 * (look or 1), 13.6), (at - 0.2, 13.9)]
    half.line(nose, _LINE, width_mm=0.3)
    half.line([(at - 1.1, 15.6), (at, 15.9), (at + 1.1, 15.6)], _RED, width_mm=0.55)


def _hair(half: Canvas, ink: tuple[Ink, Ink], *, length: float, wide: float) -> None:
    for side in (-1, 1):
        lock = bezier((_X + 4.2 * side, 7), (_X + wide * side, 8), (_X + wide * side, length),
                      (_X + (wide + 1.4) * side, length + 1.5),
                      (_X + (wide - 2) * side, length + 2.5), (_X + 4.5 * side, length + 1),
                      (_X + 4.2 * side, 7))  # fmt: skip
        half.woven(lock, ink, "stripes", pitch_mm=1.6, turn_rad=1.3 * side, edge=_LINE)


def _crown(half: Canvas, *, wide: float, inks: tuple[Ink, Ink]) -> None:
    top = 0.6
    points = [(-wide, 8.0), (-wide - 1.5, top)]
    for k in range(4):
        left = -wide - 1.5 + (k + 0.5) * (2 * wide + 3) / 4
        points += [(left, 3.6), (left + (2 * wide + 3) / 8, top)]
    points += [(wide, 8.0)]
    middle = np.array([_X, 0])
    half.woven(points + middle, (inks[0],), edge=_LINE)
    rim = [(-wide, 8.2), (-wide - 0.5, 5.6), (wide + 0.5, 5.6), (wide, 8.2)]
    half.woven(rim + middle, (inks[1], _BLACK), "dots", pitch_mm=2.2, edge=_LINE)
    for k in range(5):
        x = _X - wide - 1.5 + k * (2 * wide + 3) / 4
        half.woven(np.array([x, top + 0.7]) + _round(0.8, 0.8), (_RED,), edge=_LINE)


def _king(half: Canvas, figure: _Figure) -> None:
    _hair(half, (_WHITE, (120, 150, 210)), length=17, wide=8.4)
    _face(half, figure)
    beard = bezier((_X - 5, 13.2), (_X - 3, 14.8), (_X + 3, 14.8), (_X + 5, 13.2), (_X + 5.4, 18),
                   (_X + 3, 23.5), (_X, 24), (_X - 3, 23.5), (_X - 5.4, 18),
                   (_X - 5, 13.2))  # fmt: skip
    half.woven(beard, (_WHITE, (120, 150, 210)), "stripes", pitch_mm=1.7, turn_rad=math.pi / 2,
               edge=_LINE)  # fmt: skip
    half.line([(_X - 1.4, 16.0), (_X + 1.4, 16.0)], _RED, width_mm=0.6)
    _crown(half, wide=7.6, inks=(_YELLOW, _RED))


def _queen(half: Canvas, figure: _Figure) -> None:
    for side, inks in ((-1, (_BLACK, _YELLOW)), (1, (_RED, _BLACK))):
        veil = bezier((_X + 2 * side, 2), (_X + 8 * side, 3), (_X + 10 * side, 12),
                      (_X + 16 * side, 22), (_X + 12 * side, 23), (_X + 8 * side, 20),
                      (_X + 5 * side, 17), (_X + 6 * side, 10), (_X + 4 * side, 6),
                      (_X + 2 * side, 2))  # fmt: skip
        half.woven(veil, inks, "stripes", pitch_mm=3.2, turn_rad=1.1 * side, edge=_LINE)
    _hair(half, (_WHITE, (120, 150, 210)), length=13, wide=6.6)
    _face(half, figure, chin=18.0)
    _crown(half, wide=4.4, inks=(_YELLOW, _BLUE))


def _jack(half: Canvas, figure: _Figure) -> None:
    _hair(half, (_YELLOW, (170, 120, 20)), length=16.5, wide=9.0)
    _face(half, figure)
    cap = bezier((_X - 9, 8), (_X - 10, 2), (_X - 7, 0.6), (_X, 0.6), (_X + 7, 0.6), (_X + 10, 2),
                 (_X + 9, 8), (_X + 4, 6), (_X - 4, 6), (_X - 9, 8))  # fmt: skip
    half.woven(cap, (_RED, _BLACK), "stripes", pitch_mm=5.0, turn_rad=math.pi / 2, edge=_LINE)
    brim = bezier((_X - 9, 8), (_X - 4, 5.4), (_X + 4, 5.4), (_X + 9, 8), (_X + 4, 7.4),
                  (_X - 4, 7.4), (_X - 9, 8))  # fmt: skip
    half.woven(brim, (_YELLOW,), edge=_LINE)


_HEADS: dict[Rank, Callable[[Canvas, _Figure], None]] = {
    "king": _king,
    "queen": _queen,
    "jack": _jack,
}


def _round(across_mm: float, down_mm: float) -> FloatArray:
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    return np.column_stack([across_mm * np.cos(turn), down_mm * np.sin(turn)])
