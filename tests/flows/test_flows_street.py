"""The street with stand-ins for its steps: order, sharing, failures, interruptions."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from flows import steps
from flows.plan import load_plan
from flows.record import read_record
from flows.street import run_experiment
from pipeline.errors import DatasetError, SpecError, TrainingError


def test_steps_come_in_the_order_of_the_diagram(tmp_path, standins, write_experiment):
    source = write_experiment()
    report = run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert report == tmp_path / "out" / "report.html"
    assert standins.said == [
        "baseline coins",
        "render dataset",
        "render dataset_test",
        "train synthetic seed 0",
        "predict coins/real, synthetic seed 0",
        "predict coins/synthetic, synthetic seed 0",
        "evaluate 3",
        "domains",
        "report",
    ]


def test_a_second_call_does_only_what_is_missing(tmp_path, standins, write_experiment):
    source = write_experiment(seeds="[0, 1]")
    standins.fail_at = {"train synthetic seed 1": KeyboardInterrupt()}
    with pytest.raises(KeyboardInterrupt):
        run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert not (tmp_path / "out" / "scores.json").exists()
    standins.fail_at, standins.worked = {}, []
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert [work for work in standins.worked if work.startswith("train")] == [
        "train synthetic seed 1"
    ]
    standins.worked = []
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.worked == []


def test_the_record_can_move_with_its_folder(tmp_path, standins, write_experiment):
    source = write_experiment()
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    (tmp_path / "out").rename(tmp_path / "moved")
    record = read_record(tmp_path / "moved")
    assert record.rendered["dataset"] == tmp_path / "moved" / "dataset"
    assert all(tested.predictions.is_file() for tested in record.tested)
    link = tmp_path / "moved" / "runs" / "synthetic-seed-0"
    assert link.resolve() == record.runs["synthetic seed 0"].resolve()
    assert record.benchmark == tmp_path / "moved" / "benchmark" / "coins"
    shown = [(t.context.regime, t.context.tested_on) for t in record.shown()]
    assert shown == [
        ("synthetic", "coins/real"),
        ("baseline", "coins/real"),
        ("synthetic", "coins/synthetic"),
    ]
    assert record.command.startswith("blendgap experiment ")


def test_one_failed_run_does_not_stop_the_others(tmp_path, standins, write_experiment):
    source = write_experiment(seeds="[0, 1, 2]")
    standins.fail_at = {"train synthetic seed 1": TrainingError("the loss is nan.")}
    with pytest.raises(TrainingError.__base__, match=r"1 of 3 runs failed \(synthetic seed 1"):
        run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.said[-3:] == ["evaluate 5", "domains", "report"]
    assert list(read_record(tmp_path / "out").failures) == ["synthetic seed 1"]
    standins.fail_at = {}
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert read_record(tmp_path / "out").failures == {}


def test_without_any_run_there_is_nothing_to_report(tmp_path, standins, write_experiment):
    source = write_experiment()
    standins.fail_at = {"train synthetic seed 0": TrainingError("the loss is nan.")}
    with pytest.raises(TrainingError, match="the loss is nan"):
        run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert "report" not in standins.said


def test_wrong_input_stops_everything(tmp_path, standins, write_experiment):
    source = write_experiment(seeds="[0, 1]")
    standins.fail_at = {"train synthetic seed 0": DatasetError("no such picture.")}
    with pytest.raises(DatasetError):
        run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.said[-1] == "train synthetic seed 0"


def test_real_regimes_want_a_train_split(tmp_path, standins, write_experiment):
    source = write_experiment(regimes="[real, synthetic]")
    with pytest.raises(SpecError, match="no train split"):
        run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.said == []


DIGITS = {
    "task": "classification",
    "benchmark": "signs",
    "model": "{name: compact_classifier}",
    "crops": "{size: 8, bitmap: 32}",
}


@pytest.fixture
def signs(tmp_path) -> Path:
    """A classification benchmark beside the experiment file."""
    for split in ("train", "test", "all"):
        for name in ("left", "right"):
            folder = tmp_path / "signs" / split / name
            folder.mkdir(parents=True)
            (folder / "1.png").write_text(name)
    return tmp_path / "signs"


def test_classification_goes_through_crops_and_tests_on_all(
    tmp_path, standins, signs, write_experiment
):
    source = write_experiment(**DIGITS)
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.said == [
        "render dataset",
        "render dataset_test",
        "crops dataset",
        "crops dataset_test",
        "baseline signs",
        "train synthetic seed 0",
        "predict signs/real, synthetic seed 0",
        "predict coins/synthetic, synthetic seed 0",
        "evaluate 3",
        "domains",
        "report",
    ]
    assert [tested.split for tested in standins.tested] == ["all", "all", None]


def test_pretraining_is_shared_and_tests_keep_off_the_training_pictures(
    tmp_path, standins, signs, write_experiment
):
    source = write_experiment(
        **DIGITS,
        regimes="[pretrain_finetune, real]",
        real_fractions="[0.5, 1.0]",
        baseline="false",
    )
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    trained = [work for work in standins.worked if work.startswith("train")]
    assert trained.count("train pretraining seed 0") == 1
    assert len(trained) == 1 + 2 + 2
    assert {tested.split for tested in standins.tested} == {None}
    weights = [s.model.weights for s in standins.specs if s.model.weights]
    assert len(set(weights)) == 1
    assert not (tmp_path / "out" / "dataset_test").exists()


@pytest.mark.parametrize("they_train", [True, False])
def test_several_at_once_leave_the_rest_to_be_evaluated(
    they_train, tmp_path, standins, signs, write_experiment, monkeypatch
):
    """Fine-tunings come last; what a fleet leaves undone is done one by one."""
    waves = []

    def fleet(trainings, cells, *, at_once, progress):
        assert at_once == 3
        waves.append([training.label for training in trainings])
        for training in trainings if they_train else ():
            steps.train_step(training.spec, cells, label=training.label)

    monkeypatch.setattr(steps, "train_fleet", fleet)
    source = write_experiment(
        **DIGITS,
        regimes="[pretrain_finetune, real]",
        real_fractions="[0.5, 1.0]",
        seeds="[0, 1]",
        baseline="false",
    )
    run_experiment(source, tmp_path / "out", steps=standins.steps, trainings=3)
    first, last = waves
    assert first[:2] == ["pretraining seed 0", "pretraining seed 1"]
    for wave, regime in ((first[2:], "real"), (last, "pretrain_finetune")):
        wanted = (f"{regime} {share} seed {seed}" for share in ("0.5", "1") for seed in (0, 1))
        assert sorted(wave) == sorted(wanted)
    assert len(standins.specs) == 2 + 8
    assert len(standins.tested) == 8


@pytest.mark.parametrize(
    ("names", "baselines"), [(["disc"], ["baseline mine"]), (["disc", "ring"], [])]
)
def test_grey_levels_are_asked_where_there_is_one_class(
    names, baselines, tmp_path, standins, write_experiment
):
    mine = tmp_path / "mine"
    (mine / "images").mkdir(parents=True)
    cv2.imwrite(str(mine / "images" / "1.png"), np.zeros((8, 8, 3), np.uint8))
    document = {
        "images": [{"id": 1, "file_name": "1.png", "width": 8, "height": 8}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 4, 4]}],
        "categories": [{"id": i, "name": name} for i, name in enumerate(names, start=1)],
    }
    (mine / "instances_test.json").write_text(json.dumps(document))
    source = write_experiment(benchmark=str(mine))
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert [said for said in standins.said if said.startswith("baseline")] == baselines


def test_cells_tell_what_they_are(tmp_path, standins, write_experiment):
    source = write_experiment()
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    cells = [json.loads(p.read_text()) for p in (tmp_path / "out" / "cells").glob("*/cell.json")]
    train = next(cell for cell in cells if cell["step"] == "train")
    assert train["config"]["steps"] == 4
    assert str(tmp_path) not in json.dumps(train)
    manifest = tmp_path / "out" / "dataset" / "manifest.json"
    assert train["inputs"] == {"data 0": standins.sha256(manifest)}


def test_one_experiment_at_a_time_in_a_folder(tmp_path, standins, write_experiment):
    source = write_experiment()

    def again(label: str) -> None:
        with pytest.raises(DatasetError, match="is writing here"):
            run_experiment(source, tmp_path / "out")

    standins.at_work = again
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert Path(tmp_path / "out" / "report.html").is_file()


def test_networks_see_boxes_drawn_as_the_benchmark_draws_them(tmp_path, standins, write_experiment):
    source = write_experiment(boxes="{square: true, grow: 1.5}")
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    assert standins.said[3:5] == ["boxes dataset", "boxes dataset_test"]
    (trained,) = {source.path for spec in standins.specs for source in spec.data}
    (tested,) = {test.target for test in standins.tested if "synthetic" in test.context.tested_on}
    for drawn, rendered in ((trained, "dataset"), (tested, "dataset_test")):
        before = COCO(str(tmp_path / "out" / rendered / "annotations" / "instances.json"))
        after = COCO(str(drawn / "annotations" / "instances.json"))
        assert sorted(before.anns) == sorted(after.anns) != []
        for number, annotation in after.anns.items():
            x, y, width, height = before.anns[number]["bbox"]
            middle, side = (x + width / 2, y + height / 2), 1.5 * max(width, height)
            picture = after.imgs[annotation["image_id"]]
            x0, y0 = (max(m - side / 2, 0) for m in middle)
            x1 = min(middle[0] + side / 2, picture["width"])
            y1 = min(middle[1] + side / 2, picture["height"])
            assert annotation["bbox"] == pytest.approx([x0, y0, x1 - x0, y1 - y0])
            assert "segmentation" not in annotation


def test_boxes_are_for_detection(write_experiment):
    with pytest.raises(SpecError, match="boxes are for task detection; this is classification"):
        load_plan(write_experiment(**DIGITS, boxes="{grow: 1.2}"))


@pytest.fixture
def shells(tmp_path) -> Path:
    """A benchmark of five photographs beside the experiment file."""
    folder = tmp_path / "shells"
    (folder / "images").mkdir(parents=True)
    for split, ids in {"train": (1, 2, 3), "val": (1, 2)}.items():
        names = [f"{split}{i}.png" for i in ids]
        for shade, name in enumerate(names):
            cv2.imwrite(str(folder / "images" / name), np.full((8, 8), 9 * shade, np.uint8))
        document = {
            "images": [
                {"id": i, "file_name": name, "width": 8, "height": 8}
                for i, name in zip(ids, names, strict=True)
            ],
            "annotations": [],
            "categories": [{"id": 1, "name": "coin"}],
        }
        (folder / f"instances_{split}.json").write_text(json.dumps(document))
    return folder


def test_folds_share_a_pretraining_and_are_scored_together(
    tmp_path, standins, write_experiment, shells
):
    source = write_experiment(
        benchmark="shells", folds="2", regimes="[real, synthetic, pretrain_finetune]"
    )
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    trained = [said for said in standins.said if said.startswith("train")]
    assert trained == [
        "train real 1 seed 0 fold 1",
        "train real 1 seed 0 fold 2",
        "train synthetic seed 0",
        "train pretraining seed 0",
        "train pretrain_finetune 1 seed 0 fold 1",
        "train pretrain_finetune 1 seed 0 fold 2",
    ]
    assert standins.said.count("pool 2") == 2
    real = [t for t in standins.tested if t.context.tested_on == "shells/real"]
    assert {t.split for t in real} == {"all"}
    assert [t.context.regime for t in real] == [
        "baseline",
        "real",
        "synthetic",
        "pretrain_finetune",
    ]
    # Of five photographs the larger rest has three.
    assert {t.context.real_images for t in real if t.context.regime == "real"} == {3}
    homes = [t.context.regime for t in standins.tested if t not in real]
    assert homes == ["synthetic"]
    assert "2 folds" in " ".join(read_record(tmp_path / "out").notes())


def test_tuning_reads_train_alone(tmp_path, standins, write_experiment, shells):
    source = write_experiment(benchmark="shells", regimes="[real]", folds="2", tuning_share="0.4")
    (shells / "instances_val.json").write_text("not to be opened")
    run_experiment(source, tmp_path / "out", tune=True, steps=standins.steps)
    record = read_record(tmp_path / "out")
    assert record.purpose == "tuning"
    assert record.command.endswith("--tune")
    [network] = [t for t in standins.tested if t.context.regime == "real"]
    assert network.split == "val"
    assert network.context.real_images == 1  # of three, ceil(0.4 x 3) are held out
    assert network.target != shells


def test_other_steps_are_no_regime_of_their_own(tmp_path, standins, write_experiment, shells):
    source = write_experiment(benchmark="shells", regimes="[real]", plateau="{times: [2]}")
    run_experiment(source, tmp_path / "out", steps=standins.steps)
    found = [(t.context.regime, t.context.steps) for t in standins.tested]
    assert found == [("baseline", None), ("real", 4), ("plateau", 8)]
    assert [spec.steps for spec in standins.specs] == [4, 8]
