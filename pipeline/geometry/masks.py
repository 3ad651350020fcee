"""Masks as COCO run-length encodings."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco_mask
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

__all__ = [
    "BoolArray",
    "Rle",
    "mask_of_rle",
    "pixel_centres",
    "rle_area_px",
    "rle_of_mask",
    "rle_of_pixels",
    "rle_of_polygons",
]

BoolArray = npt.NDArray[np.bool_]


class Rle(TypedDict):
    """COCO's compressed RLE, as it stands in a JSON file."""

    size: list[int]
    counts: str


def pixel_centres(box_px: tuple[int, int, int, int]) -> npt.NDArray[np.float64]:
    """(N, 2) x, y of the pixels of a box [x0, x1) x [y0, y1), row by row.

    >>> pixel_centres((0, 0, 2, 1)).tolist()
    [[0.5, 0.5], [1.5, 0.5]]
    """
    x0, y0, x1, y1 = box_px
    x, y = np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def rle_of_mask(mask: BoolArray) -> Rle:
    """Encode an (H, W) bool mask."""
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": [int(side) for side in encoded["size"]], "counts": encoded["counts"].decode()}


def rle_of_pixels(pixels: npt.NDArray[np.integer[Any]], *, image_hw: tuple[int, int]) -> Rle:
    """Encode a mask given by its pixels, in time that does not grow with the picture.

    Args:
        pixels: (N,) ascending indices into the picture read column by column, N ≥ 1.
        image_hw: Size of the picture, px.
    """
    height, width = image_hw
    breaks = np.flatnonzero(np.diff(pixels) > 1)
    starts = pixels[np.concatenate([[0], breaks + 1])]
    ends = pixels[np.concatenate([breaks, [-1]])] + 1
    edges = np.stack([starts, ends], axis=1).ravel()
    counts = np.diff(edges, prepend=0, append=height * width)
    if counts[-1] == 0:  # pycocotools ends an encoding with its last run
        counts = counts[:-1]
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts.tolist()}, *image_hw)
    return {"size": [height, width], "counts": encoded["counts"].decode()}


def mask_of_rle(rle: Rle) -> BoolArray:
    """Decode to an (H, W) bool mask."""
    return np.asarray(coco_mask.decode(_encoded(rle)), dtype=bool)


def rle_area_px(rle: Rle) -> int:
    """Number of pixels in a mask."""
    return int(coco_mask.area(_encoded(rle)))


def rle_of_polygons(polygons: list[list[float]], *, image_hw: tuple[int, int]) -> Rle:
    """Rasterise COCO polygons ([x0, y0, x1, y1, ...] each) into one mask."""
    height, width = image_hw
    merged = coco_mask.merge(coco_mask.frPyObjects(polygons, height, width))
    return {"size": [height, width], "counts": merged["counts"].decode()}


def _encoded(rle: Rle) -> dict[str, Any]:
    return {"size": rle["size"], "counts": rle["counts"].encode()}
