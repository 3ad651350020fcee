"""Targets against values counted by hand."""

import numpy as np
import pytest

from pipeline.specs.training import ModelSpec
from trainers.compact.targets import encode_targets
from trainers.examples import DetectionExample, ObjectExample
from trainers.networks.registry import open_network


def example_of(*objects, side=32):
    return DetectionExample(image=np.zeros((side, side, 3), np.uint8), objects=objects)


def square(x, y, side, class_index=0, **changes):
    return ObjectExample(
        class_index=class_index,
        box_xyxy=np.array([x, y, x + side, y + side], float),
        mask=np.ones((side, side), bool),
        mask_corner=(x, y),
        **changes,
    )


def encode(*objects, class_count=2, max_masks=8):
    return encode_targets(
        example_of(*objects),
        class_count=class_count,
        max_masks=max_masks,
        rng=np.random.default_rng(0),
    )


def test_one_square_counted_by_hand():
    targets = encode(square(6, 10, 20, class_index=1))  # centre (16, 20): row 5, column 4
    assert targets.heat.shape == (2, 8, 8)
    assert np.argwhere(targets.heat == 1).tolist() == [[1, 5, 4]]
    sigma_cells = 0.54 * 20 / 4 / 6
    assert targets.heat[1, 5, 5] == pytest.approx(np.exp(-1 / (2 * sigma_cells**2)))
    assert targets.heat[1, 5, 6] == 0  # beyond three sigma
    assert not targets.heat[0].any()
    assert targets.boxes_xyxy[:, 5, 4].tolist() == [6, 10, 26, 30]
    assert targets.box_weight.sum() == pytest.approx(1)
    assert (targets.box_weight > 0).sum() == 9
    assert targets.heat_weight.all()


def test_semantic_shares_of_fine_cells():
    targets = encode(square(3, 4, 2, class_index=1))  # covers x 3-5, y 4-6: cells of 2 px
    shares = targets.semantic
    assert shares.shape == (3, 16, 16)
    np.testing.assert_allclose(shares[2, 2, 1:3], 0.5, atol=0.01)  # half of two cells
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
    assert shares[2].sum() == pytest.approx(1, abs=0.02)  # 4 px are one cell of 2 x 2
    assert shares[1].sum() == 0


def test_of_overlapping_objects_the_smaller_one_owns_the_cell():
    targets = encode(square(12, 12, 4), square(0, 0, 28))
    assert targets.boxes_xyxy[:, 3, 3].tolist() == [12, 12, 16, 16]


def test_crowds_ask_for_nothing():
    crowd = square(8, 8, 8, crowd=True, ignored=True)
    targets = encode(crowd, square(20, 20, 8))
    assert targets.heat_weight[2:4, 2:4].sum() == 0
    assert targets.heat_weight.sum() == 64 - 4
    assert (targets.heat == 1).sum() == 1
    assert targets.semantic_weight[4:8, 4:8].sum() == 0
    assert len(targets.masks) == 1


def test_an_ignored_region_does_not_silence_an_object_in_it():
    targets = encode(square(0, 0, 32, ignored=True), square(8, 8, 8))
    assert targets.heat_weight[targets.heat[0] == 1].tolist() == [1]


def test_box_only_objects_teach_no_masks():
    boxed = ObjectExample(class_index=0, box_xyxy=np.array([4.0, 4, 12, 12]), mask=None)
    targets = encode(boxed)
    assert len(targets.masks) == 0
    assert targets.semantic_weight.sum() == 16 * 16 - 4 * 4
    assert (targets.heat == 1).sum() == 1


def test_masks_fill_their_part_of_the_region():
    targets = encode(square(8, 8, 16))
    region = targets.regions_xyxy[0]
    area_px = np.prod(region[2:] - region[:2])
    assert targets.masks[0].mean() * area_px == pytest.approx(256, rel=0.02)


def test_so_many_masks_and_no_more():
    squares = [square(x, 8, 6) for x in range(0, 24, 4)]
    assert len(encode(*squares, max_masks=4).masks) == 4


def test_a_picture_without_objects():
    targets = encode()
    assert not targets.heat.any()
    assert targets.box_weight.sum() == 0
    assert targets.masks.shape == (0, 32, 32)
    assert targets.semantic[0].min() == 1


def test_zoomed_pictures_teach_what_small_ones_do():
    """Twice as large and seen at half the size: boxes, cells and masks come out as before."""
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    small = DetectionExample(image=picture, objects=(square(6, 10, 20, class_index=1),))
    large = DetectionExample(
        image=picture.repeat(2, axis=0).repeat(2, axis=1),
        objects=(square(12, 20, 40, class_index=1),),
    )
    batches = [
        open_network(
            ModelSpec(name="compact_detector", width=0.25, zoom=zoom),
            task="detection", class_count=2, input_px=side_px,
        ).batch([example], [np.random.default_rng(0)])
        for example, zoom, side_px in ((small, None, 64), (large, 0.5, 128))
    ]  # fmt: skip
    for name in ("images", "heat", "boxes_xyxy", "box_weight", "cells", "regions_xyxy", "masks"):
        expected, got = (getattr(batch, name).numpy() for batch in batches)
        np.testing.assert_allclose(got, expected, atol=1e-5, err_msg=name)
