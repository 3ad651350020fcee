"""Triangle meshes as PLY files: our own written and read, anybody's measured and scaled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["decode_ply", "encode_ply", "ply_vertices", "scale_ply"]

_VERTEX = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", 3)])
_TYPES = {
    name: code
    for names, code in (
        ("char int8", "i1"),
        ("uchar uint8", "u1"),
        ("short int16", "i2"),
        ("ushort uint16", "u2"),
        ("int int32", "i4"),
        ("uint uint32", "u4"),
        ("float float32", "f4"),
        ("double float64", "f8"),
    )
    for name in names.split()
}
_BYTE_ORDER = {b"binary_little_endian": "<", b"binary_big_endian": ">"}


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


def ply_vertices(content: bytes) -> FloatArray:
    """The (N, 3) vertices of any PLY file, in the file's unit.

    Raises:
        ValueError: If it is no PLY file, or its first element is not ``vertex``.
    """
    return _split(content).vertices


def scale_ply(content: bytes, factor: float) -> bytes:
    """The same file with its vertices' x, y, z multiplied; all else stays byte for byte.

    Raises:
        ValueError: If it is no PLY file, or its first element is not ``vertex``.
    """
    parts = _split(content)
    scaled = parts.vertices * factor
    if isinstance(parts.table, list):
        for row, xyz in zip(parts.table, scaled, strict=True):
            for column, value in zip(parts.columns, xyz, strict=True):
                row[column] = b"%.9g" % value
        middle = b"".join(b" ".join(row) + b"\n" for row in parts.table)
    else:
        for name, values in zip("xyz", scaled.T, strict=True):
            parts.table[name] = values
        middle = parts.table.tobytes()
    return parts.header + middle + parts.rest


@dataclass(slots=True, kw_only=True)
class _Parts:
    # A PLY file around its vertices: of a binary file a structured array, of text rows of words.
    header: bytes
    table: npt.NDArray[np.void] | list[list[bytes]]
    columns: tuple[int, int, int]
    rest: bytes

    @property
    def vertices(self) -> FloatArray:
        if isinstance(self.table, list):
            words = [[float(row[column]) for column in self.columns] for row in self.table]
            return np.array(words, dtype=np.float64).reshape(-1, 3)
        return np.stack([self.table[name].astype(np.float64) for name in "xyz"], axis=1)


def _split(content: bytes) -> _Parts:
    start = content.find(b"end_header")
    end = content.find(b"\n", start) + 1
    if not content.startswith(b"ply") or start < 0 or end == 0:
        raise ValueError("not a PLY file")
    lines = [line.split() for line in content[:start].splitlines()]
    lines = [words for words in lines if words and words[0] not in (b"comment", b"obj_info")]
    elements = [i for i, words in enumerate(lines) if words[0] == b"element"]
    encoding = next((words[1] for words in lines if words[0] == b"format"), b"")
    if not elements or lines[elements[0]][1] != b"vertex":
        raise ValueError("a PLY file whose first element is not 'vertex'")
    after = elements[1] if len(elements) > 1 else len(lines)
    try:
        count = int(lines[elements[0]][2])
        properties = [
            (name.decode(), _TYPES[kind.decode()])
            for _, kind, name in lines[elements[0] + 1 : after]
        ]
        names = [name for name, _ in properties]
        columns = (names.index("x"), names.index("y"), names.index("z"))
        body = content[end:]
        if encoding == b"ascii":
            rows = body.split(b"\n", count)
            table = [row.split() for row in rows[:count]]
            if len(table) < count or any(len(row) != len(names) for row in table):
                raise ValueError("too few vertices")
            rest = rows[count] if len(rows) > count else b""
            return _Parts(header=content[:end], table=table, columns=columns, rest=rest)
        order = _BYTE_ORDER[encoding]
        dtype = np.dtype([(name, order + code) for name, code in properties])
        array = np.frombuffer(body, dtype, count).copy()
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"a PLY file with a header or vertices that are wrong ({error})") from None
    return _Parts(header=content[:end], table=array, columns=columns, rest=body[array.nbytes :])
