"""The factor ``background`` of meshes: tables, rooms, a photo box, the open air."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from blender_scenes.blocks.backdrops import Backdrop, sample_backdrop
from blender_scenes.blocks.grounds import Ground, sample_ground
from blender_scenes.blocks.lighting import Light, sample_light
from blender_scenes.blocks.worlds import WorldKind
from blender_scenes.meshes.arrangement import Arrangement
from blender_scenes.meshes.scene import MarkerBoard
from pipeline.geometry.camera import Camera
from pipeline.sampling.factors import FactorDraws

__all__ = ["Surroundings", "sample_surroundings"]

_TILE = 1.3  # of the ground's picture over what is seen of it
_ENDLESS = 14.0  # side of a ground over what is seen of it
_TABLE = 1.35  # side of a table in a room over the camera's distance
_BOARD = 1.75  # side of a printed board over the field within its markers
_UNDER_BOARD_M = -0.001
_OUTDOORS: tuple[WorldKind, ...] = ("sky", "overcast")
_BOX_WHITE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is around the objects; the fields are those of ``MeshesScene``."""

    light: Light
    ground: Ground | None
    ground_m: float
    ground_z_m: float
    board: MarkerBoard | None
    backdrop: Backdrop | None


def sample_surroundings(
    draws: FactorDraws,
    arrangement: Arrangement,
    camera: Camera,
    *,
    distance_m: float,
    worlds: tuple[str, ...],
    backgrounds: tuple[str, ...],
) -> Surroundings:
    """Draw the factors ``background`` and ``lighting``.

    Args:
        draws: Of the frame.
        arrangement: Of the objects.
        camera: That looks at them.
        distance_m: From it to them.
        worlds: The user's panoramas.
        backgrounds: The user's photographs: in a room they hang behind, else they lie below.
    """
    values: dict[str, Any] = draws.frame("background")
    context = values["context"]
    seen_m = distance_m * max(camera.width_px / camera.K[0][0], camera.height_px / camera.K[1][1])
    in_room = context == "room"
    floating = draws.frame("placement")["how"] == "air"
    ground = sample_ground(draws, tile_m=_TILE * seen_m, pictures=() if in_room else backgrounds)
    if context == "box" and not ground.picture:
        white = _BOX_WHITE * min(values["brightness"], 1.25)
        ground = ground.model_copy(
            update={
                "surface": "paper",
                "light": (white,) * 3,
                "dark": (0.97 * white,) * 3,
                "roughness": 0.0,
                "wear": 0.2 * ground.wear,
            }
        )
    board = None
    if values["markers"] and not floating:
        noise = draws.noise("background", 3)
        board = MarkerBoard(
            side_m=_BOARD * arrangement.field_m,
            markers=values["markers"],
            angle_rad=float(noise.uniform(-np.pi, np.pi)),
            seed=int(noise.integers(2**31)),
        )
    return Surroundings(
        light=_light(draws, arrangement, context, worlds),
        ground=None if in_room and floating else ground,
        ground_m=_TABLE * distance_m if in_room else _ENDLESS * seen_m,
        ground_z_m=_UNDER_BOARD_M if board else 0.0,
        board=board,
        backdrop=sample_backdrop(draws, pictures=backgrounds) if in_room else None,
    )


def _light(
    draws: FactorDraws, arrangement: Arrangement, context: str, worlds: tuple[str, ...]
) -> Light:
    light = sample_light(
        draws,
        reach_m=arrangement.field_m / 2 + arrangement.typical_m,
        target_m=(0.0, 0.0, arrangement.middle_m),
        pictures=worlds,
    )
    kind = light.world.kind
    if kind != "picture" and context == "box":
        kind = "lightbox"
    elif kind != "picture" and context == "open" and kind not in _OUTDOORS:
        kind = _OUTDOORS[light.world.seed % 2]
    return light.model_copy(update={"world": light.world.model_copy(update={"kind": kind})})
