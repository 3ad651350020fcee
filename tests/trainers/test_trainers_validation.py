"""Scores during training: the judge's numbers are those of the files that come out."""

import json
from types import SimpleNamespace

import flags
import pytest
import torch
from discs import OFF, coco_ap, paint
from torch import nn

from evaluation.scores import evaluate
from pipeline.errors import DatasetError
from pipeline.specs.optimisation import METRICS
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.curves import Curves
from trainers.prediction import predict
from trainers.training import train
from trainers.validation import Judge


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """The same pictures as val and test: one chooses, the other is predicted."""
    folder = paint(tmp_path_factory.mktemp("discs"), frames=3)
    text = (folder / "instances_test.json").read_text()
    (folder / "instances_val.json").write_text(text)
    return folder


def spec_for(folder, **changes):
    fields = {
        "task": "detection",
        "data": (DataSource(path=folder, split="val"),),
        "model": ModelSpec(name="compact_detector", width=0.5),
        "input_px": 128,
        "steps": 45,
        "batch_size": 2,
        "learning_rate": 8e-3,
        "warmup_steps": 5,
        "ema_decay": 0.8,
        "augment": OFF,
        "device": "cpu",
    }
    return TrainSpec.model_validate(fields | changes)


def test_ap_in_training_is_pycocotools_ap_of_the_predictions(discs, tmp_path):
    spec = spec_for(discs, validation={"path": discs, "every_steps": 15, "metric": "mask_ap50"})
    run = train(spec, tmp_path / "run")
    curve = json.loads((run / "curve.json").read_text())["validation"]
    assert curve["step"] == [15, 30, 45]
    best = max(range(3), key=lambda i: curve["mask_ap50"][i])
    assert curve["mask_ap50"][best] > 0
    assert read_checkpoint(run).step == curve["step"][best]
    predictions = predict(run, discs, tmp_path / "p.json", split="test")
    for kind, word in (("bbox", "box"), ("segm", "mask")):
        ap, ap50 = coco_ap(discs, predictions, kind)
        assert curve[f"{word}_ap"][best] == pytest.approx(ap, abs=1e-6)
        assert curve[f"{word}_ap50"][best] == pytest.approx(ap50, abs=1e-6)


def test_miou_in_training_is_that_of_the_class_maps(discs, tmp_path):
    spec = spec_for(
        discs,
        task="semantic",
        model={"name": "unet", "backbone": "squeezenet1_1", "width": 0.25},
        steps=4,
        validation={"path": discs, "every_steps": 4},
    )
    run = train(spec, tmp_path / "run")
    curve = json.loads((run / "curve.json").read_text())["validation"]
    sheet = evaluate(predict(run, discs, tmp_path / "p.json", split="test"), discs, split="test")
    for metric in ("miou", "pixel_accuracy"):
        score = next(s for s in sheet.scores if (s.metric, s.class_name) == (metric, None))
        assert curve[metric] == [pytest.approx(score.value, abs=1e-6)]


@pytest.mark.parametrize("steps", [1, 40])  # nothing is found after one
def test_keypoint_scores_in_training_are_those_of_the_predictions(tmp_path, steps):
    folder = flags.paint(tmp_path / "flags", frames=3, flags=2)
    text = (folder / "instances_test.json").read_text()
    (folder / "instances_val.json").write_text(text)
    spec = spec_for(
        folder,
        task="keypoints",
        model={"name": "compact_detector", "width": 0.25},
        input_px=96,
        steps=steps,
        batch_size=4,
        learning_rate=1e-2,
        validation={"path": folder, "every_steps": steps, "metric": "pck@0.1"},
    )
    run = train(spec, tmp_path / "run")
    curve = json.loads((run / "curve.json").read_text())["validation"]
    predictions = predict(run, folder, tmp_path / "p.json", split="test")
    sheet = evaluate(predictions, folder, split="test")
    found = {s.metric: s.value for s in sheet.scores if s.class_name is None}
    assert (curve["pck@0.1"][0] > 0) == (steps > 1)
    for metric in METRICS["keypoints"]:
        assert curve[metric] == [pytest.approx(found.get(metric, 0), abs=1e-9)]


