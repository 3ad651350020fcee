"""The sampled scene of the coins family: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from typing import Literal

from pipeline.records.scene import Record, SampledInstance, SampledScene

__all__ = [
    "Board",
    "Border",
    "Coin",
    "CoinsScene",
    "Light",
    "Motif",
    "Prop",
    "PropKind",
    "Rgb",
    "Surface",
]

Rgb = tuple[float, float, float]
Surface = Literal["felt", "cloth", "board", "paper", "wood"]
Motif = Literal["portrait", "face", "figure", "animal", "symbol", "worn"]
PropKind = Literal["label", "pin", "pebble", "ring"]
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


class Board(Record):
    """What the coins lie on.

    Attributes:
        surface: Kind of texture.
        colour: Linear RGB reflectance at the bright end of the gradient.
        gradient: Light lost towards the dark end, 0 to 1.
        gradient_rad: Direction in which it gets darker.
        clouds: Contrast of broad brighter and darker patches, 0 to 1.
        texture: Contrast of the texture, 0 to 1.
        grain_m: Size of its threads, fibres or pores.
        stains: Soft round spots, darker or brighter.
        specks: Grains of dust.
        scratches: Thin lines.
        seed: Of the texture.
        litter_seed: Of stains, specks and scratches.
        extent_m: Side of the textured square.
    """

    surface: Surface
    colour: Rgb
    gradient: float
    gradient_rad: float
    clouds: float
    texture: float
    grain_m: float
    stains: int
    specks: int
    scratches: int
    seed: int
    litter_seed: int
    extent_m: float


class Light(Record):
    """A lamp at the side and light from all around.

    Attributes:
        position_m: Middle of the lamp.
        size_m: Side of the lamp; large lamps throw soft shadows.
        irradiance: On the middle of the board, 1 shows a white surface at full scale.
        colour: Linear RGB of the lamp, brightest channel 1.
        fill: Radiance from all around; 1 alone shows a white surface at full scale.
    """

    position_m: tuple[float, float, float]
    size_m: float
    irradiance: float
    colour: Rgb
    fill: float


class Prop(Record):
    """A thing on the board that is no coin.

    Attributes:
        kind: Paper label, round-headed pin, pebble or wire ring.
        position_m: x, y on the board.
        angle_rad: Turn about the upright axis.
        size_m: Longest extent.
        colour: Linear RGB.
        seed: Of its print or shape.
    """

    kind: PropKind
    position_m: tuple[float, float]
    angle_rad: float
    size_m: float
    colour: Rgb
    seed: int


class CoinsScene(SampledScene):
    """Coins on a board, everything fixed.

    Attributes:
        plate_edge: Inset of the dark plate holder from each side of the picture (left, top,
            right, bottom), fraction of the width; negative where it lies outside.
        plate_corner: Radius of the holder's corners, fraction of the width.
    """

    instances: tuple[Coin, ...]
    board: Board
    light: Light
    props: tuple[Prop, ...]
    plate_edge: tuple[float, float, float, float]
    plate_corner: float
