"""Squares around single objects, and how pictures are put into them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.geometry.boxes import FloatArray
from pipeline.specs.augmentation import AugmentSpec
from trainers.augmentation.chance import Purpose, child
from trainers.augmentation.colours import augment_colours
from trainers.augmentation.geometry import random_linear, warp_example
from trainers.augmentation.occlusion import erase_example
from trainers.examples import DetectionExample, FloatMatrix, ObjectExample

__all__ = ["CLOSE", "crop_from_image", "crop_object", "labelled_objects", "spanned"]

CLOSE = 1.3
"""Side of the square of a close look, over the longer side of what the keypoints span."""
_CLOSEST = 1.1
_COMPANY = 1.6  # of a square that must leave the neighbours out


def labelled_objects(example: DetectionExample) -> tuple[ObjectExample, ...]:
    """Single objects with at least one labelled keypoint."""
    return tuple(
        item
        for item in example.objects
        if item.keypoints is not None and not item.crowd and (item.keypoints[:, 2] > 0).any()
    )


def crop_object(
    example: DetectionExample, augment: AugmentSpec, *, side_px: int, rng: np.random.Generator
) -> DetectionExample:
    """One object of a picture, drawn by chance, in a square that shows little or much around it.

    A lone object's square is at most as large as the picture, since that is how it is first looked
    at; one among others is looked at closely. Pictures without an object are shown whole.
    """
    image_wh = np.array(example.image.shape[1::-1], dtype=float)
    candidates = labelled_objects(example)
    low, high = np.zeros(2), image_wh
    if candidates:
        item = candidates[int(rng.integers(len(candidates)))]
        example = replace(example, objects=(item,))
        low, high = spanned(item)
    extent = high - low
    largest = image_wh.max() if len(candidates) == 1 else _COMPANY * extent.max()
    smallest = min(_CLOSEST * extent.max(), largest)
    side = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    centre = (low + high) / 2 + rng.uniform(-0.5, 0.5, 2) * np.maximum(side - extent, 0)
    linear = side_px / side * random_linear(augment, rng)
    matrix = np.column_stack([linear, side_px / 2 - linear @ centre])
    crop = warp_example(example, matrix, side_px=side_px)
    crop = replace(crop, image=augment_colours(crop.image, augment, rng))
    luck = child(rng, Purpose.ERASING)
    return erase_example(crop, luck) if luck.random() < augment.erasing else crop


def crop_from_image(centre: FloatArray, side: float, side_px: int) -> FloatMatrix:
    """The (2, 3) transform that shows a square of the picture, px, in one of ``side_px``."""
    zoom = side_px / side
    return np.column_stack([zoom * np.eye(2), side_px / 2 - zoom * np.asarray(centre)])


def spanned(item: ObjectExample) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest x, y of an object's box and labelled keypoints, px."""
    assert item.keypoints is not None
    points = item.keypoints[item.keypoints[:, 2] > 0, :2]
    low = np.minimum(item.box_xyxy[:2], points.min(axis=0))
    return low, np.maximum(item.box_xyxy[2:], points.max(axis=0))
