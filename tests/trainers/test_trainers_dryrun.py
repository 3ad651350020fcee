"""Dry runs: healthy networks pass, broken ones are caught and named."""

import json
import math

import cv2
import numpy as np
import pytest
import torch
from discs import OFF, paint
from torch import nn
from typer.testing import CliRunner

from flows.cli import app
from pipeline.specs.training import DataSource, FreezeSpec, ModelSpec, TrainSpec
from trainers.dryrun import steps
from trainers.dryrun.initial import check_gradients, check_initial_loss
from trainers.dryrun.memory import check_memory
from trainers.dryrun.rehearsal import rehearse
from trainers.dryrun.steps import check_one_batch, check_rate, steepest
from trainers.fitting import open_run
from trainers.networks.classifiers import CompactClassification


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return paint(tmp_path_factory.mktemp("discs"), frames=2)


@pytest.fixture(scope="module")
def shades(tmp_path_factory):
    """Class folders: dark, middling and bright pictures."""
    folder, rng = tmp_path_factory.mktemp("shades"), np.random.default_rng(0)
    for name, level in (("dark", 40), ("middling", 120), ("bright", 200)):
        (folder / name).mkdir()
        for number in range(4):
            image = rng.normal(level, 15, (16, 16)).clip(0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / name / f"{number}.png"), image)
    return folder


def spec_for(folder, **changes):
    fields = {
        "task": "classification",
        "data": (DataSource(path=folder),),
        "model": ModelSpec(name="compact_classifier", width=0.25),
        "input_px": 16,
        "steps": 100,
        "batch_size": 6,
        "augment": OFF,
        "device": "cpu",
    }
    return TrainSpec.model_validate(fields | changes)


def broken(monkeypatch, change):
    """Networks of this test are changed after they are built."""
    build = CompactClassification.build

    def changed(self):
        module = build(self)
        change(module)
        return module

    monkeypatch.setattr(CompactClassification, "build", changed)


def findings_of(rehearsal):
    return {finding.check: finding for finding in rehearsal.findings}


def test_a_healthy_network_passes(shades, tmp_path):
    calls = []
    folder = tmp_path / "dry"
    rehearsal = rehearse(spec_for(shades), folder, progress=lambda *call: calls.append(call))
    assert rehearsal.verdict == "ok", rehearsal.lines()
    assert {path.name for path in folder.iterdir()} == {"dry-run.json", "dry-run.png", "batch.png"}
    document = json.loads((folder / "dry-run.json").read_text())
    initial = document["findings"][0]["facts"]
    assert initial["expected"]["class"] == pytest.approx(math.log(3))
    assert initial["parts"]["class"] == pytest.approx(math.log(3), rel=0.3)
    assert calls[-1][0] == calls[-1][1]
    assert rehearsal.lines()[-1] == "Nothing stands in the way."


DETECTORS = ("compact_detector", "faster_rcnn", "mask_rcnn", "retinanet", "fcos", "ssdlite")


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_start_where_their_heads_promise(discs, name):
    model = {"name": name, "width": 0.25} | (
        {} if name == "compact_detector" else {"backbone": "squeezenet1_1"}
    )
    spec = spec_for(
        discs,
        task="detection",
        data=(DataSource(path=discs, split="test"),),
        model=model,
        input_px=64,
        batch_size=2,
    )
    finding = check_initial_loss(open_run(spec, discs))
    parts, expected = finding.facts["parts"], finding.facts["expected"]
    assert expected
    assert expected.keys() <= parts.keys()
    for part, value in expected.items():
        assert parts[part] == pytest.approx(value, rel=0.6), part


def test_segmenters_start_at_even_guesses(discs):
    spec = spec_for(
        discs,
        task="semantic",
        data=(DataSource(path=discs, split="test"),),
        model={"name": "unet", "backbone": "squeezenet1_1", "width": 0.25},
        input_px=64,
        batch_size=2,
    )
    finding = check_initial_loss(open_run(spec, discs))
    assert finding.facts["expected"]["class"] == pytest.approx(math.log(3))
    assert finding.verdict == "ok"


