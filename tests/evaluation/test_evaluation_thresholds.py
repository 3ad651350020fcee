from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from coco_judge import CATEGORY_IDS, cases, gt, judged, pred
from hypothesis import given, settings
from sklearn.metrics import f1_score, precision_score, recall_score

from evaluation.bootstrap import Units, bootstrap
from evaluation.clusters import ImageUnits
from evaluation.metrics.average_precision import RECALLS, precision_recall
from evaluation.metrics.detection_matching import match_detections
from evaluation.metrics.score_thresholds import (
    best_threshold_statistic,
    candidate_thresholds,
    threshold_statistic,
)


def photographs():
    """Two objects found, one missed, two false alarms."""
    truth = {
        1: [gt(1, (0, 0, 10, 10)), gt(2, (40, 40, 60, 60))],
        2: [gt(3, (2, 2, 30, 30), image_id=2)],
    }
    detections = [
        pred(0.9, (0, 0, 10, 10)),
        pred(0.8, (90, 90, 99, 99)),
        pred(0.6, (2, 2, 30, 30), image_id=2),
        pred(0.3, (70, 70, 80, 80), image_id=2),
    ]
    return match_detections(detections=detections, truth=truth, category_ids=(3,), kind="bbox")


def of_all(statistic, matches):
    return statistic(np.ones((1, matches.units.drawn + matches.units.strays)))[0]


def test_counted_by_hand():
    matches = photographs()
    thresholds = candidate_thresholds(matches)
    assert thresholds.tolist() == [0.3, 0.6, 0.8, 0.9]
    precision, recall, f1 = of_all(threshold_statistic(matches, thresholds), matches).reshape(3, 4)
    np.testing.assert_allclose(precision, [2 / 4, 2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(recall, [2 / 3, 2 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(f1, 2 * precision * recall / (precision + recall))
    best = of_all(best_threshold_statistic(matches, thresholds), matches)
    np.testing.assert_allclose(best, [2 / 3, 0.6])


def test_agrees_with_scikit_learn():
    matches = photographs()
    at = of_all(threshold_statistic(matches, np.array([0.5])), matches)
    # One row per detection kept and per object missed.
    truth, predicted = np.array([1, 0, 1, 1]), np.array([1, 1, 1, 0])
    for value, judge in zip(at, (precision_score, recall_score, f1_score), strict=True):
        assert value == pytest.approx(judge(truth, predicted))


def test_above_all_scores_nothing_is_left():
    matches = photographs()
    precision, recall, f1 = of_all(threshold_statistic(matches, np.array([0.95])), matches)
    assert np.isnan(precision)
    assert (recall, f1) == (0.0, 0.0)


def test_without_truth_there_is_no_best_threshold():
    matches = match_detections(
        detections=[pred(0.5, (0, 0, 9, 9))], truth={1: [], 2: []}, category_ids=(3,), kind="bbox"
    )
    statistic = best_threshold_statistic(matches, candidate_thresholds(matches))
    assert all(np.isnan(e.value) for e in bootstrap(statistic, matches.units, resamples=5))


def test_many_scores_are_thinned_to_quantiles_that_occur():
    rng = np.random.default_rng(0)
    detections = [pred(float(s), (0, 0, 9, 9), image_id=i) for i, s in enumerate(rng.random(900))]
    matches = match_detections(
        detections=detections, truth={i: [] for i in range(900)}, category_ids=(3,), kind="bbox"
    )
    thresholds = candidate_thresholds(matches)
    scores = {d.score for d in detections}
    assert len(thresholds) == 200
    assert set(thresholds) <= scores
    assert (thresholds[0], thresholds[-1]) == (min(scores), max(scores))


@settings(max_examples=20)
@given(case=cases())
def test_precision_recall_curves_are_pycocotools(case):
    detections, truth = case
    matches = match_detections(
        detections=detections, truth=truth, category_ids=CATEGORY_IDS, kind="bbox"
    )
    expected = coco_precision(detections, truth)
    for k, found in enumerate(matches.categories.values()):
        for threshold in (0, 5):
            ours = np.nan_to_num(precision_recall(found, threshold=threshold), nan=-1)
            np.testing.assert_allclose(ours, expected[threshold, :, k], atol=1e-9)
    assert len(RECALLS) == 101


def coco_precision(detections, truth):
    with contextlib.redirect_stdout(io.StringIO()):
        return judged(detections, truth, "bbox").eval["precision"][:, :, :, 0, -1]


def test_images_of_one_video_are_counted_together():
    truth = {i: [gt(i, (0, 0, 10, 10), image_id=i)] for i in (1, 2, 3)}
    detections = [pred(0.9, (0, 0, 10, 10), image_id=i) for i in (1, 2)]
    units = ImageUnits(unit_of={1: 0, 2: 0, 3: 1}, units=Units(drawn=2, name="videos"))
    matches = match_detections(
        detections=detections, truth=truth, category_ids=(3,), kind="bbox", units=units
    )
    statistic = threshold_statistic(matches, np.array([0.5]))
    recall = statistic(np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]]))[:, 1]
    np.testing.assert_allclose(recall, [2 / 3, 1, 0])
