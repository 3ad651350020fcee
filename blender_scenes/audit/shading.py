"""Smooth normals where rays hit a mesh."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from blender_scenes.audit.pieces import Shading

__all__ = ["smooth_normals"]

_Array = npt.NDArray[np.float64]


def smooth_normals(
    shading: Shading, *, polygons: npt.NDArray[np.int64], points: _Array
) -> tuple[_Array, _Array]:
    """Normals of points on a mesh, in the mesh's frame.

    Args:
        shading: Of the mesh.
        polygons: (N,) on which polygon each point lies.
        points: (N, 3) in the mesh's frame.

    Returns:
        (N, 3) smooth and (N, 3) flat normals, both pointing as the polygon is wound; not of
        unit length.
    """
    first = np.searchsorted(shading.polygons, polygons, side="left")
    end = np.searchsorted(shading.polygons, polygons, side="right")
    best = np.full(len(points), -np.inf)
    smooth, flat = np.zeros((len(points), 3)), np.zeros((len(points), 3))
    for step in range(int((end - first).max(initial=0))):
        triangle = np.minimum(first + step, end - 1)
        weights, normal = _barycentric(shading.corners[triangle], points)
        inside = np.where(first + step < end, weights.min(axis=1), -np.inf)
        better = inside > best
        best[better] = inside[better]
        blended = np.einsum("ni,nij->nj", weights, shading.normals[triangle])
        smooth[better], flat[better] = blended[better], normal[better]
    return smooth, flat


def _barycentric(corners: _Array, points: _Array) -> tuple[_Array, _Array]:
    # (N, 3) weights of the corners, and the triangles' normals.
    a, b, c = (corners[:, i] for i in range(3))
    normal = np.cross(b - a, c - a)
    twice_area = np.maximum((normal**2).sum(axis=1), 1e-30)
    at_b = np.einsum("ni,ni->n", np.cross(points - a, c - a), normal) / twice_area
    at_c = np.einsum("ni,ni->n", np.cross(b - a, points - a), normal) / twice_area
    return np.stack([1 - at_b - at_c, at_b, at_c], axis=1), normal
