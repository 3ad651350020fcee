"""Tasks by name."""

from __future__ import annotations

from typing import Any

from pipeline.records.predictions import Task
from pipeline.specs.training import TrainSpec
from trainers.keypoints.task import KeypointTask
from trainers.networks.sizes import ObjectSizes
from trainers.tasks import ClassificationTask, DetectionTask, SemanticTask, TrainingTask

__all__ = ["open_task"]

_TASKS: dict[Task, type[TrainingTask[Any, Any]]] = {
    kind.name: kind for kind in (DetectionTask, SemanticTask, ClassificationTask, KeypointTask)
}


def open_task(spec: TrainSpec, *, objects: ObjectSizes | None = None) -> TrainingTask[Any, Any]:
    """The task of a run, its data opened; ``objects`` as in TrainingTask.

    Raises:
        DatasetError: If the data cannot be read, or teach something else.
        SpecError: If there is no such network.
    """
    return _TASKS[spec.task](spec, objects=objects)
