"""Every random change that one training picture goes through."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pipeline.specs.augmentation import AugmentSpec
from trainers.augmentation.colours import augment_colours
from trainers.augmentation.geometry import random_crop, random_linear, warp_example, warp_image
from trainers.examples import ByteImage, DetectionExample

__all__ = ["augment_crop", "augment_small"]


def augment_crop(
    example: DetectionExample, augment: AugmentSpec, *, side_px: int, rng: np.random.Generator
) -> DetectionExample:
    """A random square crop, zoomed, turned and mirrored, in other colours."""
    crop_from_image = random_crop(example.image.shape[:2], augment, side_px, rng)
    warped = warp_example(example, crop_from_image, side_px=side_px)
    return replace(warped, image=augment_colours(warped.image, augment, rng))


def augment_small(image: ByteImage, augment: AugmentSpec, *, rng: np.random.Generator) -> ByteImage:
    """A square picture of one object: zoomed, turned, mirrored, shifted, in other colours."""
    side_px = image.shape[0]
    linear = random_linear(augment, rng)
    shift_px = rng.uniform(-1, 1, 2) * augment.shift * side_px
    offset = side_px / 2 + shift_px - linear @ np.full(2, side_px / 2)
    matrix = np.column_stack([linear, offset])
    return augment_colours(warp_image(image, matrix, side_px, cv2.BORDER_REPLICATE), augment, rng)
