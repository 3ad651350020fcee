"""How much predictions and objects of one picture overlap, by boxes or by masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pycocotools import mask as coco_mask

from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import Rle

__all__ = ["OverlapKind", "overlaps"]

OverlapKind = Literal["box", "mask"]


def overlaps(
    preds: Sequence[Detection], truth: Sequence[CocoInstance], overlap: OverlapKind, *, crowd: bool
) -> FloatArray:
    """(D, G) intersection over union; over the prediction alone for crowds."""
    if not preds or not truth:
        return np.zeros((len(preds), len(truth)))
    sides = [[_shape(thing, overlap) for thing in side] for side in (preds, truth)]
    return np.asarray(coco_mask.iou(*sides, [int(crowd)] * len(truth)))


def _shape(thing: Detection | CocoInstance, overlap: OverlapKind) -> Any:  # noqa: ANN401  # for pycocotools
    if overlap == "mask":
        rle: Rle | None = thing.rle
        if rle is None:
            raise ValueError("A mask is missing; compare boxes.")
        return {"size": rle["size"], "counts": rle["counts"].encode()}
    x0, y0, x1, y1 = thing.box_xyxy
    return [x0, y0, x1 - x0, y1 - y0]
