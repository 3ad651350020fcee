"""What is known of every pixel of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["NO_DEPTH_M", "FramePasses"]

NO_DEPTH_M = 1e10
"""Depth where nothing is, as Blender writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePasses:
    """Exact values at the pixels' centres; optional kinds are None where off.

    Attributes:
        ids: (H, W) uint16, instance id, 0 is background.
        depth_m: (H, W) float32 along the camera's z, ``NO_DEPTH_M`` where nothing is.
        semantic: (H, W) uint16, category id, 0 is background.
        normals: (H, W, 3) unit vectors in the camera's axes, towards the camera; 0 where
            nothing is.
        flow_px: (H, W, 2) float32 x, y to where the same point is in the next picture; nan
            where there is nothing, or it will not be in front of the camera.
    """

    ids: npt.NDArray[np.uint16]
    depth_m: npt.NDArray[np.float32] | None = None
    semantic: npt.NDArray[np.uint16] | None = None
    normals: npt.NDArray[np.float32] | None = None
    flow_px: npt.NDArray[np.float32] | None = None
