"""The grid of an experiment: every step, with what they have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from evaluation.analysis.plateau import PLATEAU
from evaluation.baselines.corners import board_of
from evaluation.benchmarks import split_names
from evaluation.divisions import fold_splits
from evaluation.measurement import task_of
from evaluation.scores import ScoreContext
from flows.fleet import Training
from flows.plan import Plan, PlannedRun, TrainingData
from flows.record import TestedPredictions
from flows.steps import BASELINES, Steps
from flows.test_sets import TestSet
from pipeline.errors import WorkError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder
from pipeline.specs.ablation import lack_words
from pipeline.specs.scene import SceneSpec

__all__ = ["Grid", "learned_from", "train_ahead", "training_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The steps, with what they have in common filled in.

    Attributes:
        datasets: Where rendered datasets go.
        cells: Where all other work goes.
        without: What the plan's recipe lacks, in an ablation.
    """

    plan: Plan
    datasets: Path
    cells: Path
    steps: Steps
    workers: int | None
    without: str | None = None

    @property
    def _scene_name(self) -> str:
        return f"{self.plan.scene.scene}/synthetic"

    def render(self, *, test: bool = True) -> dict[str, Path]:
        """Datasets, and crops or redrawn boxes of them, by role; only what the regimes want.

        Args:
            test: Whether frames to test on are wanted at all.
        """
        wanted: dict[str, SceneSpec] = {}
        if self.plan.wants_synthetic:
            wanted["dataset"] = self.plan.scene
        if test and self.plan.wants_synthetic_test:
            wanted["dataset_test"] = self.plan.test_scene
        rendered = {
            name: self.steps.render(
                scene,
                self.datasets / name,
                source=self.plan.scene_source,
                label=name if self.without is None else f"{name} {lack_words(self.without)}",
                workers=self.workers,
            )
            for name, scene in wanted.items()
        }
        return rendered | {
            name.replace("dataset", role): derive(folder)
            for role, derive in self._derived()
            for name, folder in rendered.items()
        }

    def _derived(self) -> Iterator[tuple[str, Callable[[Path], Path]]]:
        experiment = self.plan.experiment
        if experiment.task == "classification":
            yield "crops", lambda folder: self.steps.crops(folder, experiment.crops, self.cells)
        if experiment.boxes is not None:
            yield "boxes", lambda folder: self.steps.boxes(folder, experiment.boxes, self.cells)

    def train(self, run: PlannedRun, data: TrainingData) -> dict[str, Path]:
        """The run folders of one cell of the grid by label: one, or one for each fold."""
        return {
            training.label: self.steps.train(training.spec, self.cells, label=training.label)
            for training in self._trainings(run, data)
        }

    def first_trainings(self, data: TrainingData) -> Iterator[Training]:
        """Networks that wait for no other, pretrainings before the grid's own."""
        before = {run: self._pretraining(run, data) for run in self.plan.runs()}
        yield from {found.label: found for found in before.values() if found is not None}.values()
        for run, found in before.items():
            if found is None:
                yield from self._trainings(run, data)

    def fine_tunings(self, data: TrainingData) -> Iterator[Training]:
        """The grid's networks that go on from a pretraining, unless that fails."""
        for run in self.plan.runs():
            if self._pretraining(run, data) is not None:
                with suppress(WorkError):
                    yield from self._trainings(run, data)

    def _trainings(self, run: PlannedRun, data: TrainingData) -> Iterator[Training]:
        """A run's networks, one or one for each fold; what they start from is trained."""
        before = self._pretraining(run, data)
        pretrained = None
        if before is not None:
            pretrained = self.steps.train(before.spec, self.cells, label=before.label)
        for fold in self.plan.folds_of(run):
            spec = self.plan.training(run, data, pretrained=pretrained, fold=fold)
            label = self.label(run) if fold is None else f"{self.label(run)} fold {fold}"
            yield Training(label=label, spec=spec)

    def _pretraining(self, run: PlannedRun, data: TrainingData) -> Training | None:
        spec = self.plan.pretraining(run, data)
        if spec is None:
            return None
        return Training(label=f"pretraining seed {spec.seed}", spec=spec)

    def predict(
        self, run: PlannedRun, folders: Sequence[Path], test: TestSet, data: TrainingData
    ) -> TestedPredictions:
        """What one cell's network, or those of all folds, say of one test set."""
        label = f"{test.name}, {self.label(run)}"
        ask = partial(self.steps.predict, quarter_turns=self.plan.experiment.quarter_turns)
        if len(folders) == 1:
            predictions = ask(folders[0], test.folder, self.cells, split=test.split, label=label)
        else:
            parts = [
                ask(
                    folder,
                    test.folder,
                    self.cells,
                    split=fold_splits(fold)[1],
                    label=f"{label} fold {fold}",
                )
                for fold, folder in enumerate(folders, start=1)
            ]
            predictions = self.steps.pool(parts, test.folder, self.cells, split=test.split)
        model = self.plan.experiment.model.name
        real_images = _share_of(data.real_images, run.real_fraction)
        synthetic_images = _share_of(data.synthetic_images, run.synthetic_fraction)
        return TestedPredictions(
            name=model if self.plan.single else f"{model}, {self.label(run)}",
            predictions=predictions,
            target=test.folder,
            split=test.split,
            context=ScoreContext(
                regime=run.regime if run.times == 1 else PLATEAU,
                real_fraction=run.real_fraction,
                seed=run.seed,
                trained_on=self._trained_on(run, synthetic_images),
                tested_on=test.name,
                real_images=real_images,
                synthetic_images=synthetic_images,
                steps=self.plan.steps_of(run),
                without=self.without,
            ),
        )

    def synthetic_test(self, rendered: dict[str, Path]) -> Iterator[TestSet]:
        """Frames that nothing was trained on, where the plan wants some."""
        if "dataset_test" in rendered:
            folder = learned_from(rendered, "dataset_test")
            yield TestSet(folder=folder, split=None, name=self._scene_name)

    def calibration_set(self, run: PlannedRun, real: TestSet) -> Iterator[TestSet]:
        """Real ``train`` pictures, for a run that has not seen them; detection only."""
        detects = self.plan.experiment.task == "detection"
        if detects and run.regime == "synthetic" and "train" in split_names(real.folder):
            yield TestSet(folder=real.folder, split="train", name=real.name)

    def domains(self, data: TrainingData, real: TestSet, runs: Mapping[str, Path]) -> None:
        """Set frames against photographs, where frames were trained on.

        The photographs are those of ``train``, else ``val``, so that nothing is chosen by looking
        at ``test``; the network, unless the experiment names one, is the first that saw all
        frames and no photograph, else the first that saw any.
        """
        saw_frames = [run for run in self.plan.runs() if run.regime != "real" and run.label in runs]
        if data.synthetic is None or not saw_frames:
            return
        network = max(saw_frames, key=lambda r: (r.regime == "synthetic", r.synthetic_fraction))
        splits = split_names(real.folder)
        self.steps.domains(
            data.synthetic,
            real.folder,
            self.datasets / "domains.json",
            self.cells,
            split=next((s for s in ("train", "val") if s in splits), real.split),
            scored=real.split,
            features=self.plan.experiment.features,
            run=runs[network.label],
        )

    def untaught(self, real: TestSet) -> Iterator[TestedPredictions]:
        """The classical baseline that learns nothing, if it is wanted and there is one.

        Of detection it cannot tell classes apart, of keypoints it knows checkerboards only.
        """
        kinds = {"detection": "watershed", "keypoints": "corners"}
        task, wanted = self.plan.experiment.task, self.plan.experiment.baseline
        if task not in kinds:
            return
        if wanted is None:
            truth = read_coco(find_annotations(real.folder, real.split), labels=False)
            wanted = (
                len(truth.categories) == 1
                if task == "detection"
                else any(board_of(category) for category in truth.categories)
            )
        if wanted:
            yield self._baseline(real, kinds[task])

    def linear(self, real: TestSet, data: TrainingData) -> Iterator[TestedPredictions]:
        """The classical baseline of classification, if it is wanted."""
        wanted = self.plan.experiment.baseline is not False
        if wanted and self.plan.experiment.task == "classification":
            yield self._baseline(real, "linear", learn_from=data.synthetic or data.real)

    def _baseline(
        self, real: TestSet, kind: str, *, learn_from: Path | None = None
    ) -> TestedPredictions:
        name = BASELINES[kind]
        predictions = self.steps.baseline(
            real.folder, self.cells, split=real.split, kind=kind, learn_from=learn_from
        )
        return TestedPredictions(
            name=name,
            predictions=predictions,
            target=real.folder,
            split=real.split,
            context=ScoreContext(regime="baseline", trained_on=name, tested_on=real.name),
        )

    def label(self, run: PlannedRun) -> str:
        """What to call a run."""
        return run.label if self.without is None else f"{run.label} {lack_words(self.without)}"

    def _trained_on(self, run: PlannedRun, synthetic_images: int) -> str:
        real = f"{Path(self.plan.experiment.benchmark).name}/real"
        frames = self._scene_name
        if 0 < run.synthetic_fraction < 1:
            frames = f"{synthetic_images:,} frames of {frames}"
        if self.without is not None:
            frames = f"{frames} {lack_words(self.without)}"
        if run.times != 1:
            real = f"{real}, {run.times:g} x the steps"
        return {
            "real": real,
            "synthetic": frames,
            "mixed": f"{frames} and {real}",
            "pretrain_finetune": f"{frames}, then {real}",
        }[run.regime]


