"""The solids as triangles, and the points on them that have names. Without Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.grids import ring_quads
from pipeline.geometry.boxes import FloatArray
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import Vector3

__all__ = ["KEYPOINTS", "SOLIDS", "Solid", "keypoints_of", "solid_of"]

# Around the axis; a multiple of four, so that the keypoints are vertices.
_SEGMENTS = 40
_SIGMA = 0.05

# Where the keypoints are, in half extents: (1, 1, 1) is a corner of the box around the solid.
_AROUND: dict[str, tuple[float, float]] = {
    "east": (1, 0),
    "north": (0, 1),
    "west": (-1, 0),
    "south": (0, -1),
}
_CORNERS: dict[str, tuple[float, float]] = {
    "north_east": (1, 1),
    "north_west": (-1, 1),
    "south_west": (-1, -1),
    "south_east": (1, -1),
}


def _level(z: float, around: dict[str, tuple[float, float]], prefix: str) -> dict[str, Vector3]:
    return {f"{prefix}{name}": (x, y, z) for name, (x, y) in around.items()}


_POLES: dict[str, Vector3] = {"top": (0, 0, 1), "bottom": (0, 0, -1)}
_PLACES: dict[str, dict[str, Vector3]] = {
    "box": _level(1, _CORNERS, "top_") | _level(-1, _CORNERS, "bottom_"),
    "sphere": _level(0, _AROUND, "") | _POLES,
    "cylinder": _level(1, _AROUND, "top_") | _level(-1, _AROUND, "bottom_"),
    "cone": _level(-1, _AROUND, "base_") | {"apex": (0, 0, 1)},
    "torus": _level(0, _AROUND, ""),
    "capsule": _level(0, _AROUND, "") | _POLES,
}

_RING = ((0, 1), (1, 2), (2, 3), (3, 0))
_PRISM = (*_RING, (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
_BIPYRAMID = (*_RING, *((k, 4) for k in range(4)), *((k, 5) for k in range(4)))
_SKELETONS: dict[str, tuple[tuple[int, int], ...]] = {
    "box": _PRISM,
    "sphere": _BIPYRAMID,
    "cylinder": _PRISM,
    "cone": (*_RING, *((k, 4) for k in range(4))),
    "torus": _RING,
    "capsule": _BIPYRAMID,
}

SOLIDS: tuple[str, ...] = tuple(_PLACES)
"""Names of the solids, which are the categories."""

KEYPOINTS: dict[str, KeypointLayout] = {
    name: KeypointLayout(
        names=tuple(places), skeleton=_SKELETONS[name], sigmas=(_SIGMA,) * len(places)
    )
    for name, places in _PLACES.items()
}
"""Named points of each solid, all of them on its surface."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A closed surface around the origin, to be shaded smooth: edges have their points twice.

    Attributes:
        vertices_m: (N, 3).
        triangles: (T, 3) vertex numbers, anticlockwise seen from outside.
    """

    vertices_m: FloatArray
    triangles: npt.NDArray[np.int32]


def keypoints_of(name: str, extent_m: Vector3) -> tuple[Vector3, ...]:
    """The keypoints of a solid in its own frame, in the order of its layout."""
    x_m, y_m, z_m = (side / 2 for side in extent_m)
    return tuple((x * x_m, y * y_m, z * z_m) for x, y, z in _PLACES[name].values())


@lru_cache(maxsize=256)  # sampling needs the extents, building the same solids again
def solid_of(name: str, extent_m: Vector3) -> Solid:
    """A solid that fills a box of the given sides; its axis, if it has one, is z.

    Args:
        name: One of ``SOLIDS``.
        extent_m: Sides of the box; of a round solid the first two are equal, of a sphere all
            three, a torus is flatter than wide and a capsule longer.
    """
    width_m, depth_m, height_m = extent_m
    if name == "box":
        return _box(np.array([width_m, depth_m, height_m]) / 2)
    return _PROFILES[name](width_m / 2, height_m / 2)


def _box(half_m: FloatArray) -> Solid:
    # Each face has its own four corners.
    face = np.array([[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1]])
    corners = np.concatenate(
        [sign * np.roll(face, axis, 1) for axis in range(3) for sign in (1, -1)]
    )
    quads = np.arange(24, dtype=np.int32).reshape(6, 4)
    quads[1::2] = quads[1::2, ::-1]  # mirrored faces run the other way
    return Solid(vertices_m=corners * half_m, triangles=_halved(quads))


def _cylinder(radius_m: float, half_m: float) -> Solid:
    return _joined(
        _lathed([(0, -half_m), (radius_m, -half_m)]),
        _lathed([(radius_m, -half_m), (radius_m, half_m)]),
        _lathed([(radius_m, half_m), (0, half_m)]),
    )


def _cone(radius_m: float, half_m: float) -> Solid:
    # Rings along the side, so that its shading stays even up to the apex.
    share = np.linspace(0, 1, 6)[:, None]
    side = (1 - share) * [radius_m, -half_m] + share * [0, half_m]
    return _joined(_lathed([(0, -half_m), (radius_m, -half_m)]), _lathed(side, pointed=True))


def _sphere(radius_m: float, half_m: float) -> Solid:
    del half_m  # the same
    return _lathed(_arc(radius_m, -90, 90, steps=20))


def _capsule(radius_m: float, half_m: float) -> Solid:
    shift_m = np.array([0, half_m - radius_m])
    lower, upper = (_arc(radius_m, *ends, steps=10) for ends in ((-90, 0), (0, 90)))
    return _lathed(np.concatenate([lower - shift_m, [[radius_m, 0]], upper + shift_m]))


def _torus(radius_m: float, tube_m: float) -> Solid:
    circle = _arc(tube_m, -180, 180, steps=20)
    return _lathed(circle + np.array([radius_m - tube_m, 0]))


_PROFILES: dict[str, Callable[[float, float], Solid]] = {
    "cylinder": _cylinder,
    "cone": _cone,
    "sphere": _sphere,
    "capsule": _capsule,
    "torus": _torus,
}


def _arc(radius_m: float, start_deg: float, end_deg: float, *, steps: int) -> FloatArray:
    angle = np.deg2rad(np.linspace(start_deg, end_deg, steps + 1))
    return radius_m * np.column_stack([_cos(angle), _cos(angle - np.pi / 2)])


def _cos(angle: FloatArray) -> FloatArray:
    # Exactly 0 at a right angle, so that what should meet meets.
    return np.round(np.cos(angle), 15)


def _lathed(profile: npt.ArrayLike, *, pointed: bool = False) -> Solid:
    # Turns (P, 2) distances from the axis and z, which run from below upwards seen from outside,
    # about z. Where the profile meets the axis or itself the surface goes on smoothly, unless
    # it is pointed.
    rings = np.asarray(profile, dtype=np.float64)
    turn = np.arange(_SEGMENTS) * 2 * np.pi / _SEGMENTS
    around = np.column_stack([_cos(turn), _cos(turn - np.pi / 2)])
    vertices_m = np.empty((len(rings), _SEGMENTS, 3))
    vertices_m[..., :2] = rings[:, None, :1] * around
    vertices_m[..., 2] = rings[:, None, 1]
    places = np.arange(len(rings) * _SEGMENTS).reshape(len(rings), _SEGMENTS)
    on_axis = rings[:, 0] == 0
    places[on_axis] = places[on_axis, :1]
    if np.array_equal(rings[0], rings[-1]):
        places[-1] = places[0]
    triangles = _halved(ring_quads(len(rings), _SEGMENTS)[:, ::-1])
    a, b, c = places.ravel()[triangles].T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    if not pointed:
        triangles = places.ravel()[triangles]
    used, numbers = np.unique(triangles, return_inverse=True)
    return Solid(
        vertices_m=vertices_m.reshape(-1, 3)[used],
        triangles=numbers.reshape(-1, 3).astype(np.int32),
    )


def _joined(*solids: Solid) -> Solid:
    starts = np.cumsum([0, *(len(solid.vertices_m) for solid in solids[:-1])])
    return Solid(
        vertices_m=np.concatenate([solid.vertices_m for solid in solids]),
        triangles=np.concatenate(
            [solid.triangles + start for solid, start in zip(solids, starts, strict=True)]
        ).astype(np.int32),
    )


def _halved(quads: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
