"""Two processes on the CPU train as one does."""

import json

import cv2
import numpy as np
import pytest
from killing import Killed, kill_at

from pipeline.errors import TrainingError
from pipeline.specs.training import DataSource, FreezeSpec, ModelSpec, TrainSpec
from trainers.checkpoints import read_checkpoint
from trainers.training import train

pytestmark = pytest.mark.slow  # about a minute: each run starts a second process


def spec_for(folder, **changes):
    """Batch norms keep their statistics, since halves of a batch have others."""
    fields = {
        "task": "classification",
        "data": (DataSource(path=folder),),
        "model": ModelSpec(name="compact_classifier", width=0.25, freeze=FreezeSpec(norms=True)),
        "input_px": 16,
        "steps": 5,
        "batch_size": 8,
        "warmup_steps": 2,
        "checkpoint_seconds": 0,
        "device": "cpu",
        "validation": {"path": folder, "split": "train", "every_steps": 2},
    }
    return TrainSpec.model_validate(fields | changes)


@pytest.fixture
def shades(tmp_path):
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("bright", 160)):
        (tmp_path / "data" / "train" / name).mkdir(parents=True)
        for number in range(8):
            image = rng.normal(level, 30, (16, 16)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / "train" / name / f"{number}.png"), image)
    return tmp_path / "data"


def test_two_processes_train_as_one_and_go_on_where_they_were(shades, tmp_path):
    alone, together = (train(spec_for(shades, devices=n), tmp_path / str(n)) for n in (1, 2))
    first, second = (json.loads((run / "curve.json").read_text()) for run in (alone, together))
    assert second["loss"] == pytest.approx(first["loss"], rel=1e-4)
    assert second["validation"] == first["validation"]
    a, b = (read_checkpoint(run).state for run in (alone, together))
    for name in a:
        np.testing.assert_allclose(a[name].numpy(), b[name].numpy(), rtol=1e-3, atol=1e-5)
    with pytest.raises(Killed):
        train(spec_for(shades, devices=2), tmp_path / "killed", progress=kill_at(3))
    killed = train(spec_for(shades, devices=2), tmp_path / "killed")
    assert json.loads((killed / "curve.json").read_text()) == second


def test_what_fails_in_another_process_is_said_in_one_line(shades, tmp_path):
    spec = spec_for(shades, devices=2, learning_rate=1e30, clip_norm=None, steps=40)
    with pytest.raises(TrainingError, match=r"run: .*loss is (nan|inf) at step \d+") as error:
        train(spec, tmp_path / "run")
    assert "\n" not in str(error.value)
