"""Average precision of boxes and masks: matched by pycocotools, resampled by weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pycocotools.cocoeval import COCOeval

from evaluation.bootstrap import Statistic, Units
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray, Rle

__all__ = [
    "IOU_THRESHOLDS",
    "CategoryMatches",
    "Detection",
    "DetectionMatches",
    "MatchKind",
    "ap_statistic",
    "ap_table",
    "match_detections",
]

MatchKind = Literal["bbox", "segm"]

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
_RECALLS = np.linspace(0.0, 1.0, 101)
_MAX_DETECTIONS = 100
_ALL_AREAS = (0.0, 1e10)  # pycocotools' area range "all"
_NOTHING: dict[str, Any] = {
    "dtIds": [],
    "gtIds": [],
    "dtScores": [],
    "gtIgnore": [],
    "dtMatches": np.zeros((len(IOU_THRESHOLDS), 0)),
    "dtIgnore": np.zeros((len(IOU_THRESHOLDS), 0)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """One predicted object, in the ids of the truth it is scored on."""

    image_id: int
    category_id: int
    score: float
    box_xyxy: tuple[float, float, float, float]
    rle: Rle | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CategoryMatches:
    """Detections of one category in all images, by falling score, and the truth they met.

    Attributes:
        is_tp: (T, D) matched to a ground truth that counts, per IoU threshold.
        is_fp: (T, D) matched to nothing. Matches with crowds are neither.
        unit_preds: (D,) unit of each detection.
        unit_gt: (G,) unit of each ground truth that counts (no crowds).
    """

    is_tp: BoolArray
    is_fp: BoolArray
    unit_preds: npt.NDArray[np.intp]
    unit_gt: npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionMatches:
    """All matches of one predictions file, by category id, and what is to be resampled."""

    categories: Mapping[int, CategoryMatches]
    units: Units


def match_detections(
    *,
    detections: Iterable[Detection],
    truth: Mapping[int, Sequence[CocoInstance]],
    category_ids: Sequence[int],
    kind: MatchKind,
) -> DetectionMatches:
    """Match detections to ground truths as COCO does (at most 100 per image and category).

    With several images the unit of resampling is the image. On a single photograph it is the
    ground truth: a detection belongs to the one that it matches at the loosest IoU threshold at
    which it matches any, so that an object seen twice, or matched at 0.5 and missed at 0.75, is
    kept or left out as a whole and one resample serves all thresholds. Detections that match
    nothing at any threshold are units of their own.

    Args:
        detections: Predicted objects, in any order.
        truth: Ground truths by image id; images without any have an empty sequence.
        category_ids: Categories to score.
        kind: Overlap of boxes or of masks.

    Source: pycocotools' ``COCOeval.evaluateImg``, which does the matching.
    """
    judge = COCOeval(iouType=kind)
    judge.params.iouThrs = IOU_THRESHOLDS
    _hand_over(judge, detections, truth, set(category_ids))
    image_ids = sorted(truth)
    results: dict[int, list[dict[str, Any]]] = {}
    for category_id in sorted(category_ids):
        for image_id in image_ids:
            pair = (image_id, category_id)
            judge.ious[pair] = judge.computeIoU(*pair)
            result = judge.evaluateImg(*pair, _ALL_AREAS, _MAX_DETECTIONS)
            if result is not None:
                results.setdefault(category_id, []).append(result)
    if len(image_ids) == 1:
        return _by_object(results, sorted(category_ids))
    rank = {image_id: i for i, image_id in enumerate(image_ids)}
    categories = {}
    for category_id in sorted(category_ids):
        found = results.get(category_id, [])
        categories[category_id] = _collect(
            found,
            unit_preds=[np.full(len(e["dtIds"]), rank[e["image_id"]]) for e in found],
            unit_gt=[np.full(len(e["gtIds"]), rank[e["image_id"]]) for e in found],
        )
    return DetectionMatches(categories=categories, units=Units(drawn=len(image_ids), name="images"))


def ap_table(matches: CategoryMatches, weights: FloatArray) -> FloatArray:
    """Average precision of one category at every IoU threshold, on weighted units.

    101 recall points under the falling envelope of precision, as ``COCOeval.accumulate``;
    weights all 1 give its numbers.

    Args:
        matches: Of the category.
        weights: (B, U) how often each unit occurs in each resample.

    Returns:
        (B, T) in [0, 1]; nan in resamples without a ground truth.
    """
    n_gt = weights[:, matches.unit_gt].sum(axis=1)  # (B,)
    table = np.zeros((len(weights), len(IOU_THRESHOLDS)))
    weights_preds = weights[:, matches.unit_preds]  # (B, D)
    for t in range(len(IOU_THRESHOLDS)) if matches.unit_preds.size else ():
        tp = np.cumsum(weights_preds * matches.is_tp[t], axis=1)
        fp = np.cumsum(weights_preds * matches.is_fp[t], axis=1)
        precision = tp / (fp + tp + np.spacing(1))
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = tp / np.maximum(n_gt, 1)[:, None]
        for b in range(len(weights)):
            reached = np.searchsorted(recall[b], _RECALLS, side="left")
            reached = reached[reached < envelope.shape[1]]
            table[b, t] = envelope[b, reached].sum() / len(_RECALLS)
    table[n_gt == 0] = np.nan
    return table


def ap_statistic(matches: DetectionMatches) -> Statistic:
    """AP, AP50, AP75 over all categories, then the same for each category in turn.

    Returns:
        Statistic with M = 3 + 3 * categories; categories without truth are nan and left out of
        the mean.
    """

    def statistic(weights: FloatArray) -> FloatArray:
        per_category = np.stack(
            [ap_table(found, weights) for found in matches.categories.values()], axis=2
        )  # (B, T, K)
        present = np.isfinite(per_category).any(axis=1).sum(axis=1)  # (B,)
        with np.errstate(invalid="ignore"):
            mean = np.nansum(per_category, axis=2) / present[:, None]  # (B, T), 0 / 0 is nan
        columns = [_three(mean)]
        columns += [_three(per_category[:, :, k]) for k in range(per_category.shape[2])]
        return np.concatenate(columns, axis=1)

    return statistic


def _three(table: FloatArray) -> FloatArray:
    """(B, T) -> (B, 3) AP, AP50, AP75."""
    return np.stack([table.mean(axis=1), table[:, 0], table[:, 5]], axis=1)


def _hand_over(
    judge: COCOeval,
    detections: Iterable[Detection],
    truth: Mapping[int, Sequence[CocoInstance]],
    category_ids: set[int],
) -> None:
    """Fill what ``COCOeval._prepare`` fills, without its printing and its copies of files."""
    for instances in truth.values():
        for gt in instances:
            if gt.category_id in category_ids:
                judge._gts[gt.image_id, gt.category_id].append(
                    {
                        "id": gt.annotation_id,
                        "bbox": _bbox(gt.box_xyxy),
                        "segmentation": gt.rle,
                        "area": gt.area_px,
                        "ignore": gt.iscrowd,
                        "iscrowd": int(gt.iscrowd),
                    }
                )
    for index, pred in enumerate(detections, start=1):
        x, y, w, h = _bbox(pred.box_xyxy)
        if pred.image_id in truth and pred.category_id in category_ids:
            judge._dts[pred.image_id, pred.category_id].append(
                {
                    "id": index,
                    "bbox": [x, y, w, h],
                    "segmentation": pred.rle,
                    "area": w * h,
                    "score": pred.score,
                }
            )


def _bbox(box_xyxy: tuple[float, float, float, float]) -> list[float]:
    x0, y0, x1, y1 = box_xyxy
    return [x0, y0, x1 - x0, y1 - y0]


def _collect(
    results: Sequence[dict[str, Any]],
    *,
    unit_preds: Sequence[npt.NDArray[np.intp]],
    unit_gt: Sequence[npt.NDArray[np.intp]],
) -> CategoryMatches:
    """Join the images of one category as ``COCOeval.accumulate`` does."""
    n_thresholds = len(IOU_THRESHOLDS)
    none = np.zeros((n_thresholds, 0), dtype=bool)
    scores = np.concatenate([[], *(e["dtScores"] for e in results)])
    # The stable sort leaves ties in the order of images, as COCO's does.
    order = np.argsort(-scores, kind="mergesort")
    matched = np.concatenate([none, *(e["dtMatches"] > 0 for e in results)], axis=1)[:, order]
    ignored = np.concatenate([none, *(e["dtIgnore"] > 0 for e in results)], axis=1)[:, order]
    counts = np.concatenate([[], *(e["gtIgnore"] for e in results)]) == 0
    whole = np.zeros(0, dtype=np.intp)
    return CategoryMatches(
        is_tp=matched & ~ignored,
        is_fp=~matched & ~ignored,
        unit_preds=np.concatenate([whole, *unit_preds])[order],
        unit_gt=np.concatenate([whole, *unit_gt])[counts],
    )


def _by_object(
    results: Mapping[int, Sequence[dict[str, Any]]], category_ids: Sequence[int]
) -> DetectionMatches:
    """Units of a single photograph: objects that count, then crowds and strays."""
    found = {c: results[c][0] for c in category_ids if c in results}
    objects = sorted(
        int(gt_id)
        for e in found.values()
        for gt_id, ignore in zip(e["gtIds"], e["gtIgnore"], strict=True)
        if not ignore
    )
    unit_of_gt = {gt_id: unit for unit, gt_id in enumerate(objects)}
    next_unit = len(objects)
    categories = {}
    for category_id in category_ids:
        e = found.get(category_id, _NOTHING)
        unit_preds = []
        for d in range(len(e["dtIds"])):
            matched = e["dtMatches"][:, d]
            gt_id = int(matched[np.argmax(matched > 0)])
            if gt_id in unit_of_gt:
                unit_preds.append(unit_of_gt[gt_id])
            else:
                unit_preds.append(next_unit)
                next_unit += 1
        unit_gt = [unit_of_gt.get(int(gt_id), 0) for gt_id in e["gtIds"]]  # crowds: not read
        categories[category_id] = _collect(
            [e],
            unit_preds=[np.array(unit_preds, dtype=np.intp)],
            unit_gt=[np.array(unit_gt, dtype=np.intp)],
        )
    units = Units(
        drawn=len(objects),
        strays=next_unit - len(objects),
        name="objects, this photograph only",
    )
    return DetectionMatches(categories=categories, units=units)
