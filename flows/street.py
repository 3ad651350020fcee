"""The whole street of an experiment, in order: render, train, predict, evaluate, report."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from evaluation.benchmarks import EMBEDDED, open_benchmark, split_names
from evaluation.scores import ScoreContext
from flows.plan import DEMO, Plan, PlannedRun, TrainingData, load_plan
from flows.record import ExperimentRecord, TestedPredictions, write_record
from flows.steps import (
    baseline_step,
    crops_step,
    evaluate_step,
    predict_step,
    render_step,
    report_step,
    train_step,
)
from pipeline.dataset.lock import writer_lock
from pipeline.errors import SpecError, WorkError
from pipeline.specs.scene import SceneSpec

__all__ = ["PLAIN_STEPS", "Steps", "run_demo", "run_experiment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The functions behind the steps; Prefect's tasks may stand in for the plain ones."""

    render: Callable[..., Path] = render_step
    crops: Callable[..., Path] = crops_step
    train: Callable[..., Path] = train_step
    predict: Callable[..., Path] = predict_step
    baseline: Callable[..., Path] = baseline_step
    evaluate: Callable[..., Path] = evaluate_step
    report: Callable[..., Path] = report_step


PLAIN_STEPS = Steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class _TestSet:
    """Where predictions are scored; ``name`` is what ``tested_on`` says."""

    folder: Path
    split: str | None
    name: str


def run_experiment(
    experiment: Path,
    out: Path,
    *,
    seed: int | None = None,
    workers: int | None = None,
    benchmarks: Path | None = None,
    steps: Steps = PLAIN_STEPS,
) -> Path:
    """Run an experiment; what is done already is kept.

    Writes ``dataset/``, ``dataset_test/``, ``benchmark/`` (an embedded one), ``cells/``,
    ``experiment.json``, ``scores.json`` and ``report.html``.

    Args:
        experiment: The experiment file.
        out: The experiment's folder.
        seed: In place of the file's seeds, for rendering and training.
        workers: Blender processes; by default one per core.
        benchmarks: Folder in which a benchmark is found by name.
        steps: What to run it with.

    Returns:
        The report.

    Raises:
        InputError: If something that was given is wrong.
        WorkError: If a part of the grid failed; the report tells of the rest.
    """
    options = {"--seed": seed, "--benchmarks": benchmarks}
    command = ["blendgap", "experiment", str(experiment), "-o", str(out)]
    for option, value in options.items():
        command += [] if value is None else [option, str(value)]
    plan = load_plan(experiment, seed=seed)
    return _walk(plan, out, steps, workers, benchmarks, command)


def run_demo(
    out: Path, *, seed: int = 0, workers: int | None = None, steps: Steps = PLAIN_STEPS
) -> Path:
    """Run the demo's experiment, see :func:`run_experiment`."""
    command = ["blendgap", "demo", "-o", str(out), "--seed", str(seed)]
    return _walk(load_plan(DEMO, seed=seed), out, steps, workers, None, command)


