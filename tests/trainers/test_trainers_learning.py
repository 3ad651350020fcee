"""Every task from dataset to scores, on painted pictures, far above chance."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from discs import OFF, coco_ap, paint
from killing import Killed, kill_at
from torch import nn
from torchvision.models import squeezenet1_1

from evaluation.scores import evaluate
from flows.networks import train_network
from pipeline.errors import DatasetError, SpecError, TrainingError
from pipeline.records.predictions import read_meta, read_results
from pipeline.specs.training import DataSource, FreezeSpec, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.loop import StepModule, StepStream
from trainers.prediction import predict
from trainers.training import train


def spec_for(folder, model, **changes):
    fields = {
        "task": "detection",
        "data": (DataSource(path=folder, split="test"),),
        "model": ModelSpec(backbone="resnet18", width=0.25, **model),
        "input_px": 128,
        "steps": 40,
        "batch_size": 3,
        "learning_rate": 2e-3,
        "warmup_steps": 5,
        "ema_decay": 0.8,
        "augment": OFF,
        "device": "cpu",
    }
    return TrainSpec(**fields | changes)


@pytest.fixture(scope="module")
def benchmark_dir(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("discs"))


def score_of(sheet, metric):
    return next(s.value for s in sheet.scores if (s.metric, s.class_name) == (metric, None))


def test_detection_with_masks(benchmark_dir, tmp_path):
    """Chance is an AP50 below 0.01: six objects of 25 px in 122 x 90."""
    run = train(spec_for(benchmark_dir, {"name": "mask_rcnn"}, steps=30), tmp_path / "run")
    out = predict(run, benchmark_dir, tmp_path / "p.json")
    sheet = evaluate(out, benchmark_dir, split="test")
    for kind, word in (("bbox", "box"), ("segm", "mask")):
        ap, ap50 = coco_ap(benchmark_dir, out, kind)
        assert ap50 > 0.3
        assert score_of(sheet, f"{word}_ap") == pytest.approx(ap, abs=1e-9)
        assert score_of(sheet, f"{word}_ap50") == pytest.approx(ap50, abs=1e-9)
    meta = read_meta(out)
    assert meta.semantic_dir is None
    assert meta.seconds_per_image > 0
    assert read_checkpoint(run).objects.small_px == pytest.approx(20, abs=3)


def test_semantic_segmentation(benchmark_dir, tmp_path):
    """Chance: all background is a mean IoU of 0.27."""
    spec = spec_for(benchmark_dir, {"name": "unet"}, task="semantic", learning_rate=4e-3)
    run = train(spec, tmp_path / "run")
    out = predict(run, benchmark_dir, tmp_path / "p.json")
    assert read_results(out) == []
    meta = read_meta(out)
    assert (meta.task, meta.semantic_dir) == ("semantic", "p_semantic")
    pixels = cv2.imread(str(tmp_path / "p_semantic" / "10.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (90, 122)
    assert set(np.unique(pixels)) <= {0, 3, 7}
    sheet = evaluate(out, benchmark_dir, split="test")
    assert score_of(sheet, "miou") > 0.6
    assert not any(score.metric.startswith(("box", "mask")) for score in sheet.scores)


def test_classification(tmp_path):
    """Chance is 0.5."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("test", 10)):
        for name, across in (("across", True), ("down", False)):
            folder = tmp_path / "data" / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                image = rng.normal(60, 20, (32, 32))
                place = int(rng.integers(6, 24))
                image[(slice(place, place + 3), slice(None))[:: 1 if across else -1]] += 120
                cv2.imwrite(str(folder / f"{i}.png"), image.clip(0, 255).astype(np.uint8))
    spec = TrainSpec(
        task="classification",
        data=(DataSource(path=tmp_path / "data"),),
        model=ModelSpec(name="resnet18"),
        input_px=32,
        steps=25,
        batch_size=8,
        learning_rate=1e-3,
        ema_decay=0.8,
        warmup_steps=3,
        augment=OFF,
        device="cpu",
    )
    out = predict(train(spec, tmp_path / "run"), tmp_path / "data", tmp_path / "p.json")
    assert score_of(evaluate(out, tmp_path / "data", split="test"), "accuracy") >= 0.85


