"""Models brought into one form by Blender, once, in a child process; kept in a cache.

The cache, ``~/.cache/blendgap/models-1``, has two files for each model, named by a hash of all
that it was made from: a ``.blend`` of ours with one mesh and its materials, pictures packed, and
what is measured of it. It is safe to delete at any time. This module never imports bpy.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from blender_scenes.scratch import Scratch
from pipeline.errors import RenderError, SpecError
from pipeline.records.scene import Record, Vector3

__all__ = [
    "MESH",
    "Facts",
    "Finish",
    "Preparation",
    "PreparationReply",
    "blend_file",
    "facts_file",
    "prepare",
]

MESH = "model"
"""Name of the mesh in a prepared file."""

Finish = Literal["own", "vertex", "bare"]


class Facts(Record):
    """What is measured of a model, in its file's axes and unit.

    Attributes:
        finish: Materials of its own, colours at its vertices, or neither.
        low: Smallest x, y, z.
        high: Largest.
        centre: Of mass of its convex hull.
        hull: Corners of the convex hull.
        hull_triangles: Numbers of corners.
        faces: How many it has.
    """

    finish: Finish
    low: Vector3
    high: Vector3
    centre: Vector3
    hull: tuple[Vector3, ...]
    hull_triangles: tuple[tuple[int, int, int], ...]
    faces: int


class Preparation(Record):
    """One line that the child reads.

    Attributes:
        key: Names the result.
        path: The model.
        root: Folder that it may take other files from.
        cache: Folder of the result.
    """

    key: str
    path: Path
    root: Path
    cache: Path


class PreparationReply(Record):
    """One line that it answers; ``error`` says why there is no result."""

    key: str
    error: str | None = None


def blend_file(key: str) -> Path:
    """The mesh of a prepared model."""
    return _cache() / f"{key}.blend"


def facts_file(key: str) -> Path:
    """Its measures, written last."""
    return _cache() / f"{key}.json"


def prepare(models: Sequence[tuple[str, Path]], *, root: Path) -> dict[str, Facts]:
    """Prepare the models that are not in the cache; gives what is measured of all.

    Args:
        models: Key and file of each.
        root: Folder that they may take other files from.

    Raises:
        SpecError: Naming a file that cannot be used.
        RenderError: If Blender does not start.
    """
    found = {key: facts for key, _ in models if (facts := _known(key)) is not None}
    missing = [(key, path) for key, path in models if key not in found]
    if missing:
        _cache().mkdir(parents=True, exist_ok=True)
        _run(missing, root)
        for key, path in missing:
            facts = _known(key)
            if facts is None:
                raise RenderError(f"{path}: left nothing in {_cache()}; is it writable?")
            found[key] = facts
    return found


def _cache() -> Path:
    return Path.home() / ".cache" / "blendgap" / "models-1"


def _known(key: str) -> Facts | None:
    try:
        facts = Facts.model_validate_json(facts_file(key).read_bytes())
    except (OSError, ValidationError):
        return None
    return facts if blend_file(key).is_file() else None


def _run(missing: Sequence[tuple[str, Path]], root: Path) -> None:
    replies_read, replies_write = os.pipe()
    lines = "".join(
        Preparation(key=key, path=path, root=root, cache=_cache()).model_dump_json() + "\n"
        for key, path in missing
    )
    with (
        tempfile.TemporaryFile() as orders,
        tempfile.TemporaryFile() as log,
        Scratch() as scratch,
    ):
        orders.write(lines.encode())
        orders.seek(0)
        with subprocess.Popen(
            scratch.python("-m", "blender_scenes.meshes.preparation", str(replies_write)),
            stdin=orders,
            stdout=log,
            stderr=log,
            pass_fds=(replies_write,),
        ) as child:
            os.close(replies_write)
            try:
                with os.fdopen(replies_read, encoding="utf-8") as replies:
                    heard = [PreparationReply.model_validate_json(line) for line in replies]
            except BaseException:
                child.kill()
                raise
        log.seek(0)
        words = log.read().decode(errors="replace").strip().splitlines()[-1:]
    for (_, path), reply in zip(missing, heard, strict=False):
        if reply.error is not None:
            raise SpecError(f"{path}: {reply.error}")
    if not heard and child.returncode > 0:
        raise RenderError(f"Blender does not start: {' '.join(words)}; run `blendgap doctor`.")
    if len(heard) < len(missing):
        raise SpecError(
            f"{missing[len(heard)][1]}: Blender dies of it; open it there and export it again."
        )
