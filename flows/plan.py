"""What an experiment consists of: the training runs of its grid, before anything is run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evaluation.divisions import fold_splits
from flows.grid_check import check_grid
from flows.record import Purpose
from pipeline.specs.document import load_document, parse_spec, with_setting
from pipeline.specs.experiment import ExperimentSpec, Regime
from pipeline.specs.scene import SceneSpec, load_scene
from pipeline.specs.training import DataSource, TrainSpec
from trainers.networks.registry import check_network, check_turns

__all__ = ["DEMO", "Plan", "PlannedRun", "TrainingData", "load_plan"]

DEMO = Path(__file__).with_name("demo") / "coins-experiment.yaml"
"""The demo's experiment file, which comes with the package."""

# Seeds of test frames lie far from those that people give to training sets.
_TEST_SEED_OFFSET = 1_000_003


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """Where the training sets of a grid are, and how many pictures they hold.

    None and 0 where no regime wants one.
    """

    synthetic: Path | None
    real: Path | None
    synthetic_images: int = 0
    real_images: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One cell of the grid.

    Attributes:
        real_fraction: 0 where no real picture is used.
        synthetic_fraction: 0 where no frame is used.
        times: Of the experiment's steps; not 1 in runs that tell whether ``real`` was trained
            long enough.
    """

    regime: Regime
    real_fraction: float
    synthetic_fraction: float
    seed: int
    times: float = 1.0

    @property
    def label(self) -> str:
        """For people, as ``mixed 0.2 seed 1`` or ``synthetic 0.1 of frames seed 1``."""
        share = f" {self.real_fraction:g}" if self.real_fraction else ""
        some = 0 < self.synthetic_fraction < 1
        frames = f" {self.synthetic_fraction:g} of frames" if some else ""
        times = "" if self.times == 1 else f" {self.times:g}x steps"
        return f"{self.regime}{share}{frames}{times} seed {self.seed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment, validated together with its scene spec.

    Attributes:
        source: The experiment file.
        scene_source: The scene spec's file.
        purpose: Of the scores: final ones, those of a small budget (``indicative``), or those to
            choose by, on a part of the ``train`` split (``tuning``).
    """

    source: Path
    experiment: ExperimentSpec
    scene_source: Path
    scene: SceneSpec
    purpose: Purpose = "final"

    @property
    def test_scene(self) -> SceneSpec:
        """The synthetic test set: the same scene from another seed."""
        return self.scene.model_copy(
            update={
                "frames": self.experiment.synthetic_test_frames,
                "seed": (self.scene.seed + _TEST_SEED_OFFSET) % 2**63,
            }
        )

    @property
    def folds(self) -> int | None:
        """Parts of a cross-validation; None where the benchmark's own splits are taken."""
        return None if self.purpose == "tuning" else self.experiment.folds

    @property
    def single(self) -> bool:
        """Whether the grid is one run."""
        return len(list(self.runs())) == 1

    @property
    def wants_synthetic(self) -> bool:
        """Whether any regime trains on rendered frames."""
        return any(regime != "real" for regime in self.experiment.regimes)

    @property
    def wants_real(self) -> bool:
        """Whether any regime trains on photographs."""
        return any(regime != "synthetic" for regime in self.experiment.regimes)

    @property
    def wants_synthetic_test(self) -> bool:
        """Whether ``domain_drop`` can be told."""
        return "synthetic" in self.experiment.regimes

    def runs(self) -> Iterator[PlannedRun]:
        """The grid, seed by seed, so that an interrupted one has whole seeds.

        Runs for other numbers of steps come last.
        """
        experiment = self.experiment
        every = {s for seeds in experiment.seeds_at.values() for s in seeds}
        for seed in (*experiment.seeds, *sorted(every - set(experiment.seeds))):
            for regime in experiment.regimes:
                for real, synthetic in self._shares(regime):
                    if seed in self._seeds_of(real):
                        yield PlannedRun(
                            regime=regime,
                            real_fraction=real,
                            synthetic_fraction=synthetic,
                            seed=seed,
                        )
        yield from self._plateau_runs()

    def _plateau_runs(self) -> Iterator[PlannedRun]:
        plateau = self.experiment.plateau
        if plateau is None:
            return
        for real in plateau.real_fractions or self.experiment.real_fractions:
            seeds = self._seeds_of(real)
            for seed, times in itertools.product(seeds, plateau.times):
                if plateau.seeds is None or seed in plateau.seeds:
                    yield PlannedRun(
                        regime="real",
                        real_fraction=real,
                        synthetic_fraction=0.0,
                        seed=seed,
                        times=times,
                    )

    def _seeds_of(self, real_fraction: float) -> tuple[int, ...]:
        return self.experiment.seeds_at.get(real_fraction, self.experiment.seeds)

    def folds_of(self, run: PlannedRun) -> tuple[int | None, ...]:
        """The folds that a run has to be trained for apart, from 1; (None,) for all at once."""
        if self.folds is None or run.regime == "synthetic":
            return (None,)
        return tuple(range(1, self.folds + 1))

    def steps_of(self, run: PlannedRun) -> int:
        """Optimiser steps of a run, pretraining included."""
        return max(1, round(run.times * self.experiment.steps))

    @property
    def _pretraining_steps(self) -> int:
        return max(1, math.floor(self.experiment.pretrain_share * self.experiment.steps))

    def _shares(self, regime: Regime) -> Iterator[tuple[float, float]]:
        """Shares of real pictures and of frames."""
        sizes = self.experiment.synthetic_fractions
        if regime == "synthetic":
            yield from ((0.0, size) for size in sizes)
        else:
            most = 0.0 if regime == "real" else max(sizes)
            yield from ((share, most) for share in self.experiment.real_fractions)

    def pretraining(self, run: PlannedRun, data: TrainingData) -> TrainSpec | None:
        """What comes before the run, shared by all real fractions; None for most regimes.

        It takes a share of the steps, so that every regime has the same number in all.
        """
        if run.regime != "pretrain_finetune":
            return None
        if self.experiment.shared_pretraining:
            run = replace(run, seed=self.experiment.seeds[0])
        source = self._frames(data, run)
        return self._training((source,), seed=run.seed, steps=self._pretraining_steps)

    def training(
        self,
        run: PlannedRun,
        data: TrainingData,
        *,
        pretrained: Path | None = None,
        fold: int | None = None,
    ) -> TrainSpec:
        """The run itself.

        Args:
            run: Which.
            data: Where the training sets are.
            pretrained: Run folder of :meth:`pretraining`.
            fold: That it must not see.
        """
        steps = self.steps_of(run)
        if run.regime == "synthetic":
            return self._training((self._frames(data, run),), seed=run.seed, steps=steps)
        split = "train" if fold is None else fold_splits(fold)[0]
        real = _source(data.real).model_copy(
            update={"split": split, "fraction": run.real_fraction, "subset_seed": run.seed}
        )
        if run.regime == "real":
            return self._training((real,), seed=run.seed, steps=steps)
        if run.regime == "mixed":
            share = self.experiment.real_share
            synthetic = self._frames(data, run).model_copy(update={"weight": 1 - share})
            real = real.model_copy(update={"weight": share})
            return self._training((real, synthetic), seed=run.seed, steps=steps)
        spec = self._training((real,), seed=run.seed, steps=steps - self._pretraining_steps)
        rate = self.experiment.finetune_learning_rate or spec.learning_rate
        model = spec.model.model_copy(update={"weights": pretrained})
        return spec.model_copy(update={"model": model, "learning_rate": rate})

    def _frames(self, data: TrainingData, run: PlannedRun) -> DataSource:
        some: dict[str, object] = {}
        if run.synthetic_fraction < 1:
            some = {"fraction": run.synthetic_fraction, "subset_seed": run.seed}
        if self.experiment.augment_frames not in (None, self.experiment.augment):
            some["augment"] = self.experiment.augment_frames
        return _source(data.synthetic).model_copy(update=some)

    def _training(self, data: tuple[DataSource, ...], *, seed: int, steps: int) -> TrainSpec:
        experiment = self.experiment
        return TrainSpec(
            task=experiment.task,
            data=data,
            model=experiment.model,
            input_px=experiment.input_px,
            steps=steps,
            batch_size=experiment.batch_size,
            learning_rate=experiment.learning_rate,
            augment=experiment.augment,
            seed=seed,
            device=experiment.device,
        )


