"""Scene family ``cards``: playing cards on tables, cloths and floors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from blender_scenes.blocks.clutter import sample_clutter, sample_occluders
from blender_scenes.blocks.framing import frame_camera, ground_under
from blender_scenes.blocks.grounds import sample_ground
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.cards.arrangement import Table, card_places
from blender_scenes.cards.company import draw_strays, lay_strays, sample_prints
from blender_scenes.cards.dealing import deal, draw_bend, draw_look
from blender_scenes.cards.deck import CARD_MM, RANKS, Rank, Suit
from blender_scenes.cards.factors import FACTORS
from blender_scenes.cards.scene import Card, CardsScene
from blender_scenes.cards.sheets import card_surface, corners_m
from blender_scenes.family import SceneFamily, SpecKey
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, Matrix4, project
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene, Vector3
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["CardsFamily"]

_CARD_M = CARD_MM[1] / 1000
_REACH_M = 0.3  # of the lit scene
_TILE_M = 0.45
_UPPER_LEFT_RAD = -3 * math.pi / 4  # in the picture, where y runs down
_HALF_CARD_M = 0.036
_LAYOUT = KeypointLayout(
    names=("upper_left", "upper_right", "lower_right", "lower_left"),
    skeleton=((0, 1), (1, 2), (2, 3), (3, 0)),
    sigmas=(0.025,) * 4,
)


class CardsFamily(SceneFamily):
    """Playing cards of a 52-card deck; the category is the rank, whatever the suit.

    A spec's ``categories`` say which ranks are labelled; the others lie about without a label.
    The corners go clockwise in the picture from the one that is most to the upper left: most
    cards look the same after half a turn.
    """

    name: ClassVar[str] = "cards"
    summary: ClassVar[str] = "playing cards on tables, cloths and floors; four corners"
    categories: tuple[str, ...] = RANKS
    keypoints: Mapping[str, KeypointLayout] = MappingProxyType(dict.fromkeys(RANKS, _LAYOUT))
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=378, height=504, format="jpg")
    scene_type: ClassVar[type[SampledScene]] = CardsScene
    build_module: ClassVar[str] = "blender_scenes.cards.build"
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"categories", "worlds", "backgrounds"})

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> CardsScene:
        """Fix every number of one frame."""
        camera = frame_camera(draws, image=image, object_m=_CARD_M)
        ground = sample_ground(draws, tile_m=_TILE_M, pictures=self.pictures("backgrounds"))
        middle_m, half_view_m = _view(camera)
        dealt = deal(draws, self.categories)
        places = card_places(draws, len(dealt), half_view_m=half_view_m)
        places[:, :2] += middle_m
        table = Table.of(ground)
        strays = draw_strays(draws, self.categories, places, half_view_m=half_view_m)
        below = lay_strays(table, strays, last=False)
        instances = tuple(
            _card(draws, table, rank, suit, place, number, camera)
            for number, ((rank, suit), place) in enumerate(zip(dealt, places, strict=True), start=1)
        )
        above = lay_strays(table, strays, last=True)
        distance_m = float(np.linalg.norm(np.array(camera.world_from_cam)[:3, 3]))
        taken_m = [(*place[:2], _HALF_CARD_M) for place in (*places, *(s.place for s in strays))]
        return CardsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=instances,
            others=(*below, *above),
            prints=sample_prints(draws, table, places, half_view_m=half_view_m),
            things=(
                *sample_clutter(draws, camera, taken_m=np.array(taken_m)),
                *sample_occluders(draws, camera, distance_m=distance_m),
            ),
            light=sample_light(draws, reach_m=_REACH_M, pictures=self.pictures("worlds")),
            ground=ground,
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )


def _card(
    draws: FactorDraws,
    table: Table,
    rank: Rank,
    suit: Suit,
    place: FloatArray,
    number: int,
    camera: Camera,
) -> Card:
    bend = draw_bend(draws, number)
    pose = table.let_down(card_surface(bend), place)
    return Card(
        instance_id=number,
        category=rank,
        world_from_obj=pose,
        keypoints_m=_seen_in_order(corners_m(bend), pose, camera),
        look=draw_look(draws, rank, suit, number),
        bend=bend,
    )


def _view(camera: Camera) -> tuple[FloatArray, FloatArray]:
    # Middle and half sides of a box on the ground that the camera sees all of.
    wide, tall = camera.width_px, camera.height_px
    rim = np.array([(0, tall / 2), (wide, tall / 2), (wide / 2, 0), (wide / 2, tall)], float)
    left, right, far, near = ground_under(camera, rim, farthest_m=1.0)
    middle = (left + right + far + near) / 4
    reach = np.abs(np.array([right - left, far - near])).max(axis=0) / 2
    return middle, reach


def _seen_in_order(
    points_m: tuple[Vector3, ...], pose: Matrix4, camera: Camera
) -> tuple[Vector3, ...]:
    # Corners come anticlockwise seen from above, which is also how the camera sees them.
    world_from_card = np.array(pose)
    world_m = np.array(points_m) @ world_from_card[:3, :3].T + world_from_card[:3, 3]
    pixels = project(camera, world_m)
    offset = pixels - pixels.mean(axis=0)
    bearing = np.arctan2(offset[:, 1], offset[:, 0]) - _UPPER_LEFT_RAD
    first = int(np.argmax(np.cos(bearing)))
    return tuple(points_m[(first - step) % 4] for step in range(4))
