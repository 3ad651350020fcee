"""Classifiers: our compact one, and all of torchvision's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.batches import TensorBatch
from trainers.classifier import CompactClassifier
from trainers.examples import ClassExample
from trainers.networks.backbones import (
    build_shapes,
    classifier_names,
    new_classifier,
    read_trunk,
    trunk_steps,
)
from trainers.networks.network import Classifier
from trainers.networks.normalisation import Normalise

__all__ = ["ClassificationBatch", "CompactClassification", "TorchvisionClassification"]

_LABEL_SMOOTHING = 0.05
_AUXILIARY_WEIGHT = 0.3  # of heads that help training only (Szegedy et al., GoogLeNet, CVPR 2015)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationBatch(TensorBatch):
    """Pictures (B, 3, S, S) uint8 RGB, channels last in memory, and class shares (B, C)."""

    images: Tensor
    classes: Tensor


class _LogitClassifier(Classifier):
    """Cross-entropy of logits with smoothed labels (Szegedy et al., CVPR 2016)."""

    turns: ClassVar[bool] = True

    def batch(
        self, examples: Sequence[ClassExample], rngs: Sequence[np.random.Generator]
    ) -> ClassificationBatch:
        """See Network."""
        images = np.stack([example.image for example in examples])
        return ClassificationBatch(
            images=torch.from_numpy(images).permute(0, 3, 1, 2),
            classes=torch.from_numpy(np.stack([example.classes for example in examples])),
        )

    def losses(self, module: nn.Module, batch: ClassificationBatch) -> dict[str, Tensor]:
        """See Network."""
        found = module(batch.images)
        logits, *others = [found] if isinstance(found, Tensor) else found
        parts = {"class": _entropy(logits, batch.classes)}
        if others:
            entropies = [_entropy(other, batch.classes) for other in others]
            parts["auxiliary"] = _AUXILIARY_WEIGHT * torch.stack(entropies).sum()
        return parts

    def expected_losses(self, batch: ClassificationBatch) -> dict[str, float]:
        """See Network: of even guesses, which smoothed labels do not change."""
        return {"class": math.log(self.class_count)}

    @torch.inference_mode()
    def probabilities(
        self, module: nn.Module, images: npt.NDArray[np.uint8]
    ) -> npt.NDArray[np.float32]:
        """See Classifier."""
        batch = torch.from_numpy(images).permute(0, 3, 1, 2)
        logits = module(batch.to(next(module.parameters()).device))
        return np.asarray(logits.softmax(dim=1).cpu().numpy())


class CompactClassification(_LogitClassifier):
    """The compact classifier."""

    options: ClassVar[frozenset[str]] = frozenset({"width"})

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("compact_classifier",)

    def build(self) -> nn.Module:
        """See Network."""
        network = CompactClassifier(self.class_count, self.model.width)
        return network.to(memory_format=torch.channels_last)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network."""
        return tuple(tuple(f"features.{i}" for i in range(first, first + 3)) for first in (0, 3, 6))


class TorchvisionClassification(_LogitClassifier):
    """A classifier of torchvision, its head made for our classes."""

    inner: ClassVar[str] = "model."

    @property
    def published(self) -> str | None:
        """See Network."""
        return self.model.name

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return classifier_names()

    def check(self) -> None:
        """See Network."""
        side = self.input_px
        try:
            network = build_shapes(self.build)
            network(torch.empty(2, 3, side, side, device="meta"))
        except (AssertionError, RuntimeError) as error:
            raise ValueError(f"input_px of {side} is too small for {self.model.name}") from error

    def build(self) -> nn.Module:
        """See Network."""
        model = new_classifier(self.model.name, self.class_count, side_px=self.input_px)
        network = nn.Sequential()
        network.add_module("normalise", Normalise())
        network.add_module("model", model)
        return network.to(memory_format=torch.channels_last)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network; a vision transformer is a single stage."""
        try:
            stages = read_trunk(self.model.name).stages()
        except ValueError:
            stages = (trunk_steps(build_shapes(self.build).get_submodule("model")),)
        return tuple(tuple(f"model.{step}" for step in stage) for stage in stages)


def _entropy(logits: Tensor, classes: Tensor) -> Tensor:
    return functional.cross_entropy(logits, classes, label_smoothing=_LABEL_SMOOTHING)
