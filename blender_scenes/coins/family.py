"""The coins family: struck coins on dark cloth, as a museum photographs them."""

from __future__ import annotations

import colorsys
import math
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.clutter import sample_clutter
from blender_scenes.blocks.colours import Rgb
from blender_scenes.blocks.discs import push_apart
from blender_scenes.blocks.framing import camera_above
from blender_scenes.blocks.grounds import Ground, sample_ground
from blender_scenes.blocks.lighting import sample_light
from blender_scenes.blocks.sensing import sample_sensor
from blender_scenes.blocks.things import ThingKind
from blender_scenes.coins.factors import FACTORS
from blender_scenes.coins.layout import arrange
from blender_scenes.coins.scene import Coin, CoinsScene
from blender_scenes.family import SceneFamily, SpecKey
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, matrix4
from pipeline.sampling.factors import FactorDraws
from pipeline.specs.scene import ImageSpec

__all__ = ["CoinsFamily"]

# Linear RGB of the metals, brightest channel 1; by eye.
_METALS: dict[str, Rgb] = {
    "silver": (1.0, 0.98, 0.94),
    "bronze": (1.0, 0.72, 0.42),
    "copper": (1.0, 0.58, 0.42),
    "gold": (1.0, 0.78, 0.34),
    "lead": (0.93, 0.97, 1.0),
}

_THINGS: tuple[ThingKind, ...] = ("stone", "crumb", "paper", "paper", "ring", "ring", "cap", "clip")


class CoinsFamily(SceneFamily):
    """Struck metal coins with worn relief and irregular rims, seen from above."""

    name = "coins"
    summary = "worn struck coins on dark felt or board, seen from above"
    categories = ("coin",)
    factors = FACTORS
    image = ImageSpec(width=384, height=303, format="png")
    scene_type: ClassVar[type[CoinsScene]] = CoinsScene
    build_module = "blender_scenes.coins.build"
    max_bounces = (3, 2, 2)
    accepts: ClassVar[frozenset[SpecKey]] = frozenset({"worlds", "backgrounds"})

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> CoinsScene:
        """Fix every number of one frame."""
        view_m = float(draws.frame("camera")["view_width_m"])
        extent_m = (view_m, view_m * image.height / image.width)
        plate_edge, plate_corner = _plate(draws)
        camera = _camera(draws, image=image)
        coins = _coins(draws, extent_m=extent_m)
        taken_m = [(*np.array(coin.world_from_obj)[:2, 3], coin.radius_m) for coin in coins]
        return CoinsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=camera,
            instances=coins,
            ground=_ground(
                draws, tile_m=1.3 * max(extent_m), pictures=self.pictures("backgrounds")
            ),
            light=sample_light(draws, reach_m=view_m, pictures=self.pictures("worlds")),
            things=sample_clutter(draws, camera, taken_m=np.array(taken_m), small=_THINGS),
            plate_edge=plate_edge,
            plate_corner=plate_corner,
            sensor=sample_sensor(draws),
            factors=draws.drawn,
        )


def _camera(draws: FactorDraws, *, image: ImageSpec) -> Camera:
    values: dict[str, Any] = draws.frame("camera")
    return camera_above(
        image,
        view_m=values["view_width_m"],
        hfov_rad=values["hfov_rad"],
        tilt_rad=values["tilt_rad"],
        azimuth_rad=values["tilt_azimuth_rad"],
        roll_rad=values["roll_rad"],
    )


def _coins(draws: FactorDraws, *, extent_m: tuple[float, float]) -> tuple[Coin, ...]:
    numbers = range(1, int(draws.frame("count")["coins"]) + 1)
    if not numbers:
        return ()
    shapes: list[dict[str, Any]] = [draws.object("shape", number) for number in numbers]
    frame_shape: dict[str, Any] = draws.frame("shape")
    radii_m = np.array(
        [
            frame_shape["typical_radius_m"] * math.exp(frame_shape["spread"] * shape["size"])
            for shape in shapes
        ]
    )
    positions_m, kept = _positions(draws, radii_m=radii_m, extent_m=extent_m)
    return tuple(
        _coin(draws, number, instance_id, radius_m=radius_m, position_m=position_m)
        for instance_id, (number, radius_m, position_m) in enumerate(
            zip(
                (np.flatnonzero(kept) + 1).tolist(),
                radii_m[kept].tolist(),
                positions_m[kept].tolist(),
                strict=True,
            ),
            start=1,
        )
    )


