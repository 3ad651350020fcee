"""Labels follow through erasing, mosaic, copy-paste, MixUp and CutMix: painted and found again."""

import json

import cv2
import numpy as np
import pytest
import torch
from discs import paint
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from torchvision.transforms.v2 import functional

from pipeline.specs.ablation import active_augmentations, without_augmentation
from pipeline.specs.augmentation import UNCHANGED, AugmentSpec, CopyPasteSpec
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.augmentation.chance import Purpose, child
from trainers.augmentation.colours import augment_colours
from trainers.augmentation.mixing import background_crop, make_mosaic, paste
from trainers.augmentation.occlusion import erase_example
from trainers.augmentation.recipe import augment_crop, augment_small
from trainers.augmentation.trivial import mix_classes, trivial_augment
from trainers.examples import ClassExample, DetectionExample, ObjectExample, one_class
from trainers.task_registry import open_task

SEEDS = st.integers(0, 2**32)
COLOURS = ((220, 20, 20), (20, 220, 20), (20, 20, 220), (220, 220, 20))
"""They tell objects apart, also where their edges blend with the ground of (20, 20, 20)."""


def example(*discs, side=64, keypoints=False):
    """Discs (x, y, radius, class): each of the colour of its class."""
    image = np.full((side, side, 3), 20, np.uint8)
    yy, xx = np.mgrid[:side, :side] + 0.5
    objects = []
    for x, y, radius, class_index in discs:
        mask = np.hypot(xx - x, yy - y) < radius
        image[mask] = COLOURS[class_index]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        objects.append(
            ObjectExample(
                class_index=class_index,
                box_xyxy=np.array([x0, y0, x1, y1], float),
                mask=mask[y0:y1, x0:x1],
                mask_corner=(int(x0), int(y0)),
                keypoints=np.array([[x, y, 2.0]]) if keypoints else None,
            )
        )
    return DetectionExample(image=image, objects=tuple(objects))


def whole(item, image):
    mask = np.zeros(image.shape[:2], bool)
    x, y = item.mask_corner
    mask[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] = item.mask
    return mask


def assert_found_again(out, *, blurred=0):
    """Masks are where the colour of their class is seen, boxes tight around them.

    ``blurred`` pixels at edges may have any colour.
    """
    rim = np.ones((2 * blurred + 1,) * 2, np.uint8)
    for class_index in {item.class_index for item in out.objects}:
        masks = [whole(o, out.image) for o in out.objects if o.class_index == class_index]
        labelled = np.any(masks, axis=0).astype(np.uint8)
        seen = (out.image == COLOURS[class_index]).all(axis=2)
        assert not (seen & (cv2.dilate(labelled, rim) == 0)).any()
        assert seen[cv2.erode(labelled, rim, borderValue=0) > 0].all()
    for item in out.objects:
        rows, columns = np.nonzero(whole(item, out.image))
        tight = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert item.box_xyxy.tolist() == tight
        for x, y, visibility in item.keypoints if item.keypoints is not None else ():
            if visibility == 2 and not item.ignored:
                assert (out.image[int(y), int(x)] == COLOURS[item.class_index]).all()


@settings(max_examples=40)
@given(seed=SEEDS)
def test_erased_pixels_belong_to_nothing(seed):
    before = example((20, 24, 12, 0), (44, 40, 14, 1), keypoints=True)
    out = erase_example(before, np.random.default_rng(seed))
    hidden = (out.image != before.image).any(axis=2)
    assert 0.005 < hidden.mean() < 0.45
    assert_found_again(out)
    for item in out.objects:
        x, y, visibility = item.keypoints[0]
        assert visibility == (1 if hidden[int(y), int(x)] else 2)
        left = whole(item, out.image).sum()
        original = before.objects[item.class_index].mask.sum()
        assert item.ignored == (left < max(0.25 * original, 16))


def test_boxes_under_an_erased_rectangle():
    """Without a mask a box stays; hidden by more than three quarters it is not asked for."""
    boxed = [
        ObjectExample(class_index=0, box_xyxy=np.array([x, 0.0, x + 20, 64]), mask=None)
        for x in (0, 22, 44)
    ]
    image = np.full((64, 64, 3), 20, np.uint8)
    seen = set()
    for seed in range(300):
        out = erase_example(
            DetectionExample(image=image, objects=tuple(boxed)), np.random.default_rng(seed)
        )
        hidden = (out.image != 20).any(axis=2)
        for item in out.objects:
            x0, y0, x1, y1 = item.box_xyxy.astype(int)
            covered = hidden[y0:y1, x0:x1].mean()
            if abs(covered - 0.75) > 0.03:
                assert item.ignored == (covered > 0.75)
                seen.add(item.ignored)
    assert False in seen


