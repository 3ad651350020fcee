"""Predicted class maps: from semantic PNGs, or from instance masks where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from evaluation.alignment import Alignment
from evaluation.metrics.detection import Detection
from evaluation.metrics.semantic import ClassMap
from pipeline.errors import PredictionsError
from pipeline.formats.coco import CocoDataset, CocoImage
from pipeline.geometry.masks import mask_of_rle

__all__ = ["class_indices", "map_reader"]

_MIN_SCORE = 0.5


def class_indices(truth: CocoDataset) -> dict[int, int]:
    """Class index of a class map, from 1, by category id; 0 is background."""
    ids = sorted(category.category_id for category in truth.categories)
    return {category_id: index for index, category_id in enumerate(ids, start=1)}


def map_reader(
    predictions: Path, alignment: Alignment, truth: CocoDataset
) -> tuple[Callable[[CocoImage], ClassMap] | None, str | None]:
    """How to get the predicted class map of an image.

    Semantic PNGs if the meta file names them, else the union of the instance masks with a score
    of at least 0.5, higher scores on top.

    Returns:
        A function of the image, None if there is neither; and a note if the map is derived.

    Raises:
        PredictionsError: If the folder of PNGs is missing or outside the predictions' folder.
            The function raises it for a PNG that is missing or of another size.
    """
    class_of = class_indices(truth)
    meta = alignment.meta
    if meta is not None and meta.semantic_dir is not None:
        folder = predictions.parent / meta.semantic_dir
        inside = folder.resolve().is_relative_to(predictions.parent.resolve())
        if not inside or not folder.is_dir():
            raise PredictionsError(
                f"{predictions}: semantic_dir {meta.semantic_dir!r} is no folder beside it; "
                "predict again or remove the key."
            )
        lookup = np.zeros(65536, dtype=np.int32)
        for own_id, category_id in alignment.category_of.items():
            if 0 < own_id < lookup.size:
                lookup[own_id] = class_of[category_id]
        return (lambda image: lookup[_read_map(folder, image)]), None
    if not alignment.has_masks:
        return None, None
    by_image: dict[int, list[Detection]] = {}
    for detection in sorted(alignment.detections, key=lambda d: d.score):
        if detection.score >= _MIN_SCORE:
            by_image.setdefault(detection.image_id, []).append(detection)

    def united(image: CocoImage) -> ClassMap:
        classes = np.zeros((image.height, image.width), dtype=np.int32)
        for detection in by_image.get(image.image_id, ()):
            if detection.rle is not None:
                classes[mask_of_rle(detection.rle)] = class_of[detection.category_id]
        return classes

    return united, (
        "There is no semantic map: it was derived from the instance masks with a score of at "
        f"least {_MIN_SCORE}."
    )


def _read_map(folder: Path, image: CocoImage) -> ClassMap:
    path = folder / f"{image.image_id}.png"
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if pixels is None or pixels.shape != (image.height, image.width):
        got = "missing or no picture" if pixels is None else f"of shape {pixels.shape}"
        raise PredictionsError(
            f"{path}: {got}; expected one channel of {image.height} x {image.width} px."
        )
    return np.asarray(pixels, dtype=np.int32)
