"""The sampled scene of cards: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from blender_scenes.cards.deck import Back, Deck, Rank, Suit
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene

__all__ = ["Bend", "Card", "CardsScene", "Look", "Print", "Unlabelled"]


class Bend(Record):
    """How a sheet departs from a plane; heights count from its middle.

    Attributes:
        curl_m: Of an end over the middle, along ``direction_rad``; below 0 the middle is up.
        direction_rad: Of the curl, about the sheet's z; 0 is along its x.
        twist_m: Of two opposite corners over the middle, the others as far below.
        ear_m: How far one corner is bent up.
        ear_corner: Which, anticlockwise from the one with the largest x and y.
        ear_reach: Where that bend begins, from the middle (0) to the corner (1).
    """

    curl_m: float = 0.0
    direction_rad: float = 0.0
    twist_m: float = 0.0
    ear_m: float = 0.0
    ear_corner: int = 0
    ear_reach: float = 0.6


class Look(Record):
    """What a card shows.

    Attributes:
        rank: Of its front.
        suit: Of its front.
        face_up: Whether the front is up; else the back is.
        deck: Kind of indices.
        back: Of the deck.
        white: Reflectance of its paper.
        yellow: 0 white to 1 as old paper.
        ink: Strength of the print; 1 is new.
        edges: Whitened and grimy rim, 0 to 1.
        creases: Number of lines where it was folded.
        stain: 0 clean to 1.
        hue_shift: Of its print; a full circle is 1.
        roughness: Of its gloss; 0 is matt.
        seed: Of all wear.
    """

    rank: Rank
    suit: Suit
    face_up: bool = True
    deck: Deck = "standard"
    back: Back = "red"
    white: float = 0.82
    yellow: float = 0.0
    ink: float = 1.0
    edges: float = 0.0
    creases: int = 0
    stain: float = 0.0
    hue_shift: float = 0.0
    roughness: float = 0.0
    seed: int = 0


class Card(SampledInstance):
    """A labelled card; its frame's origin is its middle, x its width, z out of its front."""

    look: Look
    bend: Bend


class Unlabelled(Record):
    """A card that is a distractor, or a pile of such.

    Attributes:
        world_from_card: 4 x 4 rigid transform.
        look: Of the uppermost one.
        bend: Of all.
        thick_m: Of one or of all together.
    """

    world_from_card: Matrix4
    look: Look
    bend: Bend
    thick_m: float


class Print(Record):
    """A leaflet, booklet or book with a printed cover.

    Attributes:
        world_from_print: 4 x 4 rigid transform; the origin is the middle of its cover.
        size_m: Along x and y.
        thick_m: Of all its pages.
        roughness: Of its gloss; 0 is matt.
        seed: Of what is printed on it.
    """

    world_from_print: Matrix4
    size_m: tuple[float, float]
    thick_m: float
    roughness: float
    seed: int


class CardsScene(SampledScene):
    """Cards on a table, a cloth or a floor, everything fixed.

    Attributes:
        others: Cards without a label.
        prints: Leaflets and books, some of them on top of cards.
        things: Unlabelled things about and before the lens.
    """

    instances: tuple[Card, ...]
    others: tuple[Unlabelled, ...]
    prints: tuple[Print, ...]
    things: tuple[Thing, ...]
    light: Light
    ground: Ground
