"""Masks as polygons, judged by the two programs that draw them."""

from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from pipeline.formats.outlines import outline_of_mask
from pipeline.geometry.boxes import box_of_mask

masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def drawn_by_pycocotools(outline, image_hw):
    (rle,) = coco_mask.frPyObjects([outline.ravel().tolist()], *image_hw)
    return coco_mask.decode(rle).astype(bool)


def drawn_by_opencv(outline, image_hw):
    # As Ultralytics does: float32, cut to whole numbers, filled with its border.
    points = outline.astype(np.float32).astype(np.int32)
    return cv2.fillPoly(np.zeros(image_hw, np.uint8), [points], 1).astype(bool)


@given(masks)
@settings(max_examples=200)
def test_pycocotools_draws_any_mask_back(mask):
    outline = outline_of_mask(mask)
    if not mask.any():
        assert outline.shape == (0, 2)
        return
    assert np.array_equal(drawn_by_pycocotools(outline, mask.shape), mask)
    box = np.concatenate([outline.min(axis=0), outline.max(axis=0)])
    assert np.allclose(box, box_of_mask(mask), rtol=0, atol=1 / 256)


@given(masks)
@settings(max_examples=200)
def test_opencv_loses_no_pixel(mask):
    if mask.any():
        drawn = drawn_by_opencv(outline_of_mask(mask), mask.shape)
        assert (drawn | ~mask).all()


@given(
    st.lists(st.tuples(st.integers(0, 29), st.integers(0, 19), st.integers(0, 9)), min_size=1),
)
@settings(max_examples=100)
def test_opencv_draws_what_has_one_part_and_no_hole_back(discs):
    mask = np.zeros((20, 30), np.uint8)
    for x, y, radius in discs:
        cv2.circle(mask, (x, y), radius, 1, -1)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if len(contours) == 1:
        drawn = drawn_by_opencv(outline_of_mask(mask > 0), mask.shape)
        assert np.array_equal(drawn, mask > 0)
