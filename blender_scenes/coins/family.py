"""The coins family: struck coins on dark cloth, as a museum photographs them."""

from __future__ import annotations

import colorsys
import math
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.discs import push_apart
from blender_scenes.coins.factors import FACTORS
from blender_scenes.coins.layout import arrange
from blender_scenes.coins.scene import Board, Coin, CoinsScene, Light, Prop, PropKind, Rgb
from blender_scenes.family import SceneFamily
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, look_at, matrix4, pinhole_camera
from pipeline.records.scene import SensorSettings
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

# Largest extent of each kind of prop.
_PROP_SIZE_M: dict[PropKind, float] = {"label": 0.03, "pin": 0.005, "pebble": 0.01, "ring": 0.03}


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

    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> CoinsScene:
        """Fix every number of one frame."""
        view_m = float(draws.frame("camera")["view_width_m"])
        extent_m = (view_m, view_m * image.height / image.width)
        plate_edge, plate_corner = _plate(draws)
        for factor in self.factors:
            draws.frame(factor.name)  # the record lists every factor, drawn from or not
        return CoinsScene(
            family=self.name,
            frame=draws.seeds.frame,
            camera=_camera(draws, image=image),
            instances=_coins(draws, extent_m=extent_m),
            board=_board(draws, extent_m=1.3 * max(extent_m)),
            light=_light(draws),
            props=_props(draws, extent_m=extent_m),
            plate_edge=plate_edge,
            plate_corner=plate_corner,
            sensor=_sensor(draws),
            factors=draws.drawn,
        )


def _camera(draws: FactorDraws, *, image: ImageSpec) -> Camera:
    values: dict[str, Any] = draws.frame("camera")
    distance_m = values["view_width_m"] / 2 / math.tan(values["hfov_rad"] / 2)
    tilt, azimuth, roll = values["tilt_rad"], values["tilt_azimuth_rad"], values["roll_rad"]
    eye = np.array(
        [math.sin(tilt) * math.cos(azimuth), math.sin(tilt) * math.sin(azimuth), math.cos(tilt)]
    )
    return pinhole_camera(
        width_px=image.width,
        height_px=image.height,
        hfov_rad=values["hfov_rad"],
        world_from_cam=look_at(
            eye_m=distance_m * eye,
            target_m=np.zeros(3),
            up=np.array([math.sin(roll), math.cos(roll), 0.0]),
        ),
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
    world_from_coin[:3, :3] = _rotation(axis, tilt) @ _rotation(np.array([0.0, 0.0, 1.0]), turn)
    # A tilted coin stands on its lowest edge.
    world_from_coin[:3, 3] = [*position_m, radius_m * math.sin(tilt)]
    return world_from_coin


def _rotation(axis: FloatArray, angle_rad: float) -> FloatArray:
    # Rodrigues' formula.
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(
        np.eye(3) + math.sin(angle_rad) * cross + (1 - math.cos(angle_rad)) * cross @ cross
    )


def _metal(draws: FactorDraws, number: int) -> dict[str, Any]:
    values: dict[str, Any] = draws.object("material", number)
    same: dict[str, Any] = draws.object("material", 1)
    metal = (values if draws.frame("material")["mixed"] else same)["metal"]
    return {
        "colour": tuple(channel * values["brightness"] for channel in _METALS[metal]),
        "metallic": values["metallic"],
        "roughness": values["roughness"],
        "patina": values["patina"],
        "blotches": values["blotches"],
    }


def _board(draws: FactorDraws, *, extent_m: float) -> Board:
    values: dict[str, Any] = draws.frame("background")
    litter: dict[str, Any] = draws.frame("distractors")
    tint = colorsys.hsv_to_rgb(values["hue"], values["saturation"], 1.0)
    return Board(
        surface=values["surface"],
        colour=cast(Rgb, tuple(channel * values["brightness"] for channel in tint)),
        gradient=values["gradient"],
        gradient_rad=values["gradient_rad"],
        clouds=values["clouds"],
        texture=values["texture"],
        grain_m=values["grain_m"],
        stains=litter["stains"],
        specks=litter["specks"],
        scratches=litter["scratches"],
        seed=draws.noise_seed("background"),
        litter_seed=draws.noise_seed("distractors"),
        extent_m=extent_m,
    )


def _light(draws: FactorDraws) -> Light:
    values: dict[str, Any] = draws.frame("lighting")
    distance_m, elevation = values["distance_m"], values["elevation_rad"]
    flat_m = distance_m * math.cos(elevation)
    warmth = values["warmth"]
    return Light(
        position_m=(
            flat_m * math.cos(values["azimuth_rad"]),
            flat_m * math.sin(values["azimuth_rad"]),
            distance_m * math.sin(elevation),
        ),
        size_m=values["size"] * distance_m,
        irradiance=values["strength"] * (1 - values["fill"]),
        colour=(1 - 0.3 * max(-warmth, 0), 1 - 0.15 * abs(warmth), 1 - 0.4 * max(warmth, 0)),
        fill=values["strength"] * values["fill"],
    )


def _props(draws: FactorDraws, *, extent_m: tuple[float, float]) -> tuple[Prop, ...]:
    litter: dict[str, Any] = draws.frame("distractors")
    kinds = [kind for kind in _PROP_SIZE_M for _ in range(litter[f"{kind}s"])]
    props = []
    for index, kind in enumerate(kinds, start=1):
        noise = draws.noise("distractors", index)
        x, y = noise.uniform(-0.5, 0.5, size=2) * extent_m
        grey = float(noise.uniform(0.05, 0.8))
        props.append(
            Prop(
                kind=kind,
                position_m=(float(x), float(y)),
                angle_rad=float(noise.uniform(-math.pi, math.pi)),
                size_m=float(noise.uniform(0.5, 1.0)) * _PROP_SIZE_M[kind],
                colour=(grey, grey, grey),
                seed=int(noise.integers(2**31)),
            )
        )
    return tuple(props)


def _plate(draws: FactorDraws) -> tuple[tuple[float, float, float, float], float]:
    reach = float(draws.frame("sensor")["plate_edge"])
    noise = draws.noise("sensor", 1)
    left, top, right, bottom = (float(side) for side in reach - noise.uniform(0, 0.05, size=4))
    return (left, top, right, bottom), float(noise.uniform(0.03, 0.12))


def _sensor(draws: FactorDraws) -> SensorSettings:
    values: dict[str, Any] = dict(draws.frame("sensor"))
    litter: dict[str, Any] = draws.frame("distractors")
    del values["plate_edge"]
    return SensorSettings(
        **values,
        specks=litter["film_specks"],
        scratches=litter["film_scratches"],
        seed=draws.noise_seed("sensor"),
    )