def test_what_is_left_to_chance_resumes_exactly(benchmark_dir, tmp_path):
    """Faster R-CNN draws the regions it learns from; two stages thaw at the third step."""
    model = {"name": "faster_rcnn", "freeze": FreezeSpec(stages=2, steps=2), "backbone_rate": 0.3}
    spec = spec_for(benchmark_dir, model, steps=4, input_px=64, checkpoint_seconds=0)

    whole = train(spec, tmp_path / "whole")
    with pytest.raises(Killed):
        train(spec, tmp_path / "killed", progress=kill_at(3))
    killed = train(spec, tmp_path / "killed")
    first, second = ((run / "curve.json").read_bytes() for run in (whole, killed))
    assert first == second
    states = [read_checkpoint(run).state for run in (whole, killed)]
    assert all(states[0][name].equal(states[1][name]) for name in states[0])


def test_tiles_are_used_for_prediction(benchmark_dir, tmp_path):
    model = {"name": "unet", "tile": 64}
    spec = spec_for(benchmark_dir, model, task="semantic", steps=1, input_px=64)
    out = predict(train(spec, tmp_path / "run"), benchmark_dir, tmp_path / "p.json")
    pixels = cv2.imread(str(tmp_path / "p_semantic" / "10.png"), cv2.IMREAD_UNCHANGED)
    assert pixels.shape == (90, 122)
    assert read_results(out) == []


def test_masks_are_not_learned_from_boxes(tmp_path):
    boxes = paint(tmp_path / "boxes", masks=False, frames=1)
    for model, task in (("mask_rcnn", "detection"), ("unet", "semantic")):
        with pytest.raises(DatasetError, match=f"has boxes but no masks, which {model}") as error:
            train(spec_for(boxes, {"name": model}, task=task), tmp_path / model)
        assert "\n" not in str(error.value)


def test_a_missing_picture_is_named_before_training(tmp_path):
    folder = paint(tmp_path / "discs", frames=2)
    (folder / "images" / "1.png").unlink()
    with pytest.raises(DatasetError, match=r"image '1\.png' is not in"):
        train(spec_for(folder, {"name": "unet"}, task="semantic"), tmp_path / "run")


def test_errors_of_loader_workers_are_one_line(benchmark_dir, monkeypatch):
    """A worker's exception would arrive as a traceback in text; its error arrives as a batch."""
    broken = DatasetError("1.png: cannot be read.")

    class Failing:
        def batch(self, step, *, part, parts):
            raise broken

    info = SimpleNamespace(id=0, num_workers=1)
    monkeypatch.setattr("trainers.loop.get_worker_info", lambda: info)
    assert list(StepStream(Failing(), first=0, steps=1)) == [broken]
    spec = spec_for(benchmark_dir, {"name": "unet"}, task="semantic")
    module = StepModule(nn.Linear(1, 1), Failing(), spec)
    with pytest.raises(DatasetError, match=r"^1\.png: cannot be read\.$"):
        module.transfer_batch_to_device(broken, torch.device("cpu"), 0)


def test_a_loss_that_is_no_number_ends_any_network(benchmark_dir, tmp_path):
    spec = spec_for(benchmark_dir, {"name": "unet"}, task="semantic", learning_rate=1e12)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step \d+; lower") as error:
        train(spec.model_copy(update={"input_px": 64}), tmp_path / "run")
    assert "\n" not in str(error.value)


def command_file(folder, model):
    path = folder / "net.yaml"
    path.write_text(
        "task: classification\ndata: [{path: data}]\ninput_px: 32\nsteps: 1\nbatch_size: 2\n"
        f"device: cpu\nmodel: {model}\n"
    )
    return path


def test_the_command_names_file_and_key(tmp_path):
    with pytest.raises(SpecError, match=r"net\.yaml: key 'model\.name': .* did you mean resnet18"):
        train_network(command_file(tmp_path, "{name: resnet19}"), tmp_path / "run", benchmarks=None)
    assert not (tmp_path / "run").exists()


def test_the_command_lists_the_weights_it_dropped(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "data" / name / "1.png"), np.full((32, 32, 3), 99, np.uint8))
    torch.save(squeezenet1_1(weights=None).state_dict(), tmp_path / "w.pth")
    config = command_file(tmp_path, "{name: squeezenet1_1, weights: w.pth}")
    outcome = train_network(config, tmp_path / "run", benchmarks=None)
    assert outcome.shown[1].endswith(
        "50 tensors taken over; dropped: classifier.1.bias, classifier.1.weight"
    )
    assert outcome.summary["dropped_weights"] == ["classifier.1.bias", "classifier.1.weight"]
