"""Labels follow their picture through every change."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.specs.augmentation import UNCHANGED, AugmentSpec
from trainers.augmentation.colours import augment_colours
from trainers.augmentation.geometry import fit_square
from trainers.augmentation.geometry import warp_example as warp
from trainers.augmentation.recipe import augment_crop, augment_small
from trainers.examples import DetectionExample, ObjectExample


def disc_example(height=60, width=80, centre=(40, 30), radius=14):
    yy, xx = np.mgrid[:height, :width] + 0.5
    disc = np.hypot(xx - centre[0], yy - centre[1]) < radius
    image = np.repeat((disc * 255).astype(np.uint8)[..., None], 3, axis=2)
    rows, columns = np.flatnonzero(disc.any(1)), np.flatnonzero(disc.any(0))
    item = ObjectExample(
        class_index=0,
        box_xyxy=np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float),
        mask=disc[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1],
        mask_corner=(int(columns[0]), int(rows[0])),
    )
    return DetectionExample(image=image, objects=(item,))


def whole_mask(example):
    mask = np.zeros(example.image.shape[:2], bool)
    for item in example.objects:
        x, y = item.mask_corner
        mask[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] |= item.mask
    return mask


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    centre=st.tuples(st.integers(0, 80), st.integers(0, 60)),
    rotate_deg=st.sampled_from([0.0, 20.0, 180.0]),
    flip=st.booleans(),
)
def test_mask_and_box_lie_where_the_object_is_seen(seed, centre, rotate_deg, flip):
    augment = UNCHANGED.model_copy(
        update={"scale": (0.6, 1.6), "rotate_deg": rotate_deg, "flip": flip}
    )
    example = disc_example(centre=centre)
    out = augment_crop(example, augment, side_px=64, rng=np.random.default_rng(seed))
    seen = out.image[..., 0] >= 128
    # Both are warped alike; only rounding of half-covered pixels may differ, and the edge of
    # the source picture, where its black border begins.
    differing = (whole_mask(out) ^ seen).sum()
    assert differing <= 0.05 * seen.sum() + 4
    for item in out.objects:
        rows, columns = np.flatnonzero(item.mask.any(1)), np.flatnonzero(item.mask.any(0))
        x, y = item.mask_corner
        tight = [x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1]
        assert item.box_xyxy.tolist() == tight
        assert (item.box_xyxy >= 0).all()
        assert (item.box_xyxy <= 64).all()


def test_no_change_is_no_change():
    example = disc_example(height=64, width=64)
    out = augment_crop(example, UNCHANGED, side_px=64, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out.image, example.image)
    np.testing.assert_array_equal(whole_mask(out), whole_mask(example))
    assert out.objects[0].box_xyxy.tolist() == example.objects[0].box_xyxy.tolist()


def test_a_quarter_turn_counted_by_hand():
    """x' = -y + 32, y' = x: pixel (20, 4) goes to (27, 20)."""
    image = np.zeros((32, 32, 3), np.uint8)
    image[4, 20] = 255
    item = ObjectExample(
        class_index=0,
        box_xyxy=np.array([20.0, 4, 21, 5]),
        mask=np.ones((1, 1), bool),
        mask_corner=(20, 4),
    )
    turn = np.array([[0.0, -1, 32], [1, 0, 0]])
    out = warp(DetectionExample(image=image, objects=(item,)), turn, side_px=32)
    assert np.argwhere(out.image[..., 0]).tolist() == [[20, 27]]
    assert out.objects[0].box_xyxy.tolist() == [27, 20, 28, 21]


@pytest.mark.parametrize(
    ("shift", "kept", "ignored"), [(0, 1, False), (22, 1, True), (40, 0, None)]
)
def test_cut_objects_are_ignored_and_lost_ones_dropped(shift, kept, ignored):
    example = disc_example(centre=(14, 30))
    matrix = np.array([[1.0, 0, -shift], [0, 1, 0]])
    out = warp(example, matrix, side_px=60)
    assert len(out.objects) == kept
    assert all(item.ignored is ignored for item in out.objects)


def test_boxes_without_masks_follow():
    boxed = ObjectExample(class_index=0, box_xyxy=np.array([10.0, 20, 30, 40]), mask=None)
    example = DetectionExample(image=np.zeros((60, 60, 3), np.uint8), objects=(boxed,))
    mirrored = warp(example, np.array([[-1.0, 0, 60], [0, 1, 0]]), side_px=60)
    assert mirrored.objects[0].box_xyxy.tolist() == [30, 20, 50, 40]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32))
def test_keypoints_lie_where_they_are_seen(seed):
    """Two marked pixels of different colours are found again where their keypoints say."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[17:24, 37:44, 0] = image[37:44, 17:24, 1] = 255
    points = np.array([[40.5, 20.5, 2], [20.5, 40.5, 1], [0, 0, 0]])
    item = ObjectExample(
        class_index=0, box_xyxy=np.array([16.0, 16, 45, 45]), mask=None, keypoints=points
    )
    augment = UNCHANGED.model_copy(update={"scale": (0.8, 1.5), "rotate_deg": 180.0, "flip": True})
    example = DetectionExample(image=image, objects=(item,))
    out = augment_crop(example, augment, side_px=64, rng=np.random.default_rng(seed))
    found = out.objects[0].keypoints
    assert found[2].tolist() == [0, 0, 0]
    for point, channel, visibility in ((found[0], 0, 2), (found[1], 1, 1)):
        rows, columns = np.nonzero(out.image[..., channel] > 128)
        whole = rows.size and min(rows.min(), columns.min()) > 0 < 63 - max(*rows, *columns)
        assert point[2] in (0, visibility)
        if whole:
            centre = [columns.mean() + 0.5, rows.mean() + 0.5]
            np.testing.assert_allclose(point, [*centre, visibility], atol=0.5)


