"""The sampled scene of meshes: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from blender_scenes.blocks.backdrops import Backdrop
from blender_scenes.blocks.clutter import Thing
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from blender_scenes.meshes.prepared import Finish
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene

__all__ = ["Look", "MarkerBoard", "MeshInstance", "MeshesScene", "Other"]


class Look(Record):
    """Which model, and how it is painted.

    Attributes:
        surface: Key of the prepared mesh: a hash of the files it was made from.
        unit_m: Metres in one unit of these.
        finish: Materials of its own, colours at its vertices, or painted all over.
        colour: Linear RGB that multiplies its own colours, or that it is painted with.
        roughness: Factor on that of its own materials; else the roughness of its gloss.
    """

    surface: str
    unit_m: float
    finish: Finish
    colour: Rgb
    roughness: float


class MeshInstance(SampledInstance):
    """One object; its frame is that of its model's file."""

    look: Look


class Other(Record):
    """A model that is none of the categories, unlabelled."""

    look: Look
    world_from_obj: Matrix4


class MarkerBoard(Record):
    """A printed square with markers along its sides, level at z = 0 around the origin.

    Attributes:
        side_m: Of the board.
        markers: Along each side.
        angle_rad: About the upright axis.
        seed: Of the markers and of the poster inside.
    """

    side_m: float
    markers: int
    angle_rad: float
    seed: int


class MeshesScene(SampledScene):
    """Models on a ground or in the air, everything fixed.

    Attributes:
        falling: Objects are above the ground and have still to come to rest.
        ground: None where objects float before a backdrop.
        ground_m: Its side.
        ground_z_m: Its height; objects stand on z = 0.
        backdrop: The room behind.
        distance_m: From the camera to the objects.
        things: Unlabelled things about and before the lens.
    """

    instances: tuple[MeshInstance, ...]
    others: tuple[Other, ...]
    falling: bool
    light: Light
    ground: Ground | None
    ground_m: float
    ground_z_m: float
    board: MarkerBoard | None
    backdrop: Backdrop | None
    distance_m: float
    things: tuple[Thing, ...]
