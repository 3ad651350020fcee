import json

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from evaluation.baselines.linear import linear_baseline
from evaluation.baselines.watershed import segment_by_watershed, watershed_baseline
from evaluation.benchmarks import open_benchmark
from pipeline.errors import DatasetError, InputError
from pipeline.formats.imagefolder import folder_sha256, read_image_folder
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.predictions import read_meta, read_results, sha256_of


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def digits(cache):
    return open_benchmark("digits", cache=cache)


def _discs(centres, *, radius=12, image_hw=(80, 120), light=60.0, dark=200.0):
    """Discs of one tone on a slope of another, as RGB."""
    y, x = np.mgrid[: image_hw[0], : image_hw[1]]
    picture = dark + 0.2 * x
    for cx, cy in centres:
        picture[np.hypot(x + 0.5 - cx, y + 0.5 - cy) <= radius] = light
    return np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2)


def _coco_folder(folder, picture, names=("coin",)):
    (folder / "images").mkdir(parents=True)
    cv2.imwrite(str(folder / "images/a.png"), picture)
    height, width = picture.shape[:2]
    document = {
        "images": [{"id": 7, "file_name": "a.png", "height": height, "width": width}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names, start=3)],
        "annotations": [],
    }
    (folder / "instances_test.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("tones", [{"light": 60.0, "dark": 200.0}, {"light": 220.0, "dark": 90.0}])
def test_watershed_finds_dark_and_light_discs(tones):
    centres = [(25, 30), (80, 25), (60, 58)]
    masks, scores = segment_by_watershed(_discs(centres, **tones))
    found = sorted(tuple(np.argwhere(mask).mean(axis=0)[::-1] + 0.5) for mask in masks)
    np.testing.assert_allclose(found, sorted(centres), atol=0.5)
    np.testing.assert_allclose(masks.sum(axis=(1, 2)), np.pi * 12**2, rtol=0.1)
    assert (scores > 0.9).all()


def test_watershed_parts_touching_discs():
    masks, _ = segment_by_watershed(_discs([(40, 40), (62, 40)]))
    assert len(masks) == 2
    assert masks.sum(axis=0).max() == 1


def test_watershed_keeps_discs_cut_by_the_border():
    masks, _ = segment_by_watershed(_discs([(0, 40), (60, 40)]))
    assert len(masks) == 2


def test_watershed_finds_nothing_in_one_tone(tmp_path):
    picture = np.full((40, 60, 3), 128, np.uint8)
    masks, scores = segment_by_watershed(picture)
    assert masks.shape == (0, 40, 60)
    assert scores.shape == (0,)
    out = watershed_baseline(_coco_folder(tmp_path / "flat", picture), tmp_path / "out/p.json")
    assert read_results(out) == []
    assert read_meta(out).image_ids == [7]
    assert not cv2.imread(str(tmp_path / "out/p_semantic/7.png"), cv2.IMREAD_UNCHANGED).any()


def test_watershed_drops_a_single_bright_pixel():
    picture = np.full((40, 60, 3), 100, np.uint8)
    picture[20, 30] = 140
    masks, _ = segment_by_watershed(picture)
    assert masks.shape == (0, 40, 60)
    assert masks.dtype == bool


def test_watershed_writes_predictions_like_a_network(tmp_path):
    folder = _coco_folder(tmp_path / "discs", _discs([(25, 30), (80, 25)]))
    out = watershed_baseline(folder, tmp_path / "deep/down/predictions.json")
    results, meta = read_results(out), read_meta(out)
    assert meta.annotations_sha256 == sha256_of(folder / "instances_test.json")
    assert (meta.task, meta.categories, meta.image_ids) == ("detection", {3: "coin"}, [7])
    assert meta.seconds_per_image > 0
    semantic = cv2.imread(str(out.parent / meta.semantic_dir / "7.png"), cv2.IMREAD_UNCHANGED)
    masks = [mask_of_rle(entry["segmentation"]) for entry in results]
    np.testing.assert_array_equal(semantic, np.where(np.any(masks, axis=0), 3, 0))
    assert {(entry["image_id"], entry["category_id"]) for entry in results} == {(7, 3)}
    assert not list(out.parent.rglob("*.tmp"))


def test_watershed_on_coins_agrees_with_the_annotation(cache, tmp_path, capsys):
    """Two ways of outlining the same 24 coins: each checks the other."""
    folder = open_benchmark("coins", cache=cache)
    out = watershed_baseline(folder, tmp_path / "predictions.json")
    truth = COCO(str(folder / "instances_test.json"))
    for kind in ("bbox", "segm"):
        scored = COCOeval(truth, truth.loadRes(str(out)), kind)
        scored.evaluate()
        scored.accumulate()
        scored.summarize()
        assert scored.stats[1] >= 0.95
        assert scored.stats[0] >= 0.9


def test_watershed_refuses_several_categories(tmp_path):
    folder = _coco_folder(tmp_path / "two", _discs([(25, 30)]), names=("date", "fig"))
    with pytest.raises(InputError, match=r"got 2 categories \(date, fig\)"):
        watershed_baseline(folder, tmp_path / "predictions.json")
    assert not (tmp_path / "predictions.json").exists()


def test_linear_baseline_is_scikit_learns_regression(digits, tmp_path):
    out = linear_baseline(digits, digits, tmp_path / "predictions.json")
    data = load_digits()
    ink = np.rint(255 * data.data / 16) / 255
    # The three channels of a grey picture are equal; a weight for each is a third of the penalty.
    reference = LogisticRegression(C=3, max_iter=1000).fit(ink[:100], data.target[:100])
    images = {image.image_id: image for image in read_image_folder(digits / "test").images}
    results, meta = read_results(out), read_meta(out)
    assert [entry["image_id"] for entry in results] == list(images)
    for entry in results:
        index = int(images[entry["image_id"]].path.stem)
        expected = reference.predict_proba(ink[index : index + 1])[0]
        got = [entry["scores"][str(category_id)] for category_id in range(1, 11)]
        np.testing.assert_allclose(got, expected, atol=0.02)  # two optimisers
        assert entry["score"] == max(got)
        assert entry["category_id"] == 1 + int(np.argmax(got))
    right = [images[e["image_id"]].category_id == e["category_id"] for e in results]
    assert 0.8 < np.mean(right) < 0.9
    assert meta.task == "classification"
    assert meta.annotations_sha256 == folder_sha256(digits / "test")
    assert meta.categories[1] == "0"


def test_linear_baseline_takes_other_sizes_and_matches_by_name(digits, tmp_path):
    for name, value in {"0": 250, "1": 20, "zebra": 128}.items():
        for i in range(3):
            path = tmp_path / f"crops/{name}/{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.full((40, 30, 3), value + i, np.uint8))
    out = linear_baseline(tmp_path / "crops", digits, tmp_path / "p.json", split="train")
    results = read_results(out)
    assert len(results) == 100
    assert {entry["category_id"] for entry in results} <= {1, 2}
    assert all(entry["scores"]["3"] == 0.0 for entry in results)
    assert all(sum(entry["scores"].values()) == pytest.approx(1) for entry in results)


def test_linear_baseline_wants_two_shared_classes(digits, tmp_path):
    for name in ("0", "zebra"):
        (tmp_path / "crops" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "crops" / name / "a.png"), np.zeros((8, 8), np.uint8))
    with pytest.raises(DatasetError, match="0, zebra share fewer than two"):
        linear_baseline(tmp_path / "crops", digits, tmp_path / "predictions.json")
