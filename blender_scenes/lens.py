"""Lens and moving camera: parameters that every family shares, and what they do to a picture.

A family wraps its factors in :func:`with_optics`; whoever samples calls :func:`through_lens`
once, so that no family has to know what the parameters mean.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, cam_from_world, picture_rays_cam
from pipeline.records.scene import LensSettings, Motion, SampledScene
from pipeline.sampling.factors import (
    Drawn,
    Factor,
    FactorDraws,
    Integers,
    LogUniform,
    Parameter,
    Uniform,
)

__all__ = [
    "CAMERA_MOTION",
    "LENS_PARAMETERS",
    "SENSOR_PARAMETERS",
    "Overscan",
    "overscan",
    "through_lens",
    "with_optics",
]

_DISTORTION = ("k1", "k2", "p1", "p2", "k3")
_MARGIN_PX = 2  # what the cubic filter of the remapping may touch


def _fixed(name: str, value: float, meaning: str, low: float, high: float) -> Parameter:
    return Parameter(
        name=name,
        distribution=Uniform(value, value),
        off=value,
        meaning=meaning,
        bounds=(low, high),
    )


LENS_PARAMETERS: tuple[Parameter, ...] = (
    _fixed("k1", 0.0, "radial distortion: below 0 barrel, above 0 pincushion", -1, 1),
    _fixed("k2", 0.0, "radial distortion, fourth power", -1, 1),
    _fixed("p1", 0.0, "tangential distortion, upwards", -0.1, 0.1),
    _fixed("p2", 0.0, "tangential distortion, sideways", -0.1, 0.1),
    _fixed("k3", 0.0, "radial distortion, sixth power", -1, 1),
    _fixed("aperture_m", 0.0, "diameter of the pupil; 0 shows everything sharp", 0, 1),
    _fixed("focus", 1.0, "sharp distance over that of the objects", 0.05, 20),
    _fixed("shutter_s", 0.0, "how long the shutter is open; 0 freezes motion", 0, 10),
)
"""Of the ``camera`` factor; a perfect lens unless a spec says otherwise."""

SENSOR_PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="red_gain",
        distribution=LogUniform(1, 1),
        off=1.0,
        meaning="white balance: red over green",
        bounds=(0.2, 5),
    ),
    Parameter(
        name="blue_gain",
        distribution=LogUniform(1, 1),
        off=1.0,
        meaning="white balance: blue over green",
        bounds=(0.2, 5),
    ),
    _fixed("full_well_e", 0.0, "electrons of a white pixel, for shot noise; 0 is none", 0, 1e6),
    _fixed("read_noise_e", 0.0, "amplifier's noise, electrons; with full_well_e", 0, 1e4),
    Parameter(
        name="jpeg_quality",
        distribution=Integers(0, 0),
        off=0,
        meaning="of the camera's own compression, 1 to 100; 0 is none",
        bounds=(0, 100),
    ),
)
"""Of the ``sensor`` factor; without effect unless a spec says otherwise."""

CAMERA_MOTION: tuple[Parameter, ...] = (
    Parameter(
        name="pan",
        distribution=Uniform(0.0, 0.15),
        off=0.0,
        meaning="speed of the camera across the scene, view widths per second",
        bounds=(0, 10),
    ),
    Parameter(
        name="pan_azimuth_rad",
        distribution=Uniform(-math.pi, math.pi),
        off=0.0,
        meaning="where it goes",
    ),
    Parameter(
        name="orbit_rad_s",
        distribution=Uniform(-0.3, 0.3),
        off=0.0,
        meaning="turn of the camera around the scene's upright axis",
        bounds=(-20, 20),
    ),
)
"""Of the ``motion`` factor, which shows in sequences and where the shutter stays open."""


def with_optics(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """A family's factors with the shared parameters appended.

    Lens and sensor parameters go to the factors ``camera`` and ``sensor``; a family without a
    ``motion`` factor gets one that moves the camera.
    """
    shared = {"camera": LENS_PARAMETERS, "sensor": SENSOR_PARAMETERS}
    extended = tuple(
        replace(factor, parameters=factor.parameters + shared.get(factor.name, ()))
        for factor in factors
    )
    if any(factor.name == "motion" for factor in factors):
        return extended
    motion = Factor(
        name="motion",
        meaning="how the camera moves, in sequences and while the shutter is open",
        parameters=CAMERA_MOTION,
    )
    return (*extended, motion)


def through_lens(scene: SampledScene, draws: FactorDraws) -> SampledScene:
    """The scene with lens, sensor and camera motion as drawn."""
    drawn: dict[str, dict[str, Drawn]] = {name: draws.frame(name) for name in draws.bound}
    camera, sensor, motion = (drawn.get(name, {}) for name in ("camera", "sensor", "motion"))
    own = {p.name for p in SENSOR_PARAMETERS} & sensor.keys()
    update: dict[str, object] = {
        "sensor": scene.sensor.model_copy(update={name: sensor[name] for name in own}),
        "factors": drawn,
    }
    if camera.keys() >= {p.name for p in LENS_PARAMETERS}:
        update["camera"] = scene.camera.model_copy(
            update={"dist": tuple(float(camera[name]) for name in _DISTORTION)}
        )
        update["lens"] = LensSettings(
            aperture_m=float(camera["aperture_m"]),
            focus_m=float(camera["focus"]) * _subject_m(scene),
            shutter_s=float(camera["shutter_s"]),
        )
    if motion.keys() >= {p.name for p in CAMERA_MOTION}:
        update["camera_motion"] = _camera_motion(scene, motion)
    return scene.model_copy(update=update)


def _subject_m(scene: SampledScene) -> float:
    # Depth of the middle object, or of the world's origin where there are none.
    places = [np.array(i.world_from_obj)[:3, 3] for i in scene.instances] or [np.zeros(3)]
    view = cam_from_world(scene.camera)
    depths_m = np.array(places) @ view[2, :3] + view[2, 3]
    return max(float(np.median(depths_m)), 1e-3)


def _camera_motion(scene: SampledScene, drawn: dict[str, Drawn]) -> Motion:
    view_m = _subject_m(scene) * scene.camera.width_px / scene.camera.K[0][0]
    speed_m_s, azimuth_rad = float(drawn["pan"]) * view_m, float(drawn["pan_azimuth_rad"])
    return Motion(
        velocity_m_s=(
            speed_m_s * math.cos(azimuth_rad),
            speed_m_s * math.sin(azimuth_rad),
            0.0,
        ),
        spin_rad_s=(0.0, 0.0, float(drawn["orbit_rad_s"])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Overscan:
    """A pinhole view that holds all that a distorting lens shows, and how to bend it.

    Attributes:
        camera: What to render.
        map_xy: (H, W, 2) float32: where each pixel of the distorted picture is found in the
            rendered one, in OpenCV's pixel coordinates.
    """

    camera: Camera
    map_xy: npt.NDArray[np.float32]

    def bend(self, light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The rendered (h, w, 3) picture as the lens shows it, (H, W, 3)."""
        bent = cv2.remap(
            light,
            self.map_xy[..., 0],
            self.map_xy[..., 1],
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(np.maximum(bent, 0.0), dtype=np.float32)


def overscan(camera: Camera) -> Overscan:
    """The pinhole view behind a distorting camera.

    Its scale is that of the picture's middle, or smaller where the lens shows more than a perfect
    one would: the view has no more pixels than the picture, so that such a lens costs nothing.

    Raises:
        ValueError: If the lens folds inside the picture, so that some pixels see nothing.
    """
    height, width = camera.image_hw
    rays = picture_rays_cam(camera)
    if not np.isfinite(rays).all():
        raise ValueError(
            f"distortion {camera.dist} folds inside the picture; use a weaker one or a longer lens."
        )
    K = np.array(camera.K)
    places: FloatArray = rays[:, :2] @ K[:2, :2].T
    scale = min(1.0, (height * width / np.prod(np.ptp(places, axis=0))) ** 0.5)
    places *= scale
    low = np.floor(places.min(axis=0)) - _MARGIN_PX
    high = np.ceil(places.max(axis=0)) + _MARGIN_PX
    wide, tall = (int(side) for side in high - low)
    (fx, skew, _), (_, fy, _) = scale * K[:2]
    pinhole = Camera(
        width_px=wide,
        height_px=tall,
        K=(
            (float(fx), float(skew), float(-low[0])),
            (0.0, float(fy), float(-low[1])),
            (0.0, 0.0, 1.0),
        ),
        world_from_cam=camera.world_from_cam,
    )
    map_xy = (places - low - 0.5).reshape(height, width, 2)  # OpenCV: centres at whole numbers
    return Overscan(camera=pinhole, map_xy=map_xy.astype(np.float32))
