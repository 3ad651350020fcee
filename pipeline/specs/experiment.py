"""What a person writes for the main job: regimes x seeds, scored on real photographs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pipeline.records.predictions import Task
from pipeline.specs.augmentation import (
    AugmentSpec,
    check_augmentation_fits_task,
    check_augmentation_is_shared,
)
from pipeline.specs.document import Spec, SpecPath
from pipeline.specs.training import ModelSpec, check_network_fits_task

__all__ = [
    "BoxSpec",
    "CropSpec",
    "ExperimentSpec",
    "FeatureSpec",
    "PlateauSpec",
    "Regime",
]

Regime = Literal["real", "synthetic", "mixed", "pretrain_finetune"]


class CropSpec(Spec):
    """How objects are cut out of frames for classification.

    Attributes:
        size: Side of the square crop, px.
        margin: Side of the cut square relative to the longer side of the object's box.
        bitmap: If set, the object's ink is normalised to a bitmap of this side as NIST's form
            reader did (stretched, weighted, sheared upright; ``pipeline.formats.bitmaps``) and
            summed in blocks down to ``size``, as the UCI digits were made.
    """

    size: int = Field(default=64, ge=4, le=1024)
    margin: float = Field(default=1.25, ge=1, le=4)
    bitmap: int | None = Field(default=None, ge=4, le=1024)

    @model_validator(mode="after")
    def _whole_blocks(self) -> CropSpec:
        if self.bitmap is not None and self.bitmap % self.size:
            raise ValueError(f"expected a bitmap that is a multiple of size {self.size}")
        return self


class BoxSpec(Spec):
    """How the benchmark's labellers draw boxes, where that is not tightly around the object.

    Attributes:
        square: As squares on the longer side of the tight box.
        grow: Sides relative to those of the tight box, or square.
    """

    square: bool = False
    grow: float = Field(default=1.0, gt=0, le=4)


class FeatureSpec(Spec):
    """The network in whose feature space rendered and real pictures are compared.

    Attributes:
        name: A classifier of torchvision; ``None``: the trained network's own backbone.
        weights: Of that classifier: ``DEFAULT`` for torchvision's (a download), else a state dict.
    """

    name: str | None = None
    weights: Literal["DEFAULT"] | SpecPath = "DEFAULT"

    @property
    def words(self) -> str:
        """The network as a reader needs it stated."""
        if self.name is None:
            return "the trained network's own backbone"
        published = "torchvision's published weights"
        known = published if self.weights == "DEFAULT" else f"the weights {self.weights.name}"
        return f"{self.name} with {known}"


class PlateauSpec(Spec):
    """Whether ``real`` was trained long enough: trained for other numbers of steps as well.

    Each is a training of its own, from the start and with its own learning-rate schedule.

    Attributes:
        times: Of the experiment's steps.
        real_fractions: Of which shares; ``None``: of all.
        seeds: With which of the share's seeds; ``None``: with all.
    """

    times: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(default=(2.0,), min_length=1)
    real_fractions: tuple[float, ...] | None = None
    seeds: tuple[int, ...] | None = None


class ExperimentSpec(Spec):
    """A grid of cells: every regime, real fraction and seed (``examples/*-experiment.yaml``).

    Attributes:
        synthetic: Scene spec of the synthetic training set.
        synthetic_test_frames: Further frames, rendered from another seed, for ``domain_drop``.
        benchmark: NAME or folder of the real photographs.
        real_fractions: Shares of the real training images, for regimes that use them.
        synthetic_fractions: Shares of the frames, for ``synthetic``; other regimes use the largest.
        seeds_at: Seeds at a real fraction, in place of ``seeds``: small ones need more.
        claim: The regime that is to beat ``real``, named before it is known which one does.
        plateau: Train ``real`` for other numbers of steps, too.
        folds: Cross-validation for benchmarks with few pictures: ``train`` and ``val`` together
            are cut into so many parts, each of which is tested by networks that saw the others.
        tuning_share: Of the ``train`` split: what ``--tune`` scores on in place of the test set.
        shared_pretraining: ``pretrain_finetune`` goes on from one pretraining, with the first of
            ``seeds``, whatever its own seed; else every seed has its own.
        pretrain_share: Of the steps of ``pretrain_finetune``: how many are on rendered frames.
        finetune_learning_rate: Of its steps on photographs; ``None``: ``learning_rate``.
        augment_frames: Keys of ``augment`` with other values for rendered frames, in every regime.
        boxes: Detection only: rendered frames are trained and tested on with boxes drawn so, and
            without masks.
        crops: Classification only: how objects are cut out of the frames.
        quarter_turns: Predict the mean over every picture and its three quarter turns; for networks
            that were trained on pictures turned every way.
        baseline: Score a classical method beside the network; ``None``: where there is one, which
            for detection is where there is one class.
        features: Where rendered and real pictures are compared as a network sees them.
        notes: What a fair reader must be told; the report says it before the scores.
        log: Markdown file that tells what was tried; the report ends with it.
    """

    task: Task
    synthetic: SpecPath
    synthetic_test_frames: int = Field(default=24, ge=1)
    benchmark: str
    model: ModelSpec
    regimes: tuple[Regime, ...] = Field(default=("synthetic",), min_length=1)
    real_fractions: tuple[float, ...] = (1.0,)
    synthetic_fractions: tuple[float, ...] = Field(default=(1.0,), min_length=1)
    real_share: float = Field(default=0.5, gt=0, lt=1)
    steps: int = Field(ge=1)
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    seeds_at: dict[float, tuple[int, ...]] = Field(default_factory=dict)
    claim: Regime | None = None
    plateau: PlateauSpec | None = None
    folds: int | None = Field(default=None, ge=2)
    tuning_share: float = Field(default=0.25, gt=0, lt=1)
    shared_pretraining: bool = False
    pretrain_share: float = Field(default=0.5, gt=0, lt=1)
    input_px: int = Field(default=320, ge=8, le=4096)
    batch_size: int = Field(default=8, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    finetune_learning_rate: float | None = Field(default=None, gt=0)
    augment: AugmentSpec = AugmentSpec()
    augment_frames: AugmentSpec | None = None
    boxes: BoxSpec | None = None
    crops: CropSpec = CropSpec()
    quarter_turns: bool = False
    baseline: bool | None = None
    features: FeatureSpec = FeatureSpec()
    notes: tuple[str, ...] = ()
    log: SpecPath | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _frames_are_augmented_alike(cls, document: Any) -> Any:  # noqa: ANN401
        """What ``augment_frames`` does not say is as ``augment`` says."""
        if not isinstance(document, Mapping):
            return document
        common, own = document.get("augment", {}), document.get("augment_frames")
        if not (isinstance(common, Mapping) and isinstance(own, Mapping)):
            return document
        return {**document, "augment_frames": {**common, **own}}

    @model_validator(mode="after")
    def _network_fits_task(self) -> ExperimentSpec:
        check_network_fits_task(self.model, self.task, input_px=self.input_px)
        for augment in (self.augment, self.frames_augmentation):
            check_augmentation_fits_task(augment, self.task)
            check_augmentation_is_shared(augment, self.augment)
        return self

    @property
    def frames_augmentation(self) -> AugmentSpec:
        """Random changes of rendered frames."""
        return self.augment_frames or self.augment

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> ExperimentSpec:
        if self.claim is not None and (self.claim == "real" or self.claim not in self.regimes):
            raise ValueError(f"claim is {self.claim}; expected one of the regimes, and not real")
        if self.plateau is not None and "real" not in self.regimes:
            raise ValueError("plateau is about the regime real, which is not among the regimes")
        if self.folds is not None and self.task == "classification":
            raise ValueError("folds are for pictures with boxes or masks, not for classification")
        if self.boxes is not None and self.task != "detection":
            raise ValueError(f"boxes are for task detection; this is {self.task}")
        return self
