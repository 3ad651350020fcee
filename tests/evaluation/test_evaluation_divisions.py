"""Benchmarks divided anew: every picture is tested once, and never by who trained on it."""

from __future__ import annotations

import json
from collections import Counter

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from evaluation.benchmarks import describe_benchmark
from evaluation.divisions import WHOLE, cut_train, fold_splits, write_folds
from evaluation.pooling import pool_predictions
from evaluation.scores import evaluate
from pipeline.errors import DatasetError, PredictionsError
from pipeline.formats.coco import read_coco
from pipeline.records.predictions import PredictionsMeta, meta_path, sha256_of

SIDE = 20


@pytest.fixture
def nuts(tmp_path):
    """Five and two photographs; both files count from 1, and name the classes in another order."""
    folder = tmp_path / "nuts"
    (folder / "images").mkdir(parents=True)
    grey = 10
    for split, count, names in [("train", 5, ["fig", "date"]), ("val", 2, ["date", "fig"])]:
        images, annotations = [], []
        for i in range(1, count + 1):
            name = f"{split}{i}.png"
            cv2.imwrite(str(folder / "images" / name), np.full((SIDE, SIDE), grey, np.uint8))
            images.append({"id": i, "file_name": name, "width": SIDE, "height": SIDE})
            annotations.append(
                {
                    "id": i,
                    "image_id": i,
                    "category_id": names.index("fig" if i % 2 else "date") + 1,
                    "bbox": [i, 2, 6, 6],
                    "area": 36,
                    "iscrowd": 0,
                }
            )
            grey += 30
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": i, "name": name} for i, name in enumerate(names, start=1)],
        }
        (folder / f"instances_{split}.json").write_text(json.dumps(document))
    return folder


def _labels(path):
    """What is where, whatever the ids: (picture's grey, class, box)."""
    coco = read_coco(path)
    names = {c.category_id: c.name for c in coco.categories}
    return {
        (int(cv2.imread(str(image.path), 0)[0, 0]), names[i.category_id], i.box_xyxy)
        for image in coco.images
        for i in coco.instances[image.image_id]
    }


def test_folds_part_the_pictures_and_keep_their_labels(nuts, tmp_path, capsys):
    out = write_folds(nuts, tmp_path / "out", splits=["train", "val"], folds=3)
    every = _labels(nuts / "instances_train.json") | _labels(nuts / "instances_val.json")
    assert _labels(out / f"instances_{WHOLE}.json") == every
    tested = []
    for fold in (1, 2, 3):
        rest, own = (_labels(out / f"instances_{split}.json") for split in fold_splits(fold))
        assert not rest & own
        assert rest | own == every
        tested += own
    assert Counter(tested) == Counter(every)
    assert sorted(len(_labels(out / f"instances_fold{i}.json")) for i in (1, 2, 3)) == [2, 2, 3]
    assert len(COCO(out / f"instances_{WHOLE}.json").getImgIds()) == 7
    assert "Done" in capsys.readouterr().out


def test_folds_do_not_change_when_written_again(nuts, tmp_path):
    out = write_folds(nuts, tmp_path / "out", splits=["train", "val"], folds=3)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.*")}
    write_folds(nuts, tmp_path / "out", splits=["train", "val"], folds=3)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.*")} == before


def test_more_folds_than_pictures_are_refused(nuts, tmp_path):
    with pytest.raises(DatasetError, match="got 7 pictures; expected at least 8"):
        write_folds(nuts, tmp_path / "out", splits=["train", "val"], folds=8)


def test_what_is_tuned_on_comes_from_train_alone(nuts, tmp_path):
    out = cut_train(nuts, tmp_path / "out", share=0.3)
    train, val = (_labels(out / f"instances_{split}.json") for split in ("train", "val"))
    assert len(val) == 2  # ceil(0.3 x 5)
    assert not train & val
    assert train | val == _labels(nuts / "instances_train.json")
    with pytest.raises(DatasetError, match="none is left"):
        cut_train(nuts, tmp_path / "none", share=0.99)


def test_crops_of_one_picture_stay_together(tmp_path):
    folder = tmp_path / "faces"
    for name in ("one", "two"):
        for photograph in range(6):
            path = folder / "train" / name / f"IMG_{photograph}_{photograph + len(name)}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), np.zeros((4, 4), np.uint8))
            cv2.imwrite(str(path.with_name(f"IMG_{photograph}_77.png")), np.zeros((4, 4), np.uint8))
    out = cut_train(folder, tmp_path / "out", share=0.5)
    of = {
        split: {path.stem.rsplit("_", 1)[0] for path in (out / split).rglob("*.png")}
        for split in ("train", "val")
    }
    assert len(of["train"]) == len(of["val"]) == 3
    assert not of["train"] & of["val"]
    counts = {split.split: split.labels.images for split in describe_benchmark(out).splits}
    assert counts == {"train": 12, "val": 12}


def _predictions(folder, truth, name, *, found=True):
    """Every object of a fold, found exactly or not at all."""
    coco = read_coco(truth)
    entries = [
        {
            "image_id": image.image_id,
            "category_id": i.category_id,
            "bbox": [*i.box_xyxy[:2], i.box_xyxy[2] - i.box_xyxy[0], i.box_xyxy[3] - i.box_xyxy[1]],
            "score": 0.9,
        }
        for image in coco.images
        for i in coco.instances[image.image_id]
        if found
    ]
    path = folder / f"{name}.json"
    path.write_text(json.dumps(entries))
    meta = PredictionsMeta(
        annotations_sha256=sha256_of(truth),
        categories={c.category_id: c.name for c in coco.categories},
        image_ids=[image.image_id for image in coco.images],
        seed=4,
        seconds_per_image=1.0,
    )
    meta_path(path).write_text(meta.model_dump_json())
    return path


def test_pooled_predictions_are_scored_on_every_picture_once(nuts, tmp_path):
    out = write_folds(nuts, tmp_path / "out", splits=["train", "val"], folds=3)
    parts = [
        _predictions(tmp_path, out / f"instances_fold{i}.json", f"part{i}", found=i != 2)
        for i in (1, 2, 3)
    ]
    pooled = pool_predictions(parts, out / f"instances_{WHOLE}.json", tmp_path / "pooled.json")
    sheet = evaluate(pooled, out, split=WHOLE)
    assert sheet.context.seed == 4
    assert len(sheet.image_ids) == 7
    # By hand: no false alarm, so that precision is 1 up to the recall of the parts that predict.
    assert sheet.estimates["box_ar100", None].value == pytest.approx(
        np.mean([_recall(out, name) for name in ("date", "fig")])
    )
    meta_path(parts[0]).unlink()
    with pytest.raises(PredictionsError, match="predict again"):
        pool_predictions(parts, out / f"instances_{WHOLE}.json", tmp_path / "pooled.json")


def _recall(out, name):
    every = [label for label in _labels(out / f"instances_{WHOLE}.json") if label[1] == name]
    gone = [label for label in _labels(out / "instances_fold2.json") if label[1] == name]
    return 1 - len(gone) / len(every)