@settings(max_examples=40)
@given(seed=SEEDS, flip=st.booleans())
def test_mosaics_have_the_objects_of_four_pictures(seed, flip):
    four = [example((x, 30, 13, i), keypoints=True) for i, x in enumerate((18, 30, 40, 46))]
    augment = UNCHANGED.model_copy(update={"flip": flip})
    out = make_mosaic(four, augment, side_px=64, rng=np.random.default_rng(seed))
    assert_found_again(out, blurred=1)
    classes = {item.class_index for item in out.objects}
    for class_index, colour in enumerate(COLOURS):
        if class_index not in classes:
            assert not (out.image == colour).all(axis=2).any()


def test_zoomed_mosaics_keep_boxes_in_their_windows():
    four = [example((x, 30, 13, i)) for i, x in enumerate((18, 30, 40, 46))]
    boxes = [
        DetectionExample(
            image=each.image,
            objects=tuple(
                ObjectExample(class_index=o.class_index, box_xyxy=o.box_xyxy, mask=None)
                for o in each.objects
            ),
        )
        for each in four
    ]
    augment = UNCHANGED.model_copy(update={"scale": (0.7, 1.5)})
    for seed in range(20):
        masked, boxed = (
            make_mosaic(each, augment, side_px=64, rng=np.random.default_rng(seed))
            for each in (four, boxes)
        )
        np.testing.assert_array_equal(masked.image, boxed.image)
        by_class = {item.class_index: item for item in boxed.objects}
        for item in masked.objects:
            x0, y0, x1, y1 = item.box_xyxy - by_class[item.class_index].box_xyxy
            assert min(x0, y0, -x1, -y1) > -1.01, "a mask lies in the box of its outline"


@settings(max_examples=40)
@given(places=st.lists(st.tuples(st.integers(10, 54), st.integers(10, 54)), min_size=2, max_size=2))
def test_pasted_objects_hide_what_is_behind_them(places):
    onto = example((20, 32, 15, 0), (46, 40, 12, 1), keypoints=True)
    source = example(*((x, y, 9, 2 + i) for i, (x, y) in enumerate(places)), keypoints=True)
    shown = np.zeros((64, 64), bool)
    last = whole(source.objects[1], source.image)
    items = [source.objects[1]]
    if not (whole(source.objects[0], source.image) & last).any():
        items.insert(0, source.objects[0])
    out = paste(onto, source.image, items)
    for item in items:
        shown |= whole(item, source.image)
    np.testing.assert_array_equal(out.image[~shown], onto.image[~shown])
    assert_found_again(out, blurred=1)
    assert [o.class_index for o in out.objects][-len(items) :] == [o.class_index for o in items]


def test_backgrounds_fill_the_crop():
    rng = np.random.default_rng(0)
    for height, width in ((40, 90), (64, 64), (300, 200)):
        picture = rng.integers(1, 255, (height, width, 3)).astype(np.uint8)
        for _ in range(10):
            out = background_crop(picture, side_px=64, rng=rng)
            assert out.image.shape == (64, 64, 3)
            assert (out.image > 0).all(), "no black beyond the picture"


class Supply:
    """One further picture."""

    def __init__(self, further):
        self.further = further

    def example(self, rng):
        return self.further

    def background(self, rng):
        return np.full((80, 80, 3), 7, np.uint8)


def test_own_backgrounds_take_the_place_of_all_but_the_objects():
    spec = CopyPasteSpec(chance=1, backgrounds="here")
    augment = UNCHANGED.model_copy(update={"copy_paste": spec})
    before = example((30, 30, 12, 0))
    rng = np.random.default_rng(1)
    out = augment_crop(before, augment, side_px=64, rng=rng, supply=Supply(None))
    (item,) = out.objects
    assert (out.image[~whole(item, out.image)] == 7).all()
    assert_found_again(out, blurred=1)


