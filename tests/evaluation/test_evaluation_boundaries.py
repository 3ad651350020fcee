from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion

from evaluation.metrics.boundaries import boundary_counts, boundary_of, boundary_statistic
from evaluation.metrics.semantic import IGNORED


def square(top, left, side, *, shape=(100, 100)):
    mask = np.zeros(shape, dtype=bool)
    mask[top : top + side, left : left + side] = True
    return mask


def boundary_iou(predicted, truth, n_classes=2):
    counts = boundary_counts(
        predicted.astype(np.int32), truth.astype(np.int32), n_classes=n_classes
    )
    return boundary_statistic(counts)(np.ones((1, len(counts))))[0]


def test_counted_by_hand():
    # 2 % of a diagonal of 141.4 px are 3 px: a square of 20 keeps a core of 14.
    assert boundary_of(square(30, 30, 20)).sum() == 20**2 - 14**2
    assert boundary_of(square(0, 0, 20)).sum() == 20**2 - 14**2, "the picture's edge is outline"
    # Shifted by 20: no shared boundary. Shifted by one: counted pixel by pixel.
    assert boundary_iou(square(30, 50, 20), square(30, 30, 20))[0] == 0
    ours, theirs = boundary_of(square(30, 31, 20)), boundary_of(square(30, 30, 20))
    expected = (ours & theirs).sum() / (ours | theirs).sum()
    assert boundary_iou(square(30, 31, 20), square(30, 30, 20))[0] == pytest.approx(expected)


@settings(max_examples=20)
@given(seed=st.integers(0, 999))
def test_boundary_is_what_repeated_erosion_by_3_x_3_leaves(seed):
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((6, 8)) < 0.6, np.ones((12, 12))).astype(bool)
    width_px = round(0.02 * np.hypot(*mask.shape))
    inner = binary_erosion(mask, np.ones((3, 3)), iterations=width_px, border_value=0)
    np.testing.assert_array_equal(boundary_of(mask), mask & ~inner)


def test_stricter_than_iou_for_large_objects():
    ours, theirs = square(12, 10, 80), square(10, 10, 80)
    iou = (ours & theirs).sum() / (ours | theirs).sum()
    assert boundary_iou(ours, theirs)[0] < iou - 0.2


def test_perfect_empty_and_ignored():
    truth = square(30, 30, 20).astype(np.int32)
    mean, disc, absent = boundary_iou(truth, truth, n_classes=3)
    assert (mean, disc) == (1.0, 1.0)
    assert np.isnan(absent)
    assert np.isnan(boundary_iou(0 * truth, 0 * truth)).all()
    hidden = np.where(truth > 0, truth, IGNORED)
    assert boundary_iou(np.ones_like(truth), hidden)[0] < 1
    everywhere = np.full_like(truth, IGNORED)
    assert np.isnan(boundary_iou(truth, everywhere)[0])


def test_parts_of_a_photograph_sum_to_the_whole():
    truth, predicted = square(30, 30, 40).astype(np.int32), square(32, 30, 40).astype(np.int32)
    cells = (np.indices(truth.shape)[1] // 50).astype(np.int32)
    parts = boundary_counts(predicted, truth, n_classes=2, cells=cells)
    assert parts.shape == (2, 1, 2)
    np.testing.assert_array_equal(
        parts.sum(axis=0), boundary_counts(predicted, truth, n_classes=2)[0]
    )
