"""What a deck of cards holds: ranks, suits, sizes and where the pips are. Without Blender."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "BACKS",
    "CARD_MM",
    "CORNER_MM",
    "COURTS",
    "DECKS",
    "RANKS",
    "SUITS",
    "THICK_M",
    "Back",
    "Deck",
    "Rank",
    "Suit",
    "index_of",
    "pip_places",
]

Rank = Literal[
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "jack", "queen", "king", "ace",
]  # fmt: skip
Suit = Literal["spades", "hearts", "clubs", "diamonds"]

RANKS: tuple[Rank, ...] = get_args(Rank)
SUITS: tuple[Suit, ...] = get_args(Suit)
COURTS: tuple[Rank, ...] = ("jack", "queen", "king")

Deck = Literal["standard", "bold", "jumbo", "four_corners"]
"""Kind of index: as most decks, bold letters, twice as large, in all four corners."""

Back = Literal["red", "blue", "black", "green", "diamonds", "weave"]

DECKS: tuple[Deck, ...] = get_args(Deck)
BACKS: tuple[Back, ...] = get_args(Back)

CARD_MM = (63.0, 88.0)
"""Poker size."""
CORNER_MM = 3.2
THICK_M = 0.0003

_SIDES, _MIDDLE = (0.275, 0.725), 0.5
_TOP, _BOTTOM = 0.175, 0.825
_ROWS = {2: (_TOP, _BOTTOM), 3: (_TOP, 0.5, _BOTTOM), 4: (_TOP, 0.39, 0.61, _BOTTOM)}
# Rows of the two columns at the sides, then places in the middle column.
_LAYOUTS: dict[Rank, tuple[int, tuple[float, ...]]] = {
    "ace": (0, (0.5,)),
    "two": (0, _ROWS[2]),
    "three": (0, _ROWS[3]),
    "four": (2, ()),
    "five": (2, (0.5,)),
    "six": (3, ()),
    "seven": (3, (0.3375,)),
    "eight": (3, (0.3375, 0.6625)),
    "nine": (4, (0.5,)),
    "ten": (4, (0.2825, 0.7175)),
}


def index_of(rank: Rank) -> str:
    """What stands in a card's corners."""
    number = RANKS.index(rank) + 2
    return str(number) if number <= 10 else rank[0].upper()


def pip_places(rank: Rank) -> tuple[tuple[float, float], ...]:
    """Middles of the pips over the card's sides, from its upper left.

    Those in the lower half stand on their heads; court cards have none.
    """
    if rank in COURTS:
        return ()
    rows, middle = _LAYOUTS[rank]
    sides = [(x, y) for y in _ROWS.get(rows, ()) for x in _SIDES]
    return (*sides, *((_MIDDLE, y) for y in middle))
