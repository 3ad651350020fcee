"""Contact sheets of plain pictures, labels not drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from evaluation.drawing import evenly_spaced
from pipeline.drawing import ImageArray, contact_sheet, read_rgb

__all__ = ["beside_sheet", "picture_sheet"]

_COLUMNS, _ROWS = 4, 6
_GAP_PX, _HEADING_PX = 24, 40
_INK = (40, 40, 40)


def picture_sheet(
    paths: Sequence[Path],
    *,
    captions: Sequence[str] | None = None,
    columns: int = _COLUMNS,
    tile_px: int = 400,
) -> ImageArray:
    """Pictures in rows.

    Args:
        paths: Of the pictures.
        captions: Under each, lines separated by line breaks.
        columns: Pictures per row.
        tile_px: Longer side of a picture on the sheet.

    Returns:
        (H, W, 3) RGB.
    """
    tiles = [read_rgb(path) for path in paths]
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    scale = tile_px / max(height, width)
    return contact_sheet(
        tiles,
        columns=columns,
        tile_hw=(round(scale * height), round(scale * width)),
        captions=captions,
    )


def beside_sheet(
    synthetic: Sequence[Path], real: Sequence[Path], *, tile_px: int = 320
) -> ImageArray:
    """Up to 24 synthetic pictures, left, beside up to 24 real ones, at even distances.

    For eyes on this machine: photographs have owners.

    Returns:
        (H, W, 3) RGB.
    """
    blocks = []
    for heading, paths in (("synthetic", synthetic), ("real", real)):
        shown = [paths[i] for i in evenly_spaced(len(paths), _COLUMNS * _ROWS)]
        sheet = picture_sheet(shown, tile_px=tile_px)
        top = np.full((_HEADING_PX, sheet.shape[1], 3), 255, np.uint8)
        cv2.putText(top, heading, (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, _INK, 2, cv2.LINE_AA)
        blocks.append(np.concatenate([top, sheet]))
    height = max(block.shape[0] for block in blocks)
    padded = [
        np.pad(block, ((0, height - len(block)), (0, _GAP_PX), (0, 0)), constant_values=255)
        for block in blocks
    ]
    return np.concatenate(padded, axis=1)
