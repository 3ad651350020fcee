"""The front of every card of a deck. Without Blender."""

from __future__ import annotations

import numpy as np

from blender_scenes.cards.courts import court_picture
from blender_scenes.cards.deck import CARD_MM, COURTS, Deck, Rank, Suit, index_of, pip_places
from blender_scenes.cards.drawing import Canvas, Picture, bezier, mirrored, text
from blender_scenes.cards.suits import BLACK, draw_suit, ink_of

__all__ = ["PX_PER_MM", "WHITE", "card_face"]

PX_PER_MM = 8.0
"""Of the finest picture that there is."""
WHITE = (255, 255, 255)

_PIP_MM = 14.5
# What is left for pips and figures beside the indices, over the usual.
_ROOM: dict[Deck, float] = {"standard": 1.0, "bold": 1.0, "jumbo": 0.84, "four_corners": 1.0}
_INDEX_MM: dict[Deck, float] = {"standard": 8.4, "bold": 8.0, "jumbo": 11.5, "four_corners": 7.6}
_FONTS: dict[Deck, str] = {
    "standard": "matplotlib/DejaVuSerif.ttf",
    "bold": "matplotlib/DejaVuSans-Bold.ttf",
    "jumbo": "matplotlib/DejaVuSans-Bold.ttf",
    "four_corners": "matplotlib/STIXGeneralBol.ttf",
}
_NARROW = 0.72  # of an index over the font's own letters
_WIDEST_MM = 6.6


def card_face(rank: Rank, suit: Suit, deck: Deck = "standard") -> Picture:
    """(704, 504, 3) the print on white."""
    canvas = _blank()
    if rank in COURTS:
        figure = court_picture(rank, suit, px_per_mm=_ROOM[deck] * PX_PER_MM)
        top, left = (
            int(n - m) // 2 for n, m in zip(canvas.picture.shape, figure.shape[:2], strict=False)
        )
        canvas.picture[top : top + figure.shape[0], left : left + figure.shape[1]] = figure
    elif (rank, suit) == ("ace", "spades"):
        _draw_ornate_spade(canvas)
    else:
        _draw_pips(canvas, rank, suit, room=_ROOM[deck])
    index = _blank()
    _draw_index(index, rank, suit, deck, x_mm=_index_x_mm(deck))
    if deck == "four_corners":
        _draw_index(index, rank, suit, deck, x_mm=CARD_MM[0] - _index_x_mm(deck))
    return np.minimum(canvas.picture, _turned_half(index.picture))


def _blank() -> Canvas:
    return Canvas(CARD_MM, px_per_mm=PX_PER_MM, ground=WHITE)


def _turned_half(picture: Picture) -> Picture:
    # The upper half, and below it the same turned by half a turn.
    upper = picture[: picture.shape[0] // 2]
    return np.concatenate([upper, upper[::-1, ::-1]])


def _index_x_mm(deck: Deck) -> float:
    return 0.52 * _INDEX_MM[deck] * _NARROW + 3.0


def _draw_index(canvas: Canvas, rank: Rank, suit: Suit, deck: Deck, *, x_mm: float) -> None:
    height_mm = _INDEX_MM[deck]
    y_mm = 3.2 + height_mm / 2
    letters = text(index_of(rank), _FONTS[deck], tightness=0.86)
    every = np.concatenate(letters)
    widest_mm = _WIDEST_MM * height_mm / _INDEX_MM["standard"]
    wide = min(_NARROW, widest_mm / (height_mm * float(np.ptp(every[:, 0]))))
    canvas.fill(
        [height_mm * o * [wide, 1.0] + np.array([x_mm, y_mm]) for o in letters], ink_of(suit)
    )
    sign_mm = 0.62 * height_mm
    y_mm += height_mm / 2 + 1.2 + sign_mm / 2
    draw_suit(canvas, suit, (x_mm, y_mm), height_mm=sign_mm)


def _draw_pips(canvas: Canvas, rank: Rank, suit: Suit, *, room: float) -> None:
    pips = _blank()
    height_mm = room * (13.0 if rank == "ace" else _PIP_MM)
    middle, side_mm = np.array([0.5, 0.5]), np.array(CARD_MM) * [room, 1.0]
    for place in pip_places(rank):
        off_mm = (np.array(place) - middle) * side_mm
        upright = place[1] <= middle[1]
        x, y = np.array(CARD_MM) / 2 + (off_mm if upright else -off_mm)
        draw_suit(canvas if upright else pips, suit, (x, y), height_mm=height_mm)
    np.minimum(canvas.picture, pips.picture[::-1, ::-1], out=canvas.picture)


def _draw_ornate_spade(canvas: Canvas) -> None:
    x, y = CARD_MM[0] / 2, CARD_MM[1] / 2
    draw_suit(canvas, "spades", (x, y), height_mm=34.0)
    draw_suit(canvas, "spades", (x, y - 0.8), height_mm=30.0, ink=WHITE)
    draw_suit(canvas, "spades", (x, y - 1.0), height_mm=28.0)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    round_mm = np.column_stack([np.cos(turn), np.sin(turn)])
    for side in (-1, 1):
        for k in range(6):  # scrolls in the lobes
            place = np.array([x + side * (2.6 + 0.9 * k), y + 3.6 - 0.35 * k * (k - 3)])
            canvas.line(place + (1.5 - 0.15 * k) * round_mm, WHITE, width_mm=0.3, closed=True)
    leaf = mirrored(bezier((0, -8.0), (3.2, -4.0), (2.6, 0.0), (0, 3.0)))
    canvas.line(leaf + np.array([x, y]), WHITE, width_mm=0.4, closed=True)
    draw_suit(canvas, "spades", (x, y - 1.5), height_mm=6.0, ink=WHITE)
    name, fine = "matplotlib/STIXGeneralItalic.ttf", "matplotlib/DejaVuSans.ttf"
    canvas.fill([4.6 * o + np.array([x, y - 22.5]) for o in text("Blendgap", name)], BLACK)
    canvas.fill([1.9 * o + np.array([x, y + 22.0]) for o in text("LINEN FINISH", fine)], BLACK)
    canvas.fill([1.3 * o + np.array([x, y + 25.0]) for o in text("PLAYING CARDS 052", fine)], BLACK)
