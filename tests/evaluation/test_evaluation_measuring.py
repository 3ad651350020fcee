"""Files in, scores out: keypoints, probabilities, videos, thresholds from another split."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.scores import (
    ScoreContext,
    evaluate,
    read_scores,
    sibling_thresholds,
    tuned_thresholds,
    write_scores,
)
from pipeline.errors import DatasetError, PredictionsError
from pipeline.formats.imagefolder import read_image_folder

SIDE = 64
POINTS = [[10, 10], [40, 10], [40, 50], [10, 50]]


@pytest.fixture
def boards(tmp_path: Path) -> Path:
    """A COCO benchmark with a val and a test split of six boards each."""
    folder = tmp_path / "boards"
    (folder / "images").mkdir(parents=True)
    for split in ("val", "test"):
        images, annotations = [], []
        for i in range(1, 7):
            name = f"{split}{i}.png"
            cv2.imwrite(str(folder / "images" / name), np.zeros((SIDE, SIDE), np.uint8))
            images.append({"id": i, "file_name": name, "width": SIDE, "height": SIDE})
            annotations.append(
                {
                    "id": i,
                    "image_id": i,
                    "category_id": 1,
                    "bbox": [5, 5, 40, 50],
                    "area": 2000,
                    "iscrowd": 0,
                    "keypoints": [v for x, y in POINTS for v in (x, y, 2)],
                    "num_keypoints": 4,
                }
            )
        document = {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "board", "keypoints": ["a", "b", "c", "d"]}],
        }
        (folder / f"instances_{split}.json").write_text(json.dumps(document))
    return folder


def guesses(shifts_px, scores=None):
    return [
        {
            "image_id": i,
            "category_id": 1,
            "bbox": [5 + shift, 5, 40, 50],
            "score": 0.9 if scores is None else scores[i - 1],
            "keypoints": [v for x, y in POINTS for v in (x + shift, y, 1)],
        }
        for i, shift in enumerate(shifts_px, start=1)
    ]


def write(path: Path, entries) -> Path:
    path.write_text(json.dumps(entries))
    return path


def values(sheet):
    return {(metric, name): e.value for (metric, name), e in sheet.estimates.items()}


def test_keypoints_are_scored(boards: Path, tmp_path: Path):
    sheet = evaluate(write(tmp_path / "p.json", guesses([0, 0, 0, 0, 0.5, 3])), boards)
    found = values(sheet)
    diagonal = np.hypot(40, 50)
    assert found["pck@0.005", None] == pytest.approx(4 / 6)
    assert 0.5 < 0.01 * diagonal < 3
    assert found["pck@0.01", None] == pytest.approx(5 / 6)
    assert found["pck@0.05", None] == found["pck_span@0.1", None] == 1.0
    oks = np.exp(-(3**2) / (2 * (2 * 0.05) ** 2 * 2000))
    assert 0.75 < oks < 0.8
    assert found["keypoint_ap50", None] == found["keypoint_ap75", None] == 1.0
    assert found["keypoint_ar20", None] == pytest.approx((5 * 10 + 6) / 60)
    assert any("has no 'sigmas'" in note for note in sheet.notes)
    (pck,) = [curve for curve in sheet.curves if curve.kind == "pck"]
    assert dict(zip(pck.x, pck.y, strict=True))[0.005] == pytest.approx(4 / 6, abs=1e-6)


def test_keypoints_alone_get_their_box(boards: Path, tmp_path: Path):
    entries = guesses([0] * 6)
    for entry in entries:
        del entry["bbox"]
    found = values(evaluate(write(tmp_path / "p.json", entries), boards))
    assert found["keypoint_ap", None] == 1.0
    assert found["box_ap50", None] == 1.0  # 30 x 40 of 40 x 50: IoU 0.6
    assert found["box_ap75", None] == 0.0


@pytest.mark.parametrize("keypoints", [[1, 2, 3], "abc", [float("nan")] * 12])
def test_wrong_keypoints_get_one_line(boards: Path, tmp_path: Path, keypoints):
    entries = guesses([0] * 6)
    entries[2]["keypoints"] = keypoints
    with pytest.raises(PredictionsError, match="entry 2: 'keypoints'"):
        evaluate(write(tmp_path / "p.json", entries), boards)


def test_the_best_threshold_of_val_is_applied_to_test(boards: Path, tmp_path: Path):
    confident = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    # On val the three best boxes are right; on test all but the first are, and the last scores low.
    on_val = write(tmp_path / "val.json", guesses([0, 0, 0, 90, 90, 90], confident))
    on_test = write(tmp_path / "test.json", guesses([90, 0, 0, 0, 0, 0], confident))
    val_scores = tmp_path / "val-scores.json"
    val = evaluate(on_val, boards, split="val")
    assert values(val)["box_best_threshold", None] == 0.7
    assert values(val)["box_best_f1", None] == pytest.approx(2 * 3 / (3 + 6))
    write_scores([val], val_scores)
    assert ("box_best_f1", None) not in values(evaluate(on_test, boards)), "test is not tuned on"
    found = values(evaluate(on_test, boards, thresholds=tuned_thresholds(val_scores)))
    assert found["box_precision", None] == pytest.approx(2 / 3)
    assert found["box_recall", None] == pytest.approx(2 / 6)
    assert found["box_f1", None] == pytest.approx(2 * 2 / (3 + 6))
    untuned = tmp_path / "test-scores.json"
    write_scores([evaluate(on_test, boards)], untuned)
    with pytest.raises(DatasetError, match="best threshold"):
        tuned_thresholds(untuned)


def test_thresholds_come_from_the_same_training_on_pictures_that_are_no_test(
    boards: Path, tmp_path: Path
):
    confident = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    entries = guesses([0, 0, 0, 90, 90, 90], confident)

    def scored(regime, seed, split="val", tested_on="boards/real"):
        context = ScoreContext(regime=regime, seed=seed, tested_on=tested_on)
        return evaluate(write(tmp_path / "p.json", entries), boards, split=split, context=context)

    def chosen(sheets, regime):
        context = ScoreContext(regime=regime, seed=0, tested_on="boards/real")
        return sibling_thresholds(sheets, context)

    best = {"box_best_threshold": 0.7, "keypoint_best_threshold": 0.7}
    assert chosen([scored("mixed", 1), scored("mixed", 0)], "mixed") == best
    assert chosen([scored("mixed", 1), scored("real", 0)], "mixed") == {}, "another training"
    assert chosen([scored("mixed", 0, split="test")], "mixed") == {}, "never from test"
    # No photograph is to influence a training that saw rendered frames only.
    at_home = scored("synthetic", 0, tested_on="boards/synthetic")
    assert chosen([scored("synthetic", 0)], "synthetic") == {}
    assert chosen([scored("synthetic", 0), at_home], "synthetic") == best


def test_frames_of_videos_are_resampled_together(boards: Path, tmp_path: Path):
    path = boards / "instances_test.json"
    document = json.loads(path.read_text())
    for image in document["images"]:
        image |= {"video_id": 1 + image["id"] % 3, "frame_index": image["id"] // 3}
    path.write_text(json.dumps(document))
    predictions = write(tmp_path / "p.json", guesses([0, 90, 90, 0, 90, 90]))
    sheet = evaluate(predictions, boards)
    estimate = sheet.estimates["box_ar1", None]
    assert (estimate.count, estimate.unit_of_count) == (3, "videos")
    assert estimate.value == pytest.approx(1 / 3)
    # Whole videos: of three, none, one, two or all three are the good one.
    assert np.unique(estimate.replicates.round(9)).tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert sheet.estimates["pck@0.01", None].unit_of_count == "videos"


def test_curves_are_written_and_read(boards: Path, tmp_path: Path):
    predictions = write(tmp_path / "p.json", guesses([0, 0, 0, 0, 0, 90]))
    path = tmp_path / "scores.json"
    written = write_scores([evaluate(predictions, boards)], path)
    assert read_scores(path) == written
    assert {(c.kind, c.of) for c in written.curves} == {
        *(("precision_recall", of) for of in ("box", "keypoint")),
        *(("f1", of) for of in ("box", "keypoint")),
        ("pck", "keypoint"),
    }
    curve = next(c for c in written.curves if (c.kind, c.of) == ("precision_recall", "box"))
    # Five of six found; all scores are equal and the last photograph comes last.
    assert (curve.y[0], curve.y[83], curve.y[84]) == (1.0, 1.0, 0.0)


def test_probabilities_are_scored(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in "abcdef":
        folder = tmp_path / "letters" / "test" / name
        folder.mkdir(parents=True)
        for i in range(5):
            cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (8, 8)).astype(np.uint8))
    images = read_image_folder(tmp_path / "letters" / "test").images
    entries = []
    for image in images:
        raw = rng.random(6) + 0.6 * np.eye(6)[image.category_id - 1]
        p = raw / raw.sum()
        entries.append(
            {
                "image_id": image.image_id,
                "category_id": int(p.argmax()) + 1,
                "score": float(p.max()),
                "scores": {str(c + 1): float(v) for c, v in enumerate(p)},
            }
        )
    sheet = evaluate(write(tmp_path / "p.json", entries), tmp_path / "letters")
    found = values(sheet)
    assert found["accuracy", None] < found["top5_accuracy", None] <= 1
    assert 0.5 < found["roc_auc", None] < 1
    assert 0 < found["ece", None] < 1
    assert all(
        e.interval[0] < e.value < e.interval[1]
        for k, e in sheet.estimates.items()
        if k == ("roc_auc", None)
    )
    assert {(c.kind, c.class_name) for c in sheet.curves} == {
        *((kind, name) for kind in ("roc", "precision_recall") for name in "abcdef"),
        ("reliability", None),
    }
    del entries[3]["scores"]
    assert ("ece", None) not in values(
        evaluate(write(tmp_path / "q.json", entries), tmp_path / "letters")
    )
    entries[3]["scores"] = {"1": 7}
    with pytest.raises(PredictionsError, match="entry 3: 'scores'"):
        evaluate(write(tmp_path / "q.json", entries), tmp_path / "letters")
