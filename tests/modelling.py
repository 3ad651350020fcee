"""Small models in every format, written without Blender, and one with, for tests."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from itertools import product
from pathlib import Path

import cv2
import numpy as np

LOW, HIGH = np.array([-0.02, -0.03, 0.0]), np.array([0.06, 0.05, 0.12])
CORNERS = np.array(list(product(*zip(LOW, HIGH, strict=True))))
QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4],
                  [1, 5, 7, 3]])  # fmt: skip
TRIANGLES = np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])
FORMATS = ("blend", "glb", "gltf", "obj", "ply", "stl")


def write_box(path: Path, *, scale: float = 1.0) -> Path:
    """A box from LOW to HIGH, by the file's ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[path.suffix](path, CORNERS * scale)
    return path


def write_boxes(folder: Path) -> Path:
    """One in each format; ``.gltf`` and ``.obj`` with a picture."""
    for ending in FORMATS:
        write_box(folder / f"{ending}_box.{ending}")
    return folder


def write_bop(folder: Path) -> Path:
    """Two coloured boxes in mm; the first has a symmetry."""
    for number in (2, 11):
        write_box(folder / f"obj_{number:06d}.ply", scale=1000)
    half_turn = [-1, 0, 0, 40, 0, -1, 0, 20, 0, 0, 1, 0, 0, 0, 0, 1]
    sides = dict(zip(("size_x", "size_y", "size_z"), (80, 80, 120), strict=True))
    info = {"diameter": 165.0, "min_x": -20, "min_y": -30, "min_z": 0, **sides}
    document = {"2": info | {"symmetries_discrete": [half_turn]}, "11": info}
    (folder / "models_info.json").write_text(json.dumps(document))
    return folder


def _ply(path: Path, corners: np.ndarray) -> None:
    lines = ["ply", "format ascii 1.0", f"element vertex {len(corners)}",
             *(f"property float {axis}" for axis in "xyz"),
             *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
             f"element face {len(QUADS)}", "property list uchar int vertex_indices",
             "end_header"]  # fmt: skip
    lines += [f"{x} {y} {z} 200 90 20" for x, y, z in corners]
    lines += [f"4 {a} {b} {c} {d}" for a, b, c, d in QUADS]
    path.write_text("\n".join(lines) + "\n")


def _stl(path: Path, corners: np.ndarray) -> None:
    facets = b"".join(
        struct.pack("<12fH", 0, 0, 0, *corners[triangle].ravel(), 0) for triangle in TRIANGLES
    )
    path.write_bytes(b"\0" * 80 + struct.pack("<I", len(TRIANGLES)) + facets)


def _obj(path: Path, corners: np.ndarray) -> None:
    lines = [f"mtllib {path.stem}.mtl", *(f"v {x} {y} {z}" for x, y, z in corners)]
    lines += ["vt 0 0", "vt 1 0", "vt 1 1", "vt 0 1", "usemtl paint"]
    lines += ["f " + " ".join(f"{v + 1}/{k + 1}" for k, v in enumerate(quad)) for quad in QUADS]
    path.write_text("\n".join(lines) + "\n")
    path.with_suffix(".mtl").write_text(
        f"newmtl paint\nKd 0.8 0.2 0.1\nmap_Kd {path.stem}_paint.png\n"
    )
    _picture(path.with_name(f"{path.stem}_paint.png"))


def _picture(path: Path) -> None:
    cv2.imwrite(str(path), np.tile(np.uint8([[[30, 60, 220], [200, 200, 40]]]), (8, 4, 1)))


def _gltf_document(corners: np.ndarray) -> tuple[dict, bytes]:
    places = corners.astype("<f4").tobytes()
    indices = TRIANGLES.astype("<u2").tobytes()
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}
        ],
        "materials": [
            {"pbrMetallicRoughness": {"baseColorFactor": [0.1, 0.6, 0.2, 1], "metallicFactor": 0}}
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3",
             "min": corners.min(axis=0).tolist(), "max": corners.max(axis=0).tolist()},
            {"bufferView": 1, "componentType": 5123, "count": TRIANGLES.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(places)},
            {"buffer": 0, "byteOffset": len(places), "byteLength": len(indices)},
        ],
        "buffers": [{"byteLength": len(places) + len(indices)}],
    }  # fmt: skip
    return document, places + indices


def _gltf(path: Path, corners: np.ndarray) -> None:
    document, body = _gltf_document(corners)
    document["buffers"][0]["uri"] = (
        "data:application/octet-stream;base64," + base64.b64encode(body).decode()
    )
    path.write_text(json.dumps(document))


def _glb(path: Path, corners: np.ndarray) -> None:
    document, body = _gltf_document(corners)
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(body), b"BIN\0") + body
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


def _blend(path: Path, corners: np.ndarray) -> None:
    in_blender(
        "mesh = bpy.data.meshes.new('box')\n"
        f"mesh.from_pydata({corners.tolist()}, [], {QUADS.tolist()})\n"
        "box = bpy.data.objects.new('box', mesh)\n"
        "bpy.context.scene.collection.objects.link(box)\n"
        "material = bpy.data.materials.new('paint')\n"
        "mesh.materials.append(material)\n"
        f"bpy.ops.wm.save_as_mainfile(filepath={str(path)!r}, compress=True)\n"
    )


def in_blender(code: str) -> None:
    """Run code in a Blender of its own, in an empty scene."""
    start = "import bpy, os\nbpy.ops.wm.read_factory_settings(use_empty=True)\n"
    end = "\nimport sys; sys.stdout.flush(); os._exit(0)"
    done = subprocess.run(
        [sys.executable, "-c", start + code + end], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


_WRITERS = {
    ".blend": _blend, ".glb": _glb, ".gltf": _gltf, ".obj": _obj, ".ply": _ply, ".stl": _stl,
}  # fmt: skip
