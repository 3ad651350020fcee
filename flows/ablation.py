"""An ablation: the full recipe, and each of its parts taken away in turn."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blender_scenes.registry import family_of
from flows.grid import Grid, learned_from, train_ahead, training_data
from flows.plan import Plan, TrainingData, load_plan
from flows.record import ExperimentRecord, TestedPredictions, refuse_other_kind, write_record
from flows.steps import PLAIN_STEPS, Steps
from flows.test_sets import TestSet, real_test_sets
from pipeline.dataset.lock import writer_lock
from pipeline.errors import SpecError, WorkError
from pipeline.sampling.ablation import varied_factors, without_factor
from pipeline.specs.ablation import active_augmentations, lack_words, without_augmentation

__all__ = ["Recipe", "recipes", "run_ablation"]

_ALONE = ("regimes=[synthetic]", "synthetic_fractions=[1.0]", "claim=null", "plateau=null")
_AUGMENT = "augment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A plan; ``without`` is the part that it lacks, None for the full recipe.

    Attributes:
        renders: Whether it has frames of its own; others take those of the full recipe.
    """

    plan: Plan
    without: str | None
    renders: bool

    @property
    def folder(self) -> str:
        """Of its frames, inside the ablation's folder."""
        return f"without-{self.without}" if self.without and self.renders else "."


def recipes(
    source: Path, *, parts: Sequence[str] = (), seed: int | None = None
) -> tuple[Recipe, ...]:
    """The full recipe, then one for each part that is taken away.

    Args:
        source: The experiment file; of its regimes ``synthetic`` is ablated.
        parts: Factors (``lighting``), augmentations (``augment.flip``), and other choices as
            settings (``model.width=0.5``: the effect is that of the file's own value against
            it). By default every factor that varies and every augmentation that is on.
        seed: In place of the file's seeds.

    Raises:
        SpecError: If a file is wrong, or a part does not exist or is off already.
    """
    full = _of_frames(source, seed=seed)
    augment = full.experiment.augment
    factors = {f.name: f for f in family_of(full.scene, source=full.scene_source).factors}
    varied = varied_factors(full.scene, tuple(factors.values()), source=full.scene_source)
    augmentations = tuple(f"{_AUGMENT}{key}" for key in active_augmentations(augment))

    def lacking(part: str) -> Recipe:
        if part in varied:
            scene = without_factor(full.scene, factors[part])
            return Recipe(plan=replace(full, scene=scene), without=part, renders=True)
        if part in augmentations:
            less = without_augmentation(augment, part.removeprefix(_AUGMENT))
            experiment = full.experiment.model_copy(update={"augment": less})
            return Recipe(plan=replace(full, experiment=experiment), without=part, renders=False)
        if "=" in part:
            changed = _of_frames(source, part, seed=seed)
            if (changed.experiment, changed.scene) == (full.experiment, full.scene):
                raise SpecError(
                    f"{source}: part {part!r}: changes nothing; expected another value than the "
                    "file's. What frames are augmented with, augment_frames says first."
                )
            return Recipe(plan=changed, without=part, renders=changed.scene != full.scene)
        known = ", ".join((*varied, *augmentations))
        raise SpecError(
            f"{source}: part {part!r}: expected one that is on ({known}), or KEY=VALUE."
        )

    chosen = parts or (*varied, *augmentations)
    return (
        Recipe(plan=full, without=None, renders=True),
        *(lacking(part) for part in dict.fromkeys(chosen)),
    )


def _of_frames(source: Path, *settings: str, seed: int | None) -> Plan:
    """The plan of the regime ``synthetic`` alone."""
    plan = load_plan(source, seed=seed, settings=(*_ALONE, *settings))
    of_frames = {"augment": plan.experiment.frames_augmentation, "augment_frames": None}
    return replace(plan, experiment=plan.experiment.model_copy(update=of_frames))


def run_ablation(
    experiment: Path,
    out: Path,
    *,
    parts: Sequence[str] = (),
    split: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    trainings: int = 1,
    benchmarks: Path | None = None,
    steps: Steps = PLAIN_STEPS,
) -> Path:
    """Run an ablation; what is done already is kept.

    Writes ``dataset/``, ``without-lighting/dataset/`` and so on, ``benchmark/``, ``cells/``,
    ``experiment.json``, ``scores.json``, ``analysis.json`` and ``report.html``.

    Args:
        experiment: The experiment file.
        out: The ablation's folder, another one than the experiment's.
        parts: What to take away, see :func:`recipes`.
        split: To score on; by default ``val`` if there is one, so that nothing is chosen by the
            test split, else as in an experiment.
        seed: In place of the file's seeds, for rendering and training.
        workers: Blender processes; by default one per core.
        trainings: Networks trained at once.
        benchmarks: Folder in which a benchmark is found by name.
        steps: What to run it with.

    Returns:
        The report.

    Raises:
        InputError: If something that was given is wrong.
        WorkError: If a part of the grid failed; the report tells of the rest.
    """
    command = ["blendgap", "ablate", str(experiment), "-o", str(out)]
    for part in parts:
        command += ["--part", part]
    for option, value in {"--split": split, "--seed": seed, "--benchmarks": benchmarks}.items():
        command += [] if value is None else [option, str(value)]
    every = recipes(experiment, parts=parts, seed=seed)
    full = every[0].plan
    out = out.absolute()
    with writer_lock(out):
        refuse_other_kind(out, "ablation")
        test = _test_set(full, split, cache=out / "benchmark", benchmarks=benchmarks)
        rendered: dict[str, Path] = {}
        frames_of_full: dict[str, Path] = {}
        runs: dict[str, Path] = {}
        tested: list[TestedPredictions] = []
        failures: dict[str, WorkError] = {}
        grids: list[tuple[Grid, TrainingData]] = []
        for recipe in every:
            grid = Grid(
                plan=recipe.plan,
                datasets=out / recipe.folder,
                cells=out / "cells",
                steps=steps,
                workers=workers,
                without=recipe.without,
            )
            try:
                frames = grid.render(test=False) if recipe.renders else frames_of_full
            except WorkError as failure:
                if recipe.without is None:
                    raise  # nothing to compare with
                failures[lack_words(recipe.without)] = failure
                continue
            if recipe.without is None:
                frames_of_full = frames
            suffix = f" {lack_words(recipe.without)}" if recipe.without and recipe.renders else ""
            rendered |= {f"{role}{suffix}": folder for role, folder in frames.items()}
            data = training_data(synthetic=learned_from(frames, "dataset"), real=None)
            grids.append((grid, data))
        train_ahead(grids, at_once=trainings)
        for grid, data in grids:
            for run in grid.plan.runs():
                try:
                    found = grid.train(run, data)
                    tested.append(grid.predict(run, list(found.values()), test, data))
                    runs |= found
                except WorkError as failure:
                    failures[grid.label(run)] = failure
        if not runs:
            raise next(iter(failures.values()))
        steps.evaluate(tested, out / "scores.json", out / "cells")
        record = ExperimentRecord(
            kind="ablation",
            command=shlex.join(command),
            source=str(full.source),
            experiment=full.experiment,
            scene=full.scene,
            benchmark=test.folder,
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
            f"{out}: {len(failures)} parts of the ablation failed ({name}: {error}); the report "
            "tells of the others. Run again to try them once more."
        )
    return report


def _test_set(plan: Plan, split: str | None, *, cache: Path, benchmarks: Path | None) -> TestSet:
    sets = real_test_sets(plan, cache=cache, benchmarks=benchmarks)
    if split is not None:
        return replace(sets[0], split=split)
    return next((test for test in sets if test.split == "val"), sets[0])
