from __future__ import annotations

import numpy as np
import pytest
from coco_judge import gt, pred
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.clusters import singly
from evaluation.metrics.keypoints import (
    PCK_FRACTIONS,
    keypoint_errors,
    pck_curve,
    pck_statistic,
)

BOX = (0, 0, 30, 40)  # a diagonal of 50
CORNERS = ((0.0, 0.0, 2), (30.0, 0.0, 2), (30.0, 40.0, 1), (0.0, 40.0, 0))


def board(annotation_id=1, *, image_id=1, keypoints=CORNERS):
    return gt(annotation_id, BOX, image_id=image_id, keypoints=keypoints)


def guess(moves, *, score=0.9, image_id=1, keypoints=CORNERS):
    points = tuple(
        (x + dx, y + dy, 1.0) for (x, y, _), (dx, dy) in zip(keypoints, moves, strict=True)
    )
    return pred(score, BOX, image_id=image_id, keypoints=points)


def pck(detections, truth):
    errors = keypoint_errors(detections, truth)
    statistic = pck_statistic(errors, category_ids=[3], units=singly(truth))
    return statistic(np.ones((1, len(truth))))[0][: 2 * len(PCK_FRACTIONS)].reshape(2, -1)


def test_counted_by_hand():
    # Errors of 0, 0.49 and 2.4 px; the fourth corner is not labelled. Fractions of 50 px.
    moves = [(0, 0), (0.3, 0.39), (0, 2.4), (99, 99)]
    of_box, of_span = pck([guess(moves)], {1: [board()]})
    np.testing.assert_allclose(of_box, [1 / 3, 2 / 3, 2 / 3, 1, 1])
    np.testing.assert_allclose(of_span, of_box)  # the labelled corners span the diagonal
    np.testing.assert_allclose(
        pck_curve(
            keypoint_errors([guess(moves)], {1: [board()]}), np.array([0, 0.009, 0.01, 0.05])
        ),
        [1 / 3, 1 / 3, 2 / 3, 1],
    )


def test_the_span_is_between_keypoints_not_of_the_box():
    two = (CORNERS[0], CORNERS[1], (0.0, 0.0, 0), (0.0, 0.0, 0))
    (found,) = keypoint_errors([], {1: [board(keypoints=two)]})
    assert (found.diagonal_px, found.span_px) == (50.0, 30.0)


def test_perfect_is_best_and_missed_objects_count_as_wrong():
    perfect = guess([(0, 0)] * 4)
    np.testing.assert_array_equal(pck([perfect], {1: [board()]}), 1.0)
    missed = {1: [board()], 2: [board(2, image_id=2)]}
    np.testing.assert_array_equal(pck([perfect], missed), 0.5)
    np.testing.assert_array_equal(pck([], {1: [board()]}), 0.0)
    assert np.isnan(pck([perfect], {1: []})).all()
    nowhere = board(keypoints=tuple((0.0, 0.0, 0) for _ in CORNERS))
    assert np.isnan(pck([perfect], {1: [nowhere]})).all()
    assert np.isnan(pck_curve((), np.array([0.1]))).all()


def test_each_object_gets_one_of_the_best_guesses():
    far = tuple((x + 60, y, v) for x, y, v in CORNERS)
    truth = {1: [board(), board(2, keypoints=far)]}
    detections = [
        guess([(0, 0)] * 4, score=0.8, keypoints=far),
        guess([(1, 0)] * 4, score=0.9),
        guess([(0, 0)] * 4, score=0.1),  # better, but a third guess at two objects
    ]
    near, other = keypoint_errors(detections, truth)
    np.testing.assert_allclose(near.errors_px, 1.0)
    np.testing.assert_allclose(other.errors_px, 0.0)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 6), min_size=4, max_size=4))
def test_pck_grows_with_the_fraction(shifts):
    of_box, of_span = pck([guess([(s, 0) for s in shifts])], {1: [board()]})
    assert (np.diff(of_box) >= 0).all()
    assert (of_span <= of_box).all()


def test_weights_are_copies_of_images():
    truth = {i: [board(i, image_id=i)] for i in (1, 2, 3)}
    detections = [guess([(0, 0)] * 4, image_id=1), guess([(0, 1)] * 4, image_id=2)]
    errors = keypoint_errors(detections, truth)
    statistic = pck_statistic(errors, category_ids=[3], units=singly(truth))
    at_one_percent = statistic(np.array([[1.0, 1, 1], [2, 1, 0], [0, 0, 3]]))[:, 1]
    assert at_one_percent == pytest.approx([1 / 3, 2 / 3, 0])
