"""Scores during training, by torchmetrics, on labelled pictures that choose the checkpoint."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import Metric
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassF1Score,
    MulticlassJaccardIndex,
)
from torchmetrics.detection import MeanAveragePrecision

from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoInstance, find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder
from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.geometry.masks import BoolArray, mask_of_rle
from pipeline.progress import silent
from pipeline.records.predictions import Task
from pipeline.specs.optimisation import METRICS, ValidationSpec
from pipeline.specs.training import DataSource, TrainSpec
from trainers.checkpoints import Checkpoint
from trainers.datasets import PictureSource
from trainers.keypoints.scoring import keypoint_scores
from trainers.loop import StepModule
from trainers.networks.segmenters import UNKNOWN_CLASS, true_classes
from trainers.pictures import PictureSet, open_pictures
from trainers.predictors import Predictor, SemanticPredictor, open_predictor

__all__ = ["Judge", "Validation", "open_validation"]

_IOU_TYPES: tuple[Literal["bbox", "segm"], ...] = ("bbox", "segm")


class Validation(ABC):
    """Labelled pictures, and what a network is worth on them.

    Attributes:
        has_masks: Whether masks are scored.

    Args:
        spec: Which pictures.
        checkpoint: What is trained; its weights do not matter.

    Raises:
        DatasetError: If the pictures cannot be read, or show what the network does not know.
    """

    has_masks = False

    def __init__(self, spec: ValidationSpec, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint
        self._pictures: PictureSet = open_pictures(
            spec.path, task=checkpoint.task, split=spec.split
        )
        unknown = set(self._pictures.categories.values()) - set(checkpoint.categories)
        if unknown or not self._pictures.categories:
            raise DatasetError(
                f"{spec.path}: got {', '.join(sorted(unknown)) or 'pictures without labels'} to "
                f"validate on; the training data show {', '.join(checkpoint.categories)}. "
                "They are matched by name."
            )
        id_of = {name: number for number, name in self._pictures.categories.items()}
        self._ids = {
            index: id_of[name] for index, name in enumerate(checkpoint.categories) if name in id_of
        }

    def scores(self, module: nn.Module) -> dict[str, float]:
        """Every metric of the task, of a network whose mode is left as it was."""
        mode = module.training
        module.eval()
        try:
            return self._scores(open_predictor(self._checkpoint, module, ids=self._ids, out=None))
        finally:
            module.train(mode)

    @abstractmethod
    def _scores(self, predictor: Predictor) -> dict[str, float]: ...


class DetectionValidation(Validation):
    """Average precision, of the very entries that a predictions file would hold."""

    def __init__(self, spec: ValidationSpec, checkpoint: Checkpoint) -> None:
        super().__init__(spec, checkpoint)
        path = find_annotations(spec.path, spec.split)
        dataset = read_coco(path)
        self._instances = dataset.instances
        objects = [item for group in self._instances.values() for item in group]
        if checkpoint.has_masks:
            self.has_masks = all(item.rle is not None for item in objects)
        if all(item.iscrowd for item in objects):
            raise DatasetError(f"{path}: shows no single object; expected some to validate on.")

    def _scores(self, predictor: Predictor) -> dict[str, float]:
        found: dict[int, list[dict[str, Any]]] = {i: [] for i in self._instances}
        for entry in predictor.entries(self._pictures, silent):
            found[entry["image_id"]].append(entry)
        scores = {}
        for kind in _IOU_TYPES[: 2 if self.has_masks else 1]:
            word = "box" if kind == "bbox" else "mask"
            metric = MeanAveragePrecision(box_format="xywh", iou_type=kind, backend="pycocotools")
            metric.warn_on_many_detections = False
            for image_id, group in self._instances.items():
                metric.update([_said(found[image_id], kind)], [_true(group, kind)])
            values = metric.compute()
            for name, key in (("ap", "map"), ("ap50", "map_50"), ("ap75", "map_75")):
                scores[f"{word}_{name}"] = float(values[key])
        return scores


class KeypointValidation(Validation):
    """AP by OKS, and PCK, of the very entries that a predictions file would hold."""

    def __init__(self, spec: ValidationSpec, checkpoint: Checkpoint) -> None:
        super().__init__(spec, checkpoint)
        checkpoint.check_keypoints(self._pictures.keypoints, spec.path)
        self._dataset = read_coco(find_annotations(spec.path, spec.split))
        objects = [item for group in self._dataset.instances.values() for item in group]
        single = [item for item in objects if not item.iscrowd]
        if not any(v > 0 for item in single for *_, v in item.keypoints or ()):
            raise DatasetError(
                f"{spec.path}: no keypoint is labelled; expected some to validate on."
            )

    def _scores(self, predictor: Predictor) -> dict[str, float]:
        return keypoint_scores(list(predictor.entries(self._pictures, silent)), self._dataset)


class SemanticValidation(Validation):
    """Mean IoU over the classes that occur, background included; pixels of no class left out."""

    def __init__(self, spec: ValidationSpec, checkpoint: Checkpoint) -> None:
        super().__init__(spec, checkpoint)
        self._source = PictureSource(DataSource(path=spec.path, split=spec.split))
        self._class_of = {name: index for index, name in enumerate(checkpoint.categories)}

    def _scores(self, predictor: Predictor) -> dict[str, float]:
        assert isinstance(predictor, SemanticPredictor)
        count, unknown = 1 + len(self._class_of), UNKNOWN_CLASS
        metrics: dict[str, Metric] = {
            "miou": MulticlassJaccardIndex(count, average="macro", ignore_index=unknown),
            "pixel_accuracy": MulticlassAccuracy(count, average="micro", ignore_index=unknown),
        }
        for index, (_, class_map) in enumerate(predictor.class_maps(self._pictures, silent)):
            truth = true_classes(self._source.example(index, self._class_of))
            for metric in metrics.values():
                metric.update(torch.from_numpy(class_map), torch.from_numpy(truth).long())
        return {name: float(metric.compute()) for name, metric in metrics.items()}


class ClassificationValidation(Validation):
    """Accuracy, and F1 as the mean over classes."""

    def __init__(self, spec: ValidationSpec, checkpoint: Checkpoint) -> None:
        super().__init__(spec, checkpoint)
        images = read_image_folder(find_class_folders(spec.path, spec.split)).images
        self._truth = torch.tensor([image.category_id - 1 for image in images])

    def _scores(self, predictor: Predictor) -> dict[str, float]:
        entries = predictor.entries(self._pictures, silent)
        said = torch.tensor([entry["category_id"] - 1 for entry in entries])
        metrics = {
            "accuracy": MulticlassAccuracy(len(self._pictures.categories), average="micro"),
            "macro_f1": MulticlassF1Score(len(self._pictures.categories), average="macro"),
        }
        return {name: float(metric(said, self._truth)) for name, metric in metrics.items()}


_KINDS: dict[Task, type[Validation]] = {
    "detection": DetectionValidation,
    "semantic": SemanticValidation,
    "classification": ClassificationValidation,
    "keypoints": KeypointValidation,
}


def open_validation(spec: ValidationSpec, checkpoint: Checkpoint) -> Validation:
    """The pictures that choose the checkpoint; see Validation."""
    return _KINDS[checkpoint.task](spec, checkpoint)


class Judge:
    """Scores the average now and then, keeps the best, and knows when there is nothing to gain.

    Attributes:
        metric: What is best.
        best_score: Of the best average so far.
        best_step: When that was; 0 before the first look.
        best_state: Its weights.
    """

    def __init__(self, spec: TrainSpec, validation: Validation) -> None:
        """See the class.

        Args:
            spec: The run.
            validation: The pictures that it names.

        Raises:
            DatasetError: If the metric asks for labels that they lack.
        """
        assert spec.validation is not None
        self._spec, self._steps = spec.validation, spec.steps
        self._validation = validation
        self.metric = spec.validation.metric or METRICS[spec.task][0]
        if self.metric.startswith("mask") and not self._validation.has_masks:
            raise DatasetError(
                f"{spec.validation.path}: {self.metric} needs masks, of the training and of all "
                "validation objects; name a box metric."
            )
        self.best_score, self.best_step, self._misses = -math.inf, 0, 0
        self.best_state: dict[str, Tensor] = {}

    @property
    def has_enough(self) -> bool:
        """Whether patience is at its end."""
        return self._spec.patience is not None and self._misses >= self._spec.patience

    def is_due(self, step: int) -> bool:
        """Whether to look after a step, from 1."""
        return step % self._spec.every_steps == 0 or step == self._steps

    def look(self, module: StepModule, step: int) -> None:
        """Score the average."""
        average = module.averaged.module
        scores = self._validation.scores(average)
        module.curves.add_scores(step, scores)
        if scores[self.metric] > self.best_score:
            self.best_score, self.best_step, self._misses = scores[self.metric], step, 0
            self.best_state = {
                name: tensor.detach().cpu().clone() for name, tensor in average.state_dict().items()
            }
        else:
            self._misses += 1

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        return {
            "score": self.best_score,
            "step": self.best_step,
            "misses": self._misses,
            "state": self.best_state,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best_score, self.best_step = state["score"], state["step"]
        self._misses, self.best_state = state["misses"], state["state"]


def _said(entries: list[dict[str, Any]], kind: str) -> dict[str, Tensor]:
    said = {
        "scores": torch.tensor([entry["score"] for entry in entries], dtype=torch.float64),
        "labels": torch.tensor([entry["category_id"] for entry in entries], dtype=torch.long),
    }
    if kind == "bbox":
        boxes = torch.tensor([entry["bbox"] for entry in entries], dtype=torch.float64)
        return said | {"boxes": boxes.reshape(-1, 4)}
    return said | {"masks": _stacked([mask_of_rle(entry["segmentation"]) for entry in entries])}


def _true(instances: Sequence[CocoInstance], kind: str) -> dict[str, Tensor]:
    true = {
        "labels": torch.tensor([item.category_id for item in instances], dtype=torch.long),
        "iscrowd": torch.tensor([int(item.iscrowd) for item in instances]),
    }
    if kind == "bbox":
        corners = np.array([item.box_xyxy for item in instances]).reshape(-1, 4)
        return true | {"boxes": torch.from_numpy(xywh_from_xyxy(corners))}
    return true | {"masks": _stacked([mask_of_rle(i.rle) for i in instances if i.rle is not None])}


def _stacked(masks: Sequence[BoolArray]) -> Tensor:
    return torch.from_numpy(np.stack(masks)) if masks else torch.zeros((0, 1, 1), dtype=torch.bool)