def test_each_change_has_chance_of_its_own():
    """Switching one on leaves all others as they were."""
    before = example((24, 30, 13, 0), (48, 48, 9, 1))
    further = example(*((x, y, 6, 2) for x in (10, 32, 54) for y in (10, 32, 54)))
    usual = AugmentSpec(rotate_deg=90, flip=True)

    def changed(**more):
        augment = usual.model_copy(update=more)
        rng = np.random.default_rng(np.random.SeedSequence(4, spawn_key=(3, 1)))
        out = augment_crop(before, augment, side_px=64, rng=rng, supply=Supply(further))
        return out, rng.random()

    plain, following = changed()
    for more in (
        {"erasing": 1.0},
        {"jpeg": 0.5},
        {"hue": 0.4, "saturation": 0.9},
        {"copy_paste": CopyPasteSpec(chance=1)},
    ):
        out, then = changed(**more)
        assert then == following
        assert (out.image != plain.image).any()
    erased, _ = changed(erasing=1.0)
    rows, columns = np.nonzero((erased.image != plain.image).any(axis=2))
    area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert len(rows) > 0.9 * area, "a rectangle and nothing else"


def test_hue_and_saturation_are_torchvisions():
    rng = np.random.default_rng(0)
    image = rng.integers(30, 226, (8, 8, 3)).astype(np.uint8)
    image = cv2.resize(image, (48, 48), interpolation=cv2.INTER_LINEAR)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    for seed in range(8):
        turn, change = child(np.random.default_rng(seed), Purpose.JITTER).uniform(-1, 1, 2)
        for key, expected in (
            ("hue", functional.adjust_hue(tensor, turn * 0.5)),
            ("saturation", functional.adjust_saturation(tensor, 1 + change * 0.8)),
        ):
            augment = UNCHANGED.model_copy(update={key: 0.5 if key == "hue" else 0.8})
            out = augment_colours(image, augment, np.random.default_rng(seed))
            difference = np.abs(out - expected.permute(1, 2, 0).numpy().astype(float))
            assert difference.mean() < 2.5
            assert difference.max() < 16


def test_jpeg_is_what_pillow_makes(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (6, 6, 3)).astype(np.uint8)
    image = cv2.resize(image, (64, 64), interpolation=cv2.INTER_CUBIC)
    augment = UNCHANGED.model_copy(update={"jpeg": 0.95})
    for seed in range(5):
        luck = child(np.random.default_rng(seed), Purpose.JPEG).random()
        path = tmp_path / "picture.jpg"
        Image.fromarray(image).save(path, quality=max(1, round(100 - 95 * luck)))
        out = augment_colours(image, augment, np.random.default_rng(seed))
        difference = np.abs(out - np.asarray(Image.open(path), float))
        assert difference.mean() < 3


LEVELS = (40, 140, 240)


def class_examples(count=6):
    return [
        ClassExample(
            image=np.full((16, 16, 3), LEVELS[i % 3], np.uint8), classes=one_class(i % 3, count=3)
        )
        for i in range(count)
    ]


@settings(max_examples=25)
@given(seed=SEEDS)
def test_mixed_classes_are_what_the_pixels_show(seed):
    values = np.array(LEVELS)
    mixed = mix_classes(class_examples(), AugmentSpec(mixup=0.8), np.random.default_rng(seed))
    for each in mixed:
        assert each.classes.sum() == pytest.approx(1, abs=1e-6)
        assert np.ptp(each.image) == 0
        assert each.image.mean() == pytest.approx(values @ each.classes, abs=0.51)
    cut = mix_classes(class_examples(), AugmentSpec(cutmix=1), np.random.default_rng(seed))
    for each in cut:
        shares = [(each.image[..., 0] == value).mean() for value in values]
        np.testing.assert_allclose(each.classes, shares, atol=1e-6)


def test_torchs_own_chance_is_left_alone():
    image = example((30, 30, 20, 0)).image
    before = torch.get_rng_state()
    seen = {trivial_augment(image, np.random.default_rng(seed)).tobytes() for seed in range(12)}
    again = trivial_augment(image, np.random.default_rng(3))
    mix_classes(class_examples(), AugmentSpec(mixup=1, cutmix=1), np.random.default_rng(0))
    assert torch.equal(before, torch.get_rng_state())
    assert len(seen) > 6
    assert again.tobytes() in seen
    assert again.shape == image.shape
    augment = UNCHANGED.model_copy(update={"trivial_augment": True})
    assert augment_small(image, augment, rng=np.random.default_rng(0)).shape == image.shape


def test_horizontal_flips_keep_up_and_down():
    augment = UNCHANGED.model_copy(update={"flip": "horizontal"})
    seen = set()
    for seed in range(12):
        out = augment_crop(
            example((16, 10, 9, 0)), augment, side_px=64, rng=np.random.default_rng(seed)
        )
        x0, y0 = out.objects[0].box_xyxy[:2]
        seen.add((x0, y0))
    assert seen == {(7, 1), (39, 1)}