def load_plan(
    source: Path,
    *,
    seed: int | None = None,
    settings: Sequence[str] = (),
    tuning: bool = False,
) -> Plan:
    """Read an experiment and its scene spec.

    Args:
        source: The experiment file.
        settings: Take the place of its keys, as ``model.width=0.5``.
        seed: Takes the place of the scene's seed and of the experiment's seeds.
        tuning: Score on a part of the ``train`` split; folds are left aside.

    Raises:
        SpecError: If either file is wrong, or they do not fit together.
    """
    document = load_document(source)
    for setting in settings:
        document = with_setting(document, setting)
    if seed is not None:
        document |= {"seeds": [seed], "seeds_at": {}}
    experiment = parse_spec(document, ExperimentSpec, source=source)
    network = check_network(
        experiment.model, task=experiment.task, input_px=experiment.input_px, source=source
    )
    if experiment.quarter_turns:
        check_turns(network, source=source)
    check_grid(experiment, source)
    return Plan(
        source=source,
        experiment=experiment,
        scene_source=experiment.synthetic,
        scene=load_scene(experiment.synthetic, seed=seed),
        purpose="tuning" if tuning else "final",
    )


def _source(path: Path | None) -> DataSource:
    if path is None:
        raise ValueError("A regime needs a training set that was not prepared.")
    return DataSource(path=path)
