"""Sources and the step-indexed sampler."""

import json
import pickle
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_splits
from pipeline.formats.exports import export_pictures
from pipeline.geometry.masks import mask_of_rle
from pipeline.specs.experiment import CropSpec
from pipeline.specs.scene import LabelSpec
from pipeline.specs.training import DataSource
from trainers.balance import repeat_factors
from trainers.cache import ExampleCache
from trainers.datasets import ObjectSource, PictureSource, merge_categories, subset
from trainers.sampling import Sampler


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


def test_every_example_of_every_source_comes_once_before_any_comes_twice():
    sampler = Sampler(seed=3, batch_size=4, weights=[1, 3], lengths=[10, 30])
    slots = [slot for step in range(20) for slot in sampler.slots(step)]
    for source, length in ((0, 10), (1, 30)):
        seen = [slot.index for slot in slots if slot.source == source]
        assert sorted(seen[:length]) == sorted(seen[length:]) == list(range(length))
        assert seen[:length] != seen[length:]


def counts_of_batches(steps, **mix):
    sampler = Sampler(seed=0, lengths=[7] * len(mix["weights"]), **mix)
    sources = [[slot.source for slot in sampler.slots(step)] for step in range(steps)]
    return np.array([np.bincount(each, minlength=len(mix["weights"])) for each in sources])


def test_a_ratio_that_divides_the_batch_is_that_of_every_batch():
    """As in ``real: 0.2, synthetic: 0.8`` of ten; also where floats are inexact."""
    assert (counts_of_batches(50, batch_size=10, weights=[0.2, 0.8]) == [2, 8]).all()
    assert (counts_of_batches(50, batch_size=10, weights=[0.1, 0.2, 0.7]) == [1, 2, 7]).all()


@settings(max_examples=25)
@given(
    batch_size=st.integers(1, 9),
    share=st.floats(0.01, 0.99),
    steps=st.integers(1, 40),
)
def test_what_is_rounded_in_one_batch_is_made_up_for_in_the_next(batch_size, share, steps):
    counts = counts_of_batches(steps, batch_size=batch_size, weights=[share, 1 - share])
    wanted = batch_size * share
    assert (np.abs(counts[:, 0] - wanted) < 1 + 1e-9).all()
    so_far = np.cumsum(counts[:, 0]) - wanted * np.arange(1, steps + 1)
    assert (np.abs(so_far) <= 0.5 + 1e-6).all()


@settings(max_examples=15)
@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_many_sources_keep_their_shares(weights):
    steps = sum(weights)
    counts = counts_of_batches(steps, batch_size=3, weights=weights)
    assert (counts.sum(axis=1) == 3).all()
    shares = np.array(weights) / sum(weights)
    assert (np.abs(counts.sum(axis=0) - 3 * steps * shares) < 2).all()


def test_a_step_depends_on_seed_and_step_only():
    def draw(step, seed):
        mix = {"weights": [1, 1], "lengths": [9, 4], "factors": [None, np.array([1, 1, 2.5, 1])]}
        slots = Sampler(seed=seed, batch_size=4, **mix).slots(step)
        return [(slot.source, slot.index, float(slot.rng.random())) for slot in slots]

    sampler = Sampler(
        seed=1,
        batch_size=4,
        weights=[1, 1],
        lengths=[9, 4],
        factors=[None, np.array([1, 1, 2.5, 1])],
    )
    later = [(s.source, s.index, float(s.rng.random())) for s in sampler.slots(17)]
    assert draw(17, 1) == later, "no slot before it was asked for"
    assert draw(17, 2) != later
    assert draw(18, 1) != later


@settings(max_examples=25)
@given(st.lists(st.floats(1, 6), min_size=1, max_size=30), st.integers(0, 9))
def test_examples_come_as_often_as_their_factors(factors, seed):
    factors = np.array(factors)
    length = int(np.ceil(factors.sum() - 1e-6))
    mix = {"weights": [1], "lengths": [len(factors)], "factors": [factors]}
    sampler = Sampler(seed=seed, batch_size=length, **mix)
    counts = np.bincount([slot.index for slot in sampler.slots(0)], minlength=len(factors))
    assert (counts >= 1).all()
    assert (np.abs(counts - factors * length / factors.sum()) < 1 + 1e-6).all()


def test_repeat_factors_of_lvis():
    """Counted by hand: t = 0.5, "c" in one of eight pictures: sqrt(0.5 / 0.125) = 2."""
    pictures = [{"a"}] * 4 + [{"a", "b"}, {"a", "b"}, {"b"}, {"b", "c"}]
    factors = repeat_factors(pictures, rare_below=0.5)
    np.testing.assert_allclose(factors, [1] * 7 + [2])
    # By default as rare as the most frequent class, "a" in six: "b" sqrt(6 / 4), "c" sqrt(6).
    by_default = repeat_factors(pictures)
    np.testing.assert_allclose(by_default, [1] * 4 + [1.5**0.5] * 3 + [6**0.5])


def test_coco_examples_are_those_of_the_file(painted_dataset):
    source = PictureSource(DataSource(path=painted_dataset))
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


def test_a_test_split_is_not_trained_on_unless_named(painted_dataset):
    whole = painted_dataset / "annotations" / "instances.json"
    whole.rename(whole.with_name("instances_test.json"))
    with pytest.raises(DatasetError, match="got splits test; expected train"):
        PictureSource(DataSource(path=painted_dataset))
    assert len(PictureSource(DataSource(path=painted_dataset, split="test"))) == 4


