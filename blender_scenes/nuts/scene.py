"""The sampled scene of the nuts family: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from typing import Literal

from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene, Vector3

__all__ = ["Cloth", "Form", "Fruit", "Kind", "NutsScene", "Skin", "Sweet", "Vessel", "Weave"]

Kind = Literal["date", "fig", "hazelnut", "chocolate"]
Weave = Literal["terry", "microfibre"]


class Form(Record):
    """The shape of one piece, long side along x.

    Attributes:
        kind: What it is.
        size_m: Length, width and thickness; a fig's without its stalk.
        taper: How much thicker one end is than the other, over the mean.
        waist: How much thinner the middle is.
        bend: How far the middle is off the line between the ends, over the length.
        wrinkles: Depth of folds or creases over the usual.
        stalk: Its length over the piece's.
        seed: Of where the folds run.
    """

    kind: Kind
    size_m: Vector3
    taper: float
    waist: float
    bend: float
    wrinkles: float
    stalk: float
    seed: int


class Skin(Record):
    """The surface of one piece.

    Attributes:
        tone: Which of the colours of its kind, 0 ... 1.
        brightness: Over that of the colour.
        roughness: Of the gloss.
        wear: How much of it is scuffed, torn or dusty.
        seed: Of where.
    """

    tone: float
    brightness: float
    roughness: float
    wear: float
    seed: int


class Fruit(SampledInstance):
    """A labelled piece; its frame's origin is the middle of the body, without a stalk."""

    form: Form
    skin: Skin


class Sweet(Record):
    """A chocolate in gold foil, unlabelled."""

    world_from_sweet: Matrix4
    form: Form
    skin: Skin


class Cloth(Record):
    """A towel or cloth on the table.

    Attributes:
        weave: Loops of terry, or the soft ribs of a microfibre cloth.
        dark: Linear RGB reflectance between the threads.
        light: Of the threads.
        angle_rad: Turn of the weave about the upright axis.
        edge_m: Distance from the origin of the straight edge where it ends.
        edge_rad: Direction in which it ends.
        fold_m: From the deepest to the highest fold.
        thickness_m: Height above what is below it.
        seed: Of threads and folds.
    """

    weave: Weave
    dark: Rgb
    light: Rgb
    angle_rad: float
    edge_m: float
    edge_rad: float
    fold_m: float
    thickness_m: float
    seed: int


class Vessel(Record):
    """What the pieces may lie in, around the origin.

    Attributes:
        kind: A tray of thin clear plastic with ribs, or a round glass dish.
        half_m: Half sides of its floor along x and y, of a dish its radius twice.
        height_m: Of its wall.
        angle_rad: Turn about the upright axis.
    """

    kind: Literal["tray", "dish"]
    half_m: tuple[float, float]
    height_m: float
    angle_rad: float


class NutsScene(SampledScene):
    """Dried fruit and nuts on a table, everything fixed.

    Attributes:
        table: What is below all.
        table_m: Its side.
        cloths: From below upwards.
    """

    instances: tuple[Fruit, ...]
    sweets: tuple[Sweet, ...]
    table: Ground
    table_m: float
    cloths: tuple[Cloth, ...]
    vessel: Vessel | None
    light: Light
    clutter: tuple[Thing, ...]
    occluders: tuple[Thing, ...]
