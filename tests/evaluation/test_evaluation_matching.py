from __future__ import annotations

import numpy as np
import pytest

from evaluation.matching import find_objects
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance


def gt(box, *, category_id=1, iscrowd=False):
    return CocoInstance(
        annotation_id=1,
        image_id=1,
        category_id=category_id,
        box_xyxy=box,
        area_px=1.0,
        rle=None,
        iscrowd=iscrowd,
    )


def pred(score, box, *, category_id=1):
    return Detection(image_id=1, category_id=category_id, score=score, box_xyxy=box)


A, B = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0)


def test_found_missed_and_false():
    finds = find_objects(
        [pred(0.9, (0, 0, 10, 9)), pred(0.8, A), pred(0.7, (50, 50, 60, 60)), pred(0.3, B)],
        [gt(A), gt(B)],
        min_score=0.5,
    )
    assert [(f.prediction.score, f.iou) for f in finds.found] == [(0.9, pytest.approx(0.9))]
    assert [d.score for d in finds.false_alarms] == [0.8, 0.7], "a second look counts as false"
    assert [g.box_xyxy for g in finds.missed] == [B]
    assert finds.n_objects == 2
    assert finds.quality == pytest.approx(0.9 / (1 + 3 / 2))


def test_another_class_finds_nothing():
    finds = find_objects([pred(0.9, A, category_id=2)], [gt(A)], min_score=0.5)
    assert (len(finds.found), len(finds.false_alarms), len(finds.missed)) == (0, 1, 1)
    assert finds.quality == 0.0


def test_crowds_count_neither_way():
    finds = find_objects([pred(0.9, A)], [gt(A, iscrowd=True)], min_score=0.5)
    assert finds.n_objects == len(finds.false_alarms) == 0


def test_nothing_in_an_empty_picture_is_right():
    assert find_objects([], [], min_score=0.5).quality == 1.0
    assert np.isfinite(find_objects([], [gt(A)], min_score=0.5).quality)
