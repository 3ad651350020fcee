"""Scene family ``checkerboard``: a calibration target held in a room."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from blender_scenes.blocks.backdrops import Backdrop
from blender_scenes.blocks.lighting import Light, sample_light
from blender_scenes.blocks.pictures import own_picture
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.checkerboard.factors import FACTORS
from blender_scenes.checkerboard.metering import white_brightness
from blender_scenes.checkerboard.posing import Posed, pose_board
from blender_scenes.checkerboard.scene import Bend, Board, CheckerboardScene, Grip, GripKind
from blender_scenes.checkerboard.surroundings import (
    sample_furnishings,
    sample_person,
    sample_room,
    sample_things,
    skin_colour,
)
from blender_scenes.checkerboard.target import corner_layout, corners_m
from blender_scenes.family import SceneFamily, SpecKey
from pipeline.errors import SpecError
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene, SensorSettings
from pipeline.sampling.factors import FactorDraws, Fixed, bind_factors
from pipeline.specs.scene import ImageSpec, SceneSpec

__all__ = ["CheckerboardFamily"]

_REACH_M = 0.6  # of what the lamp lights
_BACKDROP = 4.0  # how far a user's photograph hangs, over the distance of the board
_HANDS: tuple[GripKind, ...] = ("thumb", "fingers")
_CLIPS: tuple[GripKind, ...] = ("clip",)
_CATEGORY = "chessboard"  # as OpenCV calls it


class CheckerboardFamily(SceneFamily):
    """A checkerboard of any size, slightly bent, before a cluttered room."""

    name: ClassVar[str] = "checkerboard"
    summary: ClassVar[str] = "calibration target held in a room; inner corners, 6D pose, lens"
    categories: tuple[str, ...] = (_CATEGORY,)
    keypoints: Mapping[str, KeypointLayout] = MappingProxyType({_CATEGORY: corner_layout(10, 7)})
    factors = FACTORS
    image: ClassVar[ImageSpec] = ImageSpec(width=640, height=480)
    scene_type: ClassVar[type[SampledScene]] = CheckerboardScene
    build_module: ClassVar[str] = "blender_scenes.checkerboard.build"
    max_bounces: ClassVar[tuple[int, int, int]] = (3, 2, 1)
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"worlds", "backgrounds"})

    def of(self, spec: SceneSpec, *, source: Path) -> Self:
        """With the inner corners of the spec's target as keypoints.

        Raises:
            SpecError: If its size differs from picture to picture, or looks the same upside
                down.
        """
        made = super().of(spec, source=source)
        bound = bind_factors(
            self.factors, spec.factors, source=source, randomisation=spec.randomisation
        )
        size = {p.name: p.distribution for p in bound["shape"].factor.parameters}
        columns, rows = (
            _one_number(size[name], where=f"{source}: key 'factors.shape.{name}'")
            for name in ("columns", "rows")
        )
        if (columns + rows) % 2 == 0:
            raise SpecError(
                f"{source}: key 'factors.shape': {columns} x {rows} squares look the same upside "
                f"down, so that corners have no order; make one of them odd, the other even."
            )
        made.keypoints = {_CATEGORY: corner_layout(columns, rows)}
        return made

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> CheckerboardScene:
        """Fix every number of one frame."""
        shape: dict[str, Any] = draws.frame("shape")
        posed = pose_board(
            draws,
            image=image,
            columns=shape["columns"],
            rows=shape["rows"],
            square_m=shape["square_m"],
        )
        board = _board(draws, posed)
        light = sample_light(draws, reach_m=_REACH_M, pictures=self.pictures("worlds"))
        backdrop = _backdrop(draws, light, board, pictures=self.pictures("backgrounds"))
        room = None if backdrop else sample_room(draws, posed)
        return CheckerboardScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=posed.camera,
            instances=(board,),
            light=light,
            room=room,
            backdrop=backdrop,
            furnishings=sample_furnishings(draws, posed, room),
            things=sample_things(draws, posed, room),
            person=sample_person(draws, board),
            grips=_grips(draws, board),
            sensor=_sensor(draws, light, board),
            factors=draws.drawn,
        )


def _one_number(distribution: object, *, where: str) -> int:
    value = distribution.value if isinstance(distribution, Fixed) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(
            f"{where}: got {distribution}; expected one whole number, since all pictures of a "
            f"dataset have the same keypoints. Render one dataset for each size."
        )
    return value


def _board(draws: FactorDraws, posed: Posed) -> Board:
    shape: dict[str, Any] = draws.frame("shape")
    material: dict[str, Any] = draws.frame("material")
    red, green, blue = colorsys.hsv_to_rgb(0.08, material["plate_warmth"], material["plate"])
    board = Board(
        instance_id=1,
        category=_CATEGORY,
        world_from_obj=posed.world_from_board,
        columns=shape["columns"],
        rows=shape["rows"],
        square_m=shape["square_m"],
        margin=shape["margin"],
        plate=shape["plate"],
        bend=Bend(
            amount_m=shape["bend_m"],
            direction_rad=shape["bend_direction_rad"],
            twist=shape["twist"],
        ),
        white=material["white"],
        black=material["black"],
        stain=material["stain"],
        sheen=material["sheen"],
        plate_colour=(red, green, blue),
        seed=draws.noise_seed("material"),
    )
    return board.model_copy(update={"keypoints_m": corners_m(board)})


def _grips(draws: FactorDraws, board: Board) -> tuple[Grip, ...]:
    values: dict[str, Any] = draws.frame("occlusion")
    reach = 1 + board.margin + board.plate
    half = np.array([board.columns, board.rows]) / 2 - 1 + reach
    middle = np.array([board.columns - 2, board.rows - 2]) / 2
    grips = []
    for index in range(1, values["hands"] + values["clips"] + 1):
        noise = draws.noise("occlusion", index)
        side, along = int(noise.integers(4)), float(noise.uniform(-0.7, 0.7))
        kinds = _HANDS if index <= values["hands"] else _CLIPS
        outwards = side * math.pi / 2
        out = np.array([round(math.cos(outwards)), round(math.sin(outwards))])
        x, y = middle + half * (out + along * out[::-1])
        grips.append(
            Grip(
                kind=kinds[int(noise.integers(len(kinds)))],
                place=(float(x), float(y)),
                outwards_rad=outwards + float(noise.normal(0, 0.2)),
                reach_m=values["reach_m"],
                skin=skin_colour(draws),
                seed=int(noise.integers(2**31)),
            )
        )
    return tuple(grips)


def _sensor(draws: FactorDraws, light: Light, board: Board) -> SensorSettings:
    values: dict[str, Any] = draws.frame("sensor")
    towards_viewer = -np.array(board.world_from_obj)[:3, 2]
    lit = white_brightness(light, normal=towards_viewer)
    return sample_sensor(draws).model_copy(update={"exposure": values["exposure"] / lit})


def _backdrop(
    draws: FactorDraws, light: Light, board: Board, *, pictures: tuple[str, ...]
) -> Backdrop | None:
    # As bright as a photograph that was taken in the same light.
    picture = own_picture(draws, "background", pictures)
    lit = white_brightness(light, normal=-np.array(board.world_from_obj)[:3, 2])
    return Backdrop(distance=_BACKDROP, brightness=lit, picture=picture) if picture else None
