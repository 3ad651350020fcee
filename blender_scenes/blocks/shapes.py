"""Painted surfaces as arrays: lathed, extruded, drawn along a path. Without Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.grids import ring_quads
from pipeline.geometry.boxes import FloatArray

__all__ = ["Shape", "ball", "joined", "lathed", "moved", "sheet", "slab", "tube"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A surface to be shaded smooth: edges that are to look sharp have their points twice.

    Attributes:
        vertices_m: (N, 3).
        triangles: (T, 3) vertex numbers, anticlockwise seen from outside.
        paint: (N, 3) linear RGB reflectance.
    """

    vertices_m: FloatArray
    triangles: npt.NDArray[np.int32]
    paint: FloatArray


def lathed(profile_m: npt.ArrayLike, paint: npt.ArrayLike, *, segments: int = 32) -> Shape:
    """Turn a profile about z.

    Args:
        profile_m: (P, 2) distance from the axis and z, from below upwards seen from outside.
            Points named twice make a sharp edge.
        paint: (3,) or (P, 3) linear RGB.
        segments: Around the axis.
    """
    rings = np.asarray(profile_m, dtype=float)
    turn = np.arange(segments) * 2 * np.pi / segments
    vertices = np.empty((len(rings), segments, 3))
    vertices[..., 0] = rings[:, :1] * np.cos(turn)
    vertices[..., 1] = rings[:, :1] * np.sin(turn)
    vertices[..., 2] = rings[:, 1:]
    colours = np.repeat(np.broadcast_to(paint, (len(rings), 3)), segments, axis=0)
    quads = ring_quads(len(rings), segments)[:, ::-1]
    level = quads.reshape(len(rings) - 1, segments, 4)
    apart = np.any(rings[1:] != rings[:-1], axis=1)
    return Shape(
        vertices_m=vertices.reshape(-1, 3),
        triangles=_halved(level[apart].reshape(-1, 4)),
        paint=np.array(colours, dtype=float),
    )