def test_other_keypoints_do_not_choose(tmp_path):
    folder = flags.paint(tmp_path / "flags", frames=1)
    document = json.loads((folder / "instances_test.json").read_text())
    document["categories"][0]["keypoints"][1] = "crown"
    path = folder / "instances_val.json"
    path.write_text(json.dumps(document))
    changes = {
        "task": "keypoints",
        "model": {"name": "heatmap", "width": 0.5},
        "data": (DataSource(path=folder, split="test"),),
        "validation": {"path": folder, "every_steps": 1},
    }
    with pytest.raises(DatasetError, match=r"flag has 4 keypoints, foot, crown.*learned 4, foot"):
        train(spec_for(folder, **changes), tmp_path / "names")
    document["categories"][0]["keypoints"][1] = "top"
    for annotation in document["annotations"]:
        del annotation["keypoints"]
    path.write_text(json.dumps(document))
    with pytest.raises(DatasetError, match="no keypoint is labelled; expected some to validate"):
        train(spec_for(folder, **changes), tmp_path / "none")


def judge_of(scores, **changes):
    """A judge of a made-up metric, and the module that it looks at."""
    spec = {"path": "x", "every_steps": 2, "metric": "box_ap"} | changes
    given = iter(scores)
    pictures = SimpleNamespace(has_masks=False, scores=lambda module: {"box_ap": next(given)})
    judge = Judge(spec_for("x", validation=spec), pictures)
    network = nn.Linear(1, 1)
    module = SimpleNamespace(averaged=SimpleNamespace(module=network), curves=Curves())
    return judge, module


def test_the_best_is_kept_and_patience_ends():
    judge, module = judge_of([0.2, 0.5, 0.5, 0.4, 0.1], patience=3)
    for turn in range(5):
        with torch.no_grad():
            module.averaged.module.weight.fill_(turn)
        assert not judge.has_enough
        judge.look(module, 2 * (turn + 1))
    assert judge.has_enough
    assert (judge.best_step, judge.best_score) == (4, 0.5)
    assert float(judge.best_state["weight"]) == 1
    assert module.curves.validation["box_ap"] == [0.2, 0.5, 0.5, 0.4, 0.1]


def test_the_judge_goes_on_where_it_was():
    judge, module = judge_of([0.5, 0.4], patience=2)
    judge.look(module, 2)
    judge.look(module, 4)
    other, _ = judge_of([0.3], patience=2)
    other.load_state_dict(judge.state_dict())
    other.look(module, 6)
    assert other.has_enough
    assert other.best_step == 2


def test_it_looks_at_every_so_many_steps_and_the_last():
    judge, _ = judge_of([])
    assert [step for step in range(1, 46) if judge.is_due(step)] == [*range(2, 46, 2), 45]


def test_training_stops_early(discs, tmp_path):
    """At this rate nothing is found: no score is better than the first, 0."""
    changes = {"learning_rate": 1e-9, "steps": 30, "input_px": 64, "batch_size": 1}
    validation = {"path": discs, "every_steps": 1, "patience": 2, "metric": "box_ap"}
    run = train(spec_for(discs, **changes, validation=validation), tmp_path / "run")
    curve = json.loads((run / "curve.json").read_text())
    assert curve["step"] == [1, 2, 3]
    assert read_checkpoint(run).step == 1


def test_validation_pictures_that_do_not_fit_are_named(discs, tmp_path):
    other = paint(
        tmp_path / "other", categories=((1, "coin"), (2, "ring")), names=("coin", "ring"), frames=1
    )
    validation = {"path": other, "every_steps": 1, "split": "test2"}
    (other / "instances_test2.json").write_text((other / "instances_test.json").read_text())
    with pytest.raises(DatasetError, match=r"got coin to validate on; .* show disc, ring"):
        train(spec_for(discs, steps=1, validation=validation), tmp_path / "run")
    boxes = paint(tmp_path / "boxes", masks=False, frames=1)
    (boxes / "instances_val.json").write_text((boxes / "instances_test.json").read_text())
    validation = {"path": boxes, "every_steps": 1, "metric": "mask_ap"}
    with pytest.raises(DatasetError, match="mask_ap needs masks"):
        train(spec_for(discs, steps=1, validation=validation), tmp_path / "run2")
