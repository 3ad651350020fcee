"""Which other files a model names, and whether they stay inside its folder. No Blender."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pipeline.errors import SpecError

__all__ = ["check_references"]

_GLB_HEADER, _CHUNK_HEADER = struct.Struct("<4sII"), struct.Struct("<I4s")


def check_references(path: Path, *, root: Path) -> None:
    """Refuse a model that names files outside the folder of models, before anything opens them.

    What a ``.blend`` names is known only to Blender: ``preparation`` looks at it.

    Args:
        path: The model.
        root: The folder of models.

    Raises:
        SpecError: Naming model and file, or if the model cannot be read.
    """
    for name in _named_by(path):
        inside = "://" not in name and (path.parent / name).resolve().is_relative_to(root.resolve())
        if not inside:
            raise SpecError(
                f"{path}: names {name!r}, which is outside {root}; "
                "copy it beside the model and name it there."
            )


def _named_by(path: Path) -> Iterator[str]:
    match path.suffix.lower():
        case ".obj":
            for name in _words_after(path, ("mtllib",)):
                yield name
                material = path.parent / name
                if material.is_file():
                    yield from _textures(material)
        case ".gltf" | ".glb":
            document = _gltf(path)
            for entry in (*document.get("buffers", ()), *document.get("images", ())):
                uri = entry.get("uri", "data:")
                if not uri.startswith("data:"):
                    yield unquote(uri)


def _textures(material: Path) -> Iterator[str]:
    # Names of files among the words of options, which are no paths that leave a folder.
    yield from _words_after(material, ("map_", "bump", "disp", "decal", "refl", "norm"))


def _words_after(path: Path, keys: tuple[str, ...]) -> Iterator[str]:
    text = path.read_bytes().decode(errors="replace")
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        words = line.strip().lower().split(maxsplit=1)
        if len(words) == 2 and words[0].startswith(keys):
            for word in line.split()[1:]:
                yield word.strip('"').replace("\\", "/")


def _gltf(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    try:
        if path.suffix.lower() == ".glb":
            magic, _, _ = _GLB_HEADER.unpack_from(content)
            length, kind = _CHUNK_HEADER.unpack_from(content, _GLB_HEADER.size)
            start = _GLB_HEADER.size + _CHUNK_HEADER.size
            if magic != b"glTF" or kind != b"JSON":
                raise ValueError("wrong magic")
            content = content[start : start + length]
        document = json.loads(content)
        uris = [e.get("uri", "") for key in ("buffers", "images") for e in document.get(key, ())]
        if not all(isinstance(uri, str) for uri in uris):
            raise ValueError("a uri that is no word")
    except (ValueError, AttributeError, TypeError, struct.error) as error:
        raise SpecError(f"{path}: not a glTF file ({error}); export the model again.") from error
    return dict(document)
