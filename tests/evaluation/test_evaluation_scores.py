from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.scores import ScoreContext, evaluate, read_scores, write_scores
from pipeline.errors import DatasetError, PredictionsError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import folder_sha256, read_image_folder
from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.geometry.masks import mask_of_rle, rle_of_mask
from pipeline.records.predictions import PredictionsMeta, meta_path, sha256_of

AP_FAMILY = (
    *("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large"),
    *("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"),
    *("best_f1", "best_threshold"),
)
ROW_KEYS = {
    "metric",
    "of",
    "class",
    "value",
    "low",
    "high",
    "count",
    "unit_of_count",
    "task",
    "regime",
    "real_fraction",
    "seed",
    "trained_on",
    "tested_on",
    "split",
    "predictions_sha256",
}


def truth_entries(folder: Path) -> list[dict]:
    """The truth as if a perfect model had predicted it."""
    dataset = read_coco(find_annotations(folder))
    return [
        {
            "image_id": g.image_id,
            "category_id": g.category_id,
            "bbox": xywh_from_xyxy(np.array(g.box_xyxy)).tolist(),
            "segmentation": dict(g.rle),
            "score": 0.9,
        }
        for group in dataset.instances.values()
        for g in group
        if not g.iscrowd
    ]


def write_predictions(path: Path, entries: list[dict], **meta) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))
    if meta:
        meta_path(path).write_text(PredictionsMeta(**meta).model_dump_json())
    return path


def own_meta(folder: Path, **more) -> dict:
    dataset = read_coco(find_annotations(folder))
    return {
        "annotations_sha256": sha256_of(dataset.annotations_path),
        "categories": {c.category_id: c.name for c in dataset.categories},
        "image_ids": [image.image_id for image in dataset.images],
        **more,
    }


def values(sheet) -> dict[tuple[str, str | None], float | None]:
    return {(row.metric, row.class_name): row.value for row in sheet.scores}


def shifted(entries: list[dict], *, by_px: int) -> list[dict]:
    """Every box and mask moved to the right."""
    moved = []
    for entry in entries:
        x, y, w, h = entry["bbox"]
        mask = np.roll(mask_of_rle(entry["segmentation"]), by_px, axis=1)
        moved.append(entry | {"bbox": [x + by_px, y, w, h], "segmentation": rle_of_mask(mask)})
    return moved


def test_perfect_predictions_score_one_everywhere(painted_dataset: Path, tmp_path: Path):
    predictions = write_predictions(tmp_path / "p.json", truth_entries(painted_dataset))
    sheet = evaluate(predictions, painted_dataset)
    assert {metric for metric, _ in values(sheet)} == {
        *(f"{word}_{metric}" for word in ("box", "mask") for metric in AP_FAMILY),
        *("miou", "iou", "dice", "pixel_accuracy", "boundary_iou"),
    }
    found = {k: v for k, v in values(sheet).items() if v is not None}
    counted = ("ar1", "ar10", "threshold")  # as few as one object, or no rate
    perfect = [k for k in found if k[0].startswith(("box", "mask")) and not k[0].endswith(counted)]
    assert {found[k] for k in perfect} == {1.0}
    maps = [v for k, v in found.items() if not k[0].startswith(("box", "mask"))]
    assert min(maps) > 0.7  # where objects overlap, the map's order is a guess
    assert {row.unit_of_count for row in sheet.scores} == {"images"}
    assert any("no meta file" in note for note in sheet.notes)
    assert any("derived from the instance masks" in note for note in sheet.notes)


def test_without_predictions_ap_is_zero_and_the_rest_background(painted_dataset, tmp_path):
    sheet = evaluate(write_predictions(tmp_path / "p.json", []), painted_dataset)
    found = values(sheet)
    assert found["box_ap", None] == found["mask_ap50", None] == found["dice", "disc"] == 0.0
    assert 0 < found["miou", None] < 0.34


def test_without_truth_scores_are_null(painted_dataset: Path, tmp_path: Path):
    path = find_annotations(painted_dataset)
    document = json.loads(path.read_text())
    entries = truth_entries(painted_dataset)
    path.write_text(json.dumps(document | {"annotations": []}))
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries), painted_dataset)
    row = next(row for row in sheet.scores if row.metric == "mask_ap")
    assert (row.value, row.low, row.high, row.count) == (None, None, None, 0)


def test_boxes_alone_are_scored_alone(painted_dataset: Path, tmp_path: Path):
    entries = truth_entries(painted_dataset)
    for entry in entries:
        del entry["segmentation"]
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries), painted_dataset)
    assert {metric for metric, _ in values(sheet)} == {f"box_{metric}" for metric in AP_FAMILY}
    assert any("no masks" in note for note in sheet.notes)


