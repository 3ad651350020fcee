"""Runs: what they leave behind, how they resume, what they refuse."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from killing import Killed, curve_of, kill_at

from pipeline.errors import CheckpointError, DatasetError, SpecError, TrainingError
from pipeline.specs.augmentation import AugmentSpec
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.checkpoints import load_plain, read_checkpoint
from trainers.loop import StepStream
from trainers.training import train


def spec_for(dataset, **changes):
    fields = {
        "task": "detection",
        "data": (DataSource(path=dataset),),
        "model": ModelSpec(name="compact_detector", width=0.5),
        "input_px": 64,
        "steps": 6,
        "batch_size": 2,
        "warmup_steps": 2,
        "device": "cpu",
    }
    return TrainSpec(**fields | changes)


def test_a_run_leaves_its_files_and_nothing_else(painted_dataset, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    seen = []
    spec = spec_for(painted_dataset)
    run_dir = train(spec, tmp_path / "run", progress=lambda *call: seen.append(call))
    assert sorted(path.name for path in run_dir.iterdir()) == [
        "batch.png",
        "curve.json",
        "curve.png",
        "model.pt",
        "stats.json",
        "train.json",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"painted", "run"}
    assert capfd.readouterr() == ("", "")
    assert [call[:2] for call in seen] == [(step, 6) for step in range(1, 7)]
    assert "images/s" in seen[-1][2]
    curve = curve_of(run_dir)
    assert curve["step"] == [1, 2, 3, 4, 5, 6]
    parts = [curve[name][0] for name in ("heat", "box", "mask", "semantic")]
    assert curve["loss"][0] == pytest.approx(sum(parts))
    assert TrainSpec.model_validate_json((run_dir / "train.json").read_text()) == spec


def test_a_finished_run_is_not_touched(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, steps=1)
    run_dir = train(spec, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in run_dir.iterdir()}
    train(spec, run_dir, progress=kill_at(1))
    assert {path: path.stat().st_mtime_ns for path in run_dir.iterdir()} == before


def test_a_killed_run_goes_on_as_if_nothing_had_happened(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, checkpoint_seconds=0)
    whole = train(spec, tmp_path / "whole")
    for step in (2, 5):
        with pytest.raises(Killed):
            train(spec, tmp_path / "killed", progress=kill_at(step))
    killed = train(spec, tmp_path / "killed")
    assert curve_of(killed) == curve_of(whole)
    first, second = (read_checkpoint(run).state for run in (whole, killed))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_loader_workers_take_turns(monkeypatch):
    class Steps:
        def batch(self, step, *, part, parts):
            return step

    def of_worker(index):
        info = SimpleNamespace(id=index, num_workers=3)
        monkeypatch.setattr("trainers.loop.get_worker_info", lambda: info)
        return list(StepStream(Steps(), first=4, steps=11))

    assert [of_worker(index) for index in range(3)] == [[4, 7, 10], [5, 8], [6, 9]]


def test_sigkill_loses_nothing(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, checkpoint_seconds=0)
    whole = train(spec, tmp_path / "whole")
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from pipeline.specs.training import TrainSpec; from trainers.training import train\n"
        "spec = TrainSpec.model_validate_json(Path('spec.json').read_text())\n"
        "def progress(done, total, note=''):\n"
        "    if done == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "train(spec, Path('run'), progress=progress)\n"
    )
    child = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False)
    assert child.returncode == -9
    assert load_plain(tmp_path / "run" / "last.ckpt")["global_step"] == 3
    assert curve_of(train(spec, tmp_path / "run")) == curve_of(whole)


def test_ctrl_c_is_ctrl_c(painted_dataset, tmp_path, capfd):
    def interrupt(done, total, note=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(spec_for(painted_dataset), tmp_path / "run", progress=interrupt)
    assert capfd.readouterr() == ("", "")


def test_seeds_decide(painted_dataset, tmp_path):
    runs = [
        train(spec_for(painted_dataset, steps=2, seed=seed), tmp_path / name)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    first, same, other = (curve_of(run)["loss"] for run in runs)
    assert first == same
    assert first != other


def test_a_loss_that_is_no_number_ends_the_run(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, learning_rate=1e12, steps=30)
    with pytest.raises(TrainingError, match=r"run: the loss is (nan|inf) at step \d+; lower") as e:
        train(spec, tmp_path / "run")
    assert "\n" not in str(e.value)


def test_another_specs_folder_is_refused(painted_dataset, tmp_path):
    train(spec_for(painted_dataset, steps=1), tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"another spec \(differs in steps\)"):
        train(spec_for(painted_dataset, steps=2), tmp_path / "run")
    assert read_checkpoint(tmp_path / "run").step == 1


def test_a_folder_where_nothing_was_trained_can_be_used_again(painted_dataset, tmp_path):
    with pytest.raises(DatasetError):
        train(spec_for(tmp_path / "nowhere"), tmp_path / "run")
    assert read_checkpoint(train(spec_for(painted_dataset, steps=1), tmp_path / "run")).step == 1


def test_other_data_under_an_interrupted_run_are_refused(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, checkpoint_seconds=0)
    with pytest.raises(Killed):
        train(spec, tmp_path / "run", progress=kill_at(3))
    annotations = painted_dataset / "annotations" / "instances.json"
    annotations.write_text(annotations.read_text() + "\n")
    with pytest.raises(CheckpointError, match="run: the training data changed"):
        train(spec, tmp_path / "run")


def test_a_broken_state_is_named(painted_dataset, tmp_path):
    spec = spec_for(painted_dataset, checkpoint_seconds=0)
    with pytest.raises(Killed):
        train(spec, tmp_path / "run", progress=kill_at(3))
    (tmp_path / "run" / "last.ckpt").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match=r"last\.ckpt: .* delete it to start over"):
        train(spec, tmp_path / "run")


def test_a_missing_gpu_is_named(painted_dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SpecError, match="device"):
        train(spec_for(painted_dataset, device="cuda"), tmp_path / "run")


def test_sources_are_mixed(painted_dataset, make_painted_dataset, tmp_path):
    other = make_painted_dataset(tmp_path / "other", frames=3, seed=9)
    data = (DataSource(path=painted_dataset), DataSource(path=other, weight=3, fraction=0.5))
    run_dir = train(spec_for(painted_dataset, data=data, steps=1, batch_size=4), tmp_path / "run")
    stats = json.loads((run_dir / "stats.json").read_text())
    assert [Path(entry["path"]) for entry in stats["data"]] == [painted_dataset, other]


def test_fine_tuning_starts_from_the_weights(painted_dataset, tmp_path):
    first = train(spec_for(painted_dataset), tmp_path / "first")
    model = ModelSpec(name="compact_detector", width=0.5, weights=first)
    frozen = spec_for(painted_dataset, model=model, steps=1, learning_rate=1e-12)
    second = train(frozen, tmp_path / "second")
    before, after = (read_checkpoint(run).state for run in (first, second))
    name = "stem.0.weight"
    torch.testing.assert_close(before[name], after[name])
    wider = spec_for(painted_dataset, model=model.model_copy(update={"width": 1.0}))
    with pytest.raises(CheckpointError, match=r"width 0\.5; expected compact_detector of 1"):
        train(wider, tmp_path / "third")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"input_px": 100}, "not a multiple of 32"),
        (
            {"input_px": 96, "model": ModelSpec(name="compact_detector", zoom=0.5)},
            "input_px of 96 times the model's zoom of 0.5 is not a multiple of 32",
        ),
        ({"task": "classification"}, "cannot be trained for classification"),
    ],
)
def test_specs_that_make_no_sense(painted_dataset, changes, words):
    with pytest.raises(ValueError, match=words):
        spec_for(painted_dataset, **changes)


def test_warmup_and_cosine(painted_dataset, tmp_path):
    rates = []
    spec = spec_for(painted_dataset, steps=10, warmup_steps=4, augment=AugmentSpec())
    step_of = torch.optim.AdamW.step

    def spy(self, closure=None):
        rates.append(self.param_groups[0]["lr"])
        return step_of(self, closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", spy)
        train(spec, tmp_path / "run")
    peak = spec.learning_rate
    assert rates[:4] == pytest.approx([peak * k / 5 for k in (1, 2, 3, 4)])
    assert rates[4] == pytest.approx(peak)
    assert rates[7] == pytest.approx(peak / 2)
    assert rates[-1] < 0.1 * peak
