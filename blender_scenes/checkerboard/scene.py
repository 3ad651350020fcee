"""The sampled scene of the checkerboard: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from typing import Literal

from blender_scenes.blocks.backdrops import Backdrop
from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.lighting import Light
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene, Vector3

__all__ = [
    "Bend",
    "Board",
    "CheckerboardScene",
    "Furnishing",
    "FurnishingKind",
    "Grip",
    "GripKind",
    "Person",
    "Room",
]

FurnishingKind = Literal[
    "monitor", "keyboard", "whiteboard", "poster", "window", "shelf", "cartons", "lamp", "cables",
    "cupboard", "chair",
]  # fmt: skip


class Bend(Record):
    """How a board is bent: its surface is ``amount_m * (w^2 - twist * u v)`` off its plane.

    ``u``, ``v`` are the distances from its middle over half its longer side, ``w`` that along
    the direction across which it is rolled up.

    Attributes:
        amount_m: At the ends; above 0 they go away from the viewer.
        direction_rad: From the rows towards the columns.
        twist: Of opposite corners, over the amount.
    """

    amount_m: float
    direction_rad: float
    twist: float


class Board(SampledInstance):
    """The printed squares; the paper's margin and the plate behind are not labelled.

    The frame's origin is the first inner corner of the flat board, x along a row of corners, y
    along a column, z away from the viewer; the square right below the first corner is black.

    Attributes:
        columns: Squares in a row.
        rows: Squares in a column.
        square_m: Side of a square.
        margin: White around the squares, in squares; below 0 the outer ones are cut narrower.
        plate: Of the plate beyond the paper, in squares; 0 is paper without a plate.
        bend: Of paper and plate together.
        white: Reflectance of the paper.
        black: Reflectance of the ink.
        stain: How uneven paper and ink are, share of their reflectance.
        sheen: Roughness of the print's gloss; 1 is matt.
        plate_colour: Linear RGB.
        seed: Of stains.
    """

    columns: int
    rows: int
    square_m: float
    margin: float
    plate: float
    bend: Bend
    white: float
    black: float
    stain: float
    sheen: float
    plate_colour: Rgb
    seed: int


GripKind = Literal["thumb", "fingers", "clip"]


class Grip(Record):
    """What holds the board at its edge.

    Attributes:
        kind: A hand with its thumb in front, one with its fingers in front, or a clip.
        place: (2,) where at the edge, in squares from the first corner.
        outwards_rad: Away from the board, from x towards y.
        reach_m: How far it goes over the edge.
        skin: Linear RGB.
        seed: Of its fingers.
    """

    kind: GripKind
    place: tuple[float, float]
    outwards_rad: float
    reach_m: float
    skin: Rgb
    seed: int


class Person(Record):
    """Who stands behind the board.

    Attributes:
        position_m: Of the middle between the shoulders.
        turn_rad: About the upright axis; 0 faces the camera.
        lean_rad: Sideways.
        shirt: Linear RGB.
        stripe: Of the shirt's stripes, linear RGB.
        hair: Linear RGB.
        skin: Linear RGB.
        seed: Of build and stripes.
    """

    position_m: Vector3
    turn_rad: float
    lean_rad: float
    shirt: Rgb
    stripe: Rgb
    hair: Rgb
    skin: Rgb
    seed: int


class Furnishing(Record):
    """Something at the wall or on the desk.

    Attributes:
        kind: What it is.
        world_from_it: 4 x 4 rigid transform; x is right and z up, it faces -y and stands on, or
            hangs before, its origin.
        colour: Linear RGB of most of it.
        seed: Of its parts.
    """

    kind: FurnishingKind
    world_from_it: Matrix4
    colour: Rgb
    seed: int


class Room(Record):
    """The walls behind the board, around the upright axis through the world's origin.

    Attributes:
        depth_m: From the board to the wall behind it.
        side_m: To the wall on one side; below 0 it is the left one.
        floor_m: Height of the floor, below 0.
        desk_m: Height of the desk before the wall.
        desk_depth_m: How far the desk comes forward; 0 is none.
        wall: Linear RGB.
        floor: Linear RGB.
        desk: Linear RGB.
        panel_m: Width of the wall's panels; 0 is none.
    """

    depth_m: float
    side_m: float
    floor_m: float
    desk_m: float
    desk_depth_m: float
    wall: Rgb
    floor: Rgb
    desk: Rgb
    panel_m: float


class CheckerboardScene(SampledScene):
    """A board held in a room, everything fixed. The world's origin is the board's middle.

    Attributes:
        backdrop: One of the user's photographs in the room's place.
    """

    instances: tuple[Board, ...]
    light: Light
    room: Room | None
    backdrop: Backdrop | None = None
    furnishings: tuple[Furnishing, ...]
    things: tuple[Thing, ...]
    person: Person | None
    grips: tuple[Grip, ...]
