"""What hides parts of objects, and labels without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.masks import BoolArray
from trainers.augmentation.geometry import Window, is_too_little
from trainers.examples import ByteImage, DetectionExample, ObjectExample

__all__ = ["erase", "erase_example", "hide"]

_ERASED_SHARE = (0.02, 0.33)
_ERASED_ASPECT = (0.3, 3.3)


def hide(objects: Sequence[ObjectExample], hidden: BoolArray) -> tuple[ObjectExample, ...]:
    """Objects without their hidden pixels; those of which none is left are dropped.

    Boxes shrink with their masks; where there is a box alone it stays. Hidden keypoints are
    labelled as such.

    Args:
        objects: Of one picture.
        hidden: (H, W), of the whole picture.
    """
    left = (_left_of(item, hidden) for item in objects)
    return tuple(item for item in left if item is not None)


def erase(image: ByteImage, rng: np.random.Generator) -> tuple[ByteImage, Window]:
    """Hide a random rectangle by noise, as Zhong et al. do (Random Erasing, AAAI 2020).

    Returns:
        Another picture, and where it differs.
    """
    height, width = image.shape[:2]
    area_px = rng.uniform(*_ERASED_SHARE) * height * width
    aspect = np.exp(rng.uniform(*np.log(_ERASED_ASPECT)))
    h, w = (max(1, round(float(np.sqrt(area_px * x)))) for x in (aspect, 1 / aspect))
    h, w = min(h, height), min(w, width)
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    erased = image.copy()
    erased[y : y + h, x : x + w] = rng.integers(0, 256, (h, w, image.shape[2]), np.uint8)
    return erased, (x, y, x + w, y + h)


def erase_example(example: DetectionExample, rng: np.random.Generator) -> DetectionExample:
    """The same, with labels that follow."""
    image, (x0, y0, x1, y1) = erase(example.image, rng)
    hidden = np.zeros(image.shape[:2], bool)
    hidden[y0:y1, x0:x1] = True
    return DetectionExample(image=image, objects=hide(example.objects, hidden))


def _left_of(item: ObjectExample, hidden: BoolArray) -> ObjectExample | None:
    item = _with_hidden_keypoints(item, hidden)
    if item.mask is None:
        x0, y0 = np.floor(item.box_xyxy[:2]).astype(int)
        x1, y1 = np.ceil(item.box_xyxy[2:]).astype(int)
        window = hidden[y0:y1, x0:x1]
        ignored = item.ignored or is_too_little((~window).sum(), window.size)
        return None if window.all() else replace(item, ignored=ignored)
    x, y = item.mask_corner
    height, width = item.mask.shape
    mask = item.mask & ~hidden[y : y + height, x : x + width]
    visible_px, whole_px = mask.sum(), item.mask.sum()
    if visible_px == whole_px:
        return item
    if not visible_px:
        return None
    return replace(
        item,
        box_xyxy=box_of_mask(mask) + np.tile(item.mask_corner, 2),
        mask=mask,
        ignored=item.ignored or is_too_little(visible_px, whole_px),
    )


def _with_hidden_keypoints(item: ObjectExample, hidden: BoolArray) -> ObjectExample:
    if item.keypoints is None:
        return item
    height, width = hidden.shape
    columns, rows = item.keypoints[:, :2].astype(int).T
    under = hidden[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    keypoints = item.keypoints.copy()
    keypoints[under, 2] = np.minimum(keypoints[under, 2], 1)
    return replace(item, keypoints=keypoints)
