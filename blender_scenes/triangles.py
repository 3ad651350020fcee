"""Triangles of the things in a scene, as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["Surface", "merged_surface"]

_SAME_POSE = 1e-5  # what a matrix loses on its way through Blender's float32


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One object's evaluated mesh.

    Attributes:
        instance_id: As in the id pass, 0 for background.
        world_from_mesh: (4, 4); may scale.
        vertices_m: (N, 3) float32 in the mesh's own frame.
        triangles: (F, 3) vertex numbers.
        normals: (F, 3, 3) shading normals of the triangles' corners, in the mesh's own frame.
    """

    instance_id: int
    world_from_mesh: FloatArray
    vertices_m: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int32]
    normals: npt.NDArray[np.float32]

    def vertices_in(self, frame_from_world: FloatArray) -> FloatArray:
        """(N, 3) vertices in another frame."""
        transform = frame_from_world @ self.world_from_mesh
        if np.abs(transform - np.eye(4)).max() < _SAME_POSE:
            return self.vertices_m.astype(np.float64)
        return np.asarray(self.vertices_m @ transform[:3, :3].T + transform[:3, 3])

    def normals_in(self, frame_from_world: FloatArray) -> FloatArray:
        """(F, 3, 3) unit normals in another frame."""
        linear = (frame_from_world @ self.world_from_mesh)[:3, :3]
        normals = self.normals @ np.linalg.inv(linear)
        return np.asarray(normals / np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-12))


def merged_surface(
    surfaces: Sequence[Surface], frame_from_world: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.int32]]:
    """Several surfaces as one: (N, 3) vertices in a frame, metres, and (F, 3) triangles."""
    vertices = [surface.vertices_in(frame_from_world) for surface in surfaces]
    starts = np.cumsum([0] + [len(part) for part in vertices[:-1]])
    triangles = [s.triangles + start for s, start in zip(surfaces, starts, strict=True)]
    return np.concatenate(vertices), np.concatenate(triangles).astype(np.int32)
