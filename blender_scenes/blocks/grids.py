"""Points and faces of regular meshes, without Blender."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["crowded_line", "ring_quads"]


def crowded_line(points: int, *, crowding: float) -> FloatArray:
    """(points,) places from -1 to 1, closer together in the middle than at the ends.

    Args:
        points: How many, at least 2.
        crowding: Above 0; a gap at an end is cosh of it times as wide as one in the middle.
    """
    return np.asarray(np.sinh(crowding * np.linspace(-1, 1, points)) / np.sinh(crowding))


def ring_quads(rings: int, segments: int) -> npt.NDArray[np.int32]:
    """Quads between neighbouring closed rings of vertices.

    Args:
        rings: How many; vertex ``ring * segments + k`` is the k-th of its ring.
        segments: Vertices of one ring.

    Returns:
        ((rings - 1) * segments, 4), facing the side from which the rings run anticlockwise and
        grow outwards.
    """
    here = np.arange(segments)
    after = (here + 1) % segments
    ring = np.arange(rings - 1)[:, None] * segments
    quads = np.stack(
        [ring + here, ring + segments + here, ring + segments + after, ring + after], axis=-1
    )
    return quads.reshape(-1, 4).astype(np.int32)
