"""IoU, Dice and pixel accuracy of class maps, from confusion counts per unit."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Statistic
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import mask_of_rle

__all__ = [
    "IGNORED",
    "ClassMap",
    "confusion_counts",
    "nearest_object_cells",
    "photograph_cells",
    "semantic_metrics",
    "semantic_statistic",
    "tile_cells",
    "truth_map",
]

ClassMap = npt.NDArray[np.int32]
"""(H, W) class index of every pixel: 0 background, then the categories in turn."""

IGNORED = -1
_TILES = 8  # along each side, where a photograph has too few objects to resample


def truth_map(
    instances: Sequence[CocoInstance], *, image_hw: tuple[int, int], class_of: dict[int, int]
) -> tuple[ClassMap, npt.NDArray[np.int32]]:
    """Class and object of every pixel, from instance masks.

    Where masks overlap the later one in the file is on top. Pixels of crowds that no other
    object covers are ignored.

    Args:
        instances: Of one image, all with masks.
        image_hw: Height and width, px.
        class_of: Class index, from 1, by category id.

    Returns:
        Class map, and (H, W) object number, from 1 in file order without crowds, 0 elsewhere.
    """
    classes = np.zeros(image_hw, dtype=np.int32)
    objects = np.zeros(image_hw, dtype=np.int32)
    for instance in instances:
        if instance.iscrowd and instance.rle is not None:
            classes[mask_of_rle(instance.rle)] = IGNORED
    number = 0
    for instance in instances:
        if instance.iscrowd or instance.rle is None:
            continue
        number += 1
        mask = mask_of_rle(instance.rle)
        classes[mask] = class_of[instance.category_id]
        objects[mask] = number
    return classes, objects


def nearest_object_cells(objects: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Divide a photograph among its objects.

    Args:
        objects: (H, W) object number, from 1, 0 elsewhere; at least one object.

    Returns:
        (H, W) index from 0 of the object that a pixel lies in or is nearest to.
    """
    _, nearest = cv2.distanceTransformWithLabels(
        (objects == 0).astype(np.uint8),
        cv2.DIST_L2,
        cv2.DIST_MASK_PRECISE,
        labelType=cv2.DIST_LABEL_PIXEL,
    )
    inside = objects > 0
    object_of_label = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    object_of_label[nearest[inside]] = objects[inside] - 1
    return np.asarray(object_of_label[nearest])


def tile_cells(image_hw: tuple[int, int]) -> npt.NDArray[np.int32]:
    """(H, W) index from 0 of the tile a pixel lies in, 8 along each side."""
    rows = np.arange(image_hw[0]) * _TILES // image_hw[0]
    columns = np.arange(image_hw[1]) * _TILES // image_hw[1]
    return np.asarray(rows[:, None] * _TILES + columns[None, :], dtype=np.int32)


def confusion_counts(
    predicted: ClassMap,
    truth: ClassMap,
    *,
    n_classes: int,
    cells: npt.NDArray[np.int32] | None = None,
) -> npt.NDArray[np.int64]:
    """Pixels by true and predicted class.

    Args:
        predicted: (H, W) class index.
        truth: (H, W) class index or ``IGNORED``.
        n_classes: Background included.
        cells: (H, W) index from 0 of the unit a pixel belongs to; by default one for all.

    Returns:
        (U, C, C) counts; rows are the truth, columns the prediction.
    """
    counted = truth != IGNORED
    n_units = 1 if cells is None else int(cells.max()) + 1
    unit = np.zeros(int(counted.sum()), np.int64) if cells is None else cells[counted]
    flat = (unit.astype(np.int64) * n_classes + truth[counted]) * n_classes + predicted[counted]
    counts = np.bincount(flat, minlength=n_units * n_classes * n_classes)
    return counts.reshape(n_units, n_classes, n_classes)


def photograph_cells(objects: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.int32], str]:
    """The parts of a single photograph, for resampling.

    A part is an object with all pixels that are nearer to it than to any other object: errors
    are spatially correlated, and pixels of one rim stay together. With fewer than two objects
    the parts are 8 x 8 tiles.

    Args:
        objects: (H, W) object number, from 1, 0 elsewhere.

    Returns:
        (H, W) index from 0 of the part of every pixel, and what the parts are called.
    """
    if objects.max() < 2:
        return tile_cells((objects.shape[0], objects.shape[1])), "tiles, this photograph only"
    numbers = np.unique(objects[objects > 0])  # an object under others has no pixels
    dense = np.where(objects > 0, np.searchsorted(numbers, objects) + 1, 0).astype(np.int32)
    return nearest_object_cells(dense), "objects, this photograph only"


def semantic_metrics(confusion: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Scores of confusion counts.

    Args:
        confusion: (..., C, C); rows are the truth, columns the prediction.

    Returns:
        IoU (..., C), Dice (..., C), both nan for classes in neither map, and pixel accuracy
        (...), nan without pixels.
    """
    hit = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    in_truth, in_prediction = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = confusion.sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        iou = hit / (in_truth + in_prediction - hit)
        dice = 2 * hit / (in_truth + in_prediction)
        accuracy = hit.sum(axis=-1) / total
    return iou, dice, np.asarray(accuracy)


def semantic_statistic(counts: npt.NDArray[np.int64]) -> Statistic:
    """Mean IoU, pixel accuracy, IoU and pixel accuracy of every class, Dice of every object class.

    The pixel accuracy of a class is the share of its pixels that are labelled rightly.

    Args:
        counts: (U, C, C) confusion counts per unit.

    Returns:
        Statistic with M = 2 + C + C + (C - 1); class 0, the background, has no Dice. The mean is
        over classes that occur in the truth or in the prediction, background included.
    """
    n_units, n_classes, _ = counts.shape
    flat = counts.reshape(n_units, n_classes**2).astype(np.float64)

    def statistic(weights: FloatArray) -> FloatArray:
        confusion = (weights @ flat).reshape(-1, n_classes, n_classes)
        iou, dice, accuracy = semantic_metrics(confusion)
        occurs = np.isfinite(iou)
        hit = np.diagonal(confusion, axis1=1, axis2=2)
        with np.errstate(invalid="ignore"):
            miou = np.where(occurs, iou, 0).sum(axis=1) / occurs.sum(axis=1)
            recall = hit / confusion.sum(axis=2)
        return np.column_stack([miou, accuracy, iou, recall, dice[:, 1:]])

    return statistic
