"""Detections of boxes, masks and keypoints matched to the truth as COCO does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import Units
from evaluation.clusters import ImageUnits, singly
from evaluation.metrics.assignment import Pairs, assign
from evaluation.metrics.detection import (
    AREAS_PX,
    IOU_THRESHOLDS,
    LIMITS,
    CategoryMatches,
    Detection,
    DetectionMatches,
    MatchKind,
)
from evaluation.metrics.overlaps import (
    IndexArray,
    box_overlaps,
    keypoint_similarities,
    mask_overlaps,
    paired,
)
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray, rle_area_px
from pipeline.records.annotations import Box

__all__ = ["match_detections"]


def match_detections(
    *,
    detections: Iterable[Detection],
    truth: Mapping[int, Sequence[CocoInstance]],
    category_ids: Sequence[int],
    kind: MatchKind,
    sigmas: Mapping[int, Sequence[float]] | None = None,
    units: ImageUnits | None = None,
    areas: Iterable[str] = AREAS_PX,
) -> DetectionMatches:
    """Match detections to ground truths as COCO does (at most 100 per image and category).

    With several images the unit of resampling is the image, or what it belongs to. On a single
    photograph it is the ground truth: a detection belongs to the one that it matches at the
    loosest IoU threshold at which it matches any, so that an object seen twice, or matched at
    0.5 and missed at 0.75, is kept or left out as a whole and one resample serves all
    thresholds. Detections that match nothing at any threshold are units of their own.

    Args:
        detections: Predicted objects, in any order.
        truth: Ground truths by image id; images without any have an empty sequence.
        category_ids: Categories to score.
        kind: Overlap of boxes or of masks, or similarity of keypoints.
        sigmas: Of keypoints, (K,) by category id.
        units: Of the images; by default each is one.
        areas: Names in ``AREAS_PX``, ``all`` among them.

    Source: pycocotools' ``COCOeval``, whose numbers these are.
    """
    layout = _Layout(
        image={image_id: i for i, image_id in enumerate(sorted(truth))},
        category={category_id: k for k, category_id in enumerate(sorted(category_ids))},
    )
    preds = _predicted(detections, layout, kind)
    gts = _true(truth, layout, kind)
    pairs = _overlapping(preds, gts, kind, layout, sigmas or {})
    taken_by = {}
    ignored = {}
    for area in areas:
        ignored[area] = gts.ignored | _outside(gts.area_px, area)
        taken_by[area] = assign(
            pairs,
            group_preds=preds.group,
            ignored=ignored[area],
            crowd=gts.crowd,
            thresholds=IOU_THRESHOLDS,
        )
    if len(truth) == 1:
        unit_preds, unit_gt, drawn = _object_units(gts, taken_by["all"])
    else:
        unit_preds, unit_gt, drawn = _image_units(preds, gts, units or singly(truth), layout)
    return DetectionMatches(
        kind=kind,
        by_area={
            area: _by_category(
                preds, gts, layout, taken_by[area], ignored[area], area, unit_preds, unit_gt
            )
            for area in taken_by
        },
        units=drawn,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Positions of image and category ids."""

    image: Mapping[int, int]
    category: Mapping[int, int]

    def group(self, image_id: int, category_id: int) -> int:
        return self.image[image_id] * len(self.category) + self.category[category_id]

    def knows(self, image_id: int, category_id: int) -> bool:
        return image_id in self.image and category_id in self.category


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Predicted:
    """(D,) arrays, sorted by group, in it by falling score."""

    group: IndexArray
    score: FloatArray
    xywh: FloatArray
    area_px: FloatArray
    place: IndexArray
    records: Sequence[Detection]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _True:
    """(G,) arrays, sorted by group, in it by file order."""

    group: IndexArray
    annotation_id: IndexArray
    xywh: FloatArray
    area_px: FloatArray
    crowd: BoolArray
    ignored: BoolArray
    records: Sequence[CocoInstance]


def _predicted(detections: Iterable[Detection], layout: _Layout, kind: MatchKind) -> _Predicted:
    known = [d for d in detections if layout.knows(d.image_id, d.category_id)]
    group = np.array([layout.group(d.image_id, d.category_id) for d in known], dtype=np.intp)
    score = np.array([d.score for d in known], dtype=np.float64)
    # Stable, so that ties stay in the order of the file, as in COCOeval.
    by_score = np.argsort(-score, kind="stable")
    order = by_score[np.argsort(group[by_score], kind="stable")]
    group = group[order]
    place = np.arange(len(order)) - np.searchsorted(group, group, side="left")
    order, group, place = (each[place < LIMITS[kind][-1]] for each in (order, group, place))
    records = [known[i] for i in order]
    xywh = _xywh([d.box_xyxy for d in records])
    area_px = xywh[:, 2] * xywh[:, 3]
    if kind == "segm":
        areas = [0 if d.rle is None else rle_area_px(d.rle) for d in records]
        area_px = np.array(areas, dtype=np.float64)
    return _Predicted(
        group=group, score=score[order], xywh=xywh, area_px=area_px, place=place, records=records
    )


