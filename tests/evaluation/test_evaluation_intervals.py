"""What an interval does besides taking percentiles; how often it is right (slow)."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from evaluation.bootstrap import Estimate, Units, bootstrap, contrast, pool_seeds

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_intervals.py"


def estimate(replicates, *, value=0.5, count=10_000, centre=None):
    return Estimate(
        value=value,
        replicates=np.asarray(replicates),
        count=count,
        unit_of_count="images",
        centre=centre,
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


def test_the_bias_that_resampling_shows_is_taken_off_enlarged():
    plain = estimate(spread(0.52)).interval
    moved = estimate(spread(0.52), centre=0.51).interval
    shown = spread(0.52).mean() - 0.51
    assert np.subtract(plain, moved) == pytest.approx(shown / (np.sqrt(2) - 1))


def test_it_stays_among_the_replicates_and_around_the_value():
    low, high = estimate(spread(0.99, 0.001), value=0.99, centre=0.95).interval
    assert low == spread(0.99, 0.001).min()
    assert high == 0.99
    assert estimate(spread(), value=0.7).interval[1] == 0.7


def test_the_centre_of_a_mean_is_the_mean_of_its_replicates():
    values = np.random.default_rng(1).random(30)
    statistic = lambda weights: (weights @ values / weights.sum(axis=1))[:, None]  # noqa: E731
    (found,) = bootstrap(statistic, Units(drawn=30, name="images"), resamples=50)
    assert found.centre == pytest.approx(found.replicates.mean(), abs=1e-12)


def test_centres_follow_pooling_and_comparison():
    a, b = estimate(spread(), centre=0.51), estimate(spread(), centre=0.48)
    assert contrast(a, b, paired=True).centre == pytest.approx(0.03)
    assert pool_seeds([a, b]).centre == pytest.approx(0.495)
    assert contrast(a, estimate(spread()), paired=True).centre is None


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
