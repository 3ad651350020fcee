"""Distances of two sets against closed forms and torchmetrics."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from evaluation.metrics.two_samples import (
    frechet_at_equal_size,
    frechet_distance,
    kernel_distance,
    two_sample_accuracy,
)


def draw(seed, n, d, *, shift=0.0, spread=1.0):
    return np.random.default_rng(seed).normal(shift, spread, size=(n, d))


@pytest.mark.parametrize(("n", "m", "d"), [(50, 70, 6), (12, 9, 40)])
def test_frechet_is_torchmetrics(n, m, d):
    a, b = draw(0, n, d), draw(1, m, d, shift=0.3, spread=1.5)
    moments = []
    for x in (a, b):
        moments += [torch.tensor(x.mean(axis=0)), torch.tensor(np.cov(x.T))]
    assert frechet_distance(a, b) == pytest.approx(float(_compute_fid(*moments)), rel=1e-6)


def test_frechet_of_normal_sets_has_a_closed_form():
    # Whitened samples have exactly these moments.
    x = draw(2, 200, 3)
    x -= x.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)
    a, b = white * [1, 2, 3], white * [2, 2, 1] + [0.5, 0, 0]
    assert frechet_distance(a, b) == pytest.approx(0.5**2 + 1**2 + 0 + 2**2)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_between_is_that_within_where_sets_are_alike():
    real, other = draw(3, 80, 20), draw(4, 200, 20)
    alike = frechet_at_equal_size(real=real, other=other)
    apart = frechet_at_equal_size(real=real, other=other + 1.0)
    assert alike.pictures == 40
    assert alike.between == pytest.approx(alike.within, rel=0.15)
    assert apart.between == pytest.approx(alike.between + 20, rel=0.15)
    assert frechet_at_equal_size(real=real[:3], other=other) is None


def test_kernel_distance_is_torchmetrics():
    a, b = draw(5, 40, 7), draw(6, 40, 7, shift=0.4)
    judged = float(poly_mmd(torch.tensor(a), torch.tensor(b)))
    assert kernel_distance(a, b).value == pytest.approx(judged)
    assert kernel_distance(a[:2], b) is None


def mean_kernel(p, q, dims):
    """E (x y / D + 1)^3 of D independent coordinates: the moments of a mean of D products."""
    moments = [stats.norm(*p).moment(k) * stats.norm(*q).moment(k) for k in (1, 2, 3)]
    mean, variance = moments[0], moments[1] - moments[0] ** 2
    third = moments[2] - 3 * moments[0] * moments[1] + 2 * moments[0] ** 3
    return (mean + 1) ** 3 + 3 * (mean + 1) * variance / dims + third / dims**2


def test_kernel_distance_covers_its_closed_form():
    p, q, dims = (0.0, 1.0), (0.4, 1.1), 16
    truth = mean_kernel(p, p, dims) + mean_kernel(q, q, dims) - 2 * mean_kernel(p, q, dims)
    rng = np.random.default_rng(7)
    found = [
        kernel_distance(rng.normal(*p, size=(60, dims)), rng.normal(*q, size=(90, dims)))
        for _ in range(300)
    ]
    assert np.mean([f.value for f in found]) == pytest.approx(truth, rel=0.03)
    covered = np.mean([f.low <= truth <= f.high for f in found])
    assert 0.91 <= covered <= 0.99


def test_a_classifier_tells_as_much_as_can_be_told():
    # The best rule for two normal sets a distance d apart is right in Phi(d / 2) of cases.
    for distance in (0.0, 1.5):
        shift = np.array([distance, 0, 0, 0])
        found = two_sample_accuracy(draw(8, 500, 4), draw(9, 300, 4) + shift)
        assert found.low <= stats.norm.cdf(distance / 2) <= found.high
        assert found.high - found.low < 0.12


def test_frames_of_one_video_do_not_give_each_other_away():
    # Every video has a look of its own; sets are alike.
    rng = np.random.default_rng(10)
    looks = np.repeat(rng.normal(size=(24, 40)) * 3, 20, axis=0)
    vectors = looks + 0.1 * rng.normal(size=looks.shape)
    groups = np.repeat(np.arange(24), 20)
    singly = two_sample_accuracy(vectors[:240], vectors[240:])
    together = two_sample_accuracy(vectors[:240], vectors[240:], groups=groups.tolist())
    assert singly.value > 0.95
    assert together.low < 0.5 < together.high


def test_few_pictures_are_not_told_apart():
    assert two_sample_accuracy(draw(0, 9, 3), draw(1, 50, 3)) is None
