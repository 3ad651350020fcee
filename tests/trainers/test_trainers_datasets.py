"""Sources and the step-indexed sampler."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import DatasetError
from pipeline.geometry.masks import mask_of_rle
from pipeline.specs.training import DataSource
from trainers.datasets import CocoSource, FolderSource, merge_categories, subset
from trainers.sampling import slots_of_step


@given(st.integers(1, 200), st.floats(0.001, 1), st.floats(0.001, 1), st.integers(0, 9))
def test_fractions_are_nested_and_rounded_up(count, first, second, seed):
    small, large = sorted([first, second])
    items = range(count)
    inner, outer = (set(subset(items, fraction, seed)) for fraction in (small, large))
    assert inner <= outer
    assert len(inner) - 1 < small * count + 1e-6
    assert len(inner) >= small * count - 1e-6


def test_a_tenth_of_thirty_is_three():
    assert len(subset(range(30), 0.1, 0)) == 3


def test_subsets_differ_by_seed():
    assert subset(range(100), 0.1, 0) != subset(range(100), 0.1, 1)


def test_every_example_comes_once_before_any_comes_twice():
    seen = [
        slot.index
        for step in range(10)
        for slot in slots_of_step(step, seed=3, batch_size=4, lengths=[20], weights=[1.0])
    ]
    assert sorted(seen[:20]) == list(range(20))
    assert sorted(seen[20:]) == list(range(20))
    assert seen[:20] != seen[20:]


def test_sources_fill_their_share_of_every_batch():
    counts = [
        sum(slot.source == 1 for slot in slots)
        for step in range(200)
        if (slots := slots_of_step(step, seed=0, batch_size=8, lengths=[5, 50], weights=[3, 1.4]))
    ]
    expected = 8 * 1.4 / 4.4
    assert set(counts) <= {int(expected), int(expected) + 1}
    assert np.mean(counts) == pytest.approx(expected, abs=0.1)


def test_a_step_depends_on_seed_and_step_only():
    def draw(step, seed):
        slots = slots_of_step(step, seed=seed, batch_size=4, lengths=[9, 9], weights=[1, 1])
        return [(slot.source, slot.index, float(slot.rng.random())) for slot in slots]

    later = draw(7, 1)
    assert [draw(step, 1) for step in range(8)][7] == later
    assert draw(7, 2) != later
    assert draw(8, 1) != later


def test_coco_examples_are_those_of_the_file(painted_dataset):
    source = CocoSource(DataSource(path=painted_dataset))
    document = json.loads((painted_dataset / "annotations" / "instances.json").read_text())
    class_of = {"square": 0, "disc": 1}  # not the file's order: matched by name
    assert len(source) == len(document["images"])
    image = document["images"][2]
    example = source.example(2, class_of)
    annotations = [a for a in document["annotations"] if a["image_id"] == image["id"]]
    assert len(example.objects) == len(annotations)
    names = {c["id"]: c["name"] for c in document["categories"]}
    for item, annotation in zip(example.objects, annotations, strict=True):
        whole = np.zeros(example.image.shape[:2], bool)
        x, y = item.mask_corner
        whole[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] = item.mask
        np.testing.assert_array_equal(whole, mask_of_rle(annotation["segmentation"]))
        assert item.class_index == class_of[names[annotation["category_id"]]]
        assert item.ignored == bool(annotation["iscrowd"])
    assert source.example(2, class_of) is example


def test_a_test_split_is_not_trained_on_unless_named(painted_dataset):
    whole = painted_dataset / "annotations" / "instances.json"
    whole.rename(whole.with_name("instances_test.json"))
    with pytest.raises(DatasetError, match=r"expected instances_train\.json"):
        CocoSource(DataSource(path=painted_dataset))
    assert len(CocoSource(DataSource(path=painted_dataset, split="test"))) == 4


def test_grey_files_have_three_equal_channels(painted_dataset):
    document = json.loads((painted_dataset / "annotations" / "instances.json").read_text())
    path = painted_dataset / "images" / document["images"][0]["file_name"]
    cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    image = CocoSource(DataSource(path=painted_dataset)).example(0, {"disc": 0, "square": 1}).image
    assert image.shape[2] == 3
    assert (image[..., 0] == image[..., 2]).all()


def test_a_picture_of_another_size_is_refused(painted_dataset):
    path = sorted((painted_dataset / "images").iterdir())[0]
    cv2.imwrite(str(path), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"got 10 x 10 px; its COCO entry says 96 x 64"):
        CocoSource(DataSource(path=painted_dataset)).example(0, {"disc": 0, "square": 1})


def test_folder_examples(tmp_path):
    for name, value in (("b", 200), ("a", 20)):
        (tmp_path / "train" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "train" / name / "x.png"), np.full((6, 6), value, np.uint8))
    source = FolderSource(DataSource(path=tmp_path), side_px=8)
    assert source.categories == ("a", "b")
    image, class_index = source.example(1, {"b": 0, "a": 1})
    assert image.shape == (8, 8, 3)
    assert image.mean() == 200
    assert class_index == 0


def test_categories_are_merged_by_name():
    class Named:
        def __init__(self, *names):
            self.categories = names

    assert merge_categories([Named("b", "a"), Named("a", "c")]) == ("b", "a", "c")
