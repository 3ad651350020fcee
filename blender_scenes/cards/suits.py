"""The four suits' signs as outlines. Without Blender."""

from __future__ import annotations

from functools import cache

import numpy as np

from blender_scenes.cards.deck import Suit
from blender_scenes.cards.drawing import Canvas, Ink, Outlines, bezier, mirrored

__all__ = ["BLACK", "RED", "draw_suit", "ink_of"]

BLACK: Ink = (24, 22, 26)
RED: Ink = (205, 26, 38)
_STEM = ((0.035, 0.22), (0.05, 0.36), (0.1, 0.47), (0.21, 0.5), (0.14, 0.5), (0.07, 0.5), (0, 0.5))


def ink_of(suit: Suit) -> Ink:
    """Red or black."""
    return RED if suit in ("hearts", "diamonds") else BLACK


def draw_suit(
    canvas: Canvas,
    suit: Suit,
    place_mm: tuple[float, float],
    *,
    height_mm: float,
    ink: Ink | None = None,
) -> None:
    """Put a suit's sign on a canvas, in the suit's own ink unless given."""
    for outline in _outlines(suit):
        placed = height_mm * outline + np.array(place_mm)
        canvas.fill([placed], ink_of(suit) if ink is None else ink)


@cache
def _outlines(suit: Suit) -> Outlines:
    # Overlapping parts, 1 high, in the middle of the origin.
    if suit == "hearts":
        half = bezier(
            (0, 0.5), (0.1, 0.28), (0.46, 0.05), (0.46, -0.22), (0.46, -0.4), (0.35, -0.5),
            (0.23, -0.5), (0.11, -0.5), (0.03, -0.42), (0, -0.28),
        )  # fmt: skip
        return (mirrored(half),)
    if suit == "diamonds":
        half = bezier((0, -0.5), (0.09, -0.32), (0.24, -0.12), (0.39, 0),
                      (0.24, 0.12), (0.09, 0.32), (0, 0.5))  # fmt: skip
        return (mirrored(half),)
    if suit == "spades":
        half = bezier(
            (0, -0.5), (0.1, -0.3), (0.45, -0.1), (0.45, 0.13), (0.45, 0.28), (0.35, 0.35),
            (0.25, 0.35), (0.15, 0.35), (0.07, 0.3), *_STEM,
        )  # fmt: skip
        return (mirrored(half),)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    leaf = 0.235 * np.column_stack([np.cos(turn), np.sin(turn)])
    stem = mirrored(bezier((0, -0.2), (0.01, -0.1), (0.03, 0.1), *_STEM))
    heart = 0.4 * leaf
    return (
        leaf + np.array([0, -0.265]),
        leaf + np.array([-0.25, 0.1]),
        leaf + np.array([0.25, 0.1]),
        heart,
        stem,
    )
