from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.clusters import image_units, singly
from pipeline.formats.coco import CocoImage


def image(image_id, video_id=None):
    return CocoImage(
        image_id=image_id,
        file_name=f"{image_id}.png",
        path=Path(f"{image_id}.png"),
        width=8,
        height=8,
        video_id=video_id,
    )


def test_frames_of_a_video_are_one_unit():
    found = image_units([image(5, 2), image(3, 7), image(4, 2), image(1, 7)])
    assert found.units.drawn == 2
    assert found.units.name == "videos"
    assert found.unit_of[5] == found.unit_of[4] != found.unit_of[3] == found.unit_of[1]


def test_images_without_a_video_are_units_of_their_own():
    found = image_units([image(1), image(2), image(3, 9), image(4, 9)])
    assert found.units.drawn == 3
    assert found.units.name == "videos and images"
    assert image_units([image(1), image(2)]) == singly([2, 1])


def test_a_single_video_falls_back_to_its_frames():
    found = image_units([image(1, 4), image(2, 4), image(3, 4)])
    assert found.units.drawn == 3
    assert found.units.name == "frames, this video only"
    assert sorted(found.unit_of.values()) == [0, 1, 2]


def test_units_follow_the_ids_in_ascending_order():
    assert dict(singly([30, 10, 20]).unit_of) == {10: 0, 20: 1, 30: 2}
    assert np.unique(list(image_units([]).unit_of)).size == 0
