"""Tiles: a detector that makes no mistakes must come out of them without any."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.geometry.boxes import box_of_mask
from trainers.results import DetectedObject, ObjectMask, PictureResult
from trainers.tiling import cut_tiles, detect_in_tiles, map_in_tiles


def picture_of(shapes, image_hw):
    """Each object has its own grey value; red holds the class."""
    image = np.zeros((*image_hw, 3), np.uint8)
    for value, (x, y, width, height) in enumerate(shapes, start=1):
        image[y : y + height, x : x + width] = (1 + value % 2, value, 0)
    return image


def oracle(*, masks, smallest=4):
    """Sees everything that is in the picture it is shown; misses slivers."""

    def detect(image):
        objects = []
        for value in np.unique(image[..., 1])[1:]:
            mask = image[..., 1] == value
            box = box_of_mask(mask)
            if (box[2:] - box[:2] < smallest).any():
                continue
            objects.append(
                DetectedObject(
                    class_index=int(value) % 2,
                    score=0.5 + int(value) / 1000,
                    box_xyxy=box,
                    mask=ObjectMask(window=mask, corner=(0, 0)) if masks else None,
                )
            )
        return PictureResult(objects=tuple(objects), class_map=image[..., 0].astype(np.intp))

    return detect


@st.composite
def scenes(draw):
    """Objects apart from each other, some far larger than a tile's overlap."""
    shapes = []
    for row in range(3):
        for column in range(3):
            width, height = draw(st.integers(6, 88)), draw(st.integers(6, 88))
            x = 100 * column + draw(st.integers(0, 94 - width))
            y = 100 * row + draw(st.integers(0, 94 - height))
            shapes.append((x, y, width, height))
    return shapes


@settings(max_examples=30)
@given(shapes=scenes(), masks=st.booleans(), side=st.sampled_from([64, 110, 256]))
def test_what_tiles_see_is_what_there_is(shapes, masks, side):
    image = picture_of(shapes, (300, 300))
    found = detect_in_tiles(oracle(masks=masks), image, side_px=side, overlap=0.25)
    got = sorted(item.box_xyxy.tolist() for item in found.objects)
    assert got == sorted([x, y, x + w, y + h] for x, y, w, h in shapes)
    np.testing.assert_array_equal(found.class_map, image[..., 0])
    for item in found.objects:
        if masks:
            assert item.mask.whole((300, 300)).sum() == np.prod(
                item.box_xyxy[2:] - item.box_xyxy[:2]
            )


@settings(max_examples=40)
@given(st.integers(1, 500), st.integers(1, 500), st.integers(64, 300), st.floats(0, 0.75))
def test_tiles_cover_every_pixel_once(height, width, side, overlap):
    count = np.zeros((height, width), int)
    tiles = cut_tiles((height, width), side_px=side, overlap=overlap)
    for tile in tiles:
        x0, y0, x1, y1 = tile.own
        count[y0:y1, x0:x1] += 1
        assert tile.box[0] <= x0 <= x1 <= tile.box[2]
        assert tile.box[1] <= y0 <= y1 <= tile.box[3]
        assert tile.box[2] - tile.box[0] == min(side, width)
        assert tile.box[3] - tile.box[1] == min(side, height)
    assert (count == 1).all()
    starts = sorted({tile.box[0] for tile in tiles})
    assert all(b - a <= side * (1 - overlap) + 1 for a, b in pairwise(starts))


def test_a_picture_that_fits_is_looked_at_once():
    seen = []

    def detect(image):
        seen.append(image.shape)
        return PictureResult(objects=())

    detect_in_tiles(detect, np.zeros((50, 60, 3), np.uint8), side_px=64, overlap=0.25)
    assert seen == [(50, 60, 3)]


def test_classes_are_not_mixed_and_neighbours_stay_apart():
    shapes = [(40, 10, 30, 30), (71, 10, 30, 30), (102, 10, 30, 30)]
    image = picture_of(shapes, (60, 160))
    found = detect_in_tiles(oracle(masks=False), image, side_px=64, overlap=0.25)
    assert [item.class_index for item in sorted(found.objects, key=lambda i: i.box_xyxy[0])] == [
        1,
        0,
        1,
    ]


def test_a_poor_view_of_a_cut_object_is_dropped():
    """The left tile sees 20 px of the object and says 14."""
    whole = DetectedObject(class_index=0, score=0.6, box_xyxy=np.array([44.0, 10, 94, 40]))
    answers = {
        0: DetectedObject(class_index=0, score=0.9, box_xyxy=np.array([50.0, 12, 64, 26])),
        1: DetectedObject(class_index=0, score=0.6, box_xyxy=np.array([8.0, 10, 58, 40])),
    }
    seen = []

    def detect(image):
        seen.append(image)
        return PictureResult(objects=(answers[len(seen) - 1],))

    found = detect_in_tiles(detect, np.zeros((64, 100, 3), np.uint8), side_px=64, overlap=0.25)
    assert [item.box_xyxy.tolist() for item in found.objects] == [whole.box_xyxy.tolist()]


@pytest.mark.parametrize("side", [64, 100])
def test_class_maps_are_stitched(side):
    image = np.random.default_rng(0).integers(0, 9, (130, 210, 3)).astype(np.uint8)
    stitched = map_in_tiles(
        lambda tile: tile[..., 0].astype(np.intp), image, side_px=side, overlap=0.5
    )
    np.testing.assert_array_equal(stitched, image[..., 0])


def test_many_whole_views_make_one_object():
    """Four tiles that all see one object wholly: the best view of it stays."""
    image = picture_of([(70, 70, 20, 20)], (160, 160))
    found = detect_in_tiles(oracle(masks=True), image, side_px=100, overlap=0.4)
    assert len(found.objects) == 1
