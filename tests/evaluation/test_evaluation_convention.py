"""Systematic offset and scale of boxes: found, told apart from noise, taken out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.analysis.convention import corrected, correction_gain, fit_conventions
from evaluation.matching import find_objects
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance


def pictures(rng, count, *, shift=(0.0, 0.0), scale=(1.0, 1.0), noise=0.0):
    """True boxes, and predictions that are drawn by another convention, with noise."""
    truth, preds = {}, {}
    for image_id in range(1, count + 1):
        truth[image_id], preds[image_id] = [], []
        for number in range(2):
            x, y = rng.uniform(20 + 200 * number, 60 + 200 * number), rng.uniform(20, 60)
            w, h = rng.uniform(20, 60, 2)
            truth[image_id].append(
                CocoInstance(
                    annotation_id=10 * image_id + number,
                    image_id=image_id,
                    category_id=1,
                    box_xyxy=(x, y, x + w, y + h),
                    area_px=w * h,
                    rle=None,
                    iscrowd=False,
                )
            )
            width, height = scale[0] * w, scale[1] * h
            cx = x + w / 2 + (shift[0] + noise * rng.normal()) * w
            cy = y + h / 2 + (shift[1] + noise * rng.normal()) * h
            box = (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)
            preds[image_id].append(
                Detection(image_id=image_id, category_id=1, score=0.9, box_xyxy=box)
            )
    return truth, preds


def finds_of(truth, preds):
    return {i: find_objects(preds[i], truth[i], min_score=0.5) for i in truth}


def flat(preds):
    return [d for group in preds.values() for d in group]


@settings(max_examples=20)
@given(
    shift=st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)),
    scale=st.tuples(st.floats(0.85, 1.15), st.floats(0.85, 1.15)),
)
def test_a_known_convention_is_found_and_undone(shift, scale):
    truth, preds = pictures(np.random.default_rng(0), 6, shift=shift, scale=scale)
    found = fit_conventions(finds_of(truth, preds))[1]
    assert (found.shift_x.value, found.shift_y.value) == pytest.approx(shift, abs=1e-9)
    assert (found.width.value, found.height.value) == pytest.approx(scale)
    for detection, gt in zip(
        corrected(flat(preds), {1: found}), [g for group in truth.values() for g in group],
        strict=True,
    ):  # fmt: skip
        assert detection.box_xyxy == pytest.approx(gt.box_xyxy)


def test_correction_is_fitted_on_train_and_helps_on_test():
    rng = np.random.default_rng(1)
    habit = {"shift": (0.06, -0.04), "scale": (1.2, 1.15), "noise": 0.02}
    fitted = fit_conventions(finds_of(*pictures(rng, 20, **habit)))
    assert fitted[1].is_systematic
    truth, preds = pictures(rng, 30, **habit)
    (ap, ap50) = correction_gain(flat(preds), truth, fitted)
    assert (ap.metric, ap50.metric) == ("box_ap", "box_ap50")
    assert ap.gain.interval[0] > 0.1
    assert ap.after.value > 0.85


def test_noise_is_no_convention():
    rng = np.random.default_rng(2)
    said = 0
    for _ in range(40):
        found = fit_conventions(finds_of(*pictures(rng, 25, noise=0.05)))
        said += found[1].shift_x.interval[0] > 0 or found[1].shift_x.interval[1] < 0
    assert said <= 6, "95 % intervals"


def test_too_few_pairs_tell_nothing():
    truth, preds = pictures(np.random.default_rng(3), 2, shift=(0.1, 0))
    assert fit_conventions(finds_of(truth, preds)) == {}
    assert corrected(flat(preds), {}) == flat(preds)