def _positions(
    draws: FactorDraws, *, radii_m: FloatArray, extent_m: tuple[float, float]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    values: dict[str, Any] = draws.frame("placement")
    stray = np.stack(
        [draws.noise("placement", 1 + k).uniform(-1, 1, size=2) for k in range(len(radii_m))]
    )
    if values["layout"] in {"rows", "grid"}:
        stray *= values["jitter"]
    field_m = (values["spread"] * extent_m[0], values["spread"] * extent_m[1])
    return push_apart(
        arrange(values["layout"], jitter=stray, extent_m=field_m),
        radii_m=radii_m + values["gap"] * radii_m.mean() / 2,
        half_extent_m=np.array(extent_m) / 2 - values["inset"] * radii_m[:, None],
    )


def _coin(
    draws: FactorDraws, number: int, instance_id: int, *, radius_m: float, position_m: list[float]
) -> Coin:
    shape: dict[str, Any] = draws.object("shape", number)
    noise = draws.noise("shape", number)
    thickness_m = shape["thickness"] * radius_m
    return Coin(
        instance_id=instance_id,
        category="coin",
        world_from_obj=matrix4(
            _world_from_coin(draws, number, position_m=position_m, radius_m=radius_m)
        ),
        radius_m=radius_m,
        thickness_m=thickness_m,
        ovalness=shape["ovalness"],
        irregularity=shape["irregularity"],
        cuts=shape["cuts"],
        nicks=shape["nicks"],
        outline_seed=int(noise.integers(2**31)),
        motif=shape["motif"],
        border=shape["border"],
        relief_m=shape["relief"] * radius_m,
        wear=shape["wear"],
        off_centre=shape["off_centre"],
        incuse=shape["incuse"],
        relief_seed=int(noise.integers(2**31)),
        **_metal(draws, number),
    )


def _world_from_coin(
    draws: FactorDraws, number: int, *, position_m: list[float], radius_m: float
) -> FloatArray:
    pose: dict[str, Any] = draws.object("pose", number)
    turn = math.pi * pose["turn"] * (0.08 if draws.frame("pose")["upright"] else 1.0)
    tilt, azimuth = pose["tilt_rad"], pose["tilt_azimuth_rad"]
    axis = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    world_from_coin = np.eye(4)
    world_from_coin[:3, :3] = (
        cv2.Rodrigues(tilt * axis)[0] @ cv2.Rodrigues(np.array([0.0, 0.0, turn]))[0]
    )
    # A tilted coin stands on its lowest edge.
    world_from_coin[:3, 3] = [*position_m, radius_m * math.sin(tilt)]
    return world_from_coin


def _metal(draws: FactorDraws, number: int) -> dict[str, Any]:
    values: dict[str, Any] = draws.object("material", number)
    same: dict[str, Any] = draws.object("material", 1)
    tint = _METALS[(values if draws.frame("material")["mixed"] else same)["metal"]]
    if values["colours"] == "any":
        hue, saturation = draws.noise("material", number).uniform(0, [1, 0.9])
        tint = colorsys.hsv_to_rgb(hue, saturation, 1.0)
    return {
        "colour": tuple(channel * values["brightness"] for channel in tint),
        "metallic": values["metallic"],
        "roughness": values["roughness"],
        "patina": values["patina"],
        "blotches": values["blotches"],
    }


def _ground(draws: FactorDraws, *, tile_m: float, pictures: tuple[str, ...]) -> Ground:
    values: dict[str, Any] = draws.frame("background")
    gradient = {key: values[key] for key in ("gradient", "gradient_rad")}
    return sample_ground(draws, tile_m=tile_m, pictures=pictures).model_copy(update=gradient)


def _plate(draws: FactorDraws) -> tuple[tuple[float, float, float, float], float]:
    reach = float(draws.frame("sensor")["plate_edge"])
    noise = draws.noise("sensor", 1)
    left, top, right, bottom = (float(side) for side in reach - noise.uniform(0, 0.05, size=4))
    return (left, top, right, bottom), float(noise.uniform(0.03, 0.12))
