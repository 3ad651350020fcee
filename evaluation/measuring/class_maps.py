"""What is measured of class maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.alignment import Alignment
from evaluation.bootstrap import Estimate, Units, bootstrap
from evaluation.class_maps import class_indices, map_reader
from evaluation.clusters import ImageUnits
from evaluation.metrics.boundaries import boundary_counts, boundary_statistic
from evaluation.metrics.semantic import (
    confusion_counts,
    photograph_cells,
    semantic_statistic,
    truth_map,
)
from evaluation.sheet import MetricKey
from pipeline.formats.coco import CocoDataset

__all__ = ["map_estimates"]


def map_estimates(
    predictions: Path, truth: CocoDataset, aligned: Alignment, units: ImageUnits, notes: list[str]
) -> dict[MetricKey, Estimate]:
    """IoU, Dice, pixel accuracy and boundary IoU; nothing where there are no maps.

    Args:
        predictions: The file, beside which the maps lie.
        truth: With masks.
        aligned: The predictions.
        units: Of the images; a single photograph is resampled by its parts.
        notes: Added to where the maps had to be derived.

    Raises:
        PredictionsError: If a map is missing or of another size.
    """
    predicted_map, note = map_reader(predictions, aligned, truth)
    if predicted_map is None:
        return {}
    notes += [note] if note else []
    class_of = class_indices(truth)
    n_classes = len(class_of) + 1
    wanted = set(aligned.image_ids)
    images = [image for image in truth.images if image.image_id in wanted]
    drawn = units.units
    confusion = np.zeros((drawn.drawn, n_classes, n_classes), dtype=np.int64)
    boundary = np.zeros((drawn.drawn, n_classes - 1, 2), dtype=np.int64)
    for image in images:
        classes, objects = truth_map(
            truth.instances[image.image_id],
            image_hw=(image.height, image.width),
            class_of=class_of,
        )
        predicted = predicted_map(image)
        if len(images) == 1:
            cells, name = photograph_cells(objects)
            confusion = confusion_counts(predicted, classes, n_classes=n_classes, cells=cells)
            boundary = boundary_counts(predicted, classes, n_classes=n_classes, cells=cells)
            drawn = Units(drawn=len(confusion), name=name)
            boundary = np.pad(boundary, ((0, len(confusion) - len(boundary)), (0, 0), (0, 0)))
        else:
            unit = units.unit_of[image.image_id]
            confusion[unit] += confusion_counts(predicted, classes, n_classes=n_classes)[0]
            boundary[unit] += boundary_counts(predicted, classes, n_classes=n_classes)[0]
    category_names = {category.category_id: category.name for category in truth.categories}
    names = [category_names[category_id] for category_id in class_of]
    keys: list[MetricKey] = [("miou", None), ("pixel_accuracy", None)]
    keys += [
        (metric, name) for metric in ("iou", "pixel_accuracy") for name in ("background", *names)
    ]
    keys += [("dice", name) for name in names]
    estimates = dict(zip(keys, bootstrap(semantic_statistic(confusion), drawn), strict=True))
    keys = [("boundary_iou", None)]
    keys += [("boundary_iou", name) for name in names] if len(names) > 1 else []
    found = bootstrap(boundary_statistic(boundary), drawn)
    return estimates | dict(zip(keys, found, strict=False))
