"""Label statistics of a COCO dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from pipeline.formats.coco import CocoDataset

__all__ = ["LabelStatistics", "label_statistics"]

_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelStatistics:
    """Counts and sizes; quantiles are the 10th, 50th and 90th percentile.

    Attributes:
        instances: Without crowds.
        per_category: Instances by category name.
        per_image: Quantiles of instances per image; nan without images.
        box_side_px: Quantiles of the square root of the box area; nan without instances.
    """

    images: int
    instances: int
    crowds: int
    per_category: dict[str, int]
    per_image: tuple[float, ...]
    box_side_px: tuple[float, ...]


def label_statistics(dataset: CocoDataset) -> LabelStatistics:
    """Count what a dataset holds."""
    names = {category.category_id: category.name for category in dataset.categories}
    labelled = [
        [instance for instance in dataset.instances[image.image_id] if not instance.iscrowd]
        for image in dataset.images
    ]
    instances = [instance for group in labelled for instance in group]
    counts = Counter(names[instance.category_id] for instance in instances)
    boxes = np.array([instance.box_xyxy for instance in instances]).reshape(-1, 4)
    sides_px = np.sqrt(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))
    total = sum(len(group) for group in dataset.instances.values())
    return LabelStatistics(
        images=len(dataset.images),
        instances=len(instances),
        crowds=total - len(instances),
        per_category={name: counts[name] for name in names.values()},
        per_image=_quantiles([len(group) for group in labelled]),
        box_side_px=_quantiles(sides_px.tolist()),
    )


def _quantiles(values: list[float] | list[int]) -> tuple[float, ...]:
    if not values:
        return (float("nan"),) * len(_QUANTILES)
    return tuple(float(value) for value in np.quantile(values, _QUANTILES))
