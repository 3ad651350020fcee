"""What happens in a step: parts of batches, clipping, precision, resuming, curves."""

import json
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from killing import Killed, curve_of, kill_at
from torch import nn

from pipeline.errors import SpecError
from pipeline.specs.training import DataSource, FreezeSpec, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.curves import Curves
from trainers.loop import StepModule, StepStream
from trainers.task_registry import open_task
from trainers.training import train


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Class folders of noisy stripes, across or down."""
    folder, rng = tmp_path_factory.mktemp("stripes"), np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("across", "down"):
            (folder / split / name).mkdir(parents=True)
            for number in range(6):
                image = rng.normal(90, 30, (16, 16))
                image[::2] += 60
                image = image if name == "across" else image.T
                path = folder / split / name / f"{number}.png"
                cv2.imwrite(str(path), image.clip(0, 255).astype(np.uint8))
    return folder


def spec_for(folder, **changes):
    fields = {
        "task": "classification",
        "data": (DataSource(path=folder),),
        "model": ModelSpec(name="compact_classifier", width=0.25),
        "input_px": 16,
        "steps": 6,
        "batch_size": 8,
        "warmup_steps": 2,
        "device": "cpu",
    }
    return TrainSpec.model_validate(fields | changes)


def states_are_equal(first, second):
    a, b = (read_checkpoint(run).state for run in (first, second))
    return all(torch.equal(a[name], b[name]) for name in a)


def test_parts_make_up_the_batch(stripes):
    task = open_task(spec_for(stripes))
    whole = task.batch(3)
    parts = [task.batch(3, part=part, parts=4) for part in range(4)]
    together = torch.stack([part.images for part in parts], dim=1).flatten(0, 1)
    assert torch.equal(together, whole.images)


def test_ranks_and_workers_share_every_step(monkeypatch):
    class Shares:
        def batch(self, step, *, part, parts):
            return step, part, parts

    def of(rank, worker=None):
        info = None if worker is None else SimpleNamespace(id=worker, num_workers=2)
        monkeypatch.setattr("trainers.loop.get_worker_info", lambda: info)
        stream = StepStream(Shares(), first=1, steps=3, accumulate=2, rank=rank, ranks=3)
        return list(stream)

    assert of(0) == [(1, 0, 6), (1, 3, 6), (2, 0, 6), (2, 3, 6)]
    seen = sorted(item for rank in range(3) for item in of(rank))
    assert seen == [(step, part, 6) for step in (1, 2) for part in range(6)]
    assert [of(2, worker=w) for w in (0, 1)] == [[(1, 2, 6), (2, 2, 6)], [(1, 5, 6), (2, 5, 6)]]


def test_accumulation_equals_a_larger_batch(stripes, tmp_path):
    """Batch norms keep their statistics, since they would be of other batches."""
    model = ModelSpec(name="compact_classifier", width=0.25, freeze=FreezeSpec(norms=True))
    runs = [
        train(spec_for(stripes, model=model, accumulate=n, steps=4), tmp_path / str(n))
        for n in (1, 4)
    ]
    one, four = (curve_of(run) for run in runs)
    assert four["loss"] == pytest.approx(one["loss"], rel=1e-4)
    norms = [curve["optimiser"]["gradient_norm"] for curve in (one, four)]
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)


def test_the_gradient_is_clipped_to_the_norm():
    parameter = nn.Parameter(torch.zeros(3))
    module = StepModule(nn.Linear(1, 1), None, SimpleNamespace(ema_decay=0.9))
    optimiser = torch.optim.SGD([parameter])
    for gradient, limit, wanted in (
        ([3.0, 0.0, 4.0], 1.0, [0.6, 0.0, 0.8]),
        ([3.0, 0.0, 4.0], None, [3.0, 0.0, 4.0]),
        ([0.3, 0.1, 0.2], 1.0, [0.3, 0.1, 0.2]),
    ):
        parameter.grad = torch.tensor(gradient)
        module.configure_gradient_clipping(optimiser, limit)
        assert parameter.grad.tolist() == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("optimiser", "schedule"),
    [
        ({"name": "sgd", "nesterov": True}, "one_cycle"),
        pytest.param("rmsprop", "step", marks=pytest.mark.slow),  # seconds each
        pytest.param("adagrad", "linear", marks=pytest.mark.slow),
    ],
)
def test_killed_runs_go_on_bit_by_bit(stripes, tmp_path, optimiser, schedule):
    changes = {
        "optimiser": optimiser,
        "schedule": schedule,
        "learning_rate": 0.01,
        "accumulate": 2,
        "deterministic": True,
        "checkpoint_seconds": 0,
        "validation": {"path": stripes, "every_steps": 2},
    }
    spec = spec_for(stripes, **changes)
    whole = train(spec, tmp_path / "whole")
    for step in (3, 5):
        with pytest.raises(Killed):
            train(spec, tmp_path / "killed", progress=kill_at(step))
    killed = train(spec, tmp_path / "killed")
    first, second = ((run / "curve.json").read_bytes() for run in (whole, killed))
    assert first == second
    assert states_are_equal(whole, killed)
    stats = [json.loads((run / "stats.json").read_text()) for run in (whole, killed)]
    assert stats[0]["best"] == stats[1]["best"]
    for each in stats:
        assert len(each["images_per_second"]) == spec.steps
        stepping = sum(spec.batch_size / rate for rate in each["images_per_second"])
        assert each["seconds"] >= 0.98 * stepping
    assert not torch.are_deterministic_algorithms_enabled()


def test_half_precision_trains_nearly_the_same(stripes, tmp_path):
    runs = [
        train(spec_for(stripes, precision=precision, steps=3), tmp_path / str(precision))
        for precision in (32, "bf16-mixed")
    ]
    full, half = (curve_of(run)["loss"] for run in runs)
    assert full != half
    assert half == pytest.approx(full, rel=0.05)
    assert read_checkpoint(runs[1]).state["classes.weight"].dtype == torch.float32


def test_what_needs_a_gpu_is_named(stripes, tmp_path):
    with pytest.raises(SpecError, match="key 'precision'"):
        train(spec_for(stripes, precision="16-mixed"), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 6, "accumulate": 4}, "cannot be shared by 1 devices in 4 parts"),
        ({"validation": {"path": "x", "every_steps": 1, "metric": "miou"}}, "expected accuracy"),
        ({"precision": "64"}, "32"),
    ],
)
def test_specs_that_make_no_sense(stripes, changes, words):
    with pytest.raises(ValueError, match=words):
        spec_for(stripes, **changes)


def test_tensorboard_shows_what_the_curves_hold(stripes, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    changes = {"tensorboard": True, "validation": {"path": stripes, "every_steps": 3}}
    spec = spec_for(stripes, checkpoint_seconds=0, **changes)
    with pytest.raises(Killed):
        train(spec, tmp_path / "run", progress=kill_at(4))
    run = train(spec, tmp_path / "run")
    events = accumulator.EventAccumulator(str(run / "tensorboard")).Reload()
    curve = curve_of(run)
    losses = {event.step: event.value for event in events.Scalars("loss/loss")}
    assert list(losses.values()) == pytest.approx(curve["loss"], rel=1e-6)
    assert list(losses) == curve["step"]
    scores = [(event.step, event.value) for event in events.Scalars("validation/accuracy")]
    wanted = zip(curve["validation"]["step"], curve["validation"]["accuracy"], strict=True)
    assert scores == [(step, pytest.approx(score)) for step, score in wanted]
    assert len(events.Scalars("speed/images_per_second")) == spec.steps


def test_curves_hold_no_nan_and_draw():
    curves = Curves()
    for step in range(1, 4):
        norm = math.inf if step == 2 else 1.0
        curves.add_step({"loss": 1 / step}, learning_rate=0.1, gradient_norm=norm)
        curves.images_per_second.append(10.0)
    curves.add_scores(3, {"accuracy": 0.5})
    document = curves.document()
    assert document["optimiser"]["gradient_norm"] == [1.0, None, 1.0]
    json.dumps(document, allow_nan=False)
    assert curves.latest()["validation/accuracy"] == 0.5
    picture = cv2.imdecode(np.frombuffer(curves.draw(), np.uint8), cv2.IMREAD_COLOR)
    assert picture.std() > 10
