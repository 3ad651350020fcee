"""Every random change that one training picture goes through."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pipeline.specs.augmentation import AugmentSpec, CopyPasteSpec
from trainers.augmentation.chance import Purpose, child
from trainers.augmentation.colours import augment_colours
from trainers.augmentation.geometry import random_crop, random_linear, warp_example, warp_image
from trainers.augmentation.mixing import Supply, background_crop, make_mosaic, paste, pasteable
from trainers.augmentation.occlusion import erase, erase_example
from trainers.augmentation.trivial import trivial_augment
from trainers.examples import ByteImage, DetectionExample

__all__ = ["augment_crop", "augment_small"]

_PASTED = 0.5  # of another picture's objects


def augment_crop(
    example: DetectionExample,
    augment: AugmentSpec,
    *,
    side_px: int,
    rng: np.random.Generator,
    supply: Supply | None = None,
) -> DetectionExample:
    """A random square crop, zoomed, turned and mirrored, in other colours.

    Args:
        example: The picture.
        augment: What to change, and how much.
        side_px: Of the crop.
        rng: Draws everything. What is off by default has generators of its own, so that
            switching it on leaves the other changes as they were.
        supply: Further pictures, for mosaic and copy-paste.
    """
    crop = _crop(example, augment, side_px, rng)
    if supply is not None:
        luck = child(rng, Purpose.MOSAIC)
        if luck.random() < augment.mosaic:
            four = [example, *(supply.example(luck) for _ in range(3))]
            crop = make_mosaic(four, augment, side_px=side_px, rng=luck)
        luck = child(rng, Purpose.COPY_PASTE)
        if augment.copy_paste is not None and luck.random() < augment.copy_paste.chance:
            crop = _copy_paste(crop, augment, augment.copy_paste, supply, luck)
    crop = replace(crop, image=augment_colours(crop.image, augment, rng))
    luck = child(rng, Purpose.ERASING)
    return erase_example(crop, luck) if luck.random() < augment.erasing else crop


def augment_small(image: ByteImage, augment: AugmentSpec, *, rng: np.random.Generator) -> ByteImage:
    """A square picture of one object: zoomed, turned, mirrored, shifted, in other colours."""
    side_px = image.shape[0]
    linear = random_linear(augment, rng)
    shift_px = rng.uniform(-1, 1, 2) * augment.shift * side_px
    offset = side_px / 2 + shift_px - linear @ np.full(2, side_px / 2)
    matrix = np.column_stack([linear, offset])
    image = warp_image(image, matrix, side_px, cv2.BORDER_REPLICATE)
    if augment.trivial_augment:
        image = trivial_augment(image, child(rng, Purpose.TRIVIAL_AUGMENT))
    image = augment_colours(image, augment, rng)
    luck = child(rng, Purpose.ERASING)
    return erase(image, luck)[0] if luck.random() < augment.erasing else image


def _crop(
    example: DetectionExample, augment: AugmentSpec, side_px: int, rng: np.random.Generator
) -> DetectionExample:
    matrix = random_crop(example, augment, (0, 0, side_px, side_px), rng)
    return warp_example(example, matrix, side_px=side_px)


def _copy_paste(
    crop: DetectionExample,
    augment: AugmentSpec,
    spec: CopyPasteSpec,
    supply: Supply,
    rng: np.random.Generator,
) -> DetectionExample:
    side_px = crop.image.shape[0]
    if spec.backgrounds is not None:
        onto = background_crop(supply.background(rng), side_px=side_px, rng=rng)
        return paste(onto, crop.image, pasteable(crop))
    other = _crop(supply.example(rng), augment, side_px, rng)
    objects = [item for item in pasteable(other) if rng.random() < _PASTED]
    return paste(crop, other.image, objects)
