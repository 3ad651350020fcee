"""The whole street of an experiment, in order: render, train, predict, evaluate, report."""

from __future__ import annotations

import shlex
from pathlib import Path

from flows.budget import Budget, small_budget
from flows.grid import Grid, learned_from, train_ahead, training_data
from flows.plan import DEMO, Plan, load_plan
from flows.record import ExperimentRecord, TestedPredictions, refuse_other_kind, write_record
from flows.steps import PLAIN_STEPS, Steps
from flows.test_sets import real_test_sets
from pipeline.dataset.lock import writer_lock
from pipeline.errors import WorkError

__all__ = ["PLAIN_STEPS", "Steps", "run_demo", "run_experiment"]


def run_experiment(
    experiment: Path,
    out: Path,
    *,
    seed: int | None = None,
    workers: int | None = None,
    trainings: int = 1,
    benchmarks: Path | None = None,
    tune: bool = False,
    budget: Budget | None = None,
    steps: Steps = PLAIN_STEPS,
) -> Path:
    """Run an experiment; what is done already is kept.

    Writes ``dataset/``, ``dataset_test/``, ``benchmark/`` (an embedded one), ``cells/``,
    ``experiment.json``, ``scores.json``, ``analysis.json``, ``domains.json`` and ``report.html``.

    Args:
        experiment: The experiment file.
        out: The experiment's folder.
        seed: In place of the file's seeds, for rendering and training.
        workers: Blender processes; by default one per core.
        trainings: Networks trained at once.
        benchmarks: Folder in which a benchmark is found by name.
        tune: Score on a part of the benchmark's ``train`` split, and leave the others alone.
        budget: ``small`` does the main comparison only, see :mod:`flows.budget`.
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
    command += ["--tune"] * tune + (["--budget", budget] if budget else [])
    plan = load_plan(experiment, seed=seed, tuning=tune)
    if budget == "small":
        plan = small_budget(plan)
    return _walk(plan, out, steps, workers, benchmarks, command, trainings=trainings)


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
    *,
    trainings: int = 1,
) -> Path:
    out = out.absolute()  # run folders hold paths; a later call may come from elsewhere
    with writer_lock(out):
        refuse_other_kind(out, "experiment")
        grid = Grid(plan=plan, datasets=out, cells=out / "cells", steps=steps, workers=workers)
        reals = real_test_sets(plan, cache=out / "benchmark", benchmarks=benchmarks)
        real = reals[0]
        tested = list(grid.untaught(real))  # needs no training: a wrong benchmark shows now
        rendered = grid.render()
        synthetic = learned_from(rendered, "dataset") if plan.wants_synthetic else None
        data = training_data(
            synthetic=synthetic, real=real.folder if plan.wants_real else None, folds=plan.folds
        )
        tested += grid.linear(real, data)
        tests = (*reals, *grid.synthetic_test(rendered))
        train_ahead([(grid, data)], at_once=trainings)
        runs: dict[str, Path] = {}
        failures: dict[str, WorkError] = {}
        calibration: TestedPredictions | None = None
        for run in plan.runs():
            try:
                found = grid.train(run, data)
                folders = list(found.values())
                # Of several networks, one for each fold, none stands for all on rendered frames.
                for test in tests if len(folders) == 1 else reals:
                    tested.append(grid.predict(run, folders, test, data))
                if calibration is None:
                    for train in grid.calibration_set(run, real):
                        calibration = grid.predict(run, folders, train, data)
                runs |= found
            except WorkError as failure:
                failures[run.label] = failure
        if not runs:
            raise next(iter(failures.values()))
        steps.evaluate(tested, out / "scores.json", grid.cells)
        grid.domains(data, real, runs)
        record = ExperimentRecord(
            command=shlex.join(command),
            purpose=plan.purpose,
            source=str(plan.source),
            experiment=plan.experiment,
            scene=plan.scene,
            benchmark=real.folder,
            rendered=rendered,
            runs=runs,
            tested=tuple(tested),
            calibration=calibration,
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
