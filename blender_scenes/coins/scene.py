"""The sampled scene of the coins family: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from typing import Literal

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from pipeline.records.scene import SampledInstance, SampledScene

__all__ = ["Border", "Coin", "CoinsScene", "Motif"]

Motif = Literal["portrait", "face", "figure", "animal", "symbol", "worn"]
Border = Literal["none", "line", "beads", "legend"]


class Coin(SampledInstance):
    """One struck coin, lying on the board; its own plane is z = 0, its face looks to +z.

    Attributes:
        radius_m: From the middle to the farthest point of the outline.
        thickness_m: Of the flan, without relief.
        ovalness: Half the difference of the axes over the radius.
        irregularity: 0 a lathe's circle, 1 a hammered lump.
        cuts: Straight cuts along the edge.
        nicks: Notches and spurs of the edge.
        outline_seed: Of the outline.
        motif: What stands in the middle.
        border: What runs along the rim.
        relief_m: Height of the highest point above the field.
        wear: 0 fresh from the die, 1 rubbed flat.
        off_centre: How far the die missed the middle, fraction of the radius.
        incuse: The motif is sunk instead of raised.
        relief_seed: Of the motif.
        colour: Linear RGB reflectance of the bare metal.
        metallic: 0 dull as a cast, 1 mirror metal.
        roughness: Of the bare metal.
        patina: Darkness of what lies deep.
        blotches: Contrast of stains on the surface.
    """

    radius_m: float
    thickness_m: float
    ovalness: float
    irregularity: float
    cuts: int
    nicks: int
    outline_seed: int
    motif: Motif
    border: Border
    relief_m: float
    wear: float
    off_centre: float
    incuse: bool
    relief_seed: int
    colour: Rgb
    metallic: float
    roughness: float
    patina: float
    blotches: float


class CoinsScene(SampledScene):
    """Coins on a cloth or board, everything fixed.

    Attributes:
        things: Unlabelled ones that lie about.
        plate_edge: Inset of the dark plate holder from each side of the picture (left, top,
            right, bottom), fraction of the width; negative where it lies outside.
        plate_corner: Radius of the holder's corners, fraction of the width.
    """

    instances: tuple[Coin, ...]
    ground: Ground
    light: Light
    things: tuple[Thing, ...]
    plate_edge: tuple[float, float, float, float]
    plate_corner: float
