"""The street's steps with stand-ins for rendering, training, prediction and scoring.

Cells, records and the order of steps are the real ones.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.analysis.records import Analysis
from evaluation.scores import write_scores
from flows import domains, steps, training_cells
from flows.street import PLAIN_STEPS, Steps

# Prefect reads its surroundings when imported; the user's own home is not for tests.
os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="blendgap-tests-")
atexit.register(shutil.rmtree, os.environ["PREFECT_HOME"], ignore_errors=True)


class StandIns:
    """Steps that tell what is asked of them and what they really do.

    Attributes:
        said: Every call of a step.
        worked: Training and prediction that was not skipped.
        fail_at: Errors to raise, by what ``worked`` would say.
        at_work: Called with what ``worked`` says.
        specs: What was trained.
        tested: What was scored last.
    """

    def __init__(self, paint: Callable[..., Path]) -> None:
        self._paint = paint
        self._label = ""
        self.said: list[str] = []
        self.worked: list[str] = []
        self.fail_at: dict[str, BaseException] = {}
        self.at_work: Callable[[str], object] = lambda work: None
        self.specs: list[Any] = []
        self.tested: list[Any] = []

    @property
    def steps(self) -> Steps:
        return Steps(
            render=self._told(PLAIN_STEPS.render, lambda *a, label, **k: f"render {label}"),
            crops=self._told(PLAIN_STEPS.crops, lambda dataset, *a: f"crops {dataset.name}"),
            boxes=self._told(PLAIN_STEPS.boxes, lambda dataset, *a: f"boxes {dataset.name}"),
            train=self._told(PLAIN_STEPS.train, lambda *a, label: f"train {label}"),
            fleet=self._told(PLAIN_STEPS.fleet, lambda several, *a, **k: f"fleet {len(several)}"),
            predict=self._told(PLAIN_STEPS.predict, lambda *a, label, **k: f"predict {label}"),
            pool=self._told(PLAIN_STEPS.pool, lambda parts, *a, **k: f"pool {len(parts)}"),
            baseline=self._told(
                PLAIN_STEPS.baseline, lambda target, *a, **k: f"baseline {target.name}"
            ),
            evaluate=self._told(PLAIN_STEPS.evaluate, self._evaluated),
            domains=self._told(PLAIN_STEPS.domains, lambda *a, **k: "domains"),
            report=self._told(PLAIN_STEPS.report, lambda folder: "report"),
        )

    def render(self, spec, out, *, source, workers, progress):
        if not (out / "manifest.json").is_file():
            self._work(f"render {out.name}")
            other = len(spec.factors)  # another recipe, other frames
            self._paint(out, frames=spec.frames, seed=(spec.seed + other) % 1000)
        progress(spec.frames, spec.frames)
        return out

    def train(self, spec, run_dir, *, progress):
        self._work(self._label)
        self.specs.append(spec)
        progress(spec.steps, spec.steps)
        (run_dir / "model.pt").write_text(spec.model_dump_json())
        return run_dir

    def predict(self, run, target, out, *, split, quarter_turns, progress):
        self._work(self._label)
        assert (run / "model.pt").is_file()
        progress(1, 1)
        out.write_text("[]")
        return out

    def pool(self, parts, truth, out):
        assert truth.is_file()
        assert len({part.parent for part in parts}) == len(parts)
        out.write_text("[]")
        return out

    def baseline(self, *paths, split):
        paths[-1].write_text("[]")
        return paths[-1]

    def report(self, inputs, out):
        assert inputs.scores.is_file()
        assert all(shown.predictions.is_file() for shown in inputs.predicted)
        out.write_text(inputs.title)
        return out

    @staticmethod
    def sha256(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def _work(self, what: str) -> None:
        self.at_work(what)
        if what in self.fail_at:
            raise self.fail_at[what]
        self.worked.append(what)

    def _told(self, step: Callable[..., Path], words: Callable[..., str]) -> Callable[..., Path]:
        @functools.wraps(step)
        def told(*arguments, **options):
            self._label = words(*arguments, **options)
            self.said.append(self._label)
            return step(*arguments, **options)

        return told

    def _evaluated(self, tested, *_):
        self.tested = list(tested)
        return f"evaluate {len(tested)}"


@pytest.fixture
def standins(monkeypatch, make_painted_dataset) -> StandIns:
    own = StandIns(make_painted_dataset)
    monkeypatch.setattr(steps, "render_dataset", own.render)
    monkeypatch.setattr(training_cells, "train", own.train)
    monkeypatch.setattr(steps, "predict", own.predict)
    monkeypatch.setattr(steps, "pool_predictions", own.pool)
    monkeypatch.setattr(steps, "watershed_baseline", own.baseline)
    monkeypatch.setattr(steps, "linear_baseline", own.baseline)
    monkeypatch.setattr(steps, "corners_baseline", own.baseline)
    monkeypatch.setattr(steps, "evaluate", lambda *arguments, **options: None)
    monkeypatch.setattr(steps, "sibling_thresholds", lambda sheets, context: {})
    monkeypatch.setattr(steps, "write_scores", lambda sheets, path: write_scores([], path))
    monkeypatch.setattr(steps, "analyse", lambda sheets: Analysis())
    monkeypatch.setattr(domains, "read_annotated", lambda *arguments: None)
    monkeypatch.setattr(domains, "compare_domains", lambda **options: options)
    monkeypatch.setattr(domains, "write_domains", lambda found, path: path.write_text("{}"))
    monkeypatch.setattr(steps, "write_report", own.report)
    return own


@pytest.fixture
def write_experiment(tmp_path) -> Callable[..., Path]:
    """``write_experiment(seeds="[0, 1]")`` writes an experiment file with such keys."""

    def write(**keys: str) -> Path:
        (tmp_path / "scene.yaml").write_text("scene: coins\nframes: 2\n")
        document = {
            "task": "detection",
            "synthetic": "scene.yaml",
            "synthetic_test_frames": "1",
            "benchmark": "coins",
            "model": "{name: compact_detector}",
            "steps": "4",
        } | keys
        path = tmp_path / "experiment.yaml"
        path.write_text("".join(f"{key}: {value}\n" for key, value in document.items()))
        return path

    return write
