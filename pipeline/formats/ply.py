"""Triangle meshes as binary PLY files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["decode_ply", "encode_ply"]

_VERTEX = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", 3)])


def encode_ply(vertices: FloatArray, triangles: npt.NDArray[np.int32]) -> bytes:
    """Encode a mesh.

    Args:
        vertices: (N, 3), in the unit the file is to have.
        triangles: (F, 3) vertex numbers.
    """
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(triangles)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    faces = np.empty(len(triangles), _FACE)
    faces["count"], faces["vertices"] = 3, triangles
    return header.encode() + np.asarray(vertices, "<f4").tobytes() + faces.tobytes()


def decode_ply(content: bytes) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Decode what :func:`encode_ply` wrote: (N, 3) vertices and (F, 3) triangles.

    Raises:
        ValueError: If it is another kind of PLY.
    """
    header, marker, body = content.partition(b"end_header\n")
    counts = [int(line.split()[-1]) for line in header.split(b"\n") if line.startswith(b"element")]
    if (
        not marker
        or len(counts) != 2
        or encode_ply(np.empty((counts[0], 3)), np.empty((counts[1], 3), np.int32))[: len(header)]
        != header
    ):
        raise ValueError("not a PLY file of plain triangles as blendgap writes it")
    vertices = np.frombuffer(body, _VERTEX, counts[0])
    faces = np.frombuffer(body, _FACE, counts[1], offset=vertices.nbytes)
    return (
        np.stack([vertices["x"], vertices["y"], vertices["z"]], axis=1),
        faces["vertices"].astype(np.int32),
    )