def test_grey_files_have_three_equal_channels(painted_dataset):
    document = json.loads((painted_dataset / "annotations" / "instances.json").read_text())
    path = painted_dataset / "images" / document["images"][0]["file_name"]
    cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    image = (
        PictureSource(DataSource(path=painted_dataset)).example(0, {"disc": 0, "square": 1}).image
    )
    assert image.shape[2] == 3
    assert (image[..., 0] == image[..., 2]).all()


def test_a_picture_of_another_size_is_refused(painted_dataset):
    path = sorted((painted_dataset / "images").iterdir())[0]
    cv2.imwrite(str(path), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"got 10 x 10 px; its COCO entry says 96 x 64"):
        PictureSource(DataSource(path=painted_dataset)).example(0, {"disc": 0, "square": 1})


def class_folders(folder):
    for name, value, count in (("b", 200, 1), ("a", 20, 3)):
        (folder / "train" / name).mkdir(parents=True)
        for number in range(count):
            path = folder / "train" / name / f"{number}.png"
            cv2.imwrite(str(path), np.full((6, 6), value, np.uint8))
    return folder


def test_folder_examples(tmp_path):
    source = ObjectSource(DataSource(path=class_folders(tmp_path)), side_px=8)
    assert source.categories == ("a", "b")
    example = source.example(3, {"b": 0, "a": 1})
    assert example.image.shape == (8, 8, 3)
    assert example.image.mean() == 200
    assert example.classes.tolist() == [1, 0]


def test_balanced_classes_come_equally_often(tmp_path):
    data = DataSource(path=class_folders(tmp_path), balance="classes")
    factors = ObjectSource(data, side_px=8).factors()
    sampler = Sampler(seed=0, batch_size=6, weights=[1], lengths=[4], factors=[factors])
    for step in range(5):
        counts = np.bincount([slot.index for slot in sampler.slots(step)], minlength=4)
        assert counts.tolist() == [1, 1, 1, 3]


def test_pictures_of_rare_classes_come_more_often(painted_dataset):
    document = json.loads((painted_dataset / "annotations" / "instances.json").read_text())
    names = {c["id"]: c["name"] for c in document["categories"]}
    shown = [
        {names[a["category_id"]] for a in document["annotations"]
         if a["image_id"] == image["id"] and not a["iscrowd"]}
        for image in document["images"]
    ]  # fmt: skip
    data = DataSource(path=painted_dataset, balance="classes", rare_below=1.0)
    assert PictureSource(data).factors().tolist() == repeat_factors(shown, rare_below=1.0).tolist()


@pytest.mark.parametrize("layout", ["coco", "yolo-segment", "voc", "bop"])
def test_exports_teach_what_the_dataset_does(make_painted_dataset, tmp_path, layout):
    """Same pictures and objects, whatever layout they are read from."""
    labels = LabelSpec(amodal=True, poses=True, models=True, depth=True)  # BOP needs all of them
    painted = make_painted_dataset(tmp_path / "painted", labels=labels)
    export_pictures(read_splits(painted), tmp_path / "export", to=layout)
    data = DataSource(path=tmp_path / "export")
    own, other = PictureSource(DataSource(path=painted)), PictureSource(data)
    assert len(own) == len(other)
    class_of = {"disc": 0, "square": 1}
    for index in range(len(own)):
        first, second = own.example(index, class_of), other.example(index, class_of)
        difference = np.abs(first.image.astype(int) - second.image)
        assert difference.mean() < (10 if layout == "voc" else 1e-9), "VOC's pictures are JPEG"
        single = [o for o in first.objects if not o.crowd]
        found = [o for o in second.objects if not o.crowd]
        boxes = np.array([o.box_xyxy for o in found]).reshape(-1, 4)
        for item in single:
            near = np.abs(boxes - item.box_xyxy).max(axis=1) <= 1
            assert any(found[i].class_index == item.class_index for i in np.flatnonzero(near))


def test_classes_are_learnt_from_objects_cut_out(painted_dataset, tmp_path):
    """The same squares as ``blendgap export --to imagefolder`` writes."""
    crops = CropSpec(size=24)
    splits = read_splits(painted_dataset)
    report = export_pictures(splits, tmp_path / "folders", to="imagefolder", crops=crops)
    direct = ObjectSource(DataSource(path=painted_dataset), side_px=24)
    folders = ObjectSource(DataSource(path=tmp_path / "folders"), side_px=24)
    assert len(direct) == len(folders) > 0
    assert len(direct) == report.instances - sum(report.left_out.values())
    class_of = {"disc": 0, "square": 1}

    def examples(source):
        found = [source.example(i, class_of) for i in range(len(source))]
        return sorted((e.classes.tolist(), e.image.tobytes()) for e in found)

    assert examples(direct) == examples(folders)


def test_the_cache_keeps_what_fits(monkeypatch):
    cache = ExampleCache(budget_bytes=10)
    cache.put("a", "first", 6)
    cache.put("b", "second", 6)
    assert (cache.get("a"), cache.get("b")) == ("first", None)
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get("a") is None
    monkeypatch.setattr("trainers.cache.get_worker_info", lambda: SimpleNamespace(num_workers=2))
    copy.put("a", "first", 6)
    assert copy.get("a") is None, "half of the budget"
    copy.put("c", "third", 5)
    assert copy.get("c") == "third"


def test_categories_are_merged_by_name():
    class Named:
        def __init__(self, *names):
            self.categories = names

    assert merge_categories([Named("b", "a"), Named("a", "c")]) == ("b", "a", "c")
