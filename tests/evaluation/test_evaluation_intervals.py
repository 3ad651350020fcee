"""What an interval does besides taking percentiles; how often it is right (slow)."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from evaluation.bootstrap import Estimate, Units, bootstrap, contrast, pool_seeds

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_intervals.py"


def estimate(replicates, *, value=0.5, count=10_000, lift=0.0, is_share=False):
    return Estimate(
        value=value,
        replicates=np.asarray(replicates),
        count=count,
        unit_of_count="images",
        lift=lift,
        is_share=is_share,
    )


def spread(mean=0.5, sd=0.02):
    return np.random.default_rng(0).normal(mean, sd, size=4000)


def test_without_bias_many_units_give_plain_percentiles():
    found = estimate(spread()).interval
    assert found == pytest.approx(np.percentile(spread(), [2.5, 97.5]), abs=2e-4)


def test_few_units_reach_further_out():
    widths = [np.ptp(estimate(spread(), count=n).interval) for n in (5, 20, 200)]
    # Student's t with 4, 19 and 199 degrees of freedom, times sqrt(n / (n - 1)).
    assert widths == pytest.approx(np.array([6.21, 4.30, 3.95]) * 0.02, rel=0.1)


def test_the_lift_is_taken_off_and_counts_as_uncertain():
    low, high = estimate(spread()).interval
    moved_low, moved_high = estimate(spread(), lift=0.02).interval
    # As large as the standard error: sqrt(1 + 1) times as wide.
    assert moved_high - moved_low == pytest.approx(np.sqrt(2) * (high - low), rel=0.03)
    assert (moved_low + moved_high) / 2 == pytest.approx((low + high) / 2 - 0.02, abs=0.002)


def test_a_share_has_students_interval_on_log_odds():
    rng = np.random.default_rng(3)
    replicates = rng.binomial(50, 0.9, size=20_000) / 50
    low, high = estimate(replicates, value=0.9, count=50, is_share=True).interval
    # Wald's interval of log odds, half a unit added (Agresti): sd 1 / sqrt(n p q).
    centre, sd = np.log(45.5 / 5.5), 1 / np.sqrt(50 * 0.9 * 0.1)
    expected = 1 / (1 + np.exp(-(centre + np.array([-1, 1]) * 2.03 * sd)))
    assert (low, high) == pytest.approx(expected, abs=0.015)
    assert high - 0.9 < 0.9 - low, "there is less room above"


def test_shares_stay_between_0_and_1_and_certainty_has_no_width():
    some = np.array([1.0, 1.0, 0.95, 1.0])
    low, high = estimate(some, value=1.0, count=20, is_share=True).interval
    assert 0.5 < low < 1
    assert high == 1
    assert estimate(np.ones(9), value=1.0, count=20, is_share=True).interval == (1.0, 1.0)
    assert estimate(np.zeros(9), value=0.0, count=2, is_share=True).interval == (0.0, 0.0)


def test_what_is_a_share_shows_in_its_replicates():
    values = np.random.default_rng(1).random((30, 2)) + np.array([0.0, 0.6])
    share, other = bootstrap(
        lambda w: w @ values / w.sum(axis=1)[:, None], Units(drawn=30, name="images")
    )
    assert share.is_share
    assert not other.is_share


def test_it_stays_among_the_replicates_and_around_the_value():
    found = estimate(spread(0.99, 0.001), value=0.99, lift=0.1).interval
    assert found == (spread(0.99, 0.001).min(), spread(0.99, 0.001).max())
    assert estimate(spread(), value=0.7).interval[1] == 0.7


def resampled(statistic, units):
    (found,) = bootstrap(statistic, Units(drawn=units, name="images"))
    return found


def test_noise_does_not_lift_a_mean():
    values = np.random.default_rng(1).random(30)
    found = resampled(lambda w: (w @ values / w.sum(axis=1))[:, None], 30)
    assert found.lift == pytest.approx(0, abs=1e-12)


def test_the_lift_of_a_maximum_is_told():
    """The greatest of two equal means: of normal noise it is sd / sqrt(pi) too high."""
    lifts = []
    for seed in range(30):
        values = np.random.default_rng(seed).normal(size=(200, 2))
        values -= values.mean(axis=0)  # truly equal in this sample, so that nothing is won by luck
        found = resampled(lambda w, v=values: (w @ v / 200).max(axis=1)[:, None], 200)
        lifts.append(found.lift)
    # Noise of the sample itself is not in it: sqrt(1) - sqrt(0.1) of (sqrt 2 - sqrt 1.1) is.
    shown = (1 - np.sqrt(0.1)) / (np.sqrt(2) - np.sqrt(1.1))
    assert np.mean(lifts) == pytest.approx(shown / np.sqrt(np.pi * 200), rel=0.1)


def test_a_step_is_not_taken_for_a_lift():
    """A score that jumps just below the sample's own value, as recall does at its last points."""
    values = np.random.default_rng(2).normal(size=100)
    edge = values.mean() - 1e-6
    found = resampled(lambda w: (w @ values / 100 > edge).astype(float)[:, None], 100)
    assert found.value == 1.0
    assert abs(found.lift) < 0.2, "from the score at mean weights it would be -1.2"


def test_lifts_are_averaged_over_seeds_and_cancel_in_comparisons():
    a, b = estimate(spread(), lift=0.01), estimate(spread(), lift=0.03)
    assert pool_seeds([a, b]).lift == pytest.approx(0.02)
    assert contrast(a, b, paired=True).lift == 0.0


@pytest.mark.slow
def test_intervals_cover_and_paired_tests_err_as_often_as_they_say():
    spec = spec_from_file_location("bench_intervals", BENCH)
    bench = module_from_spec(spec)
    sys.modules[spec.name] = bench
    spec.loader.exec_module(bench)
    detector = bench.DETECTORS["fair"]
    intervals, differences = bench.simulate(detector, images=200, runs=range(400))
    truth = bench.true_scores(detector)
    covered = ((intervals[..., 0] <= truth) & (truth <= intervals[..., 1])).mean(axis=0)
    rejected = ((differences[..., 0] > 0) | (differences[..., 1] < 0)).mean(axis=0)
    # Of 400 runs, three standard errors around what 2,000 runs have to hold.
    assert (covered > 0.925 - 0.04).all()
    assert (covered < 0.975 + 0.025).all()
    assert (rejected < 0.065 + 0.035).all()
