"""What the compact detector should say about a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray
from trainers.compact.network import FINE_STRIDE, MASK_SIDE, STRIDE
from trainers.examples import DetectionExample, ObjectExample

__all__ = ["DetectionTargets", "encode_targets", "jittered_region"]

Float32Array = npt.NDArray[np.float32]

_GAUSSIAN_FRACTION = 0.54  # of the box the heat covers (Liu et al., TTFNet, AAAI 2020)
_REGION_MARGIN = (1.15, 1.35)
"""Side of the mask's region relative to the box, so that a box slightly off cuts nothing off."""
_CENTRE_JITTER = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionTargets:
    """Targets of one picture of S x S px, s = S / 4.

    Attributes:
        heat: (C, s, s) in [0, 1], Gaussians that are 1 at the objects' centre cells.
        heat_weight: (s, s), 0 where an ignored object lies.
        boxes_xyxy: (4, s, s) px, the box that a cell should answer with.
        box_weight: (s, s), 0 outside objects' centres; adds up to 1 over an object.
        semantic: (1 + C, S/2, S/2) shares of the classes in each cell; channel 0 is background.
        semantic_weight: (S/2, S/2), 0 where the class is unknown.
        cells: (M, 2) row and column of the cell that describes an object's mask.
        regions_xyxy: (M, 4) px that the mask covers.
        masks: (M, 32, 32) share of each of the region's cells in the object.
    """

    heat: Float32Array
    heat_weight: Float32Array
    boxes_xyxy: Float32Array
    box_weight: Float32Array
    semantic: Float32Array
    semantic_weight: Float32Array
    cells: npt.NDArray[np.int64]
    regions_xyxy: Float32Array
    masks: Float32Array


def encode_targets(
    example: DetectionExample, *, class_count: int, max_masks: int, rng: np.random.Generator
) -> DetectionTargets:
    """Targets of a square picture.

    Args:
        example: With a side that is a multiple of 4.
        class_count: C.
        max_masks: At most so many objects, drawn by chance, teach the mask head.
        rng: Draws them, and slightly wrong regions, as boxes will be when predicted.
    """
    side = example.image.shape[0] // STRIDE
    heat = np.zeros((class_count, side, side), np.float32)
    heat_weight = np.ones((side, side), np.float32)
    boxes = np.zeros((4, side, side), np.float32)
    box_weight = np.zeros((side, side), np.float32)
    objects = [item for item in example.objects if not item.ignored]
    for item in example.objects:
        if item.ignored:
            x0, y0, x1, y1 = _cells_of(item.box_xyxy, STRIDE)
            heat_weight[y0:y1, x0:x1] = 0
    # Large objects first: where two overlap, the cell belongs to the smaller one.
    for item in sorted(objects, key=lambda item: -_area_px(item.box_xyxy)):
        gaussian, (row, column) = _gaussian(item.box_xyxy, side)
        window = (
            slice(row, row + gaussian.shape[0]),
            slice(column, column + gaussian.shape[1]),
        )
        plane = heat[item.class_index][window]
        np.maximum(plane, gaussian, out=plane)
        heat_weight[window][gaussian == 1] = 1
        inside = gaussian > 0
        boxes[(slice(None), *window)][:, inside] = item.box_xyxy[:, None]
        box_weight[window][inside] = (gaussian / gaussian.sum())[inside]
    semantic, semantic_weight = _semantic(example, class_count)
    with_mask = [item for item in objects if item.mask is not None]
    if len(with_mask) > max_masks:
        with_mask = [with_mask[i] for i in rng.permutation(len(with_mask))[:max_masks]]
    cells = np.zeros((len(with_mask), 2), np.int64)
    regions = np.zeros((len(with_mask), 4), np.float32)
    masks = np.zeros((len(with_mask), MASK_SIDE, MASK_SIDE), np.float32)
    for i, item in enumerate(with_mask):
        centre, size = _centre_and_size(item.box_xyxy)
        cell_xy = (centre + rng.normal(0, _CENTRE_JITTER, 2) * size) / STRIDE
        cells[i] = np.clip(cell_xy[::-1], 0, side - 1)
        regions[i] = jittered_region(item.box_xyxy, rng)
        masks[i] = _mask_in_region(item, regions[i])
    return DetectionTargets(
        heat=heat,
        heat_weight=heat_weight,
        boxes_xyxy=boxes,
        box_weight=box_weight,
        semantic=semantic,
        semantic_weight=semantic_weight,
        cells=cells,
        regions_xyxy=regions,
        masks=masks,
    )


