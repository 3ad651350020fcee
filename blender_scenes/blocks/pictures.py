"""A user's photographs and panoramas as assets of a dataset. Without Blender."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from blender_scenes.blocks.colours import linear_rgb
from blender_scenes.blocks.noise import Map
from pipeline.errors import SpecError

__all__ = ["PANORAMAS", "PHOTOGRAPHS", "files_in", "read_panorama", "read_picture"]

PHOTOGRAPHS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})
"""Endings of files that can lie under a scene."""

PANORAMAS = PHOTOGRAPHS | {".hdr"}
"""Endings of files that can surround it; the light of ``.hdr`` is linear."""

_LONGEST_PX = 2048
_PANORAMA_ROWS = 256


def files_in(folder: Path, *, kind: str, endings: frozenset[str]) -> dict[str, Path]:
    """The files of a folder and its subfolders, as a family's ``assets`` lists them.

    Args:
        folder: The user's.
        kind: First part of each name, as ``backgrounds`` in ``backgrounds/desk.jpg``.
        endings: Lower case, with the dot.

    Raises:
        SpecError: If there is no such file.
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
    return found


def read_picture(path: Path) -> Map:
    """(H, W, 3) linear RGB; pictures longer than 2048 px are made smaller.

    Raises:
        SpecError: If the file is none that OpenCV can read.
    """
    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_COLOR)
    if stored is None:
        raise SpecError(f"{path}: not a picture that can be read; convert it to PNG or JPEG.")
    longest = max(stored.shape[:2])
    if longest > _LONGEST_PX:
        share = _LONGEST_PX / longest
        stored = cv2.resize(stored, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(stored, cv2.COLOR_BGR2RGB)
    if rgb.dtype == np.float32:
        return np.asarray(np.nan_to_num(np.maximum(rgb, 0)), dtype=np.float32)
    full = 255 if rgb.dtype == np.uint8 else 65535
    return linear_rgb(rgb.astype(np.float32) / full)


def read_panorama(path: Path) -> Map:
    """(256, 512, 3) linear light of an equirectangular picture."""
    return np.asarray(
        cv2.resize(
            read_picture(path), (2 * _PANORAMA_ROWS, _PANORAMA_ROWS), interpolation=cv2.INTER_AREA
        ),
        dtype=np.float32,
    )
