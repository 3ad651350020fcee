"""Labelled pictures in memory, as training sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ByteImage",
    "ClassExample",
    "DetectionExample",
    "FloatMatrix",
    "ObjectExample",
    "one_class",
]

ByteImage = npt.NDArray[np.uint8]
FloatMatrix = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectExample:
    """One labelled object.

    Attributes:
        class_index: 0 ... C - 1.
        box_xyxy: (4,) px.
        mask: (h, w) bool, the part of the picture around the object; None if it has a box only.
        mask_corner: (x, y) px of the mask's top left pixel in the picture.
        crowd: A region of unseparated or barely visible objects (``iscrowd``).
        ignored: Neither asked for nor forbidden in the heat map: crowds and cut-off objects.
        keypoints: (K, 3) x, y px and COCO visibility (0 not labelled or outside the picture, 1
            hidden, 2 visible); None if it has none.
        mirrored: Which of the K a mirrored object has at each place; None: not known.
    """

    class_index: int
    box_xyxy: FloatMatrix
    mask: npt.NDArray[np.bool_] | None
    mask_corner: tuple[int, int] = (0, 0)
    crowd: bool = False
    ignored: bool = False
    keypoints: FloatMatrix | None = None
    mirrored: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionExample:
    """A picture, (H, W, 3) RGB, and its objects."""

    image: ByteImage
    objects: tuple[ObjectExample, ...]

    @property
    def size_bytes(self) -> int:
        """Of picture and masks."""
        masks = (item.mask.nbytes for item in self.objects if item.mask is not None)
        return self.image.nbytes + sum(masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassExample:
    """A square picture, (S, S, 3) RGB, and what it shows.

    Attributes:
        classes: (C,) float32 shares that add up to 1: a picture may be mixed from several.
    """

    image: ByteImage
    classes: npt.NDArray[np.float32]

    @property
    def size_bytes(self) -> int:
        """Of the picture."""
        return self.image.nbytes


def one_class(class_index: int, *, count: int) -> npt.NDArray[np.float32]:
    """Shares of a picture that shows one class out of ``count``.

    >>> one_class(1, count=3)
    array([0., 1., 0.], dtype=float32)
    """
    shares = np.zeros(count, np.float32)
    shares[class_index] = 1
    return shares