def jittered_region(box_xyxy: FloatArray, rng: np.random.Generator) -> FloatArray:
    """(4,) px around a box, slightly wrong, as boxes will be when predicted."""
    centre, size = _centre_and_size(box_xyxy)
    shift = rng.normal(0, _CENTRE_JITTER, 2) * size
    half = size * rng.uniform(*_REGION_MARGIN, 2) / 2
    return np.concatenate([centre + shift - half, centre + shift + half])


def _area_px(box_xyxy: FloatArray) -> float:
    return float(np.prod(box_xyxy[2:] - box_xyxy[:2]))


def _centre_and_size(box_xyxy: FloatArray) -> tuple[FloatArray, FloatArray]:
    return (box_xyxy[:2] + box_xyxy[2:]) / 2, box_xyxy[2:] - box_xyxy[:2]


def _cells_of(box_xyxy: FloatArray, stride: int) -> tuple[int, int, int, int]:
    """First and last-but-one cells that a box touches: x0, y0, x1, y1."""
    first, last = np.floor(box_xyxy[:2] / stride), np.ceil(box_xyxy[2:] / stride)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _gaussian(box_xyxy: FloatArray, side: int) -> tuple[Float32Array, tuple[int, int]]:
    """Heat of one object, and the row and column where its window starts."""
    x0, y0, x1, y1 = box_xyxy.tolist()
    x, column = _bell((x0 + x1) / 2, x1 - x0, side)
    y, row = _bell((y0 + y1) / 2, y1 - y0, side)
    return np.outer(y, x).astype(np.float32), (row, column)


def _bell(centre_px: float, size_px: float, side: int) -> tuple[FloatArray, int]:
    """Along one axis: heat of the cells around a centre, and the first of them."""
    centre = min(max(math.floor(centre_px / STRIDE), 0), side - 1)
    sigma = max(_GAUSSIAN_FRACTION * size_px / STRIDE / 6, 1e-3)
    radius = math.floor(3 * sigma)
    first, last = max(centre - radius, 0), min(centre + radius, side - 1)
    return np.exp(-((np.arange(first, last + 1) - centre) ** 2) / (2 * sigma**2)), first


def _semantic(example: DetectionExample, class_count: int) -> tuple[Float32Array, Float32Array]:
    side = example.image.shape[0]
    classes = np.zeros((class_count, side, side), np.uint8)
    known = np.full((side, side), 255, np.uint8)
    for item in example.objects:
        if item.mask is None:
            x0, y0, x1, y1 = _cells_of(item.box_xyxy, 1)
            known[y0:y1, x0:x1] = 0
            continue
        x, y = item.mask_corner
        window = (slice(y, y + item.mask.shape[0]), slice(x, x + item.mask.shape[1]))
        if item.crowd:
            known[window][item.mask] = 0
        else:
            classes[item.class_index][window][item.mask] = 255
    fine = (side // FINE_STRIDE, side // FINE_STRIDE)
    shares = np.stack([cv2.resize(c, fine, interpolation=cv2.INTER_AREA) for c in classes])
    shares = shares.astype(np.float32) / 255
    # Overlapping masks of two classes share the cell.
    shares /= np.maximum(shares.sum(axis=0), 1)
    semantic = np.concatenate([1 - shares.sum(axis=0, keepdims=True), shares])
    weight = cv2.resize(known, fine, interpolation=cv2.INTER_AREA) == 255
    return semantic, weight.astype(np.float32)


def _mask_in_region(item: ObjectExample, region_xyxy: FloatArray) -> Float32Array:
    assert item.mask is not None
    step = (region_xyxy[2:] - region_xyxy[:2]) / MASK_SIDE
    offset = region_xyxy[:2] + step / 2 - 0.5 - np.array(item.mask_corner)
    mask_from_region = np.array([[step[0], 0, offset[0]], [0, step[1], offset[1]]])
    return np.asarray(
        cv2.warpAffine(
            item.mask.astype(np.float32),
            mask_from_region,
            (MASK_SIDE, MASK_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
    )