def test_masks_alone_get_their_boxes(painted_dataset: Path, tmp_path: Path):
    entries = truth_entries(painted_dataset)
    for entry in entries:
        del entry["bbox"]
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries), painted_dataset)
    assert values(sheet)["box_ap", None] == 1.0


def test_a_moved_box_a_broken_mask_and_a_wrong_class_cost(painted_dataset, tmp_path):
    entries = truth_entries(painted_dataset)
    moved = [e | {"bbox": [e["bbox"][0] + 4, *e["bbox"][1:]]} for e in entries]
    found = values(evaluate(write_predictions(tmp_path / "a.json", moved), painted_dataset))
    assert found["box_ap", None] < 0.7
    assert found["mask_ap", None] == 1.0
    broken = [
        e | {"segmentation": s["segmentation"]}
        for e, s in zip(entries, shifted(entries, by_px=4), strict=True)
    ]
    found = values(evaluate(write_predictions(tmp_path / "b.json", broken), painted_dataset))
    assert found["box_ap", None] == 1.0
    assert found["mask_ap", None] < 0.7
    swapped = [e | {"category_id": 3 - e["category_id"]} for e in entries]
    found = values(evaluate(write_predictions(tmp_path / "c.json", swapped), painted_dataset))
    assert found["box_ap50", None] < 0.2


def test_semantic_maps_are_read_and_named_by_category(painted_dataset: Path, tmp_path: Path):
    dataset = read_coco(find_annotations(painted_dataset))
    folder = tmp_path / "maps"
    folder.mkdir()
    for image in dataset.images:
        classes = np.zeros((image.height, image.width), np.uint8)
        for g in dataset.instances[image.image_id]:
            classes[mask_of_rle(g.rle)] = 10 * g.category_id  # the model's own ids
        cv2.imwrite(str(folder / f"{image.image_id}.png"), classes)
    meta = own_meta(painted_dataset, semantic_dir="maps", annotations_sha256="another file")
    meta["categories"] = {10: "disc", 20: "square", 30: "unicorn"}
    entries = [e | {"category_id": 10 * e["category_id"]} for e in truth_entries(painted_dataset)]
    entries.append(entries[0] | {"category_id": 30})
    predictions = write_predictions(tmp_path / "p.json", entries, **meta)
    sheet = evaluate(predictions, painted_dataset)
    assert values(sheet)["miou", None] == values(sheet)["box_ap", None] == 1.0
    notes = " ".join(sheet.notes)
    assert "matched by name" in notes
    assert "unicorn (1)" in notes
    (folder / f"{dataset.images[0].image_id}.png").unlink()
    with pytest.raises(PredictionsError, match="missing"):
        evaluate(predictions, painted_dataset)


def test_images_that_were_not_predicted_are_not_scored(painted_dataset: Path, tmp_path: Path):
    meta = own_meta(painted_dataset, seed=5)
    meta["image_ids"] = meta["image_ids"][:3]
    entries = [e for e in truth_entries(painted_dataset) if e["image_id"] in meta["image_ids"]]
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries, **meta), painted_dataset)
    assert values(sheet)["box_ap", None] == 1.0
    assert {row.count for row in sheet.scores if row.value is not None} == {3}
    assert {row.seed for row in sheet.scores} == {5}
    assert any("1 of 4 images were not predicted" in note for note in sheet.notes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 99}, "'image_id' is 99"),
        ({"image_id": 1.5}, "a whole number"),
        ({"category_id": 9}, r"'category_id' is 9; expected one of 1 \(disc\), 2 \(square\)"),
        ({"score": float("nan")}, "a finite number"),
        ({"score": "high"}, "expected a number"),
        ({"bbox": [0, 0, -1, 4]}, "w, h >= 0"),
        ({"bbox": [0, 0, 4]}, "w, h >= 0"),
        ({"bbox": [0, 0, float("inf"), 4]}, "w, h >= 0"),
        ({"segmentation": {"size": [5, 5], "counts": "01"}}, "of size"),
        ({"segmentation": {"size": [64, 96], "counts": "garbage!"}}, "'segmentation'"),
        ({"segmentation": "mask.png"}, "'segmentation'"),
    ],
)
def test_bad_entries_get_one_line(painted_dataset, tmp_path, change, message):
    entries = truth_entries(painted_dataset)
    entries[1] |= change
    predictions = write_predictions(tmp_path / "p.json", entries)
    with pytest.raises(PredictionsError, match=message) as caught:
        evaluate(predictions, painted_dataset)
    assert "entry 1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_masks_must_be_all_or_none(painted_dataset: Path, tmp_path: Path):
    entries = truth_entries(painted_dataset)
    del entries[0]["segmentation"]
    with pytest.raises(PredictionsError, match="all or none"):
        evaluate(write_predictions(tmp_path / "p.json", entries), painted_dataset)


