"""The steps of the street: plain functions from paths to paths that skip what is done.

Work other than rendering lies in cells (see :mod:`flows.cells`). Raise a step's version when
its code gives other results: its cells, and those that read them, are then done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blender_scenes.generate import render_dataset
from evaluation.analysis.analysis import analyse
from evaluation.analysis.records import write_analysis
from evaluation.baselines.corners import corners_baseline
from evaluation.baselines.linear import linear_baseline
from evaluation.baselines.watershed import watershed_baseline
from evaluation.pooling import pool_predictions
from evaluation.report.page import write_report
from evaluation.scores import ScoreSheet, evaluate, sibling_thresholds, write_scores
from flows.cells import Cell, cell_of, finish
from flows.domains import domains_step
from flows.fleet import Training, train_fleet
from flows.record import TestedPredictions
from flows.report_inputs import report_inputs
from flows.terminal import progress_bar
from flows.training_cells import finish_training, training_cell
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.crops import write_crops
from pipeline.formats.exports import export_pictures
from pipeline.formats.redrawing import redraw_boxes
from pipeline.formats.storage import write_bytes_atomic
from pipeline.records.predictions import poses_path
from pipeline.specs.experiment import BoxSpec, CropSpec
from pipeline.specs.scene import SceneSpec
from pipeline.specs.training import TrainSpec
from trainers.prediction import predict

__all__ = [
    "BASELINES",
    "PLAIN_STEPS",
    "Steps",
    "baseline_step",
    "boxes_step",
    "crops_step",
    "evaluate_step",
    "fleet_step",
    "pool_step",
    "predict_step",
    "render_step",
    "report_step",
    "train_step",
]

BASELINES = {
    "corners": "findChessboardCornersSB",
    "linear": "logistic regression on pixels",
    "watershed": "Otsu + watershed",
}
"""What classical methods are called."""

_VERSIONS = {
    "crops": 1,
    "boxes": 1,
    "predict": 1,
    "baseline": 1,
    "pool": 1,
    "evaluate": 6,
}


def render_step(
    spec: SceneSpec, out: Path, *, source: Path, label: str, workers: int | None = None
) -> Path:
    """Render the missing frames of a dataset.

    Returns:
        The dataset folder.
    """
    with progress_bar(f"render {label}", "frames/min") as progress:
        return render_dataset(spec, out, source=source, workers=workers, progress=progress)


def crops_step(dataset: Path, crops: CropSpec, cells: Path) -> Path:
    """Cut the objects out of a dataset's pictures.

    Returns:
        An ImageFolder.
    """
    cell = _cell("crops", crops.model_dump(mode="json"), dataset=dataset)
    coco = read_coco(DatasetLayout(dataset).annotations)

    def work(folder: Path) -> None:
        with progress_bar("crop objects", "frames/s") as progress:
            write_crops(coco, folder / "crops", crops, progress=progress)

    return finish(cell, cells, work) / "crops"


def boxes_step(dataset: Path, boxes: BoxSpec, cells: Path) -> Path:
    """Draw the boxes of a dataset's objects as somebody else would.

    Returns:
        A COCO folder.
    """
    cell = _cell("boxes", boxes.model_dump(mode="json"), dataset=dataset)
    coco = read_coco(DatasetLayout(dataset).annotations)

    def work(folder: Path) -> None:
        export_pictures({None: redraw_boxes(coco, boxes)}, folder / "boxes", to="coco")

    return finish(cell, cells, work) / "boxes"


def train_step(spec: TrainSpec, cells: Path, *, label: str) -> Path:
    """Train a network.

    Returns:
        The run folder.
    """
    with progress_bar(f"train {label}", "steps/s") as progress:
        return finish_training(spec, cells, progress=progress)


def fleet_step(trainings: Sequence[Training], cells: Path, *, at_once: int) -> None:
    """Do what is missing of many trainings, several at once; one that fails can be tried again."""
    missing = [t for t in trainings if not training_cell(t.spec).is_done(cells)]
    if len(missing) < 2:  # alone it gets all cores
        return
    count = min(at_once, len(missing))
    with progress_bar(f"train {len(missing)} networks, {count} at once", "steps/s") as progress:
        train_fleet(missing, cells, at_once=at_once, progress=progress)


def predict_step(
    run: Path,
    target: Path,
    cells: Path,
    *,
    split: str | None,
    label: str,
    quarter_turns: bool = False,
) -> Path:
    """Predict a test set.

    Returns:
        The predictions file.
    """
    turned = {"quarter_turns": True} if quarter_turns else {}
    cell = _cell("predict", {"split": split} | turned, run=run, target=target)

    def work(folder: Path) -> None:
        out = folder / "predictions.json"
        with progress_bar(f"predict {label}", "images/s") as progress:
            predict(run, target, out, split=split, quarter_turns=quarter_turns, progress=progress)

    return finish(cell, cells, work) / "predictions.json"


def baseline_step(
    target: Path, cells: Path, *, split: str | None, kind: str, learn_from: Path | None = None
) -> Path:
    """Predict a test set by a classical method.

    Args:
        target: The test set.
        cells: Folder of all cells.
        split: Of the test set.
        kind: Of :data:`BASELINES`.
        learn_from: ImageFolder for ``linear``.

    Returns:
        The predictions file.
    """
    inputs = {"target": target} | ({} if learn_from is None else {"learn_from": learn_from})
    cell = _cell("baseline", {"split": split, "kind": kind}, **inputs)

    def work(folder: Path) -> None:
        out = folder / "predictions.json"
        if learn_from is not None:
            linear_baseline(learn_from, target, out, split=split)
        else:
            {"corners": corners_baseline, "watershed": watershed_baseline}[kind](
                target, out, split=split
            )

    return finish(cell, cells, work) / "predictions.json"


def pool_step(parts: Sequence[Path], target: Path, cells: Path, *, split: str) -> Path:
    """Put the predictions of all folds together.

    Returns:
        The predictions file, on ``split`` of the target.
    """
    files = {f"part {i}": part for i, part in enumerate(parts)}
    cell = _cell("pool", {"split": split}, target=target, **files)

    def work(folder: Path) -> None:
        truth = find_annotations(target, split)
        pool_predictions(parts, truth, folder / "predictions.json")

    return finish(cell, cells, work) / "predictions.json"


def evaluate_step(tested: Sequence[TestedPredictions], out: Path, cells: Path) -> Path:
    """Score predictions, all together, since comparisons need them paired.

    Writes ``analysis.json`` beside it.

    Returns:
        ``out``, the score file.
    """
    config = [{"split": t.split, "context": t.context.model_dump(mode="json")} for t in tested]
    files = {f"predictions {i}": t.predictions for i, t in enumerate(tested)}
    beside = {f"poses {i}": poses_path(t.predictions) for i, t in enumerate(tested)}
    files |= {role: path for role, path in beside.items() if path.is_file()}
    targets = {f"target {i}": t.target for i, t in enumerate(tested)}
    cell = _cell("evaluate", {"tested": config}, **files, **targets)

    def work(folder: Path) -> None:
        found: dict[int, ScoreSheet] = {}
        # Thresholds are chosen on val and on rendered frames, so these come first.
        order = sorted(range(len(tested)), key=lambda i: (tested[i].is_test, i))
        with progress_bar("evaluate", "files/s") as progress:
            for done, i in enumerate(order, start=1):
                t = tested[i]
                chosen = sibling_thresholds(found.values(), t.context) if t.is_test else {}
                found[i] = evaluate(
                    t.predictions, t.target, split=t.split, context=t.context, thresholds=chosen
                )
                progress(done, len(tested))
        sheets = [found[i] for i in range(len(tested))]
        write_scores(sheets, folder / "scores.json")
        write_analysis(analyse(sheets), folder / "analysis.json")

    done = finish(cell, cells, work)
    for name in ("scores.json", "analysis.json"):
        write_bytes_atomic(out.with_name(name), (done / name).read_bytes())
    return out


def report_step(folder: Path) -> Path:
    """Write the report of an experiment from its record.

    Returns:
        ``report.html``.
    """
    return write_report(report_inputs(folder), folder / "report.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The functions behind the steps; Prefect's tasks may stand in for the plain ones."""

    render: Callable[..., Path] = render_step
    crops: Callable[..., Path] = crops_step
    boxes: Callable[..., Path] = boxes_step
    train: Callable[..., Path] = train_step
    fleet: Callable[..., None] = fleet_step
    predict: Callable[..., Path] = predict_step
    pool: Callable[..., Path] = pool_step
    baseline: Callable[..., Path] = baseline_step
    evaluate: Callable[..., Path] = evaluate_step
    domains: Callable[..., Path] = domains_step
    report: Callable[..., Path] = report_step


PLAIN_STEPS = Steps()


def _cell(step: str, config: dict[str, Any], **inputs: Path) -> Cell:
    return cell_of(step, _VERSIONS[step], config, inputs)