def _true(truth: Mapping[int, Sequence[CocoInstance]], layout: _Layout, kind: MatchKind) -> _True:
    known = [
        gt
        for image_id in layout.image
        for gt in truth[image_id]
        if gt.category_id in layout.category
    ]
    group = np.array([layout.group(gt.image_id, gt.category_id) for gt in known], dtype=np.intp)
    order = np.argsort(group, kind="stable")
    records = [known[i] for i in order]
    crowd = np.array([gt.iscrowd for gt in records], dtype=bool)
    unlabelled = np.array([not _labelled(gt) for gt in records], dtype=bool)
    return _True(
        group=group[order],
        annotation_id=np.array([gt.annotation_id for gt in records], dtype=np.intp),
        xywh=_xywh([gt.box_xyxy for gt in records]),
        area_px=np.array([gt.area_px for gt in records], dtype=np.float64),
        crowd=crowd,
        ignored=crowd | unlabelled if kind == "keypoints" else crowd,
        records=records,
    )


def _overlapping(
    preds: _Predicted,
    gts: _True,
    kind: MatchKind,
    layout: _Layout,
    sigmas: Mapping[int, Sequence[float]],
) -> Pairs:
    pred, gt = paired(preds.group, gts.group)
    if kind == "bbox":
        overlap = box_overlaps(preds.xywh[pred], gts.xywh[gt], gts.crowd[gt])
    elif kind == "segm":
        overlap = mask_overlaps(
            [d.rle for d in preds.records], [g.rle for g in gts.records], gts.crowd, (pred, gt)
        )
    else:
        overlap = np.zeros(len(pred))
        category = gts.group[gt] % len(layout.category)
        for category_id, number in layout.category.items():
            here = np.flatnonzero(category == number)
            spread = np.asarray(sigmas.get(category_id, ()), dtype=np.float64)
            if here.size and spread.size:
                at_pred, at_gt = pred[here], gt[here]
                overlap[here] = keypoint_similarities(
                    _keypoints([d.keypoints for d in preds.records], at_pred, len(spread))[..., :2],
                    _keypoints([g.keypoints for g in gts.records], at_gt, len(spread)),
                    gts.xywh[at_gt],
                    gts.area_px[at_gt],
                    spread,
                )
    return Pairs(pred=pred, gt=gt, overlap=overlap)


def _keypoints(
    rows: Sequence[Sequence[tuple[float, float, float]] | None], at: IndexArray, count: int
) -> FloatArray:
    """(P, K, 3) of the rows asked for; what has no keypoints has them unlabelled at 0."""
    wanted, position = np.unique(at, return_inverse=True)
    nothing = ((0.0, 0.0, 0.0),) * count
    return np.array([rows[i] or nothing for i in wanted], dtype=np.float64)[position]


def _by_category(
    preds: _Predicted,
    gts: _True,
    layout: _Layout,
    taken_by: npt.NDArray[np.int32],
    ignored: BoolArray,
    area: str,
    unit_preds: IndexArray,
    unit_gt: IndexArray,
) -> dict[int, CategoryMatches]:
    """Join the images of each category as ``COCOeval.accumulate`` does."""
    met = taken_by >= 0
    counts = met & ~ignored[taken_by] if ignored.size else met
    fails = ~met & ~_outside(preds.area_px, area)[:, None]
    # Ties stay in the order of images.
    by_score = np.argsort(-preds.score, kind="stable")
    category = preds.group[by_score] % max(len(layout.category), 1)
    order = by_score[np.argsort(category, kind="stable")]
    ends = np.searchsorted(np.sort(category), np.arange(len(layout.category) + 1))
    category_gt = gts.group % max(len(layout.category), 1)
    found = {}
    for category_id, k in layout.category.items():
        own = order[ends[k] : ends[k + 1]]
        found[category_id] = CategoryMatches(
            scores=preds.score[own],
            is_tp=np.ascontiguousarray(counts[own].T),
            is_fp=np.ascontiguousarray(fails[own].T),
            place=preds.place[own],
            unit_preds=unit_preds[own],
            unit_gt=unit_gt[(category_gt == k) & ~ignored],
        )
    return found


def _image_units(
    preds: _Predicted, gts: _True, units: ImageUnits, layout: _Layout
) -> tuple[IndexArray, IndexArray, Units]:
    """Units of predictions and truths: those of their images."""
    unit = np.array([units.unit_of[image_id] for image_id in layout.image], dtype=np.intp)
    n_categories = max(len(layout.category), 1)
    return unit[preds.group // n_categories], unit[gts.group // n_categories], units.units


def _object_units(
    gts: _True, taken_by: npt.NDArray[np.int32]
) -> tuple[IndexArray, IndexArray, Units]:
    """Units of a single photograph: objects that count, then crowds and strays."""
    unit_gt = np.zeros(len(gts.group), dtype=np.intp)  # of crowds: not read
    objects = np.flatnonzero(~gts.ignored)
    unit_gt[objects] = np.argsort(np.argsort(gts.annotation_id[objects]))
    loosest = np.argmax(taken_by >= 0, axis=1)
    met = taken_by[np.arange(len(taken_by)), loosest]
    is_stray = (met < 0) | np.append(gts.ignored, True)[met]
    strays = len(objects) + np.cumsum(is_stray) - 1
    unit_preds = np.where(is_stray, strays, np.append(unit_gt, 0)[met])
    units = Units(
        drawn=len(objects), strays=int(is_stray.sum()), name="objects, this photograph only"
    )
    return unit_preds, unit_gt, units


def _outside(area_px: FloatArray, area: str) -> BoolArray:
    low, high = AREAS_PX[area]
    return np.asarray((area_px < low) | (area_px > high))


def _labelled(gt: CocoInstance) -> bool:
    return any(visibility > 0 for _, _, visibility in gt.keypoints or ())


def _xywh(boxes_xyxy: Sequence[Box]) -> FloatArray:
    boxes = np.array(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
