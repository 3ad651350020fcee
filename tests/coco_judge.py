"""Random objects and detections, and pycocotools' own numbers for them."""

from __future__ import annotations

import contextlib
import io

import numpy as np
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.masks import rle_of_mask

SIDE = 128
CATEGORY_IDS = (3, 7)
SIGMAS = {3: (0.03, 0.1, 0.05), 7: (0.08, 0.02, 0.05, 0.04)}
_SIDES = st.sampled_from([3, 7, 12, 31, 33, 95, 97])


def rle_of_box(box):
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[y0:y1, x0:x1] = True
    return rle_of_mask(mask)


def gt(annotation_id, box, *, image_id=1, category_id=3, iscrowd=False, keypoints=None):
    return CocoInstance(
        annotation_id=annotation_id,
        image_id=image_id,
        category_id=category_id,
        box_xyxy=tuple(float(v) for v in box),
        area_px=float((box[2] - box[0]) * (box[3] - box[1])),
        rle=rle_of_box(box),
        iscrowd=iscrowd,
        keypoints=keypoints,
    )


def pred(score, box, *, image_id=1, category_id=3, keypoints=None):
    return Detection(
        image_id=image_id,
        category_id=category_id,
        score=score,
        box_xyxy=tuple(float(v) for v in box),
        rle=rle_of_box(box),
        keypoints=keypoints,
    )


def coco_numbers(detections, truth, kind):
    """``COCOeval.summarize``'s numbers over all categories, then of each; nan for its -1."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco, results = _loaded(detections, truth, kind)
        return np.concatenate(
            [_summary(coco, results, kind, list(CATEGORY_IDS))]
            + [_summary(coco, results, kind, [c]) for c in CATEGORY_IDS]
        )


def judged(detections, truth, kind):
    """A ``COCOeval`` that has accumulated."""
    coco, results = _loaded(detections, truth, kind)
    judge = COCOeval(coco, results, kind)
    judge.evaluate()
    judge.accumulate()
    return judge


def _summary(coco, results, kind, category_ids):
    if kind == "keypoints" and len(category_ids) > 1:  # one set of sigmas at a time
        blocks = [_summary(coco, results, kind, [c]) for c in category_ids]
        present = np.isfinite(blocks).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.nansum(blocks, axis=0) / present
    judge = COCOeval(coco, results, kind)
    judge.params.catIds = category_ids
    if kind == "keypoints":
        judge.params.kpt_oks_sigmas = np.array(SIGMAS[category_ids[0]])
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    stats = np.where(judge.stats > -1, judge.stats, np.nan)
    # Of keypoints also AR50 and AR75, which we do not report.
    return np.delete(stats, [6, 7]) if kind == "keypoints" else stats


def _loaded(detections, truth, kind):
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i, "width": SIDE, "height": SIDE} for i in truth],
        "categories": [{"id": i, "name": str(i)} for i in CATEGORY_IDS],
        "annotations": [_annotation(g) for group in truth.values() for g in group],
    }
    coco.createIndex()
    return coco, coco.loadRes([_result(d, kind) for d in detections])


def _annotation(g):
    keypoints = g.keypoints or ()
    return {
        "id": g.annotation_id,
        "image_id": g.image_id,
        "category_id": g.category_id,
        "bbox": xywh(g.box_xyxy),
        "area": g.area_px,
        "segmentation": dict(g.rle),
        "iscrowd": int(g.iscrowd),
        "keypoints": [v for point in keypoints for v in point],
        "num_keypoints": sum(v > 0 for *_, v in keypoints),
    }


def _result(d, kind):
    result = {"image_id": d.image_id, "category_id": d.category_id, "score": d.score}
    if kind == "segm":  # with a bbox beside it, loadRes would take the box's area
        return result | {"segmentation": dict(d.rle)}
    if kind == "bbox":
        return result | {"bbox": xywh(d.box_xyxy)}
    points = [v for point in d.keypoints for v in point]
    return result | {"keypoints": points, "bbox": xywh(d.box_xyxy)}


def xywh(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


@st.composite
def boxes(draw):
    x0, y0 = draw(st.integers(0, SIDE - 5)), draw(st.integers(0, SIDE - 5))
    return (x0, y0, min(x0 + draw(_SIDES), SIDE), min(y0 + draw(_SIDES), SIDE))


@st.composite
def cases(draw, *, keypoints=False):
    """Detections, and truth by image id: crowds, ties and images without anything among it."""
    image_ids = [1, 2, 4][: draw(st.integers(1, 3))]
    category = st.sampled_from(CATEGORY_IDS)
    truth = {i: [] for i in image_ids}
    for annotation_id in range(1, 1 + draw(st.integers(0, 8))):
        image_id, category_id = draw(st.sampled_from(image_ids)), draw(category)
        box = draw(boxes())
        truth[image_id].append(
            gt(
                annotation_id,
                box,
                image_id=image_id,
                category_id=category_id,
                iscrowd=draw(st.integers(0, 4)) == 0,
                keypoints=draw(_points(box, category_id)) if keypoints else None,
            )
        )
    known = [g for group in truth.values() for g in group]
    detections = []
    for _ in range(draw(st.integers(1, 12))):
        score = draw(st.sampled_from([0.1, 0.3, 0.3, 0.5, 0.9]))  # ties on purpose
        box, image_id, category_id = draw(boxes()), draw(st.sampled_from(image_ids)), draw(category)
        points = draw(_points(box, category_id)) if keypoints else None
        if known and draw(st.booleans()):  # near a truth, so that matches happen
            g = draw(st.sampled_from(known))
            shift = draw(st.integers(-1, 1))
            x0, y0, x1, y1 = g.box_xyxy
            box = (max(0, x0 + shift), y0, min(SIDE, x1 + shift), y1)
            image_id, category_id = g.image_id, g.category_id
            if keypoints:
                points = tuple(
                    (x + draw(st.integers(-3, 3)), y + shift, 1.0) for x, y, _ in g.keypoints
                )
        detections.append(
            pred(score, box, image_id=image_id, category_id=category_id, keypoints=points)
        )
    return detections, truth


@st.composite
def _points(draw, box, category_id):
    x0, y0, x1, y1 = box
    labelled = draw(st.integers(0, 3)) > 0
    return tuple(
        (
            float(draw(st.integers(int(x0), int(x1)))),
            float(draw(st.integers(int(y0), int(y1)))),
            draw(st.integers(0, 2)) if labelled else 0,
        )
        for _ in SIGMAS[category_id]
    )
