"""Scene family ``dice``: six-sided dice in a photo box, in a tray or on a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from blender_scenes.blocks.clutter import sample_clutter, sample_occluders
from blender_scenes.blocks.framing import frame_camera
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.dice.arrangement import Lying, lay_dice
from blender_scenes.dice.factors import FACTORS
from blender_scenes.dice.paints import draw_paint
from blender_scenes.dice.scene import DiceScene, Die, DieShape
from blender_scenes.dice.setting import draw_setting
from blender_scenes.dice.solid import NUMBERS, face_points_m
from blender_scenes.family import SceneFamily, SpecKey
from pipeline.geometry.camera import Camera, project
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene, Vector3
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["DiceFamily"]

_TYPICAL_M = 0.012  # side of the die that the camera's object_px is about
_REACH_M = 0.12  # of the lit scene
_UPPER_LEFT_RAD = -3 * math.pi / 4  # in the picture, where y runs down
_LAYOUT = KeypointLayout(
    names=("upper_left", "upper_right", "lower_right", "lower_left", "centre"),
    skeleton=((0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (1, 4), (2, 4), (3, 4)),
    sigmas=(0.05, 0.05, 0.05, 0.05, 0.04),
)


class DiceFamily(SceneFamily):
    """Dice as phones photograph them from above; the category is the number on top.

    The corners of the top face go clockwise in the picture from the one that is most to the
    upper left: the numbers one, four and five look the same after a quarter turn, so that no
    order of the die's own could be seen.
    """

    name: ClassVar[str] = "dice"
    summary: ClassVar[str] = "six-sided dice in a photo box, a tray or on a table"
    categories: tuple[str, ...] = NUMBERS
    keypoints: Mapping[str, KeypointLayout] = MappingProxyType(dict.fromkeys(NUMBERS, _LAYOUT))
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=640, height=640)
    scene_type: ClassVar[type[SampledScene]] = DiceScene
    build_module: ClassVar[str] = "blender_scenes.dice.build"
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"worlds", "backgrounds"})

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> DiceScene:
        """Fix every number of one frame."""
        setting = draw_setting(draws, pictures=self.pictures("backgrounds"))
        values: dict[str, Any] = draws.frame("count")
        shapes = [_shape(draws, number) for number in range(1, values["dice"] + values["more"] + 1)]
        lying = lay_dice(draws, shapes, field=setting.field)
        camera = frame_camera(draws, image=image, object_m=_TYPICAL_M)
        x_m, y_m, z_m = (row[3] for row in camera.world_from_cam[:3])
        distance_m = math.hypot(x_m, y_m, z_m)
        taken_m = np.array(
            [(*np.array(die.world_from_obj)[:2, 3], shapes[die.number - 1].size_m) for die in lying]
        )
        on_table = bool(setting.ground.picture) or draws.frame("background")["setting"] == "table"
        return DiceScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=tuple(
                _die(draws, die, shapes[die.number - 1], instance_id, camera)
                for instance_id, die in enumerate(lying, start=1)
            ),
            light=sample_light(
                draws,
                reach_m=_REACH_M,
                pictures=self.pictures("worlds"),
                camera_m=(x_m, y_m, z_m),
            ),
            ground=setting.ground,
            ground_z_m=setting.ground_z_m,
            tray=setting.tray,
            strip=setting.strip,
            things=(
                *(sample_clutter(draws, camera, taken_m=taken_m) if on_table else ()),
                *sample_occluders(draws, camera, distance_m=distance_m),
            ),
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )


def _shape(draws: FactorDraws, number: int) -> DieShape:
    values: dict[str, Any] = dict(draws.object("shape", number))
    pips = values.pop("pips")
    two, three, six = (bool(pips >> bit & 1) for bit in range(3))
    return DieShape(**values, turned=(two, three, six))


def _die(
    draws: FactorDraws, lying: Lying, shape: DieShape, instance_id: int, camera: Camera
) -> Die:
    return Die(
        instance_id=instance_id,
        category=NUMBERS[lying.face - 1],
        world_from_obj=lying.world_from_obj,
        keypoints_m=_seen_in_order(face_points_m(shape, lying.face), lying, camera),
        shape=shape,
        paint=draw_paint(
            draws.object("material", lying.number),
            seed=draws.noise_seed("material", lying.number),
        ),
    )


def _seen_in_order(
    points_m: tuple[Vector3, ...], lying: Lying, camera: Camera
) -> tuple[Vector3, ...]:
    # Corners come anticlockwise seen from outside, which is also how the camera sees them.
    pose = np.array(lying.world_from_obj)
    pixels = project(camera, np.array(points_m) @ pose[:3, :3].T + pose[:3, 3])
    offset = pixels[:4] - pixels[4]
    bearing = np.arctan2(offset[:, 1], offset[:, 0]) - _UPPER_LEFT_RAD
    first = int(np.argmax(np.cos(bearing)))
    clockwise = (points_m[(first - step) % 4] for step in range(4))
    return (*clockwise, points_m[4])
