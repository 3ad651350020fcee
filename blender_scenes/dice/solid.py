"""A die as geometry: where its numbers are, its pips, its surface, its corners. No Blender."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from blender_scenes.dice.scene import DieShape, Handedness
from pipeline.geometry.boxes import FloatArray
from pipeline.records.scene import Vector3

__all__ = [
    "NUMBERS",
    "DieSurface",
    "die_surface",
    "face_frame",
    "face_points_m",
    "pip_places",
]

NUMBERS: tuple[str, ...] = ("one", "two", "three", "four", "five", "six")
"""Names of the faces, which are the categories."""

_FLATNESS = 3  # of a hollow face: nearly level, then up to its rim, which mirrors a lamp as an arc
_EDGE_CELLS = 3  # across half of a rounded edge, at least
# Axis of one, two, three; four, five, six look the other way.
_AXES: dict[Handedness, tuple[int, int, int]] = {"right": (0, 1, 2), "left": (0, 2, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DieSurface:
    """A closed surface, to be shaded smooth.

    Attributes:
        vertices_m: (N, 3) in the die's frame.
        quads: (F, 4) vertex numbers, anticlockwise seen from outside.
        painted: (N,) share of a vertex that is a pip's paint.
    """

    vertices_m: FloatArray
    quads: npt.NDArray[np.int32]
    painted: FloatArray


def face_frame(handed: Handedness, number: int) -> FloatArray:
    """(3, 3) right-handed axes of a face as columns: along two sides, and outwards.

    Opposite faces have the same first axis and add up to seven.
    """
    opposite = number > 3
    axis = _AXES[handed][(7 - number if opposite else number) - 1]
    sign = -1.0 if opposite else 1.0
    frame = np.zeros((3, 3))
    frame[(axis + 1) % 3, 0] = 1.0
    frame[(axis + 2) % 3, 1] = sign
    frame[axis, 2] = sign
    return frame


def pip_places(shape: DieShape, number: int) -> FloatArray:
    """(number, 2) middles of the pips along the first two axes of their face, over half a side."""
    corner = np.array([[-1.0, -1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]])
    middle = np.zeros((1, 2))
    places = {
        1: middle,
        2: corner[:2],
        3: np.concatenate([middle, corner[:2]]),
        4: corner,
        5: np.concatenate([middle, corner]),
        6: np.concatenate([corner, [[-1.0, 0.0], [1.0, 0.0]]]) * [shape.six_wide, shape.six_long],
    }[number]
    if dict(zip((2, 3, 6), shape.turned, strict=True)).get(number, False):
        places = places[:, ::-1] * [-1.0, 1.0]
    return np.asarray(places * shape.pip_pitch)


def face_points_m(shape: DieShape, number: int) -> tuple[Vector3, ...]:
    """Four corners of a face, anticlockwise seen from outside, and its middle, on the surface.

    A corner is where the face's diagonal meets the rounding: halfway round the edges.
    """
    frame = face_frame(shape.handed, number)
    diagonal = np.array([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    # The cube's own corner, which lies out along (1, 1, 1) from the rounding's middle.
    corners = np.column_stack([diagonal, np.ones(4)])
    rounded = _rounded(corners, shape)
    middle = np.array([[0.0, 0.0, 1.0 - _sunk(np.zeros((1, 2)), shape, number)[0]]])
    points = np.concatenate([rounded, middle]) @ frame.T * (shape.size_m / 2)
    return tuple((float(x), float(y), float(z)) for x, y, z in points)


def die_surface(shape: DieShape, *, cells: int) -> DieSurface:
    """The surface of a die.

    Args:
        shape: Of the die.
        cells: Along each side of a face, about the pixels that it is long.
    """
    lattice, quads = _cube_net(cells)
    flat = _lines(shape.edge, cells)[lattice]
    points = _rounded(flat, shape)
    painted = np.zeros(len(points))
    for number in range(1, 7):
        frame = face_frame(shape.handed, number)
        on_face = np.flatnonzero(flat @ frame[:, 2] > 1 - 1e-9)
        places = flat[on_face] @ frame[:, :2]
        points[on_face] -= _sunk(places, shape, number)[:, None] * frame[:, 2]
        inside = shape.pip_radius - _to_pip(places, shape, number)
        painted[on_face] = np.clip(inside * cells / 2 + 0.5, 0, 1)  # soft over one cell
    return DieSurface(vertices_m=points * (shape.size_m / 2), quads=quads, painted=painted)


def _rounded(flat: FloatArray, shape: DieShape) -> FloatArray:
    # Points of the cube [-1, 1]^3's surface, moved onto the rounded, ball-cut one.
    core = np.clip(flat, shape.edge - 1, 1 - shape.edge)
    outwards = flat - core
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    points = core + shape.edge * outwards
    reach = np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points * np.minimum(1.0, shape.ball / reach))


def _to_pip(places: FloatArray, shape: DieShape, number: int) -> FloatArray:
    # (N,) from (N, 2) places on a face to the middle of the nearest pip.
    apart = places[:, None] - pip_places(shape, number)
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]).min(axis=1))


def _sunk(places: FloatArray, shape: DieShape, number: int) -> FloatArray:
    # (N,) how far places of a face lie below the cube's, over half a side: its hollow and pips.
    share = _to_pip(places, shape, number) / shape.pip_radius
    rim = min(1 - shape.edge, (shape.ball**2 - 1) ** 0.5)  # of what is flat
    out = (places**2).sum(axis=1) / rim**2
    hollow = shape.hollow * np.maximum(1 - out**_FLATNESS, 0)
    return np.asarray(hollow + shape.pip_depth * np.maximum(1 - share**2, 0))


def _lines(edge: float, cells: int) -> FloatArray:
    # (cells + 1,) of a face's grid, in -1 ... 1; even around the rounding, too.
    arc = edge * np.pi / 4
    rim = min(max(_EDGE_CELLS, round(cells * arc / (2 * (1 - edge + arc)))), (cells - 2) // 2)
    around = 1 - edge + edge * np.tan(np.linspace(0, np.pi / 4, rim + 1)[1:])
    flat = np.linspace(edge - 1, 1 - edge, cells - 2 * rim + 1)
    lines = np.concatenate([-around[::-1], flat, around])
    lines[[0, -1]] = -1.0, 1.0
    return np.asarray(lines)


@lru_cache(maxsize=16)
def _cube_net(cells: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    # (N, 3) lattice points 0 ... cells on a cube's surface, each once, and (F, 4) quads.
    along, across = np.meshgrid(np.arange(cells + 1), np.arange(cells + 1), indexing="ij")
    place = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1)
    patch = np.stack(
        [place[:-1, :-1], place[1:, :-1], place[1:, 1:], place[:-1, 1:]], axis=-1
    ).reshape(-1, 4)
    points, quads = [], []
    for side in range(6):
        axis, high = divmod(side, 2)
        face = np.empty((place.size, 3), dtype=np.int64)
        face[:, axis] = cells * high
        face[:, (axis + 1) % 3] = along.ravel()
        face[:, (axis + 2) % 3] = across.ravel()
        points.append(face)
        quads.append((patch if high else patch[:, ::-1]) + side * place.size)
    _, first, number = np.unique(
        np.concatenate(points) @ [1, cells + 1, (cells + 1) ** 2],
        return_index=True,
        return_inverse=True,
    )
    return (
        np.concatenate(points)[first],
        number.reshape(-1)[np.concatenate(quads)].astype(np.int32),
    )
