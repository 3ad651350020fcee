"""The sampled scene of dice: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from typing import Literal

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene

__all__ = ["DiceScene", "Die", "DiePaint", "DieShape", "Handedness", "Strip", "Tray"]

Handedness = Literal["right", "left"]


class DieShape(Record):
    """A cube with rounded edges, ball-cut corners and sunk pips.

    Attributes:
        size_m: Side of the cube.
        edge: Radius of the edges over half the side.
        ball: Radius of the ball that cuts the corners, over half the side; from 1.73 on it
            cuts nothing.
        handed: One, two, three run anticlockwise (right) or clockwise around their corner.
        turned: Whether the pips of two, three and six run the other way.
        pip_radius: Over half the side.
        pip_pitch: From the middle of a face to its outer pips, along its sides, over half the
            side.
        six_long: Reach of the rows of three of a six, over ``pip_pitch``.
        six_wide: Reach of a six across them, over ``pip_pitch``.
        pip_depth: Over half the side.
        hollow: How far the middle of a face is sunk, over half the side.
    """

    size_m: float
    edge: float
    ball: float
    handed: Handedness
    turned: tuple[bool, bool, bool]
    pip_radius: float
    pip_pitch: float
    six_long: float
    six_wide: float
    pip_depth: float
    hollow: float


class DiePaint(Record):
    """Colours of a die, all linear RGB reflectances.

    Attributes:
        finish: One colour, two that run into each other, or one that light goes through.
        body: Most of it.
        swirl: The second one of marbled dice.
        pips: Paint in the pips.
        roughness: Of its gloss.
        seed: Of the marbling.
    """

    finish: Literal["opaque", "marbled", "translucent"]
    body: Rgb
    swirl: Rgb
    pips: Rgb
    roughness: float
    seed: int


class Die(SampledInstance):
    """One die; its frame's origin is its middle, ``one`` looks along x."""

    shape: DieShape
    paint: DiePaint


class Tray(Record):
    """A box lid that dice were thrown into; its floor is at z = 0.

    Attributes:
        world_from_tray: 4 x 4 rigid transform; the origin is the middle of its floor.
        inner_m: Sides of its floor.
        height_m: Of its walls.
        rim_m: Thickness of its walls.
        floor: What it is lined with.
        walls: Linear RGB reflectance of the inner sides.
        rim: Of the glossy outside.
        seed: Of the print on the outside.
    """

    world_from_tray: Matrix4
    inner_m: tuple[float, float]
    height_m: float
    rim_m: float
    floor: Ground
    walls: Rgb
    rim: Rgb
    seed: int


class Strip(Record):
    """A clear flap of the photo box with two magnets beneath it.

    Attributes:
        world_from_strip: 4 x 4 rigid transform; the origin is its middle, x its length.
        size_m: Length and width.
        curl_m: How far its long sides bend up.
        magnet_m: Diameter of the magnets.
        magnet_shade: Reflectance of the magnets, seen through the flap.
        shade: Reflectance of the flap.
        end_shade: Share of it that is missing at the flap's ends.
    """

    world_from_strip: Matrix4
    size_m: tuple[float, float]
    curl_m: float
    magnet_m: float
    magnet_shade: float
    shade: float
    end_shade: float


class DiceScene(SampledScene):
    """Dice in a photo box, in a tray or on a table, everything fixed.

    Attributes:
        ground_z_m: Height of the ground; that of a tray's floor is 0.
        things: Unlabelled things about and before the lens.
    """

    instances: tuple[Die, ...]
    light: Light
    ground: Ground
    ground_z_m: float
    tray: Tray | None
    strip: Strip | None
    things: tuple[Thing, ...]
