"""Skins that wrinkle, dent and darken with age: displaced and painted vertices. No Blender."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.noise import creases, solid_noise
from blender_scenes.blocks.shapes import Shape
from pipeline.geometry.boxes import FloatArray

__all__ = ["vertex_normals", "wrinkled"]


def vertex_normals(shape: Shape) -> FloatArray:
    """(N, 3) outward unit vectors; vertices at one place share theirs, so that nothing tears."""
    a, b, c = (shape.vertices_m[shape.triangles[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    size_m = max(float(np.ptp(shape.vertices_m, axis=0).max()), 1e-12)
    _, places = np.unique((shape.vertices_m / size_m).round(7), axis=0, return_inverse=True)
    places = places.reshape(-1)
    summed = np.zeros((places.max() + 1, 3))
    for corner in range(3):
        np.add.at(summed, places[shape.triangles[:, corner]], across)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.asarray((summed / np.maximum(length, 1e-30))[places])


def wrinkled(
    shape: Shape,
    *,
    depth_m: float,
    pitch_m: float,
    seed: int,
    stretch: npt.ArrayLike = (1.0, 1.0, 1.0),
    darkening: float = 0.5,
    mottling: float = 0.15,
) -> Shape:
    """A shape with creases of a skin that has dried, darker where they are deep.

    Args:
        shape: Of vertices closer together than the creases.
        depth_m: Of the creases.
        pitch_m: From one to the next.
        seed: Of where they run.
        stretch: (3,) how much longer they are along each axis.
        darkening: Share of the paint's light that the deepest crease keeps back.
        mottling: Strength of brighter and darker patches.
    """
    rng = np.random.default_rng(seed)
    places = shape.vertices_m / (pitch_m * np.asarray(stretch, dtype=float))
    bend = np.column_stack([solid_noise(rng, places / 3) for _ in range(3)])
    deep = creases(rng, places + 0.5 * bend, sharpness=3.0)
    patches = np.exp(mottling * solid_noise(rng, places / 4))
    shade = (1 - darkening * deep) * patches
    return replace(
        shape,
        vertices_m=shape.vertices_m - depth_m * deep[:, None] * vertex_normals(shape),
        paint=np.clip(shape.paint * shade[:, None], 0.0, 1.0),
    )