def test_outputs_of_the_wrong_scale_are_broken(shades, monkeypatch):
    def scale(module):
        with torch.no_grad():
            module.classes.weight.mul_(300)

    broken(monkeypatch, scale)
    assert check_initial_loss(open_run(spec_for(shades), shades)).verdict == "broken"


class Detached(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x).detach()


def test_layers_without_gradient_are_named(shades, monkeypatch):
    def cut(module):
        module.features[5] = Detached(module.features[5])

    broken(monkeypatch, cut)
    finding = check_gradients(open_run(spec_for(shades), shades))
    assert finding.verdict == "broken"
    assert finding.facts["dead"] == ["stage 1", "stage 2"]
    assert "dead: stage 1, stage 2" in finding.text


def test_frozen_layers_are_not_dead(shades):
    model = ModelSpec(name="compact_classifier", width=0.25, freeze=FreezeSpec(stages=2))
    finding = check_gradients(open_run(spec_for(shades, model=model), shades))
    assert finding.verdict == "ok"
    assert finding.facts["frozen"] == ["stage 1", "stage 2"]


def test_exploding_layers_are_named(shades, monkeypatch):
    def explode(module):
        module.classes.weight.register_hook(lambda gradient: gradient * 1e9)

    broken(monkeypatch, explode)
    finding = check_gradients(open_run(spec_for(shades), shades))
    assert (finding.verdict, finding.facts["exploding"]) == ("broken", ["classes"])


def test_what_cannot_learn_one_batch_is_broken(shades, monkeypatch):
    monkeypatch.setattr(steps, "OVERFIT_STEPS", 12)
    run = open_run(spec_for(shades, learning_rate=1e-9), shades)
    finding = check_one_batch(run, lambda: None)
    assert finding.verdict == "broken"
    assert "in 12 steps" in finding.text


def test_the_steepest_fall_is_found():
    """1 / (1 + r / r0) falls fastest by log r at r0; r^2 takes over beyond."""
    rates = np.geomspace(1e-7, 3, 120).tolist()
    losses = [1 / (1 + rate / 1e-3) + rate**2 for rate in rates]
    suggested, turning = steepest(rates, losses)
    assert 1e-3 / 3 < suggested < 3e-3
    assert 0.03 < turning < 0.3
    assert steepest(rates, [1.0] * 120)[0] is None


def test_a_rate_far_from_the_range_is_marked(shades):
    run = open_run(spec_for(shades, learning_rate=1e-7), shades)
    finding = check_rate(run, lambda: None)
    assert finding.verdict == "look"
    assert 1e-5 < finding.facts["suggested"] < 1


def test_memory_is_counted(shades):
    """AdamW keeps two numbers for each weight, SGD without momentum none."""
    weights = 4 * sum(p.numel() for p in open_run(spec_for(shades), shades).build()[0].parameters())
    parts = {}
    for name, optimiser in (("adamw", "adamw"), ("sgd", {"name": "sgd", "momentum": 0})):
        run = open_run(spec_for(shades, optimiser=optimiser), shades)
        parts[name] = check_memory(run).facts["bytes"]
    assert parts["adamw"]["optimiser"] == 2 * weights
    assert parts["sgd"]["optimiser"] == 0
    assert parts["adamw"]["gradients"] == weights
    whole = check_memory(open_run(spec_for(shades, batch_size=12), shades)).facts["bytes"]
    assert whole["activations"] == pytest.approx(2 * parts["sgd"]["activations"], rel=0.1)


def test_the_command_ends_with_the_verdict(shades, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "OVERFIT_STEPS", 6)
    monkeypatch.setattr(steps, "RANGE_STEPS", 8)
    (tmp_path / "net.yaml").write_text(
        f"task: classification\ndata: [{{path: {shades}}}]\ninput_px: 16\nsteps: 9\n"
        "batch_size: 6\ndevice: cpu\nlearning_rate: 1e-9\n"
        "model: {name: compact_classifier, width: 0.25}\n"
    )
    command = ["train", str(tmp_path / "net.yaml"), "--dry-run", "--json"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1])["verdict"] == "broken"
    assert {path.name for path in tmp_path.iterdir()} == {"net.yaml"}
    missing = CliRunner().invoke(app, command[:2])
    assert missing.exit_code == 2
