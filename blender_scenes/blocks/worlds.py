"""Surroundings that light a scene, baked with numpy to equirectangular pictures. No Blender.

``bake_world`` gives the radiance from all directions of studios, rooms and skies, scaled so that
a level white surface shows at the wanted brightness whatever the world looks like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.colours import Rgb, kelvin_rgb
from blender_scenes.blocks.noise import Map
from pipeline.records.scene import Record

__all__ = ["World", "WorldKind", "bake_world", "fitted_world", "level_irradiance"]

WorldKind = Literal[
    "even", "studio", "lightbox", "window", "office", "lamps", "overcast", "sky",
    "picture",
]  # fmt: skip

_DARKEST = 0.02  # of the brightest wall: nothing indoors is black
_MOST = 150.0  # peak over mean: what is brighter only makes noise


class World(Record):
    """Light from all around.

    Attributes:
        kind: ``even`` is the same from everywhere; ``studio`` has softboxes, ``lightbox`` is a
            white photo box with strips of diodes, ``window`` a room by day, ``office`` has
            panels in its ceiling, ``lamps`` is a room at night; ``overcast`` and ``sky`` are out
            of doors; ``picture`` is a file.
        irradiance: On a level surface; 1 shows a white one at full scale.
        turn_rad: Of the surroundings about the upright axis.
        kelvin: Colour temperature of its lamps, windows or sky; a white one has 6500.
        contrast: 0 makes every kind even, 1 is as it comes.
        picture: Name of the family's asset for ``picture``, else empty.
        seed: Of what stands where.
    """

    kind: WorldKind
    irradiance: float
    turn_rad: float = 0.0
    kelvin: float = 6500.0
    contrast: float = 1.0
    picture: str = ""
    seed: int = 0


class _Sphere:
    # Directions of a picture's pixels; parts are painted over what is there.
    def __init__(self, height: int) -> None:
        width = 2 * height
        self.azimuth = ((0.5 - (np.arange(width) + 0.5) / width) * 2 * np.pi).astype(np.float32)
        self.elevation = ((0.5 - (np.arange(height) + 0.5) / height) * np.pi).astype(np.float32)
        self.light = np.zeros((height, width, 3), np.float32)

    def gradient(self, stops: list[tuple[float, Rgb]]) -> None:
        # Colours by sine of the elevation, from below upwards.
        sines = np.sin(self.elevation)
        places = [place for place, _ in stops]
        for channel in range(3):
            column = np.interp(sines, places, [colour[channel] for _, colour in stops])
            self.light[..., channel] = column[:, None]

    def panel(
        self, azimuth: float, elevation: float, size: tuple[float, float], colour: npt.ArrayLike,
        *, softness: float = 0.08,
    ) -> None:  # fmt: skip
        # A rectangle that faces the middle; size: tangents of its half width and height.
        x, y = self._seen_from(azimuth, elevation)
        inside = np.minimum(size[0] - np.abs(x), size[1] - np.abs(y)) / (softness * min(size))
        self._cover(np.clip(inside + 0.5, 0, 1), colour)

    def disc(
        self, azimuth: float, elevation: float, radius: float, colour: npt.ArrayLike,
        *, softness: float = 0.3,
    ) -> None:  # fmt: skip
        x, y = self._seen_from(azimuth, elevation)
        inside = (radius - np.hypot(x, y)) / (softness * radius)
        self._cover(np.clip(inside + 0.5, 0, 1), colour)

    def _cover(self, share: Map, colour: npt.ArrayLike) -> None:
        rows, columns = np.nonzero(share)
        part = share[rows, columns, None]
        self.light[rows, columns] += part * (
            np.asarray(colour, np.float32) - self.light[rows, columns]
        )

    def _seen_from(self, azimuth: float, elevation: float) -> tuple[Map, Map]:
        # Gnomonic coordinates about a direction; far off where it is behind.
        offset = self.azimuth[None, :] - azimuth
        up, flat = np.sin(self.elevation)[:, None], np.cos(self.elevation)[:, None]
        ahead = up * np.sin(elevation) + flat * np.cos(elevation) * np.cos(offset)
        ahead = np.where(ahead > 0.02, ahead, 1e-6)
        x = flat * np.sin(offset) / ahead
        y = (up * np.cos(elevation) - flat * np.sin(elevation) * np.cos(offset)) / ahead
        return x, y


def bake_world(world: World, *, height: int = 192) -> Map:
    """(height, 2 * height, 3) linear radiance, top row straight up, middle column +x, +y left.

    Args:
        world: Of any kind but ``picture``, whose file goes through :func:`fitted_world`.
        height: Rows.
    """
    sphere = _Sphere(height)
    _PAINTERS[world.kind](sphere, np.random.default_rng(world.seed), kelvin_rgb(world.kelvin))
    return fitted_world(world, sphere.light)


def fitted_world(world: World, light: Map) -> Map:
    """A (H, 2 H, 3) picture turned, flattened and scaled as a world wants it."""
    columns = round(world.turn_rad / (2 * np.pi) * light.shape[1])
    light = np.roll(light, -columns, axis=1)
    light = np.minimum(light, _MOST * float(light.mean()))
    white = float(level_irradiance(light).mean())
    light = (1 - world.contrast) * white + world.contrast * light
    return np.asarray(light * (world.irradiance / max(white, 1e-9)), dtype=np.float32)


def level_irradiance(light: Map) -> npt.NDArray[np.float64]:
    """(3,) light on a level surface over pi, of a (H, W, 3) picture of radiance."""
    height, width = light.shape[:2]
    edges = np.sin(np.linspace(np.pi / 2, -np.pi / 2, height + 1)).clip(0) ** 2
    weight = (edges[:-1] - edges[1:]) / width
    return np.asarray(np.einsum("hwc,h->c", light.astype(np.float64), weight))


def _even(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    del rng
    sphere.light[:] = white


def _studio(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    # A dim room with one to four softboxes; the first is the key light.
    grey = float(rng.uniform(0.03, 0.25))
    _shell(sphere, rng, floor=1.5 * grey, wall=grey, ceiling=0.7 * grey)
    for index in range(int(rng.integers(1, 5))):
        elevation = float(rng.uniform(0.5, 1.4) if index == 0 else rng.uniform(0.1, 1.3))
        size = rng.uniform(0.2, 0.7, size=2)
        power = (5.0 if index == 0 else float(rng.uniform(0.5, 3.0))) / (size[0] * size[1]) ** 0.5
        sphere.panel(
            float(rng.uniform(-np.pi, np.pi)), elevation, (size[0], size[1]),
            power * np.array(white), softness=float(rng.uniform(0.05, 0.6)),
        )  # fmt: skip


def _lightbox(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    # White cloth, strips of diodes along two sides of its roof, a dark hole for the camera.
    grey = float(rng.uniform(0.3, 0.6))
    _shell(sphere, rng, floor=grey, wall=grey, ceiling=0.5 * grey)
    azimuth, out = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.4, 0.9))
    glow = float(rng.uniform(12, 40)) * np.array(white)
    size = (0.8 / float(np.hypot(1, out)), 0.045 / (1 + out * out))  # one metre above
    for side in (0.0, np.pi):
        sphere.panel(azimuth + side, float(np.arctan2(1.0, out)), size, glow)
    sphere.disc(0.0, np.pi / 2, float(rng.uniform(0.15, 0.35)), _grey(0.1 * grey))


def _window(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    # A room by day: bright panes with bars on one side, the sky's colour above and ground below.
    tint = rng.uniform(0.85, 1.0, size=3)
    grey = float(rng.uniform(0.15, 0.45))
    _shell(sphere, rng, floor=0.5 * grey, wall=grey, ceiling=1.4 * grey, tint=tint)
    _furniture(sphere, rng, grey)
    azimuth = float(rng.uniform(-np.pi, np.pi))
    for index in range(int(rng.integers(1, 4))):
        size = (float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.3, 0.6)))
        elevation = float(rng.uniform(0.25, 0.55))
        place = azimuth + index * (2.4 * size[0] + 0.25)
        glow = float(rng.uniform(6, 14)) * np.array(white)
        sphere.panel(place, elevation, (1.12 * size[0], 1.1 * size[1]), 2 * grey * tint)
        sphere.panel(place, elevation, size, glow)
        sphere.panel(  # the ground outside
            place, elevation - 0.75 * size[1], (size[0], 0.25 * size[1]), 0.35 * glow
        )
        sphere.panel(place, elevation, (0.05 * size[0], size[1]), grey * tint)
        sphere.panel(place, elevation, (size[0], 0.03 * size[1]), grey * tint)


def _office(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    grey = float(rng.uniform(0.25, 0.5))
    _shell(sphere, rng, floor=0.5 * grey, wall=grey, ceiling=1.1 * grey)
    _furniture(sphere, rng, grey)
    azimuth, spacing = float(rng.uniform(0, np.pi)), float(rng.uniform(0.7, 1.1))
    along, across = float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.08, 0.25))
    shift = rng.uniform(-0.5, 0.5, size=2) * spacing
    for i in range(-2, 3):
        for j in range(-2, 3):
            x, y = np.array([i, j]) * spacing + shift
            if np.hypot(x, y) < 0.3 * spacing:
                continue  # straight above: it would only mirror the camera
            # In a level ceiling one metre above: foreshortened away from the zenith.
            sphere.panel(
                azimuth + np.arctan2(y, x), float(np.arctan2(1.0, np.hypot(x, y))),
                (across / np.hypot(1, np.hypot(x, y)), along / (1 + x * x + y * y)),
                9.0 * np.array(white),
            )  # fmt: skip


def _lamps(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    grey = float(rng.uniform(0.1, 0.3))
    _shell(sphere, rng, floor=0.4 * grey, wall=grey, ceiling=1.2 * grey, tint=np.array(white))
    _furniture(sphere, rng, grey)
    for _ in range(int(rng.integers(1, 5))):
        radius = float(rng.uniform(0.06, 0.16))
        azimuth, elevation = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.5, 1.5))
        sphere.disc(azimuth, elevation, 4 * radius, 2.2 * grey * np.array(white), softness=1.5)
        sphere.disc(azimuth, elevation, radius, 0.12 / radius**2 * np.array(white))


def _overcast(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    # The CIE's overcast sky: three times as bright above as at the horizon.
    ground = float(rng.uniform(0.08, 0.3))
    sphere.gradient([(-1, _grey(0.6 * ground)), (-0.02, _grey(ground)), (0.02, white),
                     (1, _scaled(white, 3.0))])  # fmt: skip
    _skyline(sphere, rng, 0.35)


def _sky(sphere: _Sphere, rng: np.random.Generator, white: Rgb) -> None:
    ground, haze = float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.5, 1.0))
    sphere.gradient([(-1, _grey(0.6 * ground)), (-0.02, _grey(ground)), (0.02, (0.8, 0.9, 1.0)),
                     (0.4, (0.45 * haze, 0.62 * haze, 1.0)),
                     (1, (0.2 * haze, 0.38 * haze, 0.8))])  # fmt: skip
    _skyline(sphere, rng, 0.4)
    azimuth, elevation = float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(0.4, 1.3))
    sphere.disc(azimuth, elevation, 0.3, (1.3, 1.35, 1.4), softness=1.8)
    # A wide pale sun: hard enough for shadows, without the noise of a point.
    sphere.disc(azimuth, elevation, 0.07, float(rng.uniform(60, 130)) * np.array([1, 0.95, 0.85]))
    balance = level_irradiance(sphere.light)  # cameras make daylight white, sun and sky together
    sphere.light *= (np.array(white) * balance.mean() / balance).astype(np.float32)


_PAINTERS: dict[WorldKind, Callable[[_Sphere, np.random.Generator, Rgb], None]] = {
    "even": _even,
    "studio": _studio,
    "lightbox": _lightbox,
    "window": _window,
    "office": _office,
    "lamps": _lamps,
    "overcast": _overcast,
    "sky": _sky,
}


def _shell(
    sphere: _Sphere, rng: np.random.Generator, *, floor: float, wall: float, ceiling: float,
    tint: npt.ArrayLike = (1.0, 1.0, 1.0),
) -> None:  # fmt: skip
    # Floor, walls of unequal brightness, ceiling.
    warm = np.asarray(tint, np.float32)
    boards = np.array([1.0, 0.85, 0.7]) ** float(rng.uniform(0, 1.5))
    sphere.gradient([(-1, _scaled(boards, 0.7 * floor)), (-0.5, _scaled(boards, floor)),
                     (-0.42, _scaled(warm, wall)), (0.5, _scaled(warm, 1.1 * wall)),
                     (0.58, _scaled(warm, ceiling)), (1, _scaled(warm, ceiling))])  # fmt: skip
    corner = float(rng.uniform(0, np.pi / 2))
    side = np.floor((sphere.azimuth + np.pi + corner) / (np.pi / 2)).astype(int) % 4
    walls = np.abs(sphere.elevation) < 0.6
    sphere.light[walls] *= rng.uniform(0.6, 1.2, size=4)[side][None, :, None]


def _furniture(sphere: _Sphere, rng: np.random.Generator, grey: float) -> None:
    # Things along the walls: what a bent mirror shows of a room, and what stands behind.
    for _ in range(int(rng.integers(8, 24))):
        colour = grey * rng.uniform(0.1, 1.6) * rng.uniform(0.5, 1.0, size=3)
        size = (float(rng.uniform(0.04, 0.35)), float(rng.uniform(0.05, 0.3)))
        sphere.panel(
            float(rng.uniform(-np.pi, np.pi)), float(rng.uniform(-0.5, 0.25)), size, colour
        )


def _skyline(sphere: _Sphere, rng: np.random.Generator, darkest: float) -> None:
    # Houses and trees: a dark band of uneven height.
    width = len(sphere.azimuth)
    steps = cv2.resize(
        rng.uniform(0.0, 0.35, size=(1, 24)).astype(np.float32), (width, 1),
        interpolation=cv2.INTER_NEAREST,
    )[0]  # fmt: skip
    tops = steps + 0.03 * rng.random(width)
    hidden = (sphere.elevation[:, None] < tops) & (sphere.elevation[:, None] > -0.02)
    colour = darkest * rng.uniform(0.3, 0.8) * np.array([0.9, 1.0, 0.8])
    sphere.light[hidden] = colour


def _grey(value: float) -> Rgb:
    return (value, value, value)


def _scaled(colour: npt.ArrayLike, factor: float) -> Rgb:
    red, green, blue = (max(float(c) * factor, _DARKEST * factor) for c in np.asarray(colour))
    return (red, green, blue)
