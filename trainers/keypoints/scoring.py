"""What predicted keypoints are worth: COCO's AP by pycocotools, and PCK."""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from pipeline.formats.labelled import Category, CocoDataset, CocoInstance
from pipeline.geometry.boxes import FloatArray, xywh_from_xyxy
from pipeline.geometry.keypoints import assigned_distances

__all__ = ["keypoint_scores"]

_PIXEL_CENTRE = np.array([0.5, 0.5, 0])  # COCO has pixel centres at whole numbers
_FRACTIONS = (0.02, 0.05, 0.1)


def keypoint_scores(entries: Sequence[dict[str, Any]], dataset: CocoDataset) -> dict[str, float]:
    """``keypoint_ap``, ``keypoint_ap50``, ``keypoint_ap75`` and ``pck@`` 0.02, 0.05, 0.1.

    Args:
        entries: COCO results.
        dataset: The truth; of its categories those with keypoints count.
    """
    precision = [_precision(entries, dataset, c) for c in dataset.categories if c.keypoints]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # nothing to score is nan
        ap = np.nanmean(precision, axis=0)
    scores = dict(zip(("keypoint_ap", "keypoint_ap50", "keypoint_ap75"), ap.tolist(), strict=True))
    return scores | _pck(entries, dataset)


def _precision(
    entries: Sequence[dict[str, Any]], dataset: CocoDataset, category: Category
) -> FloatArray:
    """(3,) AP, AP50, AP75 of one category; nan where there is nothing to find."""
    truth, said = COCO(), COCO()
    images = [{"id": image_id} for image_id in dataset.instances]
    instances = [i for group in dataset.instances.values() for i in group]
    truth.dataset = {"images": images, "annotations": [_true(i) for i in instances]}
    said.dataset = {
        "images": images,
        "annotations": [
            entry | {"id": number, "area": math.prod(entry["bbox"][2:])}
            for number, entry in enumerate(entries, start=1)
        ],
    }
    for coco in (truth, said):
        coco.dataset["categories"] = [{"id": category.category_id}]
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        said.createIndex()
        judge = COCOeval(truth, said, "keypoints")
        judge.params.catIds = [category.category_id]
        judge.params.kpt_oks_sigmas = np.array(category.oks_sigmas)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return np.where(judge.stats[:3] < 0, np.nan, judge.stats[:3])


def _true(item: CocoInstance) -> dict[str, Any]:
    points = np.array(item.keypoints or np.zeros((0, 3)), float).reshape(-1, 3)
    labelled = points[:, 2] > 0
    return {
        "id": item.annotation_id,
        "image_id": item.image_id,
        "category_id": item.category_id,
        "bbox": xywh_from_xyxy(np.array(item.box_xyxy)).tolist(),
        "area": item.area_px,
        "iscrowd": int(item.iscrowd),
        "keypoints": (points - _PIXEL_CENTRE).ravel().tolist(),
        "num_keypoints": int(labelled.sum()),
    }


def _pck(entries: Sequence[dict[str, Any]], dataset: CocoDataset) -> dict[str, float]:
    """Share of the labelled keypoints that lie within a fraction of their box's diagonal.

    In every picture the predictions with the best scores, as many as there are objects, are
    given to the objects.
    """
    found: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for entry in sorted(entries, key=lambda entry: -entry["score"]):
        found.setdefault((entry["image_id"], entry["category_id"]), []).append(entry)
    relative = [np.zeros(0)]
    for image_id, group in dataset.instances.items():
        objects: dict[int, list[CocoInstance]] = {}
        for item in group:
            if not item.iscrowd and any(v > 0 for *_, v in item.keypoints or ()):
                objects.setdefault(item.category_id, []).append(item)
        for category_id, items in objects.items():
            best = found.get((image_id, category_id), [])[: len(items)]
            points = np.array([entry["keypoints"] for entry in best], float)
            true = np.array([item.keypoints for item in items], float)
            points = points.reshape(-1, true.shape[1], 3) + _PIXEL_CENTRE
            corners = np.array([item.box_xyxy for item in items])
            diagonals = np.linalg.norm(corners[:, 2:] - corners[:, :2], axis=1)
            apart = assigned_distances(points[..., :2], true) / diagonals[:, None]
            relative.append(apart[true[..., 2] > 0])
    every = np.concatenate(relative)
    return {
        f"pck@{fraction:g}": float((every <= fraction).mean()) if every.size else math.nan
        for fraction in _FRACTIONS
    }
