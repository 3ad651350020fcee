from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.drawing import (
    contact_sheet,
    draw_instances,
    encode_image,
    read_rgb,
    resize_to,
)
from pipeline.errors import DatasetError

RED = (255, 0, 0)


def grey(height: int = 40, width: int = 60) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def test_pictures_are_rgb_on_the_way_out_and_in(tmp_path: Path):
    image = grey()
    image[:5] = RED
    (tmp_path / "a.png").write_bytes(encode_image(image))
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png"), image)
    assert cv2.imread(str(tmp_path / "a.png"))[0, 0].tolist() == [0, 0, 255], "cv2 reads BGR"
    (tmp_path / "a.jpg").write_bytes(encode_image(image, suffix=".jpg"))
    assert np.abs(read_rgb(tmp_path / "a.jpg")[0, 0].astype(int) - RED).max() < 40


def test_unreadable_pictures_are_refused(tmp_path: Path):
    (tmp_path / "a.png").write_text("no picture")
    for name in ("a.png", "none.png"):
        with pytest.raises(DatasetError, match=name):
            read_rgb(tmp_path / name)


def test_boxes_lie_on_the_edges_of_their_pixels():
    box = np.array([[10.0, 8.0, 30.0, 20.0]])
    drawn = draw_instances(grey(), boxes_xyxy=box, colors=[RED], scale=4, line_px=1)
    assert drawn.shape == (160, 240, 3)
    red = np.argwhere(drawn[..., 0].astype(int) - drawn[..., 1] > 60)
    assert np.abs(red.min(axis=0) - [32, 40]).max() <= 1
    assert np.abs(red.max(axis=0) - [80, 120]).max() <= 1


def test_masks_are_outlined_where_they_end():
    mask = np.zeros((1, 40, 60), dtype=bool)
    mask[0, 10:30, 20:45] = True
    image = grey()
    drawn = draw_instances(image, masks=mask, colors=[RED], scale=4, fill=0.0, line_px=1)
    red = np.argwhere(drawn[..., 0].astype(int) - drawn[..., 1] > 60)
    assert np.abs(red.min(axis=0) - [40, 80]).max() <= 1
    assert np.abs(red.max(axis=0) - [119, 179]).max() <= 1
    assert (drawn[60, 120] == 90).all(), "nothing is filled"
    assert (image == 90).all(), "the picture itself stays"


def test_nothing_to_draw_leaves_the_picture():
    np.testing.assert_array_equal(draw_instances(grey(), boxes_xyxy=np.zeros((0, 4))), grey())
    empty = np.zeros((2, 40, 60), dtype=bool)
    np.testing.assert_array_equal(draw_instances(grey(), masks=empty), grey())
    nowhere = np.full((1, 4), np.nan)
    np.testing.assert_array_equal(draw_instances(grey(), boxes_xyxy=nowhere), grey())


def test_grey_pictures_become_colour():
    assert draw_instances(grey()[..., 0]).shape == (40, 60, 3)


def test_labels_stay_inside_the_picture():
    boxes = np.array([[55.0, -3.0, 70.0, 5.0]])
    drawn = draw_instances(grey(), boxes_xyxy=boxes, labels=["Münze 0.93"], scale=3)
    assert (drawn != 90).any()
    np.testing.assert_array_equal(
        draw_instances(grey(), boxes_xyxy=boxes, labels=[""]),
        draw_instances(grey(), boxes_xyxy=boxes),
    )


def test_sheets_keep_proportions_and_order():
    tiles = [np.full((20, 40, 3), value, np.uint8) for value in (50, 100, 150)]
    sheet = contact_sheet(tiles, columns=2, gap_px=4)
    assert sheet.shape == (4 + 2 * 24, 4 + 2 * 44, 3)
    assert [int(sheet[y, x, 0]) for y, x in ((14, 24), (14, 68), (38, 24), (38, 68))] == [
        50,
        100,
        150,
        255,
    ]
    tall = contact_sheet([np.zeros((40, 10, 3), np.uint8)], columns=1, tile_hw=(20, 20), gap_px=0)
    assert (tall[:, :7] == 255).all()
    assert (tall[:, 8:12] == 0).all()
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([], columns=2)


def test_captions_take_room():
    tiles = [grey(), grey()]
    plain = contact_sheet(tiles, columns=2)
    named = contact_sheet(tiles, columns=2, captions=["one", "two"])
    assert named.shape[0] > plain.shape[0]


def test_tiny_pictures_are_enlarged_pixel_by_pixel():
    tiny = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)
    big = resize_to(tiny, image_hw=(64, 64))
    np.testing.assert_array_equal(big[::8, ::8], tiny)
    assert set(np.unique(big)) == set(np.unique(tiny))
