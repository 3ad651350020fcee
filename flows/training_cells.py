"""Trainings as cells, apart from other steps: members of a fleet load nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.cells import Cell, cell_of, finish
from pipeline.progress import Progress
from pipeline.specs.training import TrainSpec
from trainers.training import train

__all__ = ["finish_training", "training_cell"]

_VERSION = 2  # raised when trainings give other results, see flows.steps


def finish_training(spec: TrainSpec, cells: Path, *, progress: Progress) -> Path:
    """Train a network unless it is trained.

    Returns:
        The run folder.
    """
    return finish(training_cell(spec), cells, lambda folder: train(spec, folder, progress=progress))


def training_cell(spec: TrainSpec) -> Cell:
    """What a network is made from.

    Raises:
        DatasetError: If some of it is missing.
    """
    inputs = {f"data {i}": source.path for i, source in enumerate(spec.data)}
    if isinstance(spec.model.weights, Path):
        inputs["weights"] = spec.model.weights
    if spec.augment.copy_paste is not None and spec.augment.copy_paste.backgrounds is not None:
        inputs["backgrounds"] = spec.augment.copy_paste.backgrounds
    return cell_of("train", _VERSION, _without_paths(spec), inputs)


def _without_paths(spec: TrainSpec) -> dict[str, Any]:
    """The configuration as it enters a key: what lies behind a path is an input of the cell."""
    config = spec.model_dump(mode="json")
    for source in config["data"]:
        del source["path"]
    if isinstance(spec.model.weights, Path):
        config["model"]["weights"] = "given"
    if spec.augment.copy_paste is not None and spec.augment.copy_paste.backgrounds is not None:
        for each in (config, *config["data"]):  # a source of its own augmentation pastes alike
            if "augment" in each:
                each["augment"]["copy_paste"]["backgrounds"] = "given"
    return config
