"""Pictures of a report: keypoints where they are, outlines that leave the objects to be seen."""

from __future__ import annotations

import re

import numpy as np
import pytest

from evaluation.drawing import (
    FALSE_ALARM,
    FOUND,
    MISSED,
    TRUTH,
    draw_closeup,
    draw_finds,
    draw_truth,
)
from evaluation.matching import find_objects
from evaluation.metrics.detection import Detection
from evaluation.report.overlays import find_outlines
from pipeline.formats.coco import CocoInstance

_TRUE = ((30.5, 30.5, 2), (60.5, 34.5, 1), (0.0, 0.0, 0))
_PREDICTED = ((33.5, 30.5, 0.9), (60.5, 41.5, 0.2), (70.5, 70.5, 0.1))
_GREY = np.full((100, 120, 3), 128, np.uint8)


def _truth(**changes):
    place = {"box_xyxy": (20, 20, 80, 80), "area_px": 3600, "rle": None, "iscrowd": False}
    ids = {"annotation_id": 1, "image_id": 1, "category_id": 1}
    return CocoInstance(**(ids | place | {"keypoints": _TRUE} | changes))


def _detection(score=0.9, box=(21, 20, 80, 80)):
    return Detection(image_id=1, category_id=1, score=score, box_xyxy=box, keypoints=_PREDICTED)


@pytest.fixture
def finds():
    return find_objects([_detection()], [_truth()], min_score=0.5)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_predicted_keypoints_are_dots_of_their_colour(finds, scale):
    for detections, color in (
        ([_detection()], FOUND),
        ([_detection(box=(0, 0, 9, 9))], FALSE_ALARM),
    ):
        drawn = draw_finds(_GREY, find_objects(detections, [_truth()], min_score=0.5), scale=scale)
        for x, y, _ in _PREDICTED:
            assert tuple(drawn[int(y * scale), int(x * scale)]) == color


def test_labelled_keypoints_are_rings_and_missed_ones_too(finds):
    drawn = draw_closeup(_GREY, finds, (20, 20, 80, 80), side_px=408)
    scale = 4.0  # of a part of 102 x 100 px: the box and 35 % on each side, from the corner on
    for x, y, visibility in _TRUE:
        column, row = int(x * scale), int(y * scale)
        ring = drawn[row - 7 : row - 3, column].astype(int) if row > 7 else _GREY[0].astype(int)
        nearest = np.abs(ring - TRUTH).sum(axis=1).min()
        assert (nearest < 110) == bool(visibility), (x, y)
    missed = draw_finds(_GREY, find_objects([], [_truth()], min_score=0.5), scale=1.0)
    nearest = np.abs(missed[23:28, 30].astype(int) - MISSED).sum(axis=1).min()
    assert nearest < 110


def test_outlines_mark_keypoints_where_they_are(finds):
    (truth,), (prediction,) = find_outlines(finds, {1: "board"}, scale=2.0)
    diamonds = re.findall(r"M(\d+) (\d+)l4 -4l4 4l-4 4z", truth.path)
    assert [(int(x) + 4, int(y)) for x, y in diamonds] == [(61, 61), (121, 69)]
    crosses = re.findall(r"M(\d+) (\d+)h8m-4 -4v8", prediction.path)
    assert [(int(x) + 4, int(y)) for x, y in crosses] == [(67, 61), (121, 83), (141, 141)]


def test_keypoints_far_outside_are_left_out(finds):
    wild = Detection(
        image_id=1, category_id=1, score=0.9, box_xyxy=(21, 20, 80, 80),
        keypoints=((1e12, -1e12, 0.5), (50.5, 50.5, 0.5), (float("nan"), 3.0, 0.1)),
    )  # fmt: skip
    drawn = draw_finds(_GREY, find_objects([wild], [_truth()], min_score=0.5), scale=1.0)
    assert tuple(drawn[50, 50]) == FOUND


@pytest.mark.parametrize(("side_px", "thick"), [(12, False), (60, True)])
def test_small_objects_have_fine_outlines(side_px, thick):
    x0, y0 = 30, 20
    box = (x0, y0, x0 + side_px, y0 + side_px)
    drawn = draw_truth(_GREY, [_truth(box_xyxy=box, keypoints=None)], scale=1.0)
    across = np.abs(drawn[y0 + side_px // 2, x0 - 5 : x0 + 5].astype(int) - 128).sum(axis=1)
    assert (np.count_nonzero(across > 60) > 2) == thick
