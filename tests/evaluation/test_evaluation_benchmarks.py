import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from skimage.data import coins
from sklearn.datasets import load_digits

from evaluation.benchmarks import EMBEDDED, describe_benchmark, open_benchmark
from pipeline.errors import DatasetError
from pipeline.formats.coco import read_coco
from pipeline.formats.imagefolder import (
    find_class_folders,
    folder_sha256,
    grey_of_ink,
    read_image_folder,
)
from pipeline.geometry.boxes import box_of_mask, xywh_from_xyxy


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def coins_folder(cache):
    return open_benchmark("coins", cache=cache)


@pytest.fixture(scope="module")
def digits_folder(cache):
    return open_benchmark("digits", cache=cache)


def _write_picture(path, *, image_hw=(12, 16), value=128):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*image_hw, 3), value, np.uint8))


def _write_coco(path, *, image_hw=(12, 16), name="a.png"):
    path.parent.mkdir(parents=True, exist_ok=True)
    box = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 4, 9], "iscrowd": 0}
    document = {
        "images": [{"id": 1, "file_name": name, "height": image_hw[0], "width": image_hw[1]}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [box],
    }
    path.write_text(json.dumps(document))


def _state(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_coins_picture_is_scikit_images(coins_folder):
    picture = cv2.imread(str(coins_folder / "images/coins.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(picture, coins())


def test_coins_annotation_is_sound_to_pycocotools(coins_folder, capsys):
    truth = COCO(str(coins_folder / "instances_test.json"))
    annotations = truth.loadAnns(truth.getAnnIds())
    masks = np.array([truth.annToMask(annotation) for annotation in annotations], dtype=bool)
    assert masks.shape == (24, 303, 384)
    assert masks.sum(axis=0).max() == 1, "coins do not overlap"
    for annotation, mask in zip(annotations, masks, strict=True):
        assert annotation["bbox"] == xywh_from_xyxy(box_of_mask(mask)).tolist()
        assert annotation["area"] == mask.sum()
        assert annotation["iscrowd"] == 0
        assert cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] == 2


def test_coins_outlines_follow_the_rims(coins_folder):
    """Just inside an outline the picture is bright, just outside it is dark, for every coin."""
    dataset = read_coco(coins_folder / "instances_test.json")
    truth = COCO(str(dataset.annotations_path))
    picture = coins().astype(float)
    for annotation in truth.loadAnns(truth.getAnnIds()):
        mask = truth.annToMask(annotation)
        distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5) - cv2.distanceTransform(
            1 - mask, cv2.DIST_L2, 5
        )
        rings = [picture[(distance > d) & (distance <= d + 1)].mean() for d in (2, 1, -2, -3)]
        inner = (rings[0] + rings[1]) / 2
        outer = (rings[2] + rings[3]) / 2
        edge = picture[(distance > -1.5) & (distance <= 1.5)].mean()
        assert inner - outer > 40
        assert 0.25 < (edge - outer) / (inner - outer) < 0.75


def test_digits_are_scikit_learns(digits_folder):
    digits = load_digits()
    for split, indices in {
        "train": range(100),
        "test": range(897, 1797),
        "all": range(1797),
    }.items():
        dataset = read_image_folder(find_class_folders(digits_folder, split))
        assert dataset.categories == {i + 1: str(i) for i in range(10)}
        assert sorted(int(image.path.stem) for image in dataset.images) == list(indices)
        for image in dataset.images:
            index = int(image.path.stem)
            assert image.category_id == digits.target[index] + 1
            grey = cv2.imread(str(image.path), cv2.IMREAD_UNCHANGED)
            np.testing.assert_array_equal(np.rint(grey * (16 / 255)), digits.images[index])


def test_grey_of_ink_can_be_undone():
    for n in (1, 16, 64, 255):
        counts = np.arange(n + 1)
        assert np.rint(grey_of_ink(counts / n) * (n / 255)).tolist() == counts.tolist()


def test_digits_without_a_split_are_tested_on_test(digits_folder):
    assert find_class_folders(digits_folder).name == "test"


def test_a_second_call_writes_nothing(digits_folder, coins_folder, cache):
    for folder in (digits_folder, coins_folder):
        before = _state(folder)
        assert open_benchmark(folder.name, cache=cache) == folder
        assert _state(folder) == before


def test_missing_and_broken_files_are_restored(coins_folder, tmp_path):
    folder = shutil.copytree(coins_folder, tmp_path / "coins")
    (folder / "images/coins.png").write_bytes(b"torn")
    (folder / "instances_test.json").unlink()
    open_benchmark("coins", cache=tmp_path)
    for path in (p for p in coins_folder.rglob("*") if p.is_file()):
        assert (folder / path.relative_to(coins_folder)).read_bytes() == path.read_bytes()


def test_names_resolve_embedded_then_folder_then_search(tmp_path, monkeypatch):
    (tmp_path / "shelf/dice").mkdir(parents=True)
    shelf = [tmp_path / "empty", tmp_path / "shelf"]
    assert open_benchmark("dice", cache=tmp_path, search=shelf) == tmp_path / "shelf/dice"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dice").mkdir()
    assert open_benchmark("dice", cache=tmp_path, search=shelf) == Path("dice")
    (tmp_path / "shelf/coins").mkdir()
    assert open_benchmark("coins", cache=tmp_path / "c", search=shelf) == tmp_path / "c/coins"


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    (tmp_path / "shelf/dice").mkdir(parents=True)
    with pytest.raises(DatasetError, match=r"'cions'.*known names: coins, digits, dice") as caught:
        open_benchmark("cions", cache=tmp_path, search=[tmp_path / "shelf"])
    assert "\n" not in str(caught.value)
    assert EMBEDDED == ("coins", "digits")


def test_describe_coins(coins_folder):
    summary = describe_benchmark(coins_folder)
    (split,) = summary.splits
    assert (summary.kind, split.split, split.has_masks) == ("coco", "test", True)
    assert (split.labels.images, split.labels.instances) == (1, 24)
    assert split.labels.per_category == {"coin": 24}
    assert split.image_hw == {(303, 384): 1}


def test_describe_digits(digits_folder):
    summary = describe_benchmark(digits_folder)
    assert summary.kind == "imagefolder"
    assert [(s.split, s.labels.images) for s in summary.splits] == [
        ("train", 100),
        ("test", 900),
        ("all", 1797),
    ]
    assert summary.splits[2].labels.per_category["8"] == (load_digits().target == 8).sum()
    assert summary.splits[0].image_hw == {(8, 8): 100}
    assert summary.splits[0].labels.box_side_px is None


def test_describe_orders_splits_and_measures_boxes(tmp_path):
    _write_picture(tmp_path / "images/a.png")
    for split in ("test", "odd", "train"):
        _write_coco(tmp_path / f"instances_{split}.json")
    summary = describe_benchmark(tmp_path)
    assert [split.split for split in summary.splits] == ["train", "test", "odd"]
    assert summary.splits[0].labels.box_side_px.spread == (6.0, 6.0, 6.0)
    assert not summary.splits[0].has_masks


def test_describe_takes_folders_without_splits(tmp_path):
    _write_picture(tmp_path / "ours/images/a.png")
    _write_coco(tmp_path / "ours/annotations/instances.json")
    _write_picture(tmp_path / "crops/left/a.png")
    _write_picture(tmp_path / "crops/right/b.png", image_hw=(4, 4))
    ours, crops = describe_benchmark(tmp_path / "ours"), describe_benchmark(tmp_path / "crops")
    assert [(s.split, s.labels.instances) for s in ours.splits] == [(None, 1)]
    assert [(s.split, s.labels.per_category) for s in crops.splits] == [
        (None, {"left": 1, "right": 1})
    ]
    assert crops.splits[0].image_hw == {(12, 16): 1, (4, 4): 1}


def test_describe_names_an_unreadable_picture(tmp_path):
    for folder in ("coco/images", "classes/left"):
        _write_picture(tmp_path / folder / "a.png")
        (tmp_path / folder / "a.png").write_bytes(b"not a picture")
    _write_coco(tmp_path / "coco/instances_val.json")
    for folder in ("coco", "classes"):
        with pytest.raises(DatasetError, match=r"a\.png") as caught:
            describe_benchmark(tmp_path / folder)
        assert "\n" not in str(caught.value)


def test_describe_names_a_picture_of_another_size(tmp_path):
    _write_picture(tmp_path / "images/a.png")
    _write_coco(tmp_path / "instances_val.json", image_hw=(16, 12))
    with pytest.raises(DatasetError, match=r"a\.png: got 16 x 12 px; .* says 12 x 16"):
        describe_benchmark(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_describe_refuses_what_is_no_benchmark(tmp_path, name):
    with pytest.raises(DatasetError, match="expected"):
        describe_benchmark(tmp_path / name)


def test_image_ids_count_from_one_without_gaps(digits_folder):
    images = read_image_folder(digits_folder / "train").images
    assert [image.image_id for image in images] == list(range(1, 101))


def test_folder_sha256_covers_names_and_pictures_only(tmp_path):
    for folder in ("here", "there"):
        _write_picture(tmp_path / folder / "left/a.png")
        _write_picture(tmp_path / folder / "right/b.png")
    here, there = tmp_path / "here", tmp_path / "there"
    (there / "left/notes.txt").write_text("no picture")
    assert folder_sha256(here) == folder_sha256(there)
    (there / "left/a.png").rename(there / "left/c.png")
    assert folder_sha256(here) != folder_sha256(there)
    _write_picture(here / "right/b.png", value=129)
    (there / "left/c.png").rename(there / "left/a.png")
    assert folder_sha256(here) != folder_sha256(there)
