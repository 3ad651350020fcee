"""Crops, zooms, turns and flips of training pictures, with labels that follow.

OpenCV warps and look-up tables: torchvision's transforms of 24 full-size masks would cost more
than the training step.
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from pipeline.geometry.boxes import box_of_mask
from pipeline.specs.augmentation import AugmentSpec
from trainers.augmentation.chance import Purpose, child
from trainers.examples import ByteImage, DetectionExample, FloatMatrix, ObjectExample

__all__ = [
    "Window",
    "fit_square",
    "is_too_little",
    "random_crop",
    "random_linear",
    "resize_example",
    "resize_image",
    "warp_example",
    "warp_image",
]

Window = tuple[int, int, int, int]
"""x0, y0, x1, y1 px of a part of a picture."""

_MIN_VISIBLE_FRACTION = 0.25
_MIN_VISIBLE_PX = 16


def is_too_little(visible_px: float, whole_px: float) -> bool:
    """Whether so little of an object is left that it is neither asked for nor forbidden."""
    return bool(visible_px < max(_MIN_VISIBLE_FRACTION * whole_px, _MIN_VISIBLE_PX))


def resize_image(image: ByteImage, zoom: float) -> ByteImage:
    """A picture at another size, at least one pixel."""
    if zoom == 1:
        return image
    height, width = (max(1, round(side * zoom)) for side in image.shape[:2])
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=method))


def fit_square(image: ByteImage, *, side_px: int) -> ByteImage:
    """A picture resized to fit into a square, its edges continued into what is left."""
    height, width = image.shape[:2]
    zoom = side_px / max(height, width)
    resized = resize_image(image, zoom)
    x, y = side_px - resized.shape[1], side_px - resized.shape[0]
    return np.asarray(
        cv2.copyMakeBorder(resized, y // 2, y - y // 2, x // 2, x - x // 2, cv2.BORDER_REPLICATE)
    )


def warp_example(
    example: DetectionExample,
    crop_from_image: FloatMatrix,
    *,
    side_px: int,
    window: Window | None = None,
) -> DetectionExample:
    """Apply a transform to a picture and its objects; what falls outside is dropped.

    Args:
        example: The picture.
        crop_from_image: (2, 3) affine, px to px, pixel centres at 0.5.
        side_px: Of the square result; pixels from outside the picture are black.
        window: Objects are cut off at its border; by default that of the result.
    """
    window = window or (0, 0, side_px, side_px)
    boxes = _moved_boxes(example.objects, crop_from_image)
    parts = np.clip(boxes, [*window[:2], *window[:2]], [*window[2:], *window[2:]])
    zoom_area = float(np.linalg.det(crop_from_image[:, :2]))
    moved = (
        _warp_object(item, crop_from_image, window, box=box, part=part, zoom_area=zoom_area)
        for item, box, part in zip(example.objects, boxes, parts, strict=True)
    )
    return DetectionExample(
        image=warp_image(example.image, crop_from_image, side_px, cv2.BORDER_CONSTANT),
        objects=tuple(item for item in moved if item is not None),
    )


def resize_example(example: DetectionExample, *, side_px: int) -> DetectionExample:
    """A square picture and its objects at another size."""
    zoom = side_px / example.image.shape[0]
    return warp_example(example, zoom * np.eye(2, 3), side_px=side_px)


def random_crop(
    example: DetectionExample, augment: AugmentSpec, window: Window, rng: np.random.Generator
) -> FloatMatrix:
    """(2, 3) from picture to crop, px: what the window shows lies anywhere in the picture."""
    linear = random_linear(augment, rng)
    middle = np.array(example.image.shape[1::-1]) / 2
    corner, size = np.array(window[:2]), np.array(window[2:]) - window[:2]
    # The zoomed picture slides behind the crop as far as it goes; a smaller one stays inside.
    spare_px = np.abs(2 * middle * np.sqrt(abs(np.linalg.det(linear))) - size)
    shift_px = rng.uniform(-0.5, 0.5, 2) * spare_px
    luck = child(rng, Purpose.ON_OBJECTS)
    boxes = [item.box_xyxy for item in example.objects if not item.ignored]
    if boxes and luck.random() < augment.on_objects:
        box = boxes[luck.integers(len(boxes))]
        room_px = np.maximum(size - _turned_sizes(linear, box[2:] - box[:2]), 0)
        place_px = luck.uniform(-0.5, 0.5, 2) * room_px
        place_px -= linear @ ((box[:2] + box[2:]) / 2 - middle)
        shift_px = np.clip(place_px, -spare_px / 2, spare_px / 2)
    return np.column_stack([linear, corner + size / 2 + shift_px - linear @ middle])


def random_linear(augment: AugmentSpec, rng: np.random.Generator) -> FloatMatrix:
    """Zoom, rotation and mirroring, (2, 2)."""
    zoom = np.exp(rng.uniform(*np.log(augment.scale)))
    angle_rad = np.deg2rad(rng.uniform(-1, 1) * augment.rotate_deg)
    chances = 0.5 * np.array([bool(augment.flip), augment.flip is True])
    mirror = np.where(rng.random(2) < chances, -1.0, 1.0)
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray(zoom * rotation * mirror)


def _turned_sizes(linear: FloatMatrix, sizes: FloatMatrix) -> FloatMatrix:
    """Width and height, (..., 2), of boxes' objects after a linear change, as if ellipses.

    Corners would make boxes larger with every turn but a quarter one. Source: Kalra et al.,
    "Towards Rotation Invariance in Object Detection", ICCV 2021.
    """
    return np.asarray(np.linalg.norm(linear * sizes[..., None, :], axis=-1))


def _index_matrix(matrix: FloatMatrix, *, source: FloatMatrix, target: FloatMatrix) -> FloatMatrix:
    """The transform between pixel indices of two cut-outs, which OpenCV wants.

    OpenCV puts pixel centres at whole numbers; a cut-out starts at its corner.
    """
    between = matrix.copy()
    between[:, 2] += matrix[:, :2] @ (source + 0.5) - target - 0.5
    return between


def warp_image(image: ByteImage, matrix: FloatMatrix, side_px: int, border: int) -> ByteImage:
    """Apply a (2, 3) transform of pixels to a picture; ``border`` is OpenCV's."""
    shrink = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink > 1:  # else fine patterns would turn into others: four pixels make one of a warp
        height, width = (max(1, side // shrink) for side in image.shape[:2])
        factors = np.array([image.shape[1] / width, image.shape[0] / height])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
        matrix = np.column_stack([matrix[:, :2] * factors, matrix[:, 2]])
    index_matrix = _index_matrix(matrix, source=np.zeros(2), target=np.zeros(2))
    size = (side_px, side_px)
    return np.asarray(cv2.warpAffine(image, index_matrix, size, borderMode=border))


def _warp_keypoints(
    points: FloatMatrix, item: ObjectExample, matrix: FloatMatrix, window: Window, zoom_area: float
) -> FloatMatrix:
    """Of a mirrored object left and right change places; what falls outside is not labelled."""
    if zoom_area < 0 and item.mirrored:
        points = points[list(item.mirrored)]
    places = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    inside = ((places >= window[:2]) & (places < window[2:])).all(axis=1) & (points[:, 2] > 0)
    return np.where(inside[:, None], np.column_stack([places, points[:, 2]]), 0.0)


def _moved_boxes(objects: tuple[ObjectExample, ...], matrix: FloatMatrix) -> FloatMatrix:
    """(N, 4) xyxy px of objects after a transform: around a mask, wherever its corners went."""
    boxes = np.array([item.box_xyxy for item in objects]).reshape(-1, 4)
    linear, sizes = matrix[:, :2], boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 @ linear.T + matrix[:, 2]
    has_mask = np.array([item.mask is not None for item in objects], bool)
    halves = np.where(has_mask[:, None], sizes @ np.abs(linear).T, _turned_sizes(linear, sizes)) / 2
    return np.hstack([centres - halves, centres + halves])


def _warp_object(
    item: ObjectExample,
    matrix: FloatMatrix,
    window: Window,
    *,
    box: FloatMatrix,
    part: FloatMatrix,
    zoom_area: float,
) -> ObjectExample | None:
    """One object; ``part`` of its moved ``box`` is inside. None if there is nothing of it."""
    x0, y0, x1, y1 = part.tolist()
    if x1 <= x0 or y1 <= y0:
        return None
    points = item.keypoints
    if points is not None:
        points = _warp_keypoints(points, item, matrix, window, zoom_area)
    if item.mask is None:
        cut = is_too_little((x1 - x0) * (y1 - y0), float(np.prod(box[2:] - box[:2])))
        return replace(item, box_xyxy=part, keypoints=points, ignored=item.ignored or cut)
    first = (math.floor(x0), math.floor(y0))
    size = (math.ceil(x1) - first[0], math.ceil(y1) - first[1])
    index_matrix = _index_matrix(matrix, source=np.array(item.mask_corner), target=np.array(first))
    mask = cv2.warpAffine(item.mask.view(np.uint8) * 255, index_matrix, size) >= 128
    visible_px = np.count_nonzero(mask)
    if not visible_px:
        return None
    cut = is_too_little(visible_px, np.count_nonzero(item.mask) * abs(zoom_area))
    return replace(
        item,
        box_xyxy=box_of_mask(mask) + np.tile(first, 2),
        mask=mask,
        mask_corner=first,
        keypoints=points,
        ignored=item.ignored or cut,
    )
