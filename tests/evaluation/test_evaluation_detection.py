from __future__ import annotations

import numpy as np
import pytest
from coco_judge import CATEGORY_IDS, SIGMAS, cases, coco_numbers, gt, pred
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.bootstrap import bootstrap, unit_weights
from evaluation.metrics.average_precision import ap_statistic, ap_table
from evaluation.metrics.detection import Detection
from evaluation.metrics.detection_matching import match_detections


def values_of(matches):
    width = matches.units.drawn + matches.units.strays
    return ap_statistic(matches)(np.ones((1, width)))[0]


def assert_is_pycocotools(detections, truth, kind):
    matches = match_detections(
        detections=detections, truth=truth, category_ids=CATEGORY_IDS, kind=kind, sigmas=SIGMAS
    )
    expected = coco_numbers(detections, truth, kind)
    np.testing.assert_allclose(values_of(matches), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@settings(max_examples=60)
@given(case=cases())
def test_weights_of_one_give_what_pycocotools_gives(kind, case):
    assert_is_pycocotools(*case, kind)


@settings(max_examples=60)
@given(case=cases(keypoints=True))
def test_keypoints_give_what_pycocotools_gives(case):
    assert_is_pycocotools(*case, "keypoints")


def test_crowded_photographs_give_what_pycocotools_gives():
    rng = np.random.default_rng(0)
    truth, detections = {}, []
    for image_id in range(1, 13):
        corners = rng.integers(0, 90, size=(25, 2))
        boxes = np.hstack([corners, corners + rng.integers(5, 38, size=(25, 2))])
        truth[image_id] = [
            gt(
                100 * image_id + i,
                box,
                image_id=image_id,
                category_id=3 + 4 * (i % 2),
                iscrowd=i == 7,
            )
            for i, box in enumerate(boxes)
        ]
        for _ in range(6):
            moved = boxes + rng.integers(-3, 4, size=boxes.shape) * [1, 1, 0, 0]
            detections += [
                pred(
                    round(float(rng.random()), 2),
                    np.clip(box, 0, 128),
                    image_id=image_id,
                    category_id=3 + 4 * (i % 2),
                )
                for i, box in enumerate(moved)
            ]
    for kind in ("bbox", "segm"):
        assert_is_pycocotools(detections, truth, kind)


@settings(max_examples=60)
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
    expected = coco_numbers(copied, copied_truth, "bbox")
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9)


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
        np.testing.assert_array_equal(values_of(matches)[:3], np.ones(3))


def test_no_detections_score_zero_and_no_truth_scores_nan():
    perfect, truth = two_photographs()
    nothing = match_detections(detections=[], truth=truth, category_ids=(3,), kind="bbox")
    np.testing.assert_array_equal(values_of(nothing)[:3], np.zeros(3))
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
    np.testing.assert_array_equal(values_of(matches)[:3], np.ones(3))


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
        for estimate in bootstrap(ap_statistic(found), found.units)[:3]:
            low, high = estimate.interval
            assert low < estimate.value < high
            assert estimate.count == 9
