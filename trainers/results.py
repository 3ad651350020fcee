"""What networks say about a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray, box_of_mask
from pipeline.geometry.masks import BoolArray

__all__ = ["ClassMap", "DetectedObject", "ObjectMask", "PictureResult", "paste_mask"]

ClassMap = npt.NDArray[np.intp]
"""(H, W), 0 background, else 1 + class index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectMask:
    """The part of a picture around an object; a whole mask each would fill the memory.

    Attributes:
        window: (h, w) bool.
        corner: (x, y) px of the window's top left pixel in the picture.
    """

    window: BoolArray
    corner: tuple[int, int]

    def box_xyxy(self) -> FloatArray:
        """The tight box, px; nan if the mask is empty."""
        return np.asarray(box_of_mask(self.window) + np.tile(self.corner, 2))

    def whole(self, image_hw: tuple[int, int]) -> BoolArray:
        """(H, W) mask over a picture of that size."""
        mask = np.zeros(image_hw, dtype=bool)
        x, y = self.corner
        mask[y : y + self.window.shape[0], x : x + self.window.shape[1]] = self.window
        return mask


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectedObject:
    """One object.

    Attributes:
        class_index: 0 ... C - 1.
        score: 0 to 1.
        box_xyxy: (4,) px, inside the picture.
        mask: None from a network that knows boxes only.
        keypoints: (K, 3) x, y px and confidence in [0, 1]; None from one that knows none.
    """

    class_index: int
    score: float
    box_xyxy: FloatArray
    mask: ObjectMask | None = None
    keypoints: FloatArray | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureResult:
    """What a detector says about one picture.

    Attributes:
        objects: By falling score.
        class_map: None from a network that makes none.
    """

    objects: tuple[DetectedObject, ...]
    class_map: ClassMap | None = None


def paste_mask(
    shares: npt.NDArray[np.float32], region_xyxy: FloatArray, image_hw: tuple[int, int]
) -> ObjectMask:
    """A region's mask at the picture's resolution.

    Args:
        shares: (S, S) in [0, 1], cells evenly over the region; above 0.5 is the object.
        region_xyxy: (4,) px; may reach out of the picture.
        image_hw: Size of the picture, px.
    """
    limit = (image_hw[1], image_hw[0])
    first = np.clip(np.floor(region_xyxy[:2]), 0, limit).astype(int)
    last = np.clip(np.ceil(region_xyxy[2:]), 0, limit).astype(int)
    step = (region_xyxy[2:] - region_xyxy[:2]) / shares.shape[0]
    offset = (first + 0.5 - region_xyxy[:2]) / step - 0.5
    mask_from_window = np.array([[1 / step[0], 0, offset[0]], [0, 1 / step[1], offset[1]]])
    size = (int(last[0] - first[0]), int(last[1] - first[1]))
    window = cv2.warpAffine(
        shares, mask_from_window, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return ObjectMask(window=window > 0.5, corner=(int(first[0]), int(first[1])))
