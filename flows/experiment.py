"""The street as Prefect flows: tasks around the plain steps, retries, artifacts.

Imported only after ``quiet_prefect``, see :mod:`flows.late`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from evaluation.scores import read_scores
from flows.ablation import run_ablation
from flows.budget import Budget
from flows.street import PLAIN_STEPS, Steps, run_demo, run_experiment
from pipeline.errors import InputError

__all__ = ["ablation_flow", "demo_flow", "experiment_flow", "prefect_steps"]


def prefect_steps(
    steps: Steps = PLAIN_STEPS, *, retries: int = 2, retry_delay_s: float = 2.0
) -> Steps:
    """The steps as Prefect tasks; call them inside a flow.

    Rendering and training are tried again when they fail, unless their input is wrong.

    Args:
        steps: What the tasks do.
        retries: How often.
        retry_delay_s: How long to wait before.
    """
    # Steps skip what is done by themselves: Prefect's own caching would only know less.
    plain = partial(task, cache_policy=NO_CACHE, persist_result=False)
    patient = partial(
        plain,
        retries=retries,
        retry_delay_seconds=retry_delay_s,
        retry_condition_fn=_worth_a_retry,
    )

    def report(folder: Path) -> Path:
        path = steps.report(folder)
        _publish(folder, path)
        return path

    return Steps(
        render=patient(steps.render, name="render", task_run_name="render {label}"),
        crops=plain(steps.crops, name="crops"),
        boxes=plain(steps.boxes, name="boxes"),
        train=patient(steps.train, name="train", task_run_name="train {label}"),
        fleet=plain(steps.fleet, name="train several at once"),
        predict=plain(steps.predict, name="predict", task_run_name="predict {label}"),
        pool=plain(steps.pool, name="pool"),
        baseline=plain(steps.baseline, name="baseline"),
        evaluate=plain(steps.evaluate, name="evaluate"),
        domains=plain(steps.domains, name="domains"),
        report=plain(report, name="report"),
    )


@flow(name="experiment", persist_result=False)
def experiment_flow(
    experiment: Path,
    out: Path,
    seed: int | None = None,
    workers: int | None = None,
    trainings: int = 1,
    benchmarks: Path | None = None,
    tune: bool = False,
    budget: Budget | None = None,
) -> Path:
    """Render, train, predict, evaluate, report: regimes x real fractions x seeds.

    Args:
        experiment: Experiment file (YAML).
        out: Folder of the experiment; what is done there is kept.
        seed: In place of the file's seeds, for rendering and training.
        workers: Blender processes; by default one per core.
        trainings: Networks trained at once.
        benchmarks: Folder in which benchmarks are found by name.
        tune: Score on a part of the ``train`` split.
        budget: ``small`` does the main comparison only.

    Returns:
        The report.
    """
    return run_experiment(
        experiment,
        out,
        seed=seed,
        workers=workers,
        trainings=trainings,
        benchmarks=benchmarks,
        tune=tune,
        budget=budget,
        steps=prefect_steps(),
    )


@flow(name="ablation", persist_result=False)
def ablation_flow(
    experiment: Path,
    out: Path,
    parts: list[str] | None = None,
    split: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    trainings: int = 1,
    benchmarks: Path | None = None,
) -> Path:
    """Which parts of a recipe matter: each taken away in turn.

    Args:
        experiment: Experiment file (YAML).
        out: Folder of the ablation; what is done there is kept.
        parts: What to take away; by default every factor and augmentation that is on.
        split: To score on; by default val, if there is one.
        seed: In place of the file's seeds, for rendering and training.
        workers: Blender processes; by default one per core.
        trainings: Networks trained at once.
        benchmarks: Folder in which benchmarks are found by name.

    Returns:
        The report.
    """
    return run_ablation(
        experiment,
        out,
        parts=parts or (),
        split=split,
        seed=seed,
        workers=workers,
        trainings=trainings,
        benchmarks=benchmarks,
        steps=prefect_steps(),
    )


@flow(name="demo", persist_result=False)
def demo_flow(out: Path, seed: int = 0, workers: int | None = None) -> Path:
    """The demo experiment: coins, scored on a real photograph.

    Args:
        out: Folder of the experiment; what is done there is kept.
        seed: Of rendering and training.
        workers: Blender processes; by default one per core.

    Returns:
        The report.
    """
    return run_demo(out, seed=seed, workers=workers, steps=prefect_steps())


def _worth_a_retry(_task: object, _task_run: TaskRun, state: State[Any]) -> bool:
    """Wrong input stays wrong; anything else may have been bad luck."""
    return not isinstance(state.result(raise_on_failure=False), InputError)


def _publish(folder: Path, report: Path) -> None:
    """Show the scores and the report in Prefect's user interface."""
    path = folder / "scores.json"
    rows = [row.model_dump(mode="json", by_alias=True) for row in read_scores(path).scores]
    create_table_artifact(table=rows, key="scores", description=str(path))
    create_link_artifact(link=report.as_uri(), link_text=str(report), key="report")
