"""Scene family ``primitives``: simple solids on the ground or in the air."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.grounds import Ground
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.pictures import own_picture
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.family import SceneFamily, SpecKey
from blender_scenes.primitives.arrangement import Arrangement, Placed, arrange_solids
from blender_scenes.primitives.factors import FACTORS
from blender_scenes.primitives.scene import Bar, Primitive, PrimitivesScene, Stone
from blender_scenes.primitives.solids import KEYPOINTS, SOLIDS, keypoints_of
from pipeline.geometry.camera import Camera, look_at, matrix4, pinhole_camera
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["PrimitivesFamily"]

_GROUND_SIDES = 100.0  # of the field: far enough to hide where it ends
_PHOTOGRAPH_SIDES = 1.5  # of the field that a user's photograph covers before it is mirrored


class PrimitivesFamily(SceneFamily):
    """Boxes, balls, cones and the like: a test bed for every kind of label."""

    name: ClassVar[str] = "primitives"
    summary: ClassVar[str] = "simple solids on the ground or in the air, with keypoints"
    categories: tuple[str, ...] = SOLIDS
    keypoints: Mapping[str, KeypointLayout] = MappingProxyType(KEYPOINTS)
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=320, height=320)
    scene_type: ClassVar[type[SampledScene]] = PrimitivesScene
    build_module: ClassVar[str] = "blender_scenes.primitives.build"
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"worlds", "backgrounds"})

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> PrimitivesScene:
        """Fix every number of one frame."""
        arrangement = arrange_solids(draws)
        camera = _camera(draws, image=image, arrangement=arrangement)
        ground: dict[str, Any] = draws.frame("background")
        return PrimitivesScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=tuple(
                _primitive(draws, solid, instance_id)
                for instance_id, solid in enumerate(arrangement.solids, start=1)
            ),
            ground=_colour(ground),
            ground_mottled=ground["mottled"],
            ground_m=_GROUND_SIDES * arrangement.field_m,
            photograph=_photograph(
                draws, self.pictures("backgrounds"), field_m=arrangement.field_m
            ),
            light=sample_light(
                draws, reach_m=arrangement.field_m, pictures=self.pictures("worlds")
            ),
            stones=_stones(draws, field_m=arrangement.field_m),
            bars=_bars(draws, camera),
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )


def _camera(draws: FactorDraws, *, image: ImageSpec, arrangement: Arrangement) -> Camera:
    values: dict[str, Any] = draws.frame("camera")
    narrow = min(1.0, image.height / image.width)
    view_m = arrangement.field_m / values["framing"]
    distance_m = view_m / 2 / math.tan(values["hfov_rad"] / 2) / narrow
    azimuth, elevation, roll = (values[f"{key}_rad"] for key in ("azimuth", "elevation", "roll"))
    outwards = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    sideways = np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])
    upwards = np.array([0.0, 0.0, 1.0])
    centre = np.array(arrangement.centre_m)
    return pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=values["hfov_rad"],
        world_from_cam=look_at(
            eye_m=centre
            + distance_m * (math.cos(elevation) * outwards + math.sin(elevation) * upwards),
            target_m=centre,
            up=math.cos(roll) * upwards + math.sin(roll) * sideways,
        ),
    )


def _primitive(draws: FactorDraws, solid: Placed, instance_id: int) -> Primitive:
    values: dict[str, Any] = draws.object("material", solid.number)
    return Primitive(
        instance_id=instance_id,
        category=solid.name,
        world_from_obj=solid.world_from_obj,
        keypoints_m=keypoints_of(solid.name, solid.extent_m),
        motion=solid.motion,
        extent_m=solid.extent_m,
        colour=_colour(values),
        finish=values["finish"],
        roughness=values["roughness"],
        mottled=values["mottled"],
        grain=float(draws.noise("material", solid.number).uniform(0, 100)),
    )


def _colour(values: dict[str, Any]) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(
        values["hue"], values["saturation"], values["brightness"]
    )
    return (red, green, blue)


def _photograph(draws: FactorDraws, pictures: tuple[str, ...], *, field_m: float) -> Ground | None:
    picture = own_picture(draws, "background", pictures)
    white = (1.0, 1.0, 1.0)
    tile_m = _PHOTOGRAPH_SIDES * field_m
    return (
        Ground(surface="picture", dark=white, light=white, tile_m=tile_m, picture=picture)
        if picture
        else None
    )


def _stones(draws: FactorDraws, *, field_m: float) -> tuple[Stone, ...]:
    # Outside the field, so that they touch no solid at rest.
    stones = []
    for index in range(1, int(draws.frame("distractors")["stones"]) + 1):
        noise = draws.noise("distractors", index)
        bearing = float(noise.uniform(-math.pi, math.pi))
        width_m, depth_m, height_m = (
            float(radius) for radius in noise.uniform([0.03, 0.03, 0.02], 0.06) * field_m
        )
        distance_m = field_m * float(noise.uniform(0.78, 0.95))
        stones.append(
            Stone(
                position_m=(
                    distance_m * math.cos(bearing),
                    distance_m * math.sin(bearing),
                    0.7 * height_m,
                ),
                radii_m=(width_m, depth_m, height_m),
                angle_rad=float(noise.uniform(-math.pi, math.pi)),
                grey=float(noise.uniform(0.05, 0.6)),
            )
        )
    return tuple(stones)


def _bars(draws: FactorDraws, camera: Camera) -> tuple[Bar, ...]:
    values: dict[str, Any] = draws.frame("occlusion")
    world_from_cam = np.array(camera.world_from_cam)
    depth_m = 0.35 * float(np.linalg.norm(world_from_cam[:3, 3]))
    view_m = depth_m * camera.width_px / camera.K[0][0]
    bars = []
    for index in range(1, int(values["bars"]) + 1):
        noise = draws.noise("occlusion", index)
        angle = float(noise.uniform(0, math.pi))
        across = np.array([-math.sin(angle), math.cos(angle), 0.0])
        cam_from_bar = np.eye(4)
        cam_from_bar[:3, 0], cam_from_bar[:3, 2] = across, [math.cos(angle), math.sin(angle), 0]
        cam_from_bar[:3, 1] = np.cross(cam_from_bar[:3, 2], across)
        cam_from_bar[:3, 3] = float(noise.uniform(-0.4, 0.4)) * view_m * across
        cam_from_bar[2, 3] = depth_m
        bars.append(
            Bar(
                world_from_bar=matrix4(world_from_cam @ cam_from_bar),
                length_m=2 * view_m * max(1.0, camera.height_px / camera.width_px),
                radius_m=values["width"] * view_m / 2,
                grey=float(noise.uniform(0.05, 0.6)),
            )
        )
    return tuple(bars)
