"""A user's photographs and panoramas as assets of a dataset. Without Blender.

Where a spec names a folder, a family gives the names of its pictures to ``sample_light``,
``sample_ground`` or ``sample_backdrop``, or asks :func:`own_picture` itself; the parameter
``own`` of the factor says in how many of the frames they are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from blender_scenes.blocks.colours import linear_rgb
from blender_scenes.blocks.noise import Map
from pipeline.errors import SpecError
from pipeline.sampling.factors import Choice, FactorDraws, per_frame
from pipeline.specs.scene import FactorName

__all__ = [
    "OWN",
    "PANORAMAS",
    "PHOTOGRAPHS",
    "files_in",
    "own_picture",
    "read_panorama",
    "read_picture",
]

PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings of files that can lie under a scene."""

PANORAMAS = PHOTOGRAPHS | {".hdr"}
"""Endings of files that can surround it; the light of ``.hdr`` is linear."""

OWN = per_frame(
    "own",
    Choice((True,)),
    False,
    "shows one of the user's own pictures, where the spec's assets have some",
)
"""Parameter of the factors ``lighting`` and ``background``."""

_LONGEST_PX = 2048
_PANORAMA_ROWS = 256
_KEPT = 32  # pictures of a few hundred kB that a process keeps in memory, the latest used
_LIGHT_OF_BYTE = linear_rgb(np.arange(256) / 255)


def own_picture(draws: FactorDraws, name: FactorName, pictures: Sequence[str]) -> str:
    """Which of the user's pictures a frame shows; empty if none.

    Args:
        draws: Of a family whose factor ``name`` has the parameter :data:`OWN`.
        name: ``lighting`` or ``background``.
        pictures: Asset names, ``SceneFamily.pictures``.
    """
    values: dict[str, Any] = draws.frame(name)
    if not pictures or not values["own"]:
        return ""
    return pictures[int(draws.noise(name).integers(len(pictures)))]


def files_in(folder: Path, *, kind: str, endings: frozenset[str]) -> dict[str, Path]:
    """The files of a folder and its subfolders, as a family's ``assets`` lists them.

    Args:
        folder: The user's.
        kind: First part of each name, as ``backgrounds`` in ``backgrounds/desk.jpg``.
        endings: Lower case, with the dot.

    Raises:
        SpecError: If there is no such file, or one is no picture, as its first bytes tell; one
            that is cut short is found when it is read.
    """
    found = {
        f"{kind}/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in endings
    }
    if not found:
        raise SpecError(
            f"{folder}: no {kind} here; expected files that end in {', '.join(sorted(endings))}."
        )
    for path in found.values():
        if not cv2.haveImageReader(str(path)):
            raise _unreadable(path)
    return found


def read_picture(path: Path, *, width_px: int = _LONGEST_PX) -> Map:
    """(H, W, 3) linear RGB.

    Args:
        path: Of the file.
        width_px: Wider pictures are made as narrow, and none stays longer than 2048 px.

    Raises:
        SpecError: If the file is none that OpenCV can read.
    """
    stored = _stored(path, width_px)
    if stored.dtype == np.uint8:
        return np.asarray(_LIGHT_OF_BYTE[stored], dtype=np.float32)
    if stored.dtype == np.uint16:
        return linear_rgb(stored.astype(np.float32) / 65535)
    return np.asarray(np.nan_to_num(np.maximum(stored, 0)), dtype=np.float32)


@lru_cache(maxsize=_KEPT)
def _stored(path: Path, width_px: int) -> npt.NDArray[Any]:
    # RGB as the file has it, of the size that is wanted.
    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if stored is None:
        raise _unreadable(path)
    share = min(width_px / stored.shape[1], _LONGEST_PX / max(stored.shape))
    if share < 1:
        stored = cv2.resize(stored, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB))


def _unreadable(path: Path) -> SpecError:
    return SpecError(f"{path}: not a picture that can be read; convert it to PNG or JPEG.")


def read_panorama(path: Path) -> Map:
    """(256, 512, 3) linear light of an equirectangular picture."""
    height, width = _PANORAMA_ROWS, 2 * _PANORAMA_ROWS
    picture = read_picture(path, width_px=width)
    return np.asarray(
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32
    )
