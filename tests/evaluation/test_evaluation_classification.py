from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from evaluation.bootstrap import Units, bootstrap, unit_weights
from evaluation.metrics.classification import (
    classification_metrics,
    classification_statistic,
    confusion_matrix,
)

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@settings(max_examples=50)
@given(pairs=PAIRS)
def test_agrees_with_scikit_learn(pairs):
    truth, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    statistic = classification_statistic(predicted=predicted, truth=truth, n_classes=4)
    accuracy, macro_f1, mcc, *rest = statistic(np.ones((1, len(pairs))))[0]
    macro = {"average": "macro", "zero_division": 0}
    assert rest[0] == pytest.approx(precision_score(truth, predicted, **macro), abs=1e-12)
    assert rest[1] == pytest.approx(recall_score(truth, predicted, **macro), abs=1e-12)
    recall, precision, f1 = rest[2::3], rest[3::3], rest[4::3]
    assert accuracy == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
    assert macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"), abs=1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a single label
        assert mcc == pytest.approx(matthews_corrcoef(truth, predicted), abs=1e-12)
    for class_index in range(4):
        if class_index in truth:
            expected = recall_score(truth, predicted, labels=[class_index], average="macro")
            assert recall[class_index] == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(recall[class_index])
        if class_index in predicted:
            expected = precision_score(truth, predicted, labels=[class_index], average="macro")
            assert precision[class_index] == pytest.approx(expected, abs=1e-12)
        if class_index in truth or class_index in predicted:
            expected = f1_score(truth, predicted, labels=[class_index], average="macro")
            assert f1[class_index] == pytest.approx(expected, abs=1e-12)


def test_perfect_is_best_and_nothing_is_nan():
    truth = np.array([0, 1, 2, 1])
    statistic = classification_statistic(predicted=truth, truth=truth, n_classes=3)
    np.testing.assert_array_equal(statistic(np.ones((1, 4)))[0], np.ones(14))
    none = np.zeros(0, dtype=int)
    statistic = classification_statistic(predicted=none, truth=none, n_classes=3)
    estimates = bootstrap(statistic, Units(drawn=0, name="images"), resamples=3)
    assert all(np.isnan(e.value) and e.count == 0 for e in estimates)


def test_counted_by_hand():
    truth, predicted = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    counts = confusion_matrix(predicted=predicted, truth=truth, n_classes=2)
    assert counts.tolist() == [[2, 1], [0, 1]]
    accuracy, macro_f1, mcc, *rest = classification_metrics(counts.astype(float))
    assert rest[:2] == [pytest.approx(3 / 4), pytest.approx(5 / 6)]
    zero, one = rest[2::3]
    assert accuracy == 0.75
    assert macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert mcc == pytest.approx(2 / np.sqrt(2 * 3 * 1 * 2))
    assert (zero, one) == (pytest.approx(2 / 3), 1.0)


def test_weights_are_copies_of_pictures():
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, 30), rng.integers(0, 3, 30)
    statistic = classification_statistic(predicted=predicted, truth=truth, n_classes=3)
    (weights,) = unit_weights(Units(drawn=30, name="images"), resamples=5)
    for weight, values in zip(weights, statistic(weights), strict=True):
        copies = np.repeat(np.arange(30), weight.astype(int))
        assert values[0] == pytest.approx(accuracy_score(truth[copies], predicted[copies]))
        assert values[2] == pytest.approx(matthews_corrcoef(truth[copies], predicted[copies]))
