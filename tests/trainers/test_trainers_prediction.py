"""Predictions files, read back by pycocotools."""

import json

import cv2
import numpy as np
import pytest
import torch
from discs import OFF, coco_ap, paint
from pycocotools.coco import COCO

from pipeline.errors import DatasetError
from pipeline.geometry.boxes import box_of_mask, xywh_from_xyxy
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.predictions import read_meta, read_results, sha256_of
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.compact.decoding import detect
from trainers.prediction import predict
from trainers.training import train


def detector_spec(benchmark, steps):
    return TrainSpec(
        task="detection",
        data=(DataSource(path=benchmark, split="test"),),
        model=ModelSpec(name="compact_detector"),
        input_px=128,
        steps=steps,
        batch_size=3,
        learning_rate=5e-3,
        warmup_steps=5,
        ema_decay=0.9,
        augment=OFF,
        device="cpu",
    )


@pytest.fixture(scope="module")
def benchmark_dir(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("benchmark"))


@pytest.fixture(scope="module")
def overfitted(benchmark_dir, tmp_path_factory):
    """A run that has learned three pictures by heart."""
    return train(detector_spec(benchmark_dir, 120), tmp_path_factory.mktemp("run"))


def test_discs_and_rings_learned_by_heart(overfitted, benchmark_dir, tmp_path):
    out = predict(overfitted, benchmark_dir, tmp_path / "predictions.json")
    assert coco_ap(benchmark_dir, out, "bbox")[1] > 0.98
    assert coco_ap(benchmark_dir, out, "segm")[1] > 0.98
    gt = COCO(benchmark_dir / "instances_test.json")
    wanted = np.zeros((90, 122), np.uint8)
    for annotation in gt.imgToAnns[10]:
        wanted[gt.annToMask(annotation) > 0] = annotation["category_id"]
    got = cv2.imread(str(tmp_path / "predictions_semantic" / "10.png"), cv2.IMREAD_UNCHANGED)
    assert got.shape == (90, 122)
    assert set(np.unique(got)) == {0, 3, 7}
    for category_id in (3, 7):
        both = ((got == category_id) & (wanted == category_id)).sum()
        assert 2 * both / ((got == category_id).sum() + (wanted == category_id).sum()) > 0.9


def test_meta_and_entries_agree_with_the_annotation_file(overfitted, benchmark_dir, tmp_path):
    out = predict(overfitted, benchmark_dir, tmp_path / "p.json")
    meta = read_meta(out)
    assert meta.annotations_sha256 == sha256_of(benchmark_dir / "instances_test.json")
    assert meta.categories == {7: "disc", 3: "ring"}
    assert meta.image_ids == [10, 11, 12]
    assert meta.semantic_dir == "p_semantic"
    assert (meta.model, meta.seed, meta.task) == ("compact_detector", 0, "detection")
    assert meta.seconds_per_image > 0
    for entry in read_results(out):
        assert 0.05 <= entry["score"] <= 1
        mask = mask_of_rle(entry["segmentation"])
        assert mask.shape == (90, 122)
        assert entry["bbox"] == xywh_from_xyxy(box_of_mask(mask)).tolist()


def test_categories_meet_by_name_only(overfitted, benchmark_dir, tmp_path):
    other = paint(tmp_path / "other", categories=((1, "cube"), (300, "disc"), (5, "ring")))
    out = predict(overfitted, other, tmp_path / "p.json")
    assert {entry["category_id"] for entry in read_results(out)} == {5, 300}
    semantic = cv2.imread(str(tmp_path / "p_semantic" / "10.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(semantic)) == {0, 5, 300}
    meta = read_meta(out)
    assert (meta.unknown_categories, meta.dropped_classes) == (["cube"], [])
    fewer = paint(tmp_path / "fewer", categories=((3, "disc"), (4, "cube")), names=("disc", "cube"))
    meta = read_meta(predict(overfitted, fewer, tmp_path / "fewer.json"))
    assert (meta.unknown_categories, meta.dropped_classes) == (["cube"], ["ring"])


def test_a_zoomed_network_says_of_large_pictures_what_it_says_of_small_ones(
    overfitted, benchmark_dir
):
    module = read_checkpoint(overfitted / "model.pt").module(torch.device("cpu"))
    small = cv2.imread(str(benchmark_dir / "images" / "0.png"))[..., ::-1].copy()
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    expected = detect(module, small, with_masks=True)
    got = detect(module, large, with_masks=True, zoom=0.5)
    assert len(got.objects) >= 6
    assert [item.score for item in got.objects] == [item.score for item in expected.objects]
    for large_item, item in zip(got.objects, expected.objects, strict=True):
        if item.score < 0.3:
            continue  # masks of duplicates hang together by a few pixels
        np.testing.assert_allclose(large_item.box_xyxy, 2 * item.box_xyxy, atol=2)
        mask = item.mask.whole(small.shape[:2]).repeat(2, axis=0).repeat(2, axis=1)
        large_mask = large_item.mask.whole(large.shape[:2])
        assert (mask & large_mask).sum() > 0.8 * (mask | large_mask).sum()
    assert got.class_map.shape == large.shape[:2]
    assert (got.class_map[::2, ::2] == expected.class_map).mean() > 0.98


def test_labels_are_not_read(overfitted, benchmark_dir, tmp_path):
    blind = paint(tmp_path / "blind")
    path = blind / "instances_test.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": "secret"}))
    first = predict(overfitted, benchmark_dir, tmp_path / "first.json")
    second = predict(overfitted, blind, tmp_path / "second.json")
    assert second.read_bytes() == first.read_bytes()


def test_bare_pictures_have_ids_from_one(overfitted, benchmark_dir, tmp_path):
    folder = predict(overfitted, benchmark_dir / "images", tmp_path / "folder.json")
    assert read_meta(folder).image_ids == [1, 2, 3]
    assert read_meta(folder).categories == {1: "disc", 2: "ring"}
    single = predict(overfitted, benchmark_dir / "images" / "1.png", tmp_path / "single.json")
    expected = [entry | {"image_id": 1} for entry in read_results(folder) if entry["image_id"] == 2]
    assert read_results(single) == expected


def test_a_source_of_boxes_gives_boxes(tmp_path):
    boxes = paint(tmp_path / "boxes", masks=False)
    run_dir = train(detector_spec(boxes, 2), tmp_path / "run")
    out = predict(run_dir, boxes, tmp_path / "p.json")
    assert read_meta(out).semantic_dir is None
    assert all("segmentation" not in entry for entry in read_results(out))


def test_wrong_targets_are_named(overfitted, tmp_path):
    strange = paint(
        tmp_path / "strange", categories=((1, "x"), (2, "y")), names=("x", "y"), frames=1
    )
    with pytest.raises(DatasetError, match="matched by name"):
        predict(overfitted, strange, tmp_path / "p.json")
    with pytest.raises(DatasetError, match="no such file or folder"):
        predict(overfitted, tmp_path / "nowhere", tmp_path / "p.json")
    nothing = paint(tmp_path / "nothing", frames=0)
    with pytest.raises(DatasetError, match="no images"):
        predict(overfitted, nothing, tmp_path / "p.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="no pictures"):
        predict(overfitted, tmp_path / "empty", tmp_path / "p.json")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"broken\.png: cannot be read"):
        predict(overfitted, tmp_path / "broken.png", tmp_path / "p.json")
    assert not (tmp_path / "p.json").exists()
