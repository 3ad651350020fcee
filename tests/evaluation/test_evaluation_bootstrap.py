from __future__ import annotations

import numpy as np
import pytest

from evaluation.bootstrap import Estimate, Units, bootstrap, contrast, pool_seeds, unit_weights


def mean_of(values: np.ndarray):
    def statistic(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return (weights @ values / weights.sum(axis=1))[:, None]

    return statistic


def test_weights_are_counts_of_draws():
    weights = np.concatenate(list(unit_weights(Units(drawn=7, name="images"), resamples=50)))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == weights.astype(int)).all()


def test_strays_leave_the_drawn_weights_alone():
    bare = np.concatenate(list(unit_weights(Units(drawn=5, name="objects"), resamples=40)))
    units = Units(drawn=5, strays=3, name="objects")
    with_strays = np.concatenate(list(unit_weights(units, resamples=40)))
    np.testing.assert_array_equal(with_strays[:, :5], bare)
    assert with_strays[:, 5:].std() > 0


def test_chunks_do_not_change_the_weights(monkeypatch: pytest.MonkeyPatch):
    units = Units(drawn=10, strays=2, name="images")
    whole = np.concatenate(list(unit_weights(units, resamples=30)))
    monkeypatch.setattr("evaluation.bootstrap._CHUNK_WEIGHTS", 25)
    np.testing.assert_array_equal(np.concatenate(list(unit_weights(units, resamples=30))), whole)


def test_same_seed_same_interval():
    values, units = np.arange(20.0), Units(drawn=20, name="images")
    (first,), (second,) = (bootstrap(mean_of(values), units, seed=3) for _ in range(2))
    (other,) = bootstrap(mean_of(values), units, seed=4)
    np.testing.assert_array_equal(first.replicates, second.replicates)
    assert first.value == other.value == 9.5
    assert first.interval != other.interval


def test_interval_of_a_mean_agrees_with_its_standard_error():
    values = np.random.default_rng(0).normal(size=400)
    (estimate,) = bootstrap(mean_of(values), Units(drawn=400, name="images"), resamples=4000)
    low, high = estimate.interval
    expected = 1.96 * values.std() / 20
    assert (high - low) / 2 == pytest.approx(expected, rel=0.06)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        values = (rng.random(80) < 0.7).astype(float)
        (estimate,) = bootstrap(mean_of(values), Units(drawn=80, name="images"), resamples=300)
        low, high = estimate.interval
        covered += low <= 0.7 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_nothing_to_score_is_nan_with_count_zero():
    (estimate,) = bootstrap(mean_of(np.zeros(0)), Units(drawn=0, name="images"), resamples=5)
    assert np.isnan(estimate.value)
    assert estimate.count == 0
    assert np.isnan(estimate.interval).all()


def test_a_single_unit_has_no_interval():
    (estimate,) = bootstrap(mean_of(np.array([0.4])), Units(drawn=1, name="images"))
    assert estimate.value == 0.4
    assert np.isnan(estimate.interval).all()


def estimate_of(value: float, replicates: np.ndarray) -> Estimate:
    return Estimate(value=value, replicates=replicates, count=1000, unit_of_count="images")


def test_pairing_removes_what_both_share():
    shared = np.random.default_rng(0).normal(size=1000)
    a, b = estimate_of(0.9, 0.9 + shared), estimate_of(0.8, 0.8 + shared)
    paired = contrast(a, b, paired=True)
    assert paired.value == pytest.approx(0.1)
    assert paired.interval == pytest.approx((0.1, 0.1))
    low, high = contrast(a, b, paired=False).interval
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(2), rel=0.1)


def test_ratio_by_zero_is_undefined():
    zero = estimate_of(0.0, np.zeros(10))
    ratio = contrast(estimate_of(0.5, np.full(10, 0.5)), zero, np.divide, paired=True)
    assert np.isnan(ratio.value)
    assert ratio.count == 0


def test_pooling_seeds_adds_their_spread():
    rng = np.random.default_rng(0)
    seeds = [estimate_of(v, v + 0.01 * rng.normal(size=2000)) for v in (0.5, 0.7, 0.9)]
    pooled = pool_seeds(seeds)
    assert pooled.value == pytest.approx(0.7)
    assert pooled.unit_of_count == "images; 3 seeds"
    # The mean of three draws from {0.5, 0.7, 0.9}, of which the replicate takes one per slot.
    assert pooled.replicates.std() == pytest.approx(np.sqrt(2 / 3) * 0.2 / np.sqrt(3), rel=0.1)
    assert pool_seeds(seeds[:1]) is seeds[0]
