"""What the tasks need of a network: to be built, taught and asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from pipeline.records.predictions import Task
from pipeline.specs.training import ModelSpec
from trainers.examples import ByteImage, ClassExample, DetectionExample
from trainers.networks.backbones import build_shapes
from trainers.networks.sizes import ObjectSizes
from trainers.results import ClassMap, PictureResult

__all__ = ["AnyNetwork", "Batch", "Classifier", "Detector", "Network", "Segmenter", "is_under"]

BatchT = TypeVar("BatchT", bound="Batch")
ExampleT = TypeVar("ExampleT")


class Batch(Protocol):
    """Tensors of one step."""

    def to(self, device: torch.device) -> Any:  # noqa: ANN401
        """The same batch on another device."""


@dataclass(frozen=True, kw_only=True)
class Network(ABC, Generic[ExampleT, BatchT]):
    """A network by name, without its weights: loader workers get a copy.

    Attributes:
        task: What it is for.
        options: Keys of ModelSpec that it heeds, beyond ``weights``, ``freeze`` and
            ``backbone_rate``.
        inner: Prefix of the weights as the library names them.
        turns: Whether its answers can be averaged over a picture's quarter turns.
        model: What was asked for.
        class_count: C, without background.
        input_px: Side of the training pictures.
        objects: Sizes of the training objects; None where they are not known or do not matter.
        keypoint_count: Most keypoints that a class has; 0 where they are not learned.
    """

    task: ClassVar[Task]
    options: ClassVar[frozenset[str]] = frozenset()
    inner: ClassVar[str] = ""
    turns: ClassVar[bool] = False

    model: ModelSpec
    class_count: int
    input_px: int
    objects: ObjectSizes | None = None
    keypoint_count: int = 0

    @classmethod
    @abstractmethod
    def names(cls) -> tuple[str, ...]:
        """Names that it goes by."""

    def check(self) -> None:
        """Refuse what cannot be built, in little time.

        Raises:
            ValueError: Saying why.
        """

    @abstractmethod
    def build(self) -> nn.Module:
        """The network with fresh weights."""

    @abstractmethod
    def batch(self, examples: Sequence[ExampleT], rngs: Sequence[np.random.Generator]) -> BatchT:
        """Pictures and what the network should say about them.

        Args:
            examples: Of equal size.
            rngs: One for each, should anything be left to chance.
        """

    @abstractmethod
    def losses(self, module: nn.Module, batch: BatchT) -> dict[str, Tensor]:
        """Parts that add up to the loss, from a network in training mode."""

    def expected_losses(self, batch: BatchT) -> dict[str, float]:
        """What parts of the loss are before any learning, as the last layers' start promises.

        Parts that nothing is promised about are left out.
        """
        return {}

    def look(self, module: nn.Module, images: Tensor) -> None:
        """Show (B, 3, S, S) uint8 pictures to a network that will not be asked about them."""
        module(images)

    @abstractmethod
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The backbone's modules, stage by stage from the picture on."""

    @property
    def backbone(self) -> str:
        """Prefix of the backbone's weights as the library names them."""
        return self.inner

    @property
    def published(self) -> str | None:
        """The network of torchvision whose weights ``DEFAULT`` means."""
        return None

    def class_layers(self) -> frozenset[str]:
        """Names of the weights whose shape the number of classes or keypoints sets."""
        others = [replace(self, class_count=self.class_count + 1)]
        if self.keypoint_count:
            others.append(replace(self, keypoint_count=self.keypoint_count + 1))
        own = _shapes(self)
        return frozenset(
            name for other in others for name, shape in _shapes(other).items() if own[name] != shape
        )


class Classifier(Network[ClassExample, Any]):
    """Names one class per picture."""

    task: ClassVar[Task] = "classification"

    @abstractmethod
    def probabilities(
        self, module: nn.Module, images: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        """(B, S, S, 3) pictures to (B, C) probabilities."""


class Detector(Network[DetectionExample, Any]):
    """Finds objects: boxes, and masks where it can."""

    task: ClassVar[Task] = "detection"
    makes_class_maps: ClassVar[bool] = False

    needs_masks: ClassVar[bool] = False
    shows_objects: ClassVar[bool] = False
    """Whether it learns from squares around single objects, resized to ``input_px``."""

    @property
    def makes_masks(self) -> bool:
        """Whether it can learn masks."""
        return self.needs_masks

    @abstractmethod
    def detect(self, module: nn.Module, image: ByteImage, *, with_masks: bool) -> PictureResult:
        """Objects of one picture, (H, W, 3) RGB of any size."""


class Segmenter(Network[DetectionExample, Any]):
    """Names the class of every pixel."""

    task: ClassVar[Task] = "semantic"

    @abstractmethod
    def class_map(self, module: nn.Module, image: ByteImage) -> ClassMap:
        """Classes of one picture, (H, W, 3) RGB of any size."""


AnyNetwork = Network[Any, Any]


def _shapes(network: AnyNetwork) -> dict[str, torch.Size]:
    return {name: x.shape for name, x in build_shapes(network.build).state_dict().items()}


def is_under(name: str, modules: Sequence[str]) -> bool:
    """Whether a weight or module lies in one of the modules.

    >>> is_under("stem.0.weight", ["stem"]), is_under("stem2.weight", ["stem"])
    (True, False)
    """
    return any(name == module or name.startswith(f"{module}.") for module in modules)
