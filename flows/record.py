"""``experiment.json``: what an experiment consists of, for its report and for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from evaluation.scores import ScoreContext
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic
from pipeline.records.documents import read_document
from pipeline.specs.experiment import ExperimentSpec
from pipeline.specs.scene import SceneSpec

__all__ = [
    "ExperimentRecord",
    "Purpose",
    "TestedPredictions",
    "read_record",
    "refuse_other_kind",
    "write_record",
]

Purpose = Literal["final", "indicative", "tuning"]

_NAME = "experiment.json"
_PURPOSES: dict[Purpose, tuple[str, ...]] = {
    "final": (),
    "indicative": (
        "Indicative only: this is the small budget, with two regimes, one seed, at most 300 "
        "frames and half of the steps. Its intervals leave out the luck of training.",
    ),
    "tuning": (
        "To choose by: scored on photographs that were taken out of the train split and not "
        "trained on. No label of another split was read.",
    ),
}
_SHARED = (
    "All seeds of the regime that sees rendered frames first go on from one pretraining: their "
    "intervals hold for this pretraining and leave out the luck of another."
)
_FOLDS = (
    "Cross-validation with {} folds: every photograph was tested by a network that had trained on "
    "the other folds; the answers of all folds are scored together."
)


class _FileRecord(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TestedPredictions(_FileRecord):
    """One predictions file and the test set it is scored on.

    Attributes:
        name: Of the model, for people.
        target: Folder of the test set.
        split: Of the test set.
        context: How the model came to be.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    name: str
    predictions: Path
    target: Path
    split: str | None
    context: ScoreContext

    @property
    def is_test(self) -> bool:
        """Whether it is the score that counts: of real pictures that nothing is chosen by."""
        return self.split != "val" and not (self.context.tested_on or "").endswith("/synthetic")


class ExperimentRecord(_FileRecord):
    """Paths inside the experiment's folder are written relative to it, so that it can move.

    Attributes:
        kind: What made it.
        purpose: Of its scores, see :class:`flows.plan.Plan`.
        command: Runs it again.
        source: The experiment file.
        rendered: Datasets and crops by role.
        runs: Run folders by name.
        calibration: Of the first synthetic run on real ``train`` pictures, for the convention of
            their labels.
        failures: What failed, by name of the run.
    """

    kind: Literal["experiment", "ablation"] = "experiment"
    purpose: Purpose = "final"
    command: str
    source: str
    experiment: ExperimentSpec
    scene: SceneSpec
    benchmark: Path
    rendered: dict[str, Path]
    runs: dict[str, Path]
    tested: tuple[TestedPredictions, ...]
    calibration: TestedPredictions | None = None
    failures: dict[str, str]

    @property
    def training_sets(self) -> tuple[Path, ...]:
        """What was rendered to train on, not to test."""
        return tuple(path for role, path in self.rendered.items() if not role.endswith("_test"))

    def shown(self) -> tuple[TestedPredictions, ...]:
        """What the report draws.

        A network on real pictures, the classical baseline beside it, and the same network on
        rendered frames: one that saw all of the frames and nothing else, if there is one.
        """
        networks = [t for t in self.tested if t.context.regime != "baseline"]
        baselines = [t for t in self.tested if t.context.regime == "baseline"]
        real = [t for t in networks if t.target == self.benchmark]
        alone = [t for t in real if t.context.regime == "synthetic"]
        first = max(alone, key=lambda t: t.context.synthetic_images or 0, default=None)
        shown = first or next(iter(real), None)
        at_home = [
            t
            for t in networks
            if t.target != self.benchmark and shown is not None and _same_run(t, shown)
        ]
        return (*((shown,) if shown else ()), *baselines[:1], *at_home[:1])

    def notes(self) -> tuple[str, ...]:
        """What a fair reader must be told: how it was done, and what is missing, and why."""
        spec = self.experiment
        shared = spec.shared_pretraining and "pretrain_finetune" in spec.regimes
        folds = self.purpose == "final" and spec.folds is not None
        return (
            *_PURPOSES[self.purpose],
            *spec.notes,
            *([_SHARED] if shared and len(spec.seeds) > 1 else []),
            *([_FOLDS.format(spec.folds)] if folds else []),
            *(f"{name} failed and has no scores: {why}" for name, why in self.failures.items()),
        )


def write_record(record: ExperimentRecord, folder: Path) -> None:
    """Write ``experiment.json``, and ``runs/``: a link to every run folder under its name."""
    moved = _with_paths(record, lambda path: _inside(path, folder))
    for name, run in moved.runs.items():
        link = folder / "runs" / name.replace(" ", "-")
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(run if run.is_absolute() else Path("..") / run)
    write_json_atomic(folder / _NAME, moved.model_dump(mode="json"))


def read_record(folder: Path) -> ExperimentRecord:
    """Read ``experiment.json``; its paths start at ``folder`` again.

    Raises:
        DatasetError: If the folder holds no experiment.
    """
    path = folder / _NAME
    way_out = "expected a folder of `blendgap experiment`"
    record = read_document(path, ExperimentRecord, way_out=way_out)
    return _with_paths(record, lambda path: folder / path)


def refuse_other_kind(folder: Path, kind: Literal["experiment", "ablation"]) -> None:
    """Keep an ablation from writing over an experiment, and the other way round.

    Raises:
        DatasetError: If the folder holds the other one.
    """
    if (folder / _NAME).is_file() and (found := read_record(folder).kind) != kind:
        raise DatasetError(
            f"{folder}: got a folder that holds an {found}; expected one of its own for an {kind}."
        )


def _inside(path: Path, folder: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _with_paths(record: ExperimentRecord, change: Callable[[Path], Path]) -> ExperimentRecord:
    return record.model_copy(
        update={
            "benchmark": change(record.benchmark),
            "rendered": {role: change(path) for role, path in record.rendered.items()},
            "runs": {name: change(path) for name, path in record.runs.items()},
            "tested": tuple(_moved(tested, change) for tested in record.tested),
            "calibration": record.calibration and _moved(record.calibration, change),
        }
    )


def _same_run(a: TestedPredictions, b: TestedPredictions) -> bool:
    same = {"tested_on": None}
    return a.context.model_copy(update=same) == b.context.model_copy(update=same)


def _moved(tested: TestedPredictions, change: Callable[[Path], Path]) -> TestedPredictions:
    return tested.model_copy(
        update={"predictions": change(tested.predictions), "target": change(tested.target)}
    )