def test_every_augmentation_can_be_taken_away():
    every = AugmentSpec(
        rotate_deg=9, flip=True, on_objects=0.5, grey=0.1, shift=0.1, hue=0.1,
        saturation=0.1, jpeg=0.1, erasing=0.1, mosaic=0.1, copy_paste=CopyPasteSpec(), mixup=1,
        cutmix=1, trivial_augment=True,
    )  # fmt: skip
    names = active_augmentations(every)
    assert set(names) == set(AugmentSpec.model_fields)
    for name in names:
        assert name not in active_augmentations(without_augmentation(every, name))
    assert active_augmentations(UNCHANGED) == ()


@pytest.mark.parametrize(
    ("task", "augment", "complaint"),
    [
        ("detection", {"mixup": 0.2}, "augment.mixup cannot be used for detection"),
        ("semantic", {"trivial_augment": True}, "augment.trivial_augment cannot be used"),
        ("classification", {"copy_paste": {}}, "augment.copy_paste cannot be used for class"),
    ],
)
def test_what_would_do_nothing_is_refused(task, augment, complaint):
    names = {"detection": "compact_detector", "semantic": "unet"}
    with pytest.raises(ValidationError, match=complaint):
        TrainSpec(
            task=task,
            data=(DataSource(path="here"),),
            model=ModelSpec(name=names.get(task, "resnet18")),
            steps=1,
            augment=AugmentSpec.model_validate(augment),
        )


def test_a_task_mixes_by_the_step_alone(tmp_path):
    folder = paint(tmp_path / "discs")
    (tmp_path / "grounds").mkdir()
    cv2.imwrite(str(tmp_path / "grounds" / "a.png"), np.full((99, 99, 3), 50, np.uint8))
    pasting = {"chance": 0.5, "backgrounds": tmp_path / "grounds"}
    spec = TrainSpec(
        task="detection",
        data=(DataSource(path=folder, split="test"),),
        model=ModelSpec(name="compact_detector", width=0.25),
        input_px=64,
        batch_size=4,
        steps=9,
        augment=AugmentSpec(mosaic=0.5, copy_paste=pasting, erasing=0.5, jpeg=0.5, hue=0.1),
    )
    first, second = open_task(spec), open_task(spec)
    first.batch(0)
    assert torch.equal(first.batch(5).images, second.batch(5).images)
    assert not torch.equal(first.batch(4).images, second.batch(5).images)
    sheet = first.picture(0)
    assert sheet.shape[1] > 4 * 64
    document = json.loads((folder / "instances_test.json").read_text())
    for annotation in document["annotations"]:
        del annotation["segmentation"]
    (folder / "instances_test.json").write_text(json.dumps(document))
    with pytest.raises(Exception, match=r"no masks; augment\.copy_paste needs some"):
        open_task(spec)


@pytest.mark.parametrize(
    ("task", "network"),
    [("detection", "compact_detector"), ("classification", "compact_classifier")],
)
def test_every_source_is_augmented_in_its_own_way(tmp_path, task, network):
    folder = paint(tmp_path / "discs")
    for path in folder.glob("images/*"):
        cv2.imwrite(str(path), cv2.imread(str(path)) // [4, 2, 1])
    grey = UNCHANGED.model_copy(update={"grey": 1.0})
    spec = TrainSpec(
        task=task,
        data=(
            DataSource(path=folder, split="test"),
            DataSource(path=folder, split="test", augment=grey),
        ),
        model=ModelSpec(name=network, width=0.25),
        input_px=64,
        batch_size=4,
        steps=1,
        augment=UNCHANGED,
    )
    opened = open_task(spec)
    slots = opened._sampler.slots(0)
    assert {slot.source for slot in slots} == {0, 1}
    for slot in slots:
        spread = np.ptp(opened._example(slot).image.astype(int), axis=-1).max()
        assert (spread > 20) == (slot.source == 0)


def test_sources_cannot_be_mixed_in_ways_of_their_own():
    with pytest.raises(ValidationError, match="'mixup' mixes pictures of all sources"):
        TrainSpec(
            task="classification",
            data=(DataSource(path="here", augment=AugmentSpec(mixup=0.5)),),
            model=ModelSpec(name="resnet18"),
            steps=1,
        )
