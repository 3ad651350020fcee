"""Which objects of one picture were found, at one score and one overlap: for people to look at.

Scores come from pycocotools over all scores and overlaps; this is the picture beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools import mask as coco_mask

from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray, boxes_iou
from pipeline.geometry.masks import Rle

__all__ = ["Find", "Finds", "find_objects"]

_MIN_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """An object and the detection that found it."""

    prediction: Detection
    truth: CocoInstance
    iou: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finds:
    """What became of the objects of one picture; crowds count neither way."""

    found: tuple[Find, ...]
    false_alarms: tuple[Detection, ...]
    missed: tuple[CocoInstance, ...]

    @property
    def n_objects(self) -> int:
        """Objects that count."""
        return len(self.found) + len(self.missed)

    @property
    def quality(self) -> float:
        """Panoptic quality, in [0, 1]: mean IoU of what was found, less for every mistake.

        Source: Kirillov et al., CVPR 2019.
        """
        mistakes = len(self.false_alarms) + len(self.missed)
        if not self.found:
            return 0.0 if mistakes else 1.0
        return sum(find.iou for find in self.found) / (len(self.found) + mistakes / 2)


def find_objects(
    detections: Sequence[Detection], truth: Sequence[CocoInstance], *, min_score: float
) -> Finds:
    """Match detections to objects of their class, best scores first.

    An object is found by a detection with IoU of at least 0.5, of masks where both sides have
    them, else of boxes. Among several objects a detection takes the one it overlaps most.
    Unmatched detections that lie mostly in a crowd are left out.

    Args:
        detections: Of one picture.
        truth: Of the same picture.
        min_score: Detections below it are left out.
    """
    kept = sorted((d for d in detections if d.score >= min_score), key=lambda d: -d.score)
    overlap = _overlaps(kept, truth)  # (D, G)
    taken: set[int] = set()
    found: list[Find] = []
    false_alarms: list[Detection] = []
    for row, prediction in zip(overlap, kept, strict=True):
        same = [g for g, gt in enumerate(truth) if gt.category_id == prediction.category_id]
        free = [g for g in same if g not in taken and not truth[g].iscrowd]
        best = max(free, key=lambda g: row[g], default=None)
        if best is not None and row[best] >= _MIN_IOU:
            taken.add(best)
            found.append(Find(prediction=prediction, truth=truth[best], iou=float(row[best])))
        elif not any(row[g] >= _MIN_IOU for g in same if truth[g].iscrowd):
            false_alarms.append(prediction)
    missed = tuple(gt for g, gt in enumerate(truth) if g not in taken and not gt.iscrowd)
    return Finds(found=tuple(found), false_alarms=tuple(false_alarms), missed=missed)


def _overlaps(predictions: Sequence[Detection], truth: Sequence[CocoInstance]) -> FloatArray:
    if not predictions or not truth:
        return np.zeros((len(predictions), len(truth)))
    masks_pred = [p.rle for p in predictions if p.rle is not None]
    masks_gt = [gt.rle for gt in truth if gt.rle is not None]
    if len(masks_pred) == len(predictions) and len(masks_gt) == len(truth):
        crowds = [int(gt.iscrowd) for gt in truth]
        return np.asarray(coco_mask.iou(_encoded(masks_pred), _encoded(masks_gt), crowds))
    return boxes_iou(
        np.array([p.box_xyxy for p in predictions]), np.array([gt.box_xyxy for gt in truth])
    )


def _encoded(rles: Sequence[Rle]) -> list[dict[str, object]]:
    return [{"size": rle["size"], "counts": rle["counts"].encode()} for rle in rles]
