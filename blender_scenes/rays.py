"""What rays through pixels hit: Embree on the surfaces, in the camera's axes. No bpy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene

from blender_scenes.triangles import Surface
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Camera, cam_from_world, picture_rays_cam, project_cam, rays_cam
from pipeline.geometry.masks import pixel_centres
from pipeline.records.passes import NO_DEPTH_M

__all__ = ["Hits", "RayScene", "Silhouette"]

_NOT_IN_FRONT_M = 1e-6
_SAME_DISTANCE = 1e-3  # design: a point is hidden by what is nearer by more than this share


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What N rays see first.

    Attributes:
        ids: (N,) instance ids, 0 for background and for nothing.
        depth_m: (N,) along the camera's z, ``NO_DEPTH_M`` for nothing.
        normals: (N, 3) in the camera's axes, towards the camera, 0 for nothing; None unless
            wanted.
    """

    ids: npt.NDArray[np.uint16]
    depth_m: npt.NDArray[np.float32]
    normals: npt.NDArray[np.float32] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silhouette:
    """One object as if nothing stood before it.

    Attributes:
        origin: x, y of the window's first pixel in the picture; may be negative.
        window: (h, w) pixels of the window that show the object.
    """

    origin: tuple[int, int]
    window: npt.NDArray[np.bool_]


class RayScene:
    """The surfaces of one frame, ready to be looked at through its lens.

    Args:
        surfaces: Of the scene, in the world.
        camera: Whose rays are cast.
    """

    def __init__(self, surfaces: Sequence[Surface], camera: Camera) -> None:
        self._camera = camera
        view = cam_from_world(camera)
        # In the camera's axes float32 is finest where the objects are.
        self._vertices = [surface.vertices_in(view) for surface in surfaces]
        self._surfaces = surfaces
        self._view = view
        self._ids = np.array([s.instance_id for s in surfaces] + [0], np.uint16)
        # Watertight edges cost a third more; in a pinhole view no mask hangs on this scene.
        self._all = self._embree(range(len(surfaces)), robust=not camera.is_pinhole)

    def first_hits(self, *, normals: bool = False) -> Hits:
        """What every pixel's centre sees, row by row, with surface normals if wanted."""
        rays = picture_rays_cam(self._camera).astype(np.float32)
        found = _cast(self._all, rays)
        geometry = found["geomID"]  # -1, the last entry of the tables, where nothing is hit
        hit = geometry >= 0
        return Hits(
            ids=np.where(hit, self._ids[geometry], 0).astype(np.uint16),
            depth_m=np.where(hit, found["tfar"], NO_DEPTH_M).astype(np.float32),
            normals=self._normals(found, rays) if normals else None,
        )

    def _normals(
        self, found: dict[str, Any], rays: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        geometry = found["geomID"]
        normals = np.zeros((len(rays), 3), np.float32)
        for number, surface in enumerate(self._surfaces):
            own = np.flatnonzero(geometry == number)
            u, v = found["u"][own, None], found["v"][own, None]
            corners = surface.normals_in(self._view)[found["primID"][own]]
            normals[own] = (1 - u - v) * corners[:, 0] + u * corners[:, 1] + v * corners[:, 2]
        # Which side is seen is the flat triangle's matter, not that of its smooth shading.
        away = np.einsum("ij,ij->i", found["Ng"], rays) * np.einsum(
            "ij,ij->i", found["Ng"], normals
        )
        normals[away > 0] *= -1
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        return np.asarray(
            np.where(geometry[:, None] >= 0, normals / np.maximum(lengths, 1e-12), 0.0),
            dtype=np.float32,
        )

    def silhouette(
        self, instance_id: int, *, known: npt.NDArray[np.bool_] | None = None
    ) -> Silhouette:
        """Which pixels an object covers, hidden parts included.

        The picture is extended by its own size to every side (the canvas of the BOP toolkit);
        what lies farther out is not counted.

        Args:
            instance_id: Of the object; all surfaces that carry it belong to it.
            known: (H, W) pixels that are known to show it, which then need no ray.

        Returns:
            An empty window if the canvas shows nothing of it.
        """
        numbers = [i for i, s in enumerate(self._surfaces) if s.instance_id == instance_id]
        box = self._box(numbers)
        x0, y0, x1, y1 = box
        height, width = max(y1 - y0, 0), max(x1 - x0, 0)
        window = np.zeros((height, width), bool)
        if window.size == 0:
            return Silhouette(origin=(x0, y0), window=window)
        if known is not None:
            inside = (slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0)))
            part = known[inside]
            top, left = max(-y0, 0), max(-x0, 0)
            window[top : top + part.shape[0], left : left + part.shape[1]] = part
        open_pixels = np.flatnonzero(~window.ravel())
        rays = self._rays(pixel_centres(box)[open_pixels])
        hit = _cast(self._embree(numbers, robust=True), rays)["geomID"] >= 0
        window.reshape(-1)[open_pixels[hit]] = True
        return Silhouette(origin=(x0, y0), window=window)

    def hidden(self, points_m: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether something stands between the camera and points.

        Args:
            points_m: (N, 3) in the world.

        Returns:
            (N,); also True for points that are not in front of the camera.
        """
        points = np.asarray(points_m) @ self._view[:3, :3].T + self._view[:3, 3]
        in_front = points[:, 2] > _NOT_IN_FRONT_M
        rays = points / np.where(in_front, points[:, 2], 1.0)[:, None]
        found = _cast(self._all, rays.astype(np.float32))
        nearer = (found["geomID"] >= 0) & (found["tfar"] < (1 - _SAME_DISTANCE) * points[:, 2])
        return np.asarray(nearer | ~in_front)

    def _rays(self, pixels_px: FloatArray) -> npt.NDArray[np.float32]:
        return rays_cam(self._camera, pixels_px).astype(np.float32)

    def _embree(self, numbers: Sequence[int], *, robust: bool) -> EmbreeScene:
        scene = EmbreeScene(robust=robust)
        for number in numbers:
            TriangleMesh(
                scene,
                np.ascontiguousarray(self._vertices[number], np.float32),
                np.ascontiguousarray(self._surfaces[number].triangles, np.int32),
            )
        return scene

    def _box(self, numbers: Sequence[int]) -> tuple[int, int, int, int]:
        # A box of pixels around the projected vertices, inside the canvas.
        height, width = self._camera.image_hw
        canvas = (-width, -height, 2 * width, 2 * height)
        if not numbers:
            return (0, 0, 0, 0)
        points = np.concatenate([self._vertices[number] for number in numbers])
        pixels = project_cam(self._camera, points)
        if not np.isfinite(pixels).all():
            return canvas  # parts of it lie behind the camera, or beyond the fold of the lens
        reach = np.concatenate([pixels.min(axis=0) - 1, pixels.max(axis=0) + 2])
        edges: FloatArray = np.clip(reach, canvas[:2] * 2, canvas[2:] * 2)
        return (*map(math.floor, edges),)


def _cast(scene: EmbreeScene, rays: npt.NDArray[np.float32]) -> dict[str, Any]:
    # Rays have z = 1, so that Embree's distance is the depth. No pixel of the lens: no hit.
    void = ~np.isfinite(rays).all(axis=1)
    directions = np.where(void[:, None], np.array([0, 0, -1], np.float32), rays).astype(np.float32)
    found: dict[str, Any] = scene.run(np.zeros_like(directions), directions, output=1)
    found["geomID"] = np.where(void, -1, found["geomID"])
    return found
