"""Detected objects, and what became of them: records, and COCO's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.bootstrap import Units
from evaluation.metrics.overlaps import IndexArray
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray, Rle
from pipeline.records.annotations import Box

__all__ = [
    "AREAS_PX",
    "IOU_THRESHOLDS",
    "LIMITS",
    "CategoryMatches",
    "Detection",
    "DetectionMatches",
    "KeypointScore",
    "MatchKind",
]

MatchKind = Literal["bbox", "segm", "keypoints"]
KeypointScore = tuple[float, float, float]

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
AREAS_PX: Mapping[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Ranges of the true object's area; source: pycocotools' ``Params``."""
LIMITS: Mapping[MatchKind, tuple[int, ...]] = {
    "bbox": (1, 10, 100),
    "segm": (1, 10, 100),
    "keypoints": (20,),
}
"""Detections per image and category of which the recall is told; AP knows the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One predicted object, in the ids of the truth it is scored on.

    Attributes:
        keypoints: x, y [px] and confidence each.
    """

    image_id: int
    category_id: int
    score: float
    box_xyxy: Box
    rle: Rle | None = None
    keypoints: tuple[KeypointScore, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryMatches:
    """Detections of one category in all images, by falling score, and the truth they met.

    Attributes:
        scores: (D,).
        is_tp: (T, D) matched to a ground truth that counts, per IoU threshold.
        is_fp: (T, D) matched to nothing. Matches with crowds are neither.
        place: (D,) from 0, among the detections of its image.
        unit_preds: (D,) unit of each detection.
        unit_gt: (G,) unit of each ground truth that counts (no crowds).
    """

    scores: FloatArray
    is_tp: BoolArray
    is_fp: BoolArray
    place: IndexArray
    unit_preds: IndexArray
    unit_gt: IndexArray


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionMatches:
    """All matches of one predictions file, and what is to be resampled.

    Attributes:
        by_area: By name of the range of areas, then by category id.
    """

    kind: MatchKind
    by_area: Mapping[str, Mapping[int, CategoryMatches]]
    units: Units

    @property
    def categories(self) -> Mapping[int, CategoryMatches]:
        """Matches with objects of all sizes."""
        return self.by_area["all"]
