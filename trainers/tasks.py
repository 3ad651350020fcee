"""What training needs to know of a task: its batches, its network, its loss, its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.drawing import contact_sheet, draw_instances
from pipeline.specs.training import ModelSpec, TrainSpec
from trainers.augmentation import augment_crop, augment_small
from trainers.classifier import ClassificationBatch, CompactClassifier, classification_losses
from trainers.compact.losses import DetectionBatch, detection_losses, stack_targets
from trainers.compact.network import CompactDetector
from trainers.compact.targets import encode_targets
from trainers.datasets import CocoSource, FolderSource, merge_categories
from trainers.examples import ByteImage, DetectionExample
from trainers.sampling import Slot, slots_of_step

__all__ = ["ClassificationTask", "DetectionTask", "TrainingTask", "build_network", "open_task"]

_MAX_MASKS = 24
"""Objects per picture that teach the mask head."""
_SHEET_TILES = 40

BatchT = TypeVar("BatchT")


class TrainingTask(Protocol[BatchT]):
    """One kind of training, as the loop sees it.

    Attributes:
        categories: Names; their order gives the class indices.
        data_sha256: One hash per data source.
        has_masks: Whether any label is a mask.
    """

    categories: tuple[str, ...]
    data_sha256: tuple[str, ...]
    has_masks: bool

    def batch(self, step: int) -> BatchT:
        """The batch of a step: depends on the spec and the step alone."""

    def losses(self, network: nn.Module, batch: BatchT) -> dict[str, Tensor]:
        """Parts that add up to the loss."""

    def picture(self, step: int) -> ByteImage:
        """The step's batch with its labels, for people."""


class DetectionTask:
    """Boxes, masks and semantic map of COCO pictures."""

    def __init__(self, spec: TrainSpec) -> None:
        self._spec = spec
        self._sources = [CocoSource(source) for source in spec.data]
        self.has_masks = any(source.has_masks for source in self._sources)
        self.categories = merge_categories(self._sources)
        self.data_sha256 = tuple(source.sha256 for source in self._sources)
        self._class_of = {name: index for index, name in enumerate(self.categories)}

    def batch(self, step: int) -> DetectionBatch:
        """See TrainingTask."""
        slots = _slots(self._spec, step, self._sources)
        examples = [self._example(slot) for slot in slots]
        return stack_targets(
            [example.image for example in examples],
            [
                encode_targets(
                    example,
                    class_count=len(self.categories),
                    max_masks=_MAX_MASKS,
                    rng=slot.rng,
                )
                for example, slot in zip(examples, slots, strict=True)
            ],
        )

    def losses(self, network: nn.Module, batch: DetectionBatch) -> dict[str, Tensor]:
        """See TrainingTask."""
        return detection_losses(cast("CompactDetector", network), batch)

    def picture(self, step: int) -> ByteImage:
        """See TrainingTask."""
        examples = [self._example(slot) for slot in _slots(self._spec, step, self._sources)]
        tiles = [_drawn(example, self.categories) for example in examples[:_SHEET_TILES]]
        return contact_sheet(tiles, columns=4)

    def _example(self, slot: Slot) -> DetectionExample:
        example = self._sources[slot.source].example(slot.index, self._class_of)
        return augment_crop(example, self._spec.augment, side_px=self._spec.input_px, rng=slot.rng)


class ClassificationTask:
    """One class per picture."""

    has_masks = False

    def __init__(self, spec: TrainSpec) -> None:
        self._spec = spec
        self._sources = [FolderSource(source, side_px=spec.input_px) for source in spec.data]
        self.categories = merge_categories(self._sources)
        self.data_sha256 = tuple(source.sha256 for source in self._sources)
        self._class_of = {name: index for index, name in enumerate(self.categories)}

    def batch(self, step: int) -> ClassificationBatch:
        """See TrainingTask."""
        slots = _slots(self._spec, step, self._sources)
        images, classes = zip(*(self._example(slot) for slot in slots), strict=True)
        return ClassificationBatch(
            images=torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2),
            classes=torch.tensor(classes),
        )

    def losses(self, network: nn.Module, batch: ClassificationBatch) -> dict[str, Tensor]:
        """See TrainingTask."""
        return classification_losses(cast("CompactClassifier", network), batch)

    def picture(self, step: int) -> ByteImage:
        """See TrainingTask."""
        slots = _slots(self._spec, step, self._sources)[:_SHEET_TILES]
        images, classes = zip(*(self._example(slot) for slot in slots), strict=True)
        captions = [self.categories[index] for index in classes]
        return contact_sheet(images, columns=10, tile_hw=(64, 64), captions=captions)

    def _example(self, slot: Slot) -> tuple[ByteImage, int]:
        image, class_index = self._sources[slot.source].example(slot.index, self._class_of)
        return augment_small(image, self._spec.augment, rng=slot.rng), class_index


def open_task(spec: TrainSpec) -> TrainingTask[Any]:
    """Open the data of a run.

    Raises:
        DatasetError: If a source cannot be read.
    """
    return DetectionTask(spec) if spec.task == "detection" else ClassificationTask(spec)


def build_network(model: ModelSpec, class_count: int) -> CompactDetector | CompactClassifier:
    """A network by name, with fresh weights, channels last in memory."""
    kind = CompactDetector if model.name == "compact_detector" else CompactClassifier
    return kind(class_count, model.width).to(memory_format=torch.channels_last)


def _slots(
    spec: TrainSpec, step: int, sources: Sequence[CocoSource] | Sequence[FolderSource]
) -> tuple[Slot, ...]:
    return slots_of_step(
        step,
        seed=spec.seed,
        batch_size=spec.batch_size,
        lengths=[len(source) for source in sources],
        weights=[source.weight for source in spec.data],
    )


def _drawn(example: DetectionExample, categories: Sequence[str]) -> ByteImage:
    height, width = example.image.shape[:2]
    masks = np.zeros((len(example.objects), height, width), dtype=bool)
    for whole, item in zip(masks, example.objects, strict=True):
        if item.mask is not None:
            x, y = item.mask_corner
            whole[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] = item.mask
    labels = [
        "ignored" if item.ignored else categories[item.class_index] for item in example.objects
    ]
    boxes = np.array([item.box_xyxy for item in example.objects]).reshape(-1, 4)
    return draw_instances(example.image, boxes_xyxy=boxes, masks=masks, labels=labels)