def test_maps_outside_the_predictions_folder_are_refused(painted_dataset: Path, tmp_path: Path):
    meta = own_meta(painted_dataset, semantic_dir="..")
    predictions = write_predictions(tmp_path / "in" / "p.json", [], **meta)
    with pytest.raises(PredictionsError, match="semantic_dir"):
        evaluate(predictions, painted_dataset)


def test_score_file_holds_every_key_and_no_nan(painted_dataset: Path, tmp_path: Path):
    predictions = write_predictions(tmp_path / "p.json", truth_entries(painted_dataset))
    context = ScoreContext(regime="synthetic", seed=1, trained_on="x", tested_on="painted/real")
    path = tmp_path / "out" / "scores.json"
    written = write_scores([evaluate(predictions, painted_dataset, context=context)], path)
    document = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert set(document) == {
        *("scores", "notes", "test_reads", "confusion_matrices", "curves", "versions")
    }
    assert all(set(row) == ROW_KEYS for row in document["scores"])
    assert read_scores(path) == written
    assert written.test_reads[0].file == "painted/annotations/instances.json"
    assert written.test_reads[0].sha256 == sha256_of(find_annotations(painted_dataset))
    gaps = [row for row in document["scores"] if row["metric"] == "sim_to_real_gap"]
    assert gaps
    assert all(row["value"] is None and row["count"] == 0 for row in gaps)


def test_a_rendered_test_set_is_no_test_read(painted_dataset: Path, tmp_path: Path):
    sheet = evaluate(write_predictions(tmp_path / "p.json", []), painted_dataset)
    assert sheet.scores[0].tested_on == "painted/synthetic"
    assert sheet.test_reads == ()


