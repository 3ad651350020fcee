"""Which cards there are, how they look and how they are bent: the draws. Without Blender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from blender_scenes.cards.deck import RANKS, SUITS, Rank, Suit
from blender_scenes.cards.scene import Bend, Look
from pipeline.sampling.factors import FactorDraws

__all__ = ["deal", "draw_bend", "draw_look"]

_DOG_EARED = 0.12  # share of cards, as the parameter says


def deal(draws: FactorDraws, ranks: Sequence[str]) -> tuple[tuple[Rank, Suit], ...]:
    """The labelled cards of a frame: each once, as long as there are others.

    Args:
        draws: The factors ``count`` and ``pose``.
        ranks: The categories.
    """
    ordered = [rank for name in ranks for rank in RANKS if rank == name]
    deck = [(rank, suit) for rank in ordered for suit in SUITS]
    values: dict[str, Any] = draws.frame("count")
    dealt: list[tuple[Rank, Suit]] = []
    for number in range(1, values["cards"] + 1):
        pose: dict[str, Any] = draws.object("pose", number)
        rank = min(int(pose["rank"] * len(ordered)), len(ordered) - 1)
        first = rank * len(SUITS) + SUITS.index(pose["suit"])
        following = [deck[(first + step) % len(deck)] for step in range(len(deck))]
        free = [card for card in following if card not in dealt]
        dealt.append((free or following)[0])
    return tuple(dealt)


def draw_look(
    draws: FactorDraws, rank: Rank, suit: Suit, number: int, *, face_up: bool = True
) -> Look:
    """Draw the factor ``material`` for card ``number``."""
    deck: dict[str, Any] = draws.frame("material")
    own: dict[str, Any] = draws.object("material", number)
    wear = deck["wear"] * own["worn"]
    return Look(
        rank=rank,
        suit=suit,
        face_up=face_up,
        **{name: deck[name] for name in ("deck", "back", "white", "yellow", "ink", "hue_shift")},
        edges=wear,
        creases=own["creases"],
        stain=wear**2,
        roughness=deck["gloss"],
        seed=draws.noise_seed("material", number),
    )


def draw_bend(draws: FactorDraws, number: int) -> Bend:
    """Draw the factor ``shape`` for card ``number``."""
    values: dict[str, Any] = draws.object("shape", number)
    noise = draws.noise("shape", number)
    return Bend(
        curl_m=values["curl_m"],
        direction_rad=values["direction_rad"],
        twist_m=values["twist_m"],
        ear_m=values["ear_m"] if values["ear"] < _DOG_EARED else 0.0,
        ear_corner=int(noise.integers(4)),
        ear_reach=values["ear_reach"],
    )
