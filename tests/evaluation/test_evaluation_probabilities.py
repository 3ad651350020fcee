from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
    top_k_accuracy_score,
)
from torchmetrics.classification import MulticlassCalibrationError

from evaluation.bootstrap import Units, unit_weights
from evaluation.metrics.probabilities import (
    ranking_curves,
    ranking_statistic,
    reliability,
    top_statistic,
)

N_CLASSES = 7


def answers(seed, count=60, *, digits=2):
    """Probabilities with ties, and true classes; every class occurs."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(N_CLASSES), rng.integers(N_CLASSES, size=count - N_CLASSES)])
    raw = rng.random((count, N_CLASSES)) + 0.5 * np.eye(N_CLASSES)[truth]
    return (raw / raw.sum(axis=1, keepdims=True)).round(digits), truth


def of_all(statistic, count=60):
    return statistic(np.ones((1, count)))[0]


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_areas_agree_with_scikit_learn(seed):
    probabilities, truth = answers(seed)
    mean_auc, mean_ap, *rest = of_all(ranking_statistic(probabilities, truth))
    aucs = [roc_auc_score(truth == c, probabilities[:, c]) for c in range(N_CLASSES)]
    aps = [average_precision_score(truth == c, probabilities[:, c]) for c in range(N_CLASSES)]
    np.testing.assert_allclose(rest[::2], aucs, atol=1e-12)
    np.testing.assert_allclose(rest[1::2], aps, atol=1e-12)
    assert mean_auc == pytest.approx(np.mean(aucs))
    assert mean_ap == pytest.approx(np.mean(aps))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_calibration_agrees_with_torchmetrics_and_top5_with_scikit_learn(seed):
    probabilities, truth = answers(seed, digits=6)
    top5, ece = of_all(top_statistic(probabilities, truth))
    judge = MulticlassCalibrationError(num_classes=N_CLASSES, n_bins=15, norm="l1")
    expected = judge(torch.as_tensor(probabilities), torch.as_tensor(truth))
    assert ece == pytest.approx(float(expected), abs=1e-6)
    labels = np.arange(N_CLASSES)
    assert top5 == pytest.approx(top_k_accuracy_score(truth, probabilities, k=5, labels=labels))


def test_weights_are_copies_of_pictures():
    probabilities, truth = answers(3)
    statistic = ranking_statistic(probabilities, truth)
    (weights,) = unit_weights(Units(drawn=60, name="images"), resamples=4)
    for weight, row in zip(weights, statistic(weights), strict=True):
        copies = np.repeat(np.arange(60), weight.astype(int))
        auc = roc_auc_score(truth[copies] == 2, probabilities[copies, 2])
        assert row[2 + 2 * 2] == pytest.approx(auc)
        ap = average_precision_score(truth[copies] == 2, probabilities[copies, 2])
        assert row[2 + 2 * 2 + 1] == pytest.approx(ap)


def test_curves_agree_with_scikit_learn():
    probabilities, truth = answers(1)
    false_rate, recall, precision = ranking_curves(probabilities[:, 0], truth == 0)
    x, y, _ = roc_curve(truth == 0, probabilities[:, 0], drop_intermediate=False)
    np.testing.assert_allclose(false_rate, x[1:])
    np.testing.assert_allclose(recall, y[1:])
    expected, _, _ = precision_recall_curve(truth == 0, probabilities[:, 0])
    np.testing.assert_allclose(precision, expected[:-1][::-1])


def test_perfect_is_best():
    truth = np.array([0, 1, 2, 2])
    certain = np.eye(3)[truth]
    np.testing.assert_array_equal(of_all(ranking_statistic(certain, truth), 4), np.ones(8))
    np.testing.assert_array_equal(of_all(top_statistic(certain, truth), 4), [1, 0])


def test_a_class_without_pictures_has_no_area():
    truth = np.array([0, 1, 1])
    *_, auc, average = of_all(ranking_statistic(np.full((3, 3), 1 / 3), truth), 3)
    assert np.isnan([auc, average]).all()
    mean_auc = of_all(ranking_statistic(np.full((3, 3), 1 / 3), truth), 3)[0]
    assert mean_auc == 0.5, "all scores equal: a coin"


def test_reliability_counted_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.92, 0.08], [0.4, 0.6]])
    diagram = reliability(probabilities, np.array([0, 1, 1]))
    assert diagram.counts.tolist() == [*[0] * 9, 1, 0, 0, 0, 2, 0]
    assert diagram.confidence[13] == pytest.approx(0.91)
    assert diagram.accuracy[13] == 0.5
    assert np.isnan(diagram.accuracy[0])
    assert of_all(top_statistic(probabilities, np.array([0, 1, 1])), 3)[1] == pytest.approx(
        (2 * (0.91 - 0.5) + (1 - 0.6)) / 3
    )