@pytest.mark.parametrize("text", ["", "[]", '{"scores": [{"metric": 1}]}'])
def test_a_file_that_holds_no_scores_is_refused(tmp_path: Path, text: str):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(DatasetError, match=r"scores\.json"):
        read_scores(tmp_path / "scores.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_scores(tmp_path / "none.json")


class TestComparisons:
    def sheets(self, tmp_path: Path, folder: Path, **contexts: tuple[int, dict]):
        """One sheet per name: predictions moved by so many pixels, scored in a context."""
        result = []
        for name, (by_px, context) in contexts.items():
            entries = shifted(truth_entries(folder), by_px=by_px)
            path = write_predictions(tmp_path / f"{name}.json", entries)
            result.append(evaluate(path, folder, context=ScoreContext(**context)))
        return result

    def rows(self, document, metric: str, of: str):
        return [r for r in document.scores if (r.metric, r.of, r.class_name) == (metric, of, None)]

    def test_gap_is_paired(self, make_painted_dataset: Callable[..., Path], tmp_path: Path):
        folder = make_painted_dataset(tmp_path / "real", frames=12)
        on = {"tested_on": "painted/real", "seed": 0}
        sheets = self.sheets(
            tmp_path,
            folder,
            real=(2, {"regime": "real", "real_fraction": 0.5, "trained_on": "real", **on}),
            ours=(2, {"regime": "synthetic", "trained_on": "rendered", **on}),
            worse=(3, {"regime": "synthetic", "trained_on": "rendered less", **on}),
        )
        document = write_scores(sheets, tmp_path / "scores.json")
        same, worse = self.rows(document, "sim_to_real_gap", "mask_ap")
        assert (same.value, same.low, same.high) == (0.0, 0.0, 0.0), "equal models, equal resamples"
        real = values(sheets[0])["mask_ap", None]
        assert worse.value == pytest.approx(real - values(sheets[2])["mask_ap", None])
        assert 0 < worse.low < worse.value < worse.high
        assert worse.real_fraction == 0.5
        assert worse.count == 12
        ratio = self.rows(document, "transfer_ratio", "mask_ap")[1]
        assert ratio.value == pytest.approx(values(sheets[2])["mask_ap", None] / real)

    def test_domain_drop_is_not_paired(self, make_painted_dataset, tmp_path: Path):
        home = make_painted_dataset(tmp_path / "home", frames=12)
        away = make_painted_dataset(tmp_path / "away", frames=12, seed=1)
        common = {"regime": "synthetic", "trained_on": "rendered", "seed": 0}
        sheets = [
            *self.sheets(tmp_path, home, h=(2, {**common, "tested_on": "painted/synthetic"})),
            *self.sheets(tmp_path, away, a=(4, {**common, "tested_on": "painted/real"})),
        ]
        document = write_scores(sheets, tmp_path / "scores.json")
        (drop,) = self.rows(document, "domain_drop", "box_ap")
        at_home, abroad = (values(sheet)["box_ap", None] for sheet in sheets)
        assert drop.value == pytest.approx(at_home - abroad)
        assert drop.low < drop.value < drop.high
        assert [r.class_name for r in document.scores if r.of == "dice"].count("disc") == 3

    def test_seeds_are_averaged(self, painted_dataset: Path, tmp_path: Path):
        on = {"regime": "synthetic", "trained_on": "rendered", "tested_on": "painted/real"}
        sheets = self.sheets(
            tmp_path, painted_dataset, a=(1, {**on, "seed": 0}), b=(3, {**on, "seed": 1})
        )
        document = write_scores(sheets, tmp_path / "scores.json")
        single = [r.value for r in document.scores if r.metric == "mask_ap" and r.seed is not None]
        (mean,) = [
            r
            for r in document.scores
            if r.metric == "mask_ap" and r.seed is None and r.class_name is None
        ]
        overall = [values(sheet)["mask_ap", None] for sheet in sheets]
        assert set(overall) <= set(single)
        assert mean.value == pytest.approx(np.mean(overall))
        assert mean.unit_of_count == "images; 2 seeds"
        assert mean.low <= min(overall)
        assert mean.high >= max(overall)


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    for name in ("test", "train"):
        for class_name, grey in (("dark", 20), ("light", 220)):
            folder = tmp_path / "bench" / name / class_name
            folder.mkdir(parents=True)
            for i in range(6):
                cv2.imwrite(str(folder / f"{i}.png"), np.full((8, 8), grey + i, np.uint8))
    return tmp_path / "bench"


def answers_of(folder: Path, *, wrong: int) -> list[dict]:
    images = read_image_folder(folder / "test").images
    return [
        {
            "image_id": image.image_id,
            "category_id": 3 - image.category_id if i < wrong else image.category_id,
            "score": 0.8,
        }
        for i, image in enumerate(images)
    ]


def test_classification_is_scored(picture_folder: Path, tmp_path: Path):
    predictions = write_predictions(tmp_path / "p.json", answers_of(picture_folder, wrong=3))
    sheet = evaluate(predictions, picture_folder)
    found = values(sheet)
    assert found["accuracy", None] == 0.75
    assert found["accuracy", "dark"] == 0.5
    assert found["accuracy", "light"] == 1.0
    assert {row.split for row in sheet.scores} == {"test"}
    assert {row.task for row in sheet.scores} == {"classification"}
    assert sheet.confusion.classes == ("dark", "light")
    assert sheet.confusion.counts == ((3, 3), (0, 6))
    assert sheet.test_reads[0].sha256 == folder_sha256(picture_folder / "test")


def test_classes_are_matched_by_name(picture_folder: Path, tmp_path: Path):
    entries = answers_of(picture_folder, wrong=0)
    meta = {
        "annotations_sha256": "another folder",
        "categories": {1: "light", 2: "dark"},
        "image_ids": [e["image_id"] for e in entries],
        "task": "classification",
    }
    predictions = write_predictions(tmp_path / "p.json", entries, **meta)
    assert values(evaluate(predictions, picture_folder))["accuracy", None] == 0.0


def test_answers_that_the_test_set_does_not_know_are_wrong(picture_folder: Path, tmp_path: Path):
    entries = answers_of(picture_folder, wrong=0)
    entries[0] |= {"category_id": 3}
    meta = {
        "annotations_sha256": "another folder",
        "categories": {1: "dark", 2: "light", 3: "unicorn"},
        "image_ids": [e["image_id"] for e in entries],
        "task": "classification",
    }
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries, **meta), picture_folder)
    assert values(sheet)["accuracy", None] == pytest.approx(11 / 12)
    assert sheet.confusion.classes == ("dark", "light", "(other)")
    assert any("unicorn (1)" in note for note in sheet.notes)


def test_missing_and_double_answers(picture_folder: Path, tmp_path: Path):
    entries = answers_of(picture_folder, wrong=0)
    sheet = evaluate(write_predictions(tmp_path / "p.json", entries[:-2]), picture_folder)
    assert sheet.scores[0].count == 10
    assert any("2 of 12 pictures have no answer" in note for note in sheet.notes)
    double = write_predictions(tmp_path / "q.json", [*entries, entries[0]])
    with pytest.raises(PredictionsError, match="second answer"):
        evaluate(double, picture_folder)


def test_a_missing_test_set_is_an_input_error(tmp_path: Path):
    predictions = write_predictions(tmp_path / "p.json", [])
    with pytest.raises(DatasetError, match="no such folder"):
        evaluate(predictions, tmp_path / "nowhere")
