from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from evaluation.bootstrap import bootstrap, unit_weights
from evaluation.metrics.detection import (
    Detection,
    ap_statistic,
    ap_table,
    match_detections,
)
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.masks import rle_of_mask

SIDE = 24
CATEGORY_IDS = (3, 7)


def rle_of_box(box):
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[y0:y1, x0:x1] = True
    return rle_of_mask(mask)


def gt(annotation_id, box, *, image_id=1, category_id=3, iscrowd=False):
    return CocoInstance(
        annotation_id=annotation_id,
        image_id=image_id,
        category_id=category_id,
        box_xyxy=tuple(float(v) for v in box),
        area_px=float((box[2] - box[0]) * (box[3] - box[1])),
        rle=rle_of_box(box),
        iscrowd=iscrowd,
    )


def pred(score, box, *, image_id=1, category_id=3):
    return Detection(
        image_id=image_id,
        category_id=category_id,
        score=score,
        box_xyxy=tuple(float(v) for v in box),
        rle=rle_of_box(box),
    )


def values_of(matches):
    width = matches.units.drawn + matches.units.strays
    return ap_statistic(matches)(np.ones((1, width)))[0]


def xywh(box):
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


def reference(detections, truth, kind):
    """AP, AP50, AP75 of all categories, then of each, by pycocotools alone; -1 for none."""
    coco = COCO()
    coco.dataset = {
        "images": [{"id": i, "width": SIDE, "height": SIDE} for i in truth],
        "categories": [{"id": i, "name": str(i)} for i in CATEGORY_IDS],
        "annotations": [
            {
                "id": g.annotation_id,
                "image_id": g.image_id,
                "category_id": g.category_id,
                "bbox": xywh(g.box_xyxy),
                "area": g.area_px,
                "segmentation": dict(g.rle),
                "iscrowd": int(g.iscrowd),
            }
            for group in truth.values()
            for g in group
        ],
    }
    results = [
        {
            "image_id": d.image_id,
            "category_id": d.category_id,
            "score": d.score,
            "bbox": xywh(d.box_xyxy),
            "segmentation": dict(d.rle),
        }
        for d in detections
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        judge = COCOeval(coco, coco.loadRes(results), kind)
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # (T, R, K)

    def mean(part):
        return part[part > -1].mean() if (part > -1).any() else np.nan

    blocks = [precision, *(precision[:, :, k : k + 1] for k in range(len(CATEGORY_IDS)))]
    return np.array([mean(p) for block in blocks for p in (block, block[:1], block[5:6])])


@st.composite
def boxes(draw):
    x0, y0 = draw(st.integers(0, SIDE - 5)), draw(st.integers(0, SIDE - 5))
    w, h = draw(st.integers(3, 12)), draw(st.integers(3, 12))
    return (x0, y0, min(x0 + w, SIDE), min(y0 + h, SIDE))


@st.composite
def cases(draw):
    image_ids = [1, 2, 4][: draw(st.integers(1, 3))]
    category = st.sampled_from(CATEGORY_IDS)
    truth = {i: [] for i in image_ids}
    for annotation_id in range(1, 1 + draw(st.integers(0, 8))):
        image_id = draw(st.sampled_from(image_ids))
        crowd = draw(st.integers(0, 4)) == 0
        truth[image_id].append(
            gt(
                annotation_id,
                draw(boxes()),
                image_id=image_id,
                category_id=draw(category),
                iscrowd=crowd,
            )
        )
    known = [g for group in truth.values() for g in group]
    detections = []
    for _ in range(draw(st.integers(1, 12))):
        score = draw(st.sampled_from([0.1, 0.3, 0.3, 0.5, 0.9]))  # ties on purpose
        if known and draw(st.booleans()):  # near a truth, so that matches happen
            g = draw(st.sampled_from(known))
            x0, y0, x1, y1 = g.box_xyxy
            shift = draw(st.integers(-1, 1))
            box = (max(0, x0 + shift), y0, min(SIDE, x1 + shift), y1)
            detections.append(pred(score, box, image_id=g.image_id, category_id=g.category_id))
        else:
            where = draw(st.sampled_from(image_ids))
            detections.append(
                pred(score, draw(boxes()), image_id=where, category_id=draw(category))
            )
    return detections, truth


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@settings(max_examples=120, deadline=None)
@given(case=cases())
def test_weights_of_one_give_what_pycocotools_gives(kind, case):
    detections, truth = case
    matches = match_detections(
        detections=detections, truth=truth, category_ids=CATEGORY_IDS, kind=kind
    )
    expected = reference(detections, truth, kind)
    np.testing.assert_allclose(values_of(matches), expected, rtol=0, atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(case=cases(), seed=st.integers(0, 99))
def test_weights_are_copies_of_images(case, seed):
    detections, truth = case
    # Copies of tied detections of one image would interleave: every one gets its own score.
    detections = [
        Detection(
            image_id=d.image_id,
            category_id=d.category_id,
            score=d.score + 1e-3 * i,
            box_xyxy=d.box_xyxy,
            rle=d.rle,
        )
        for i, d in enumerate(detections)
    ]
    truth = truth if len(truth) > 1 else truth | {9: []}
    matches = match_detections(
        detections=detections, truth=truth, category_ids=CATEGORY_IDS, kind="bbox"
    )
    (weights,) = next(unit_weights(matches.units, resamples=1, seed=seed))
    copied_truth, copied = {}, []
    next_id = 1
    for image_id, weight in zip(sorted(truth), weights.astype(int), strict=True):
        for copy in range(weight):
            new_id = 100 * image_id + copy
            copied_truth[new_id] = []
            for g in truth[image_id]:
                twin = gt(
                    next_id,
                    g.box_xyxy,
                    image_id=new_id,
                    category_id=g.category_id,
                    iscrowd=g.iscrowd,
                )
                copied_truth[new_id].append(twin)
                next_id += 1
            copied += [
                pred(d.score, d.box_xyxy, image_id=new_id, category_id=d.category_id)
                for d in detections
                if d.image_id == image_id
            ]
    if not copied:
        return
    ours = ap_statistic(matches)(weights[None])[0]
    expected = reference(copied, copied_truth, "bbox")
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-12)


def two_photographs():
    truth = {
        1: [gt(1, (0, 0, 10, 10)), gt(2, (12, 12, 22, 22))],
        2: [gt(3, (2, 2, 8, 8), image_id=2)],
    }
    perfect = [
        pred(0.9 - 0.1 * g.annotation_id, g.box_xyxy, image_id=g.image_id)
        for group in truth.values()
        for g in group
    ]
    return perfect, truth


def test_perfect_is_best():
    perfect, truth = two_photographs()
    for kind in ("bbox", "segm"):
        matches = match_detections(detections=perfect, truth=truth, category_ids=(3,), kind=kind)
        np.testing.assert_array_equal(values_of(matches), np.ones(6))


def test_no_detections_score_zero_and_no_truth_scores_nan():
    perfect, truth = two_photographs()
    nothing = match_detections(detections=[], truth=truth, category_ids=(3,), kind="bbox")
    np.testing.assert_array_equal(values_of(nothing), np.zeros(6))
    untrue = match_detections(
        detections=perfect, truth={1: [], 2: []}, category_ids=(3,), kind="bbox"
    )
    estimates = bootstrap(ap_statistic(untrue), untrue.units, resamples=10)
    assert all(np.isnan(e.value) and e.count == 0 for e in estimates)
    empty = match_detections(detections=[], truth={}, category_ids=(3,), kind="bbox")
    assert np.isnan(values_of(empty)).all()


def test_counted_by_hand():
    # By score: a hit, a false alarm, a hit; two of two objects found.
    truth = {1: [gt(1, (0, 0, 10, 10))], 2: [gt(2, (0, 0, 10, 10), image_id=2)]}
    detections = [
        pred(0.9, (0, 0, 10, 10)),
        pred(0.8, (14, 14, 20, 20)),
        pred(0.7, (0, 0, 10, 10), image_id=2),
    ]
    matches = match_detections(detections=detections, truth=truth, category_ids=(3,), kind="bbox")
    # Recall up to 0.5 (51 of 101 points) at precision 1, the rest at 2 / 3.
    assert values_of(matches)[1] == pytest.approx((51 + 50 * 2 / 3) / 101)
    # Image 1 twice, image 2 not at all: precision 1 at every recall.
    table = ap_table(matches.categories[3], np.array([[2.0, 0.0]]))
    np.testing.assert_allclose(table, 1.0)


def test_more_than_a_hundred_detections_are_cut_as_coco_cuts_them():
    truth = {1: [gt(1, (0, 0, 10, 10))], 2: []}
    detections = [pred(0.9 - 1e-3 * i, (12, 12, 20, 20)) for i in range(100)]
    detections.append(pred(0.1, (0, 0, 10, 10)))
    matches = match_detections(detections=detections, truth=truth, category_ids=(3,), kind="bbox")
    assert values_of(matches)[0] == 0.0


def test_detections_elsewhere_are_left_out():
    perfect, truth = two_photographs()
    stray = [pred(0.99, (0, 0, 9, 9), image_id=77), pred(0.99, (0, 0, 9, 9), category_id=5)]
    matches = match_detections(
        detections=[*perfect, *stray], truth=truth, category_ids=(3,), kind="bbox"
    )
    np.testing.assert_array_equal(values_of(matches), np.ones(6))


class TestOnePhotograph:
    def matches(self, detections, instances):
        return match_detections(
            detections=detections, truth={1: instances}, category_ids=(3,), kind="bbox"
        )

    def test_units_are_objects_and_strays(self):
        instances = [
            gt(1, (0, 0, 10, 10)),
            gt(2, (12, 12, 22, 22)),
            gt(5, (0, 14, 8, 22), iscrowd=True),
        ]
        detections = [
            pred(0.9, (0, 0, 10, 10)),
            pred(0.5, (14, 0, 20, 6)),  # a stray
            pred(0.4, (0, 14, 8, 22)),  # in the crowd: counts nowhere
        ]
        found = self.matches(detections, instances)
        assert found.units.drawn == 2
        assert found.units.name == "objects, this photograph only"
        assert found.categories[3].unit_preds.tolist() == [0, 2, 3]
        assert found.categories[3].unit_gt.tolist() == [0, 1]
        assert not found.categories[3].is_fp[:, 2].any()

    def test_detections_stay_with_the_object_they_match_at_any_threshold(self):
        # The first takes the object up to IoU 0.60, the second above.
        detections = [
            pred(0.9, (0, 0, 10, 6)),
            pred(0.8, (0, 0, 10, 9)),
            pred(0.7, (14, 14, 20, 20)),
        ]
        found = self.matches(detections, [gt(1, (0, 0, 10, 10)), gt(2, (12, 0, 22, 10))])
        assert found.categories[3].unit_preds.tolist() == [0, 0, 2]
        assert found.units.strays == 1

    def test_left_out_objects_take_their_detections_along(self):
        detections = [pred(0.9, (0, 0, 10, 10)), pred(0.8, (14, 14, 20, 20))]
        found = self.matches(detections, [gt(1, (0, 0, 10, 10)), gt(2, (12, 0, 22, 10))])
        weights = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 5.0]])
        ap50 = ap_table(found.categories[3], weights)[:, 0]
        np.testing.assert_allclose(ap50, [1.0, 0.0, 51 / 101])

    def test_interval_holds_the_value(self):
        rng = np.random.default_rng(0)
        instances = [
            gt(1 + i, (8 * (i % 3), 8 * (i // 3), 8 * (i % 3) + 6, 8 * (i // 3) + 6))
            for i in range(9)
        ]
        detections = [pred(float(rng.random()), g.box_xyxy) for g in instances[:7]]
        detections += [pred(0.6, (6, 6, 9, 9))]
        found = self.matches(detections, instances)
        for estimate in bootstrap(ap_statistic(found), found.units):
            low, high = estimate.interval
            assert low < estimate.value < high
            assert estimate.count == 9