def test_left_and_right_change_places_in_a_mirror():
    points = np.array([[10.0, 5, 2], [20, 5, 1], [15, 9, 2]])
    item = ObjectExample(
        class_index=0,
        box_xyxy=np.array([5.0, 0, 30, 30]),
        mask=None,
        keypoints=points,
        mirrored=(1, 0, 2),
    )
    example = DetectionExample(image=np.zeros((40, 40, 3), np.uint8), objects=(item,))
    mirror, turn = np.array([[-1.0, 0, 40], [0, 1, 0]]), np.array([[-1.0, 0, 40], [0, -1, 40]])
    mirrored = warp(example, mirror, side_px=40).objects[0].keypoints
    assert mirrored.tolist() == [[20, 5, 1], [30, 5, 2], [25, 9, 2]]
    turned = warp(example, turn, side_px=40).objects[0].keypoints
    assert turned.tolist() == [[30, 35, 2], [20, 35, 1], [25, 31, 2]]


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 151])
def test_boxes_without_masks_turn_as_the_disc_inside_them_does(degrees):
    disc = disc_example(height=80, centre=(30, 42))
    boxed = replace(disc, objects=(replace(disc.objects[0], mask=None),))
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.column_stack([turn, 40 - turn @ [40, 40]])
    seen, guessed = (warp(example, matrix, side_px=80) for example in (disc, boxed))
    np.testing.assert_allclose(guessed.objects[0].box_xyxy, seen.objects[0].box_xyxy, atol=1.0)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    centre=st.tuples(st.integers(6, 194), st.integers(6, 144)),
    flip=st.booleans(),
)
def test_a_crop_on_objects_shows_one_whole(seed, centre, flip):
    augment = UNCHANGED.model_copy(update={"scale": (0.8, 1.3), "flip": flip, "on_objects": 1.0})
    example = disc_example(height=150, width=200, centre=centre, radius=6)
    out = augment_crop(example, augment, side_px=48, rng=np.random.default_rng(seed))
    (item,) = out.objects
    assert not item.ignored
    assert (item.box_xyxy[2:] - item.box_xyxy[:2] >= 12 * 0.8 - 1).all()


def test_crops_off_objects_lie_where_they_lay_before():
    example = disc_example(height=150, width=200)
    anywhere, sometimes = (
        [
            augment_crop(example, augment, side_px=48, rng=np.random.default_rng(seed)).image
            for seed in range(40)
        ]
        for augment in (UNCHANGED, UNCHANGED.model_copy(update={"on_objects": 0.5}))
    )
    same = [np.array_equal(a, b) for a, b in zip(anywhere, sometimes, strict=True)]
    assert 8 <= sum(same) <= 32


def test_the_same_generator_gives_the_same_picture():
    augment = AugmentSpec(rotate_deg=180, flip=True, grey=0.5)
    example = disc_example()
    first, second = (
        augment_crop(example, augment, side_px=64, rng=np.random.default_rng(5)) for _ in range(2)
    )
    np.testing.assert_array_equal(first.image, second.image)


def test_grey_pictures_stay_grey_under_noise():
    grey = np.full((16, 16, 3), 90, np.uint8)
    out = augment_colours(grey, AugmentSpec(noise=0.2), np.random.default_rng(1))
    assert np.ptp(out.astype(int), axis=2).max() == 0
    assert out.std() > 0


def test_noise_is_normal_and_as_strong_as_drawn():
    grey = np.full((256, 256, 3), 128, np.uint8)
    augment = AugmentSpec(noise=0.15, brightness=0, gamma=0, blur_sigma_px=0)
    for seed in (1, 2, 4):
        out = augment_colours(grey, augment, np.random.default_rng(seed))
        drawn = np.random.default_rng(seed).uniform(size=5)[4] * 0.15 * 255
        assert drawn > 5  # much more than a level, which is what pictures are rounded to
        grain = (out[..., 0].astype(float) - 128) / drawn
        assert abs(grain.mean()) < 0.02
        assert grain.std() == pytest.approx(1, abs=0.02)
        shares = [np.mean(np.abs(grain) < sigmas) for sigmas in (1, 2)]
        assert shares == pytest.approx([0.683, 0.954], abs=0.04)


def test_small_pictures_are_not_mirrored_unless_asked():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, :6] = 255
    augment = AugmentSpec(scale=(0.9, 1.1), rotate_deg=10, shift=0.1)
    for seed in range(20):
        out = augment_small(image, augment, rng=np.random.default_rng(seed))
        assert out.shape == (16, 16, 3)
        assert out[:, :4].mean() > out[:, -4:].mean()


def test_fit_square_keeps_proportions():
    tall = np.zeros((40, 20, 3), np.uint8)
    tall[:, 10:] = 255
    out = fit_square(tall, side_px=8)
    assert out.shape == (8, 8, 3)
    assert (out[:, :4] == 0).all()
    assert (out[:, 4:] == 255).all()
