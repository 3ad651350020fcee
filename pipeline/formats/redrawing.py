"""Boxes of a dataset drawn anew, by the convention of somebody else's labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.formats.labelled import CocoDataset, CocoImage, CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.specs.experiment import BoxSpec

__all__ = ["redraw_box", "redraw_boxes"]


def redraw_boxes(dataset: CocoDataset, boxes: BoxSpec) -> CocoDataset:
    """The dataset with every box drawn anew and cut at its picture's edge.

    Masks go, for networks that learn masks draw their boxes around them.
    """
    return replace(
        dataset,
        instances={
            image.image_id: tuple(
                _redrawn(instance, image, boxes) for instance in dataset.instances[image.image_id]
            )
            for image in dataset.images
        },
    )


def redraw_box(box_xyxy: FloatArray, boxes: BoxSpec) -> FloatArray:
    """(..., 4) tight boxes, px, to boxes around the same centres.

    >>> redraw_box(np.array([10.0, 10, 30, 20]), BoxSpec(square=True, grow=1.2)).tolist()
    [8.0, 3.0, 32.0, 27.0]
    """
    first, last = box_xyxy[..., :2], box_xyxy[..., 2:]
    centre, size = (first + last) / 2, last - first
    if boxes.square:
        size = size.max(axis=-1, keepdims=True)
    half = boxes.grow * size / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def _redrawn(instance: CocoInstance, image: CocoImage, boxes: BoxSpec) -> CocoInstance:
    box = redraw_box(np.array(instance.box_xyxy), boxes)
    x0, y0, x1, y1 = np.clip(box, 0, [image.width, image.height] * 2).tolist()
    return replace(
        instance,
        box_xyxy=(x0, y0, x1, y1),
        area_px=(x1 - x0) * (y1 - y0),
        rle=None,
        amodal_rle=None,
        amodal_box_xyxy=None,
    )
