"""Pictures put together from several: mosaic and copy-paste."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np

from pipeline.specs.augmentation import AugmentSpec
from trainers.augmentation.geometry import random_crop, warp_example, warp_image
from trainers.augmentation.occlusion import hide
from trainers.examples import ByteImage, DetectionExample, FloatMatrix, ObjectExample

__all__ = ["Supply", "background_crop", "make_mosaic", "paste", "pasteable"]

_CENTRE = (0.25, 0.75)  # of a mosaic, fractions of the side


class Supply(Protocol):
    """Where further pictures come from."""

    def example(self, rng: np.random.Generator) -> DetectionExample:
        """Any training picture."""

    def background(self, rng: np.random.Generator) -> ByteImage:
        """Any picture to paste objects onto."""


def make_mosaic(
    examples: Sequence[DetectionExample],
    augment: AugmentSpec,
    *,
    side_px: int,
    rng: np.random.Generator,
) -> DetectionExample:
    """Four pictures around a random centre, each zoomed, turned and mirrored by itself.

    Source: Bochkovskiy, Wang, Liao, YOLOv4, arXiv 2004.10934, 2020.
    """
    x, y = (int(v) for v in rng.uniform(*_CENTRE, 2) * side_px)
    windows = [
        (0, 0, x, y),
        (x, 0, side_px, y),
        (0, y, x, side_px),
        (x, y, side_px, side_px),
    ]
    image = np.zeros((side_px, side_px, 3), np.uint8)
    objects: list[ObjectExample] = []
    for example, window in zip(examples, windows, strict=True):
        matrix = random_crop(example, augment, window, rng)
        part = warp_example(example, matrix, side_px=side_px, window=window)
        x0, y0, x1, y1 = window
        image[y0:y1, x0:x1] = part.image[y0:y1, x0:x1]
        objects.extend(part.objects)
    return DetectionExample(image=image, objects=tuple(objects))


def pasteable(example: DetectionExample) -> tuple[ObjectExample, ...]:
    """Objects that can be cut out."""
    return tuple(item for item in example.objects if item.mask is not None and not item.ignored)


def paste(
    onto: DetectionExample, source: ByteImage, objects: Sequence[ObjectExample]
) -> DetectionExample:
    """Put objects of a picture into another one of the same size, where they were.

    What they hide loses its labels. Their edges are softened inwards by a pixel, so that nothing
    of what was behind them comes along.

    Args:
        onto: The picture that gets them.
        source: The picture that has them.
        objects: With masks.

    Source: Ghiasi et al., Simple Copy-Paste, CVPR 2021.
    """
    covering = np.zeros(source.shape[:2], np.uint8)
    for item in objects:
        assert item.mask is not None
        x, y = item.mask_corner
        height, width = item.mask.shape
        covering[y : y + height, x : x + width][item.mask] = 255
    alpha = cv2.min(cv2.GaussianBlur(covering, (3, 3), 0), covering)[..., None] / np.float32(255)
    image = onto.image + alpha * (source.astype(np.float32) - onto.image)
    return DetectionExample(
        image=np.rint(image).astype(np.uint8),
        objects=(*hide(onto.objects, covering > 0), *objects),
    )


def background_crop(
    picture: ByteImage, *, side_px: int, rng: np.random.Generator
) -> DetectionExample:
    """A random square of a picture, at most shrunk until it fits; small ones are enlarged."""
    height, width = picture.shape[:2]
    least = side_px / min(height, width)
    zoom = least * max(1.0, 1 / least) ** rng.random()
    spare_px = np.maximum(np.array([width, height]) * zoom - side_px, 0)
    matrix: FloatMatrix = np.column_stack([zoom * np.eye(2), -spare_px * rng.random(2)])
    image = warp_image(picture, matrix, side_px, cv2.BORDER_REPLICATE)
    return DetectionExample(image=image, objects=())
