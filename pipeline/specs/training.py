"""What a person writes to train one network (``blendgap train CONFIG -o RUN``)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.errors import SpecError
from pipeline.records.predictions import Task
from pipeline.specs.augmentation import (
    AugmentSpec,
    check_augmentation_fits_task,
    check_augmentation_is_shared,
)
from pipeline.specs.document import Spec, SpecPath
from pipeline.specs.optimisation import (
    METRICS,
    OptimiserSpec,
    Precision,
    ScheduleSpec,
    ValidationSpec,
)

__all__ = [
    "AdaptSpec",
    "DataSource",
    "FreezeSpec",
    "ModelSpec",
    "TrainSpec",
    "check_network_fits_task",
    "check_roles",
]


def _later(default: Any, **bounds: Any) -> Any:  # noqa: ANN401
    """A key that came later: cells whose spec leaves it at its default keep their names."""
    return Field(default=default, exclude_if=lambda value: value == default, **bounds)


class FreezeSpec(Spec):
    """Which part of the backbone keeps its weights, and how long.

    Attributes:
        stages: So many stages from the picture on; a stage ends where the maps get smaller next.
        steps: Optimiser steps until they are trained as well; ``None``: never.
        norms: Keep the statistics of every batch norm of the backbone too, in all steps.
    """

    stages: int = Field(default=0, ge=0, le=16)
    steps: int | None = Field(default=None, ge=1)
    norms: bool = False


class ModelSpec(Spec):
    """A network by name; ``docs/training.md`` lists them and says which key is for which.

    Attributes:
        name: ``compact_detector`` (boxes, masks and a semantic map, or keypoints),
            ``compact_classifier``, ``heatmap`` (keypoints of one object per picture), a classifier
            of torchvision, or a detector or segmenter built on one.
        backbone: The classifier of torchvision that sees, for detectors and segmenters.
        fpn: Whether a feature pyramid lies between backbone and heads (detectors).
        width: Multiplies the channels of our own layers: of the compact networks all, else those
            after the backbone.
        zoom: Pictures are resized by this before a detector looks at them; ``None``: chosen from
            the sizes of the training objects, 1 for the compact detector.
        tile: Predict on overlapping squares of this side, px; ``None``: on whole pictures.
        tile_overlap: Of neighbouring tiles, fraction of their side.
        regions: Of each picture, that Faster, Mask and Keypoint R-CNN learn from in a step.
        proposals: Of each picture, the likeliest, that these regions are drawn from.
        positive_fraction: Of the regions, at most, those that show an object.
        weights: ``None`` starts from scratch, ``DEFAULT`` from torchvision's weights of classifier
            or backbone (a download), else a run folder, checkpoint or state dict.
        freeze: What stays as the weights have it.
        backbone_rate: The backbone's learning rate, relative to the run's.
    """

    name: str
    backbone: str | None = None
    fpn: bool = True
    width: float = Field(default=1.0, gt=0, le=8)
    zoom: float | None = Field(default=None, gt=0, le=8)
    tile: int | None = Field(default=None, ge=64, le=8192)
    tile_overlap: float = Field(default=0.25, ge=0, le=0.75)
    regions: int = _later(128, ge=8, le=2048)
    proposals: int = _later(1000, ge=8, le=4096)
    positive_fraction: float = _later(0.25, gt=0, le=1)
    weights: Literal["DEFAULT"] | SpecPath | None = None
    freeze: FreezeSpec | None = None
    backbone_rate: float = Field(default=1.0, gt=0, le=1)


def check_network_fits_task(model: ModelSpec, task: str, *, input_px: int) -> None:
    """Refuse one of our own networks for another task, or at a size that it cannot halve.

    Which other networks there are is known to ``trainers`` alone.

    Raises:
        ValueError: Saying which.
    """
    own = {
        "compact_detector": ("detection", "keypoints"),
        "compact_classifier": ("classification",),
        "heatmap": ("keypoints",),
    }
    if task not in own.get(model.name, (task,)):
        raise ValueError(f"a {model.name} cannot be trained for {task}")
    if model.name == "compact_detector":
        zoom = model.zoom or 1.0
        if round(input_px * zoom) % 32:
            zoomed = "" if zoom == 1 else f" times the model's zoom of {zoom:g}"
            raise ValueError(f"input_px of {input_px}{zoomed} is not a multiple of 32")


def check_roles(spec: TrainSpec, *, source: Path) -> None:
    """Refuse to learn from what is there to be scored on.

    Args:
        spec: What a person wrote.
        source: Where, for the message.

    Raises:
        SpecError: Naming the key.
    """
    for number, data in enumerate(spec.data):
        if data.split == "test":
            raise SpecError(
                f"{source}: key 'data.{number}.split': got 'test'; expected train or val, as test "
                "pictures are for scores alone."
            )


class DataSource(Spec):
    """One dataset to draw training examples from.

    Attributes:
        path: A folder in any layout that we read (``pipeline.formats.annotated``): our dataset,
            COCO, YOLO, Pascal VOC, BOP, ImageFolder. ``blendgap train`` also takes the NAME of a
            benchmark.
        split: ``train`` unless named; our datasets have none.
        weight: Share of every batch, relative to the other sources.
        fraction: Take ``ceil(fraction * n)`` images; smaller sets are inside larger ones.
        subset_seed: Which ones.
        balance: ``classes``: rare classes come more often, in classification all equally often
            (``trainers.balance``).
        rare_below: Only classes in a smaller share of the pictures come more often (t of repeat
            factor sampling); by default all but the most frequent one. Not in classification.
        augment: Random changes of its pictures, in place of the run's; ``None``: the run's. Not
            for what mixes pictures of all sources: ``copy_paste``, ``mixup``, ``cutmix``.
    """

    path: SpecPath
    split: str | None = None
    weight: float = Field(default=1.0, gt=0)
    fraction: float = Field(default=1.0, gt=0, le=1)
    subset_seed: int = Field(default=0, ge=0)
    balance: Literal["none", "classes"] = "none"
    rare_below: float | None = Field(default=None, gt=0, le=1)
    # Left out of files and of the names of cells where there is none.
    augment: AugmentSpec | None = _later(None)


class AdaptSpec(Spec):
    """Pictures of the domain where the network will be used; their labels are not read.

    Attributes:
        path: A benchmark, a dataset, or a folder of pictures.
        split: Of a benchmark; ``train`` unless named.
        crops: How many training-sized crops of them to look at.
    """

    path: SpecPath
    split: str | None = None
    crops: int = Field(default=64, ge=2)


class TrainSpec(Spec):
    """One training run.

    Attributes:
        input_px: Side of the square training crop (detection) or picture (classification).
        steps: Optimiser steps; fewer if validation has patience.
        batch_size: Pictures in each, whatever ``accumulate`` and ``devices`` are.
        warmup_steps: Linear warm-up before the schedule.
        ema_decay: Of the weights' moving average, which is what the checkpoint predicts with; 0
            is no average.
        clip_norm: Longer gradients are shortened to this norm; ``None``: none are.
        accumulate: The batch is computed in so many parts, whose gradients are averaged.
        devices: GPUs (or processes on the CPU) that share the batch.
        deterministic: Refuse operations whose results differ from run to run (on GPUs).
        validation: What chooses the checkpoint; ``None``: the last step.
        tensorboard: Write the curves as TensorBoard events too.
        loader_workers: Processes that make batches; 0: the training process does. ``auto``: see
            ``trainers.loading``.
        checkpoint_seconds: How often the state to resume from is saved.
        adapt: Pictures whose statistics replace the batch norms' after training (AdaBN).
    """

    task: Task
    data: tuple[DataSource, ...] = Field(min_length=1)
    model: ModelSpec
    input_px: int = Field(default=320, ge=8, le=4096)
    steps: int = Field(ge=1)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    optimiser: OptimiserSpec = OptimiserSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    weight_decay: float = Field(default=1e-2, ge=0)
    warmup_steps: int = Field(default=50, ge=0)
    ema_decay: float = Field(default=0.99, ge=0, lt=1)
    clip_norm: float | None = Field(default=10.0, gt=0)
    accumulate: int = Field(default=1, ge=1)
    precision: Precision = "32"
    augment: AugmentSpec = AugmentSpec()
    seed: int = Field(default=0, ge=0, lt=2**63)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = Field(default=1, ge=1)
    deterministic: bool = False
    loader_workers: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
    checkpoint_seconds: float = Field(default=30.0, ge=0)
    validation: ValidationSpec | None = None
    tensorboard: bool = False
    adapt: AdaptSpec | None = None

    @model_validator(mode="after")
    def _batch_divides(self) -> TrainSpec:
        if self.batch_size % (self.accumulate * self.devices):
            raise ValueError(
                f"batch_size of {self.batch_size} cannot be shared by {self.devices} devices in "
                f"{self.accumulate} parts"
            )
        return self

    @model_validator(mode="after")
    def _metric_fits_task(self) -> TrainSpec:
        if self.validation is not None:
            known = METRICS[self.task]
            if self.validation.metric not in (None, *known):
                raise ValueError(
                    f"validation has no metric {self.validation.metric!r} for {self.task}; "
                    f"expected {', '.join(known)}"
                )
        return self

    @model_validator(mode="after")
    def _network_fits_task(self) -> TrainSpec:
        check_network_fits_task(self.model, self.task, input_px=self.input_px)
        for augment in self.augmentations:
            check_augmentation_fits_task(augment, self.task)
            check_augmentation_is_shared(augment, self.augment)
        return self

    @property
    def augmentations(self) -> tuple[AugmentSpec, ...]:
        """Of every source, its own or the run's."""
        return tuple(source.augment or self.augment for source in self.data)