def tube(
    path_m: npt.ArrayLike, radius_m: npt.ArrayLike, paint: npt.ArrayLike, *, segments: int = 10
) -> Shape:
    """A round rope along (P, 3) points with closed ends.

    Args:
        path_m: Its middle.
        radius_m: Everywhere, or (P,).
        paint: (3,) or (P, 3) linear RGB.
        segments: Around.
    """
    path = np.asarray(path_m, dtype=float)
    radius = np.broadcast_to(np.asarray(radius_m, dtype=float), len(path))
    colours = np.broadcast_to(np.asarray(paint, dtype=float), (len(path), 3))
    path = np.concatenate([path[:1], path, path[-1:]])
    radius = np.concatenate([[0.0], radius, [0.0]])
    colours = np.concatenate([colours[:1], colours, colours[-1:]])
    along = np.gradient(path[1:-1], axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    along = np.concatenate([along[:1], along, along[-1:]])
    # One frame carried along the path: no twists.
    side = np.empty_like(along)
    start = np.eye(3)[np.argmin(np.abs(along[0]))]
    for index, direction in enumerate(along):
        start = start - (start @ direction) * direction
        start = start / np.linalg.norm(start)
        side[index] = start
    over = np.cross(along, side)
    turn = np.arange(segments) * 2 * np.pi / segments
    around = np.cos(turn)[:, None] * side[:, None] + np.sin(turn)[:, None] * over[:, None]
    vertices = path[:, None] + radius[:, None, None] * around
    return Shape(
        vertices_m=vertices.reshape(-1, 3),
        triangles=_halved(ring_quads(len(path), segments)[:, ::-1]),
        paint=np.repeat(colours, segments, axis=0),
    )


def slab(
    outline_m: npt.ArrayLike, height_m: float, paint: npt.ArrayLike, *, sides: npt.ArrayLike = ()
) -> Shape:
    """A flat thing on z = 0 with sharp edges.

    Args:
        outline_m: (P, 2), anticlockwise, star-shaped about its middle.
        height_m: Thickness.
        paint: (3,) of top and bottom.
        sides: (3,) of the sides; as the top unless given.
    """
    flat = np.asarray(outline_m, dtype=float)
    count = len(flat)
    top = np.column_stack([flat, np.full(count, height_m)])
    bottom = np.column_stack([flat, np.zeros(count)])
    middle = flat.mean(axis=0)
    caps = np.array([[*middle, height_m], [*middle, 0.0]])
    here = np.arange(count)
    after = (here + 1) % count
    lids = np.concatenate(
        [
            np.column_stack([here, after, np.full(count, 4 * count)]),
            np.column_stack([after + count, here + count, np.full(count, 4 * count + 1)]),
        ]
    )
    walls = np.column_stack([here + 3 * count, after + 3 * count, after + 2 * count,
                             here + 2 * count])  # fmt: skip
    face = np.asarray(paint, dtype=float)
    edge = face if np.size(sides) == 0 else np.asarray(sides, dtype=float)
    return Shape(
        vertices_m=np.concatenate([top, bottom, top, bottom, caps]),
        triangles=np.concatenate([lids, _halved(walls)]).astype(np.int32),
        paint=np.concatenate(
            [np.tile(face, (2 * count, 1)), np.tile(edge, (2 * count, 1)), np.tile(face, (2, 1))]
        ),
    )


def sheet(vertices_m: FloatArray, paint: npt.ArrayLike) -> Shape:
    """An (R, C, 3) net of points, seen from above where columns run to +x and rows to +y.

    Args:
        vertices_m: The points.
        paint: (3,) or (R, C, 3) linear RGB.
    """
    rows, columns, _ = vertices_m.shape
    place = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack(
        [place[:-1, :-1], place[:-1, 1:], place[1:, 1:], place[1:, :-1]], axis=-1
    ).reshape(-1, 4)
    return Shape(
        vertices_m=vertices_m.reshape(-1, 3),
        triangles=_halved(quads.astype(np.int32)),
        paint=np.broadcast_to(paint, vertices_m.shape).reshape(-1, 3).astype(float),
    )


def ball(
    radii_m: npt.ArrayLike, paint: npt.ArrayLike, *, bumps: npt.ArrayLike = (), segments: int = 28
) -> Shape:
    """An ellipsoid around the origin, its radius changed by waves.

    Args:
        radii_m: (3,) half axes.
        paint: (3,) linear RGB.
        bumps: (B, 4) wave vectors (radians across a unit ball) and amplitudes over the radius.
        segments: Around.
    """
    polar = np.linspace(np.pi, 0, segments // 2 + 1)
    profile = np.round(np.column_stack([np.sin(polar), np.cos(polar)]), 12)
    unit = lathed(profile, paint, segments=segments)
    swell = np.ones(len(unit.vertices_m))
    for *wave, amplitude in np.reshape(np.asarray(bumps, dtype=float), (-1, 4)):
        swell += amplitude * np.sin(unit.vertices_m @ wave + 7.0 * amplitude)
    return replace(unit, vertices_m=unit.vertices_m * swell[:, None] * np.asarray(radii_m))


def joined(shapes: Sequence[Shape]) -> Shape:
    """Several shapes as one."""
    starts = np.cumsum([0, *(len(shape.vertices_m) for shape in shapes[:-1])])
    return Shape(
        vertices_m=np.concatenate([shape.vertices_m for shape in shapes]),
        triangles=np.concatenate(
            [shape.triangles + start for shape, start in zip(shapes, starts, strict=True)]
        ).astype(np.int32),
        paint=np.concatenate([shape.paint for shape in shapes]),
    )


def moved(shape: Shape, transform: npt.ArrayLike) -> Shape:
    """The shape after a (4, 4) rigid transform."""
    matrix = np.asarray(transform, dtype=float)
    return replace(shape, vertices_m=shape.vertices_m @ matrix[:3, :3].T + matrix[:3, 3])


def _halved(quads: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    halves = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    return np.asarray(halves, dtype=np.int32)
