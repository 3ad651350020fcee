"""The sampled scene of the primitives: what ``family.py`` fixes and ``build.py`` builds."""

from __future__ import annotations

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.finishes import Finish
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import Light
from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Record, SampledInstance, SampledScene, Vector3

__all__ = ["Bar", "Primitive", "PrimitivesScene", "Stone"]


class Primitive(SampledInstance):
    """One solid; its frame's origin is the middle of the box around it, z its axis.

    Attributes:
        extent_m: Sides of that box.
        colour: Linear RGB reflectance.
        finish: What the surface is.
        roughness: Of its gloss.
        mottled: Whether noise makes it brighter and darker.
        grain: Where in the noise it lies.
    """

    extent_m: Vector3
    colour: Rgb
    finish: Finish
    roughness: float
    mottled: bool
    grain: float


class Stone(Record):
    """An unlabelled rounded lump on the ground.

    Attributes:
        position_m: Of its middle.
        radii_m: Half axes.
        angle_rad: Turn about the upright axis.
        grey: Reflectance.
    """

    position_m: Vector3
    radii_m: Vector3
    angle_rad: float
    grey: float


class Bar(Record):
    """An unlabelled rod between camera and objects.

    Attributes:
        world_from_bar: 4 x 4 rigid transform; the rod's axis is z.
        length_m: Of the rod.
        radius_m: Of the rod.
        grey: Reflectance.
    """

    world_from_bar: Matrix4
    length_m: float
    radius_m: float
    grey: float


class PrimitivesScene(SampledScene):
    """Solids on the ground or in the air above it, everything fixed.

    Attributes:
        ground: Linear RGB reflectance of the ground, z = 0.
        ground_mottled: Whether noise makes it brighter and darker.
        ground_m: Its side; it goes on beyond what the camera sees.
        photograph: What lies there instead, where it is one of the user's pictures.
    """

    instances: tuple[Primitive, ...]
    ground: Rgb
    ground_mottled: bool
    ground_m: float
    photograph: Ground | None = None
    light: Light
    stones: tuple[Stone, ...]
    bars: tuple[Bar, ...]