def train_ahead(grids: Sequence[tuple[Grid, TrainingData]], *, at_once: int) -> None:
    """Train grids that share their cells, several networks at once, fine-tunings last.

    What fails is left for :meth:`Grid.train`, which tells why.
    """
    if at_once == 1 or not grids:
        return
    shared = grids[0][0]
    for wave in (Grid.first_trainings, Grid.fine_tunings):
        trainings = tuple(found for grid, data in grids for found in wave(grid, data))
        shared.steps.fleet(trainings, shared.cells, at_once=at_once)


def learned_from(rendered: Mapping[str, Path], dataset: str) -> Path:
    """What networks see of a rendered dataset: its crops or redrawn boxes, if there are some."""
    roles = (dataset.replace("dataset", role) for role in ("crops", "boxes", "dataset"))
    return next(rendered[role] for role in roles if role in rendered)


def training_data(
    *, synthetic: Path | None, real: Path | None, folds: int | None = None
) -> TrainingData:
    """The training sets of a grid, counted; of folds the largest."""
    split = "train" if folds is None else fold_splits(folds)[0]
    return TrainingData(
        synthetic=synthetic,
        real=real,
        synthetic_images=0 if synthetic is None else _count_pictures(synthetic, None),
        real_images=0 if real is None else _count_pictures(real, split),
    )


def _share_of(images: int, fraction: float) -> int:
    """Pictures in a share of a training set, counted as ``trainers.datasets`` takes them."""
    return math.ceil(fraction * images - 1e-9)


def _count_pictures(folder: Path, split: str | None) -> int:
    if task_of(folder) == "classification":
        return len(read_image_folder(find_class_folders(folder, split)).images)
    return len(read_coco(find_annotations(folder, split), labels=False).images)