def _walk(
    plan: Plan,
    out: Path,
    steps: Steps,
    workers: int | None,
    benchmarks: Path | None,
    command: list[str],
) -> Path:
    out = out.absolute()  # run folders hold paths; a later call may come from elsewhere
    with writer_lock(out):
        street = _Street(plan=plan, out=out, steps=steps, workers=workers)
        real = _real_test_set(plan, cache=out / "benchmark", benchmarks=benchmarks)
        tested = list(street.watershed(real))  # needs no training: a wrong benchmark shows now
        rendered = street.render()
        synthetic = rendered.get("crops", rendered.get("dataset"))
        data = TrainingData(synthetic=synthetic, real=real.folder if plan.wants_real else None)
        tested += street.linear(real, data)
        runs: dict[str, Path] = {}
        failures: dict[str, WorkError] = {}
        for run in plan.runs():
            try:
                runs[run.label] = street.train(run, data)
                for test in (real, *street.synthetic_test(run, rendered)):
                    tested.append(street.predict(run, runs[run.label], test))
            except WorkError as failure:
                failures[run.label] = failure
        if not runs:
            raise next(iter(failures.values()))
        steps.evaluate(tested, out / "scores.json", street.cells)
        record = ExperimentRecord(
            command=shlex.join(command),
            source=str(plan.source),
            experiment=plan.experiment,
            scene=plan.scene,
            benchmark=real.folder,
            rendered=rendered,
            runs=runs,
            tested=tuple(tested),
            failures={name: str(why) for name, why in failures.items()},
        )
        write_record(record, out)
        report = steps.report(out)
    if failures:
        name, error = next(iter(failures.items()))
        raise WorkError(
            f"{out}: {len(failures)} of {len(list(plan.runs()))} runs failed ({name}: {error}); "
            "the report tells of the others. Run again to try them once more."
        )
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Street:
    """The steps, with what they have in common filled in."""

    plan: Plan
    out: Path
    steps: Steps
    workers: int | None

    @property
    def cells(self) -> Path:
        return self.out / "cells"

    @property
    def _scene_name(self) -> str:
        return f"{self.plan.scene.scene}/synthetic"

    def render(self) -> dict[str, Path]:
        """Datasets, and for classification crops, by role; only what the regimes want."""
        wanted: dict[str, SceneSpec] = {}
        if self.plan.wants_synthetic:
            wanted["dataset"] = self.plan.scene
        if self.plan.wants_synthetic_test:
            wanted["dataset_test"] = self.plan.test_scene
        rendered = {
            name: self.steps.render(
                scene,
                self.out / name,
                source=self.plan.scene_source,
                label=name,
                workers=self.workers,
            )
            for name, scene in wanted.items()
        }
        if self.plan.experiment.task == "classification":
            rendered |= {
                name.replace("dataset", "crops"): self.steps.crops(
                    folder, self.plan.experiment.crops, self.cells
                )
                for name, folder in rendered.items()
            }
        return rendered

    def train(self, run: PlannedRun, data: TrainingData) -> Path:
        """The run folder of one cell of the grid."""
        before = self.plan.pretraining(run, data)
        pretrained = None
        if before is not None:
            label = f"pretraining seed {run.seed}"
            pretrained = self.steps.train(before, self.cells, label=label)
        spec = self.plan.training(run, data, pretrained=pretrained)
        return self.steps.train(spec, self.cells, label=run.label)

    def predict(self, run: PlannedRun, folder: Path, test: _TestSet) -> TestedPredictions:
        """What one network says of one test set."""
        predictions = self.steps.predict(
            folder, test.folder, self.cells, split=test.split, label=f"{test.name}, {run.label}"
        )
        model = self.plan.experiment.model.name
        return TestedPredictions(
            name=model if self.plan.single else f"{model}, {run.label}",
            predictions=predictions,
            target=test.folder,
            split=test.split,
            context=ScoreContext(
                regime=run.regime,
                real_fraction=run.real_fraction,
                seed=run.seed,
                trained_on=self._trained_on(run),
                tested_on=test.name,
            ),
        )

    def synthetic_test(self, run: PlannedRun, rendered: dict[str, Path]) -> Iterator[_TestSet]:
        """The test set for ``domain_drop``, where the run wants one."""
        if run.regime == "synthetic":
            folder = rendered.get("crops_test", rendered["dataset_test"])
            yield _TestSet(folder=folder, split=None, name=self._scene_name)

    def watershed(self, real: _TestSet) -> Iterator[TestedPredictions]:
        """The classical baseline of detection, if it is wanted."""
        if self.plan.experiment.baseline and self.plan.experiment.task == "detection":
            yield self._baseline(real, "Otsu + watershed", learn_from=None)

    def linear(self, real: _TestSet, data: TrainingData) -> Iterator[TestedPredictions]:
        """The classical baseline of classification, if it is wanted."""
        if self.plan.experiment.baseline and self.plan.experiment.task == "classification":
            learn_from = data.synthetic or data.real
            yield self._baseline(real, "logistic regression on pixels", learn_from=learn_from)

    def _baseline(self, real: _TestSet, name: str, *, learn_from: Path | None) -> TestedPredictions:
        predictions = self.steps.baseline(
            real.folder, self.cells, split=real.split, learn_from=learn_from
        )
        return TestedPredictions(
            name=name,
            predictions=predictions,
            target=real.folder,
            split=real.split,
            context=ScoreContext(regime="baseline", trained_on=name, tested_on=real.name),
        )

    def _trained_on(self, run: PlannedRun) -> str:
        real = f"{Path(self.plan.experiment.benchmark).name}/real"
        return {
            "real": real,
            "synthetic": self._scene_name,
            "mixed": f"{self._scene_name} and {real}",
            "pretrain_finetune": f"{self._scene_name}, then {real}",
        }[run.regime]


def _real_test_set(plan: Plan, *, cache: Path, benchmarks: Path | None) -> _TestSet:
    """The benchmark, and which part of it is scored.

    Raises:
        DatasetError: If there is no such benchmark.
        SpecError: If a regime wants real training pictures and it has none.
    """
    name = plan.experiment.benchmark
    beside = plan.source.parent / name
    folder = open_benchmark(
        str(beside) if name not in EMBEDDED and beside.is_dir() else name,
        cache=cache,
        search=[] if benchmarks is None else [benchmarks],
    ).absolute()
    splits = [name or "whole" for name in split_names(folder)]
    if plan.wants_real and "train" not in splits:
        raise SpecError(
            f"{plan.source}: key 'regimes': got {', '.join(plan.experiment.regimes)}; benchmark "
            f"{folder} has no train split (found: {', '.join(splits) or 'none'}), so expected "
            "synthetic only."
        )
    # Where none of it is trained on, all of it can be scored.
    split = "all" if not plan.wants_real and "all" in splits else None
    return _TestSet(folder=folder, split=split, name=f"{folder.name}/real")
