"""What lies about between the labelled cards: others, piles, leaflets, books. Without Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blender_scenes.cards.arrangement import Table, place_near
from blender_scenes.cards.dealing import draw_bend, draw_look
from blender_scenes.cards.deck import RANKS, SUITS, THICK_M
from blender_scenes.cards.scene import Bend, Look, Print, Unlabelled
from blender_scenes.cards.sheets import PRINT_CORNER_M, card_surface, sheet_surface
from pipeline.geometry.boxes import FloatArray
from pipeline.sampling.factors import FactorDraws

__all__ = ["Stray", "draw_strays", "lay_strays", "sample_prints"]

_FROM = 1000  # numbers of the draws: labelled cards have those below
_SHEETS = (5, 45)  # of a pile
_COVER_M = (0.09, 0.17)  # width of a print
_TALLER = (1.25, 1.5)  # than wide
_THICK_M = (0.0005, 0.003, 0.012, 0.025)  # of a leaflet, a magazine, books


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A card without a label, or a pile, before it is laid.

    Attributes:
        look: Of the uppermost one.
        bend: Of all.
        thick_m: Of all together.
        place: (3,) x, y, turn.
        last: Whether it is laid after the labelled ones.
    """

    look: Look
    bend: Bend
    thick_m: float
    place: FloatArray
    last: bool


def draw_strays(
    draws: FactorDraws, categories: Sequence[str], places: FloatArray, *, half_view_m: FloatArray
) -> tuple[Stray, ...]:
    """Draw the cards of the factor ``distractors``: of other ranks, or face down.

    Args:
        draws: Of the family.
        categories: Ranks that are never face up among them.
        places: (N, 3) of the labelled cards, which they lie near to.
        half_view_m: (2,) half of what the camera sees of the ground.
    """
    values: dict[str, Any] = draws.frame("distractors")
    free = [rank for rank in RANKS if rank not in categories]
    strays = []
    for number in range(_FROM + 1, _FROM + 1 + values["others"]):
        noise = draws.noise("distractors", number)
        down, piled, last, which = noise.random(4)
        ranks = free or RANKS
        rank, suit = ranks[int(which * len(ranks))], SUITS[int(noise.integers(len(SUITS)))]
        sheets = int(noise.integers(*_SHEETS)) if piled < values["piled"] else 1
        face_up = bool(free) and down >= values["face_down"]
        strays.append(
            Stray(
                look=draw_look(draws, rank, suit, number, face_up=face_up),
                bend=draw_bend(draws, number),
                thick_m=sheets * THICK_M,
                place=place_near(
                    noise, places, half_view_m=half_view_m, nearest_m=0.045, farthest_m=0.11
                ),
                last=bool(last < values["above"]),
            )
        )
    return tuple(strays)


def lay_strays(table: Table, strays: Sequence[Stray], *, last: bool) -> tuple[Unlabelled, ...]:
    """Lay those that come before the labelled cards, or those that come last."""
    return tuple(
        Unlabelled(
            world_from_card=table.let_down(
                card_surface(stray.bend, thick_m=stray.thick_m), stray.place
            ),
            look=stray.look,
            bend=stray.bend,
            thick_m=stray.thick_m,
        )
        for stray in strays
        if stray.last == last
    )


def sample_prints(
    draws: FactorDraws, table: Table, places: FloatArray, *, half_view_m: FloatArray
) -> tuple[Print, ...]:
    """Draw the leaflets and books of the factor ``occlusion`` and lay them, at last."""
    values: dict[str, Any] = draws.frame("occlusion")
    prints = []
    for number in range(_FROM + 1, _FROM + 1 + values["prints"]):
        noise = draws.noise("occlusion", number)
        width_m = float(noise.uniform(*_COVER_M))
        size_m = (width_m, width_m * float(noise.uniform(*_TALLER)))
        thick_m = float(noise.choice(_THICK_M))
        roughness = float(noise.choice([0.0, 0.2, 0.4]))
        seed = int(noise.integers(2**31))
        reach_m = 0.5 * width_m + 0.02
        place = place_near(
            noise, places, half_view_m=half_view_m, nearest_m=reach_m, farthest_m=reach_m + 0.09
        )
        surface = sheet_surface(size_m, Bend(), corner_m=PRINT_CORNER_M, thick_m=thick_m)
        prints.append(
            Print(
                world_from_print=table.let_down(surface, place),
                size_m=size_m,
                thick_m=thick_m,
                roughness=roughness,
                seed=seed,
            )
        )
    return tuple(prints)
