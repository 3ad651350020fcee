"""The deck: 52 faces that differ, as many pips as the rank says, the same upside down."""

from __future__ import annotations

import itertools
from functools import cache

import cv2
import numpy as np
import pytest

from blender_scenes.cards.backs import card_back
from blender_scenes.cards.deck import (
    BACKS,
    CARD_MM,
    COURTS,
    DECKS,
    RANKS,
    SUITS,
    Deck,
    Rank,
    Suit,
    index_of,
)
from blender_scenes.cards.drawing import Canvas, text
from blender_scenes.cards.faces import PX_PER_MM
from blender_scenes.cards.faces import card_face as drawn_face
from blender_scenes.cards.printing import card_picture
from blender_scenes.cards.scene import Look

# Of the pip cards, as they are printed: one pip is alone on its side or stands upright in the
# middle line. Diamonds have no upside.
LOPSIDED = {"ace", "three", "five", "six", "seven", "eight", "nine"}
SIGNS = [suit for suit in SUITS if suit != "diamonds"]
NUMBERS = [rank for rank in RANKS if rank not in (*COURTS, "ace")]

card_face = cache(drawn_face)  # looked at by one test after the other


def components(rank: Rank, suit: Suit, deck: Deck = "standard") -> np.ndarray:
    """(N,) areas of the connected prints, px, large first."""
    ink = (card_face(rank, suit, deck).min(axis=2) < 128).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    return np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]


@pytest.mark.parametrize("suit", SUITS)
@pytest.mark.parametrize("rank", NUMBERS)
def test_pips_are_as_many_as_the_rank_says(rank: Rank, suit: Suit) -> None:
    areas = components(rank, suit)
    largest = (areas > 0.7 * areas[0]).sum()
    assert largest == NUMBERS.index(rank) + 2
    # Twice an index of one or two letters and its suit's sign.
    assert len(areas) - largest == 2 * (len(index_of(rank)) + 1)


@pytest.mark.parametrize("deck", DECKS)
def test_indices_are_in_two_or_four_corners_and_touch_no_pip(deck: Deck) -> None:
    corners = 4 if deck == "four_corners" else 2
    assert len(components("nine", "hearts", deck)) == 9 + 2 * corners
    face = card_face("nine", "spades", deck)
    width, height = face.shape[1] // 6, face.shape[0] // 5
    inked = [
        (face[rows, columns] < 128).any()
        for rows in (slice(None, height), slice(-height, None))
        for columns in (slice(None, width), slice(-width, None))
    ]
    assert inked == ([True] * 4 if corners == 4 else [True, False, False, True])


def test_all_52_faces_differ() -> None:
    faces = {card: card_face(*card) for card in itertools.product(RANKS, SUITS)}
    assert len(faces) == 52
    small = {
        card: cv2.resize(face, (63, 88), interpolation=cv2.INTER_AREA).astype(np.int16)
        for card, face in faces.items()
    }
    for one, other in itertools.combinations(small, 2):
        differs = (np.abs(small[one] - small[other]) > 60).any(axis=2)
        assert differs.sum() > 20, (one, other)


@pytest.mark.parametrize("suit", SUITS)
@pytest.mark.parametrize("rank", RANKS)
def test_cards_look_the_same_upside_down_as_they_should(rank: Rank, suit: Suit) -> None:
    face = card_face(rank, suit).astype(int)
    differs = (np.abs(face - face[::-1, ::-1]).max(axis=2) > 90).mean()
    lopsided = rank == "seven" or (rank in LOPSIDED and suit in SIGNS)
    assert (differs > 0.002) == lopsided


@pytest.mark.parametrize("rank", COURTS)
def test_court_cards_are_colourful_figures_in_a_frame(rank: Rank) -> None:
    for suit in SUITS:
        face = card_face(rank, suit)
        inside = cv2.cvtColor(face[150:-150, 110:-110], cv2.COLOR_RGB2HSV)
        hues = inside[..., 0][(inside[..., 1] > 150) & (inside[..., 2] > 120)]
        share = np.histogram(hues, bins=[0, 12, 40, 90, 130, 180])[0] / inside[..., 0].size
        red, yellow, green, blue, _ = share
        assert red + share[4] > 0.02
        assert yellow > 0.05
        assert blue > 0.003
        assert green < 0.01


def test_letters_have_holes_and_unit_height() -> None:
    canvas = Canvas((20, 20), px_per_mm=10, ground=(255, 255, 255))
    canvas.fill([10 * part + 10 for part in text("8", "matplotlib/DejaVuSans.ttf")], (0, 0, 0))
    ink = (canvas.picture[..., 0] < 128).astype(np.uint8)
    assert abs(np.ptp(np.flatnonzero(ink.any(axis=1))) - 100) <= 1
    holes, _ = cv2.connectedComponents(1 - ink)
    assert holes - 1 == 3  # around the figure and two inside


@pytest.mark.parametrize("back", BACKS)
def test_backs_have_a_white_border_and_look_the_same_upside_down(back: str) -> None:
    picture = card_back(back)
    assert np.array_equal(picture, picture[::-1, ::-1])
    border = round(2.5 * PX_PER_MM)
    inner = np.zeros(picture.shape[:2], bool)
    inner[border:-border, border:-border] = True
    assert (picture[~inner] > 250).all()
    assert 0.25 < (picture[inner].min(axis=1) < 128).mean() < 0.8
    assert len({card_back(other).tobytes() for other in BACKS}) == len(BACKS)


def test_wear_yellows_whitens_the_rim_and_leaves_new_cards_alone() -> None:
    new = Look(rank="king", suit="hearts", white=0.85)
    picture = card_picture(new, px_per_mm=2)
    assert picture.shape == (2 * CARD_MM[1], 2 * CARD_MM[0], 3)
    assert picture[30:40, 3:7].mean() == pytest.approx(0.85, abs=0.02)
    old = card_picture(new.model_copy(update={"yellow": 1.0}), px_per_mm=2)
    assert old[34, 5, 2] < 0.8 * old[34, 5, 0]
    back = new.model_copy(update={"face_up": False, "back": "red"})
    worn = card_picture(back.model_copy(update={"edges": 1.0}), px_per_mm=2)
    assert not np.allclose(worn, card_picture(back, px_per_mm=2), atol=0.05)
    creased = card_picture(new.model_copy(update={"creases": 2, "seed": 3}), px_per_mm=2)
    assert (np.abs(creased - picture).max(axis=2) > 0.05).mean() < 0.2
