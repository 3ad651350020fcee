"""Characters as small bitmaps, normalised as NIST's form reader did and UCI's digits were.

The UCI digits (``sklearn.datasets.load_digits``) are 32 x 32 bitmaps made with NIST's public
programs and summed in 4 x 4 blocks. Those programs stretch a character to the full height and
5/8 of the width, whatever its shape, thin or thicken it until it has a usual amount of ink, and
shear it upright.

Source: Garris et al., NIST Form-Based Handprint Recognition System, NISTIR 5469, 1994 (the
normalisation and its thresholds are those of its public-domain programs); Alpaydin & Kaynak,
Optical Recognition of Handwritten Digits, UCI 1998 (the blocks).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray, box_of_mask

__all__ = ["block_means", "find_ink", "normalise_character"]

BoolArray = npt.NDArray[np.bool_]

_WIDTH = 20 / 32
# Shares of the bitmap's pixels: 108, 256, 412 and 560 of 1024.
_VERY_THIN, _THIN, _THICK, _VERY_THICK = (count / 1024 for count in (108, 256, 412, 560))
# The outermost rows are too ragged to tell a slant: 2 of 32.
_RAGGED = 2 / 32
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def find_ink(grey: npt.NDArray[np.uint8]) -> FloatArray:
    """How much ink there is, by Otsu's threshold; the border is taken for paper.

    Args:
        grey: (H, W) picture of dark ink on light paper or the reverse.

    Returns:
        (H, W) in [0, 1], 0.5 at the threshold; all 0 where the picture has one tone only.
    """
    tones = grey.astype(np.float64)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    light = grey > threshold
    if light.all() or not light.any():
        return np.zeros_like(tones)
    # The middle between the two tones: Otsu's own value is any between them.
    dark_tone, light_tone = tones[~light].mean(), tones[light].mean()
    lightness = np.clip((tones - dark_tone) / (light_tone - dark_tone), 0, 1)
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    return np.asarray(1 - lightness if border.mean() >= 0.5 else lightness)


def normalise_character(ink: FloatArray, *, side: int) -> BoolArray:
    """A character's normalised bitmap.

    Args:
        ink: (H, W) in [0, 1]; ink is what exceeds 0.5.
        side: Height and width of the bitmap, px.

    Returns:
        (side, side) bool; empty where there is no ink.
    """
    bitmap = np.zeros((side, side), dtype=bool)
    box = box_of_mask(ink > 0.5)
    if np.isnan(box).any():
        return bitmap
    x0, y0, x1, y1 = box.astype(int)
    width = round(side * _WIDTH)
    left = (side - width) // 2
    tight = ink[y0:y1, x0:x1]
    shrinks = tight.shape[0] > side or tight.shape[1] > width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    bitmap[:, left : left + width] = (
        cv2.resize(tight, (width, side), interpolation=interpolation) > 0.5
    )
    return _upright(_usual_weight(bitmap))


def block_means(bitmap: npt.NDArray[Any], *, blocks: int) -> FloatArray:
    """Share of ink in every block of a square bitmap.

    Args:
        bitmap: (S, S), S a multiple of ``blocks``.
        blocks: Blocks in a row.

    Returns:
        (blocks, blocks) in [0, 1].
    """
    side = len(bitmap) // blocks
    return np.asarray(bitmap.reshape(blocks, side, blocks, side).mean(axis=(1, 3)))


def _usual_weight(bitmap: BoolArray) -> BoolArray:
    share = bitmap.mean()
    if share > _THICK:
        change, times = cv2.erode, 2 if share > _VERY_THICK else 1
    elif share < _THIN:
        change, times = cv2.dilate, 2 if share < _VERY_THIN else 1
    else:
        return bitmap
    changed = change(
        bitmap.astype(np.uint8),
        _CROSS,
        iterations=times,
        borderType=cv2.BORDER_CONSTANT,
        borderValue=(0.0,),  # beyond the bitmap there is paper
    )
    return np.asarray(changed, dtype=bool)


def _upright(bitmap: BoolArray) -> BoolArray:
    rows = np.flatnonzero(bitmap.any(axis=1))
    side = len(bitmap)
    ragged = round(_RAGGED * side)
    if len(rows) <= 2 * ragged + 1:
        return bitmap
    top, bottom = rows[0] + ragged, rows[-1] - ragged
    if not (bitmap[top].any() and bitmap[bottom].any()):
        return bitmap
    # Rows move until the leftmost pixels at top and bottom stand above each other.
    slope = (int(bitmap[top].argmax()) - int(bitmap[bottom].argmax())) / (bottom - top)
    upright = np.zeros_like(bitmap)
    for row in range(side):
        shift = round((row - side // 2) * slope)
        source = bitmap[row, max(0, -shift) : side - max(0, shift)]
        upright[row, max(0, shift) : side - max(0, -shift)] = source
    return upright
