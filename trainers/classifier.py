"""The compact classifier: a small convolutional network for pictures of 8 to 64 px."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops.misc import Conv2dNormActivation

__all__ = ["ClassificationBatch", "CompactClassifier", "classification_losses"]

_LABEL_SMOOTHING = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationBatch:
    """Pictures (B, 3, S, S) uint8 RGB, channels last in memory, and class indices (B,)."""

    images: Tensor
    classes: Tensor

    def to(self, device: torch.device) -> ClassificationBatch:
        """The same batch on another device."""
        return ClassificationBatch(images=self.images.to(device), classes=self.classes.to(device))


class CompactClassifier(nn.Module):
    """Pairs of 3 x 3 convolutions, the size halved after each, then the mean over places.

    Args:
        class_count: C.
        width: Multiplies all channels.

    Attributes:
        class_layers: Layers whose outputs are the classes.
    """

    class_layers = ("classes",)

    def __init__(self, class_count: int, width: float = 1.0) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        inputs = 3
        for channels in (max(8, round(count * width)) for count in (32, 64, 128)):
            stages += [
                Conv2dNormActivation(inputs, channels),
                Conv2dNormActivation(channels, channels),
                nn.MaxPool2d(2),
            ]
            inputs = channels
        self.features = nn.Sequential(*stages)
        self.classes = nn.Linear(inputs, class_count)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) RGB in [0, 255] to (B, C) logits; S is at least 8."""
        features = self.features((images.float() - 127.5) / 64.0)
        return self.classes(features.mean(dim=(2, 3)))  # type: ignore[no-any-return]

    @torch.inference_mode()
    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(B, S, S, 3) pictures to (B, C) probabilities."""
        batch = torch.from_numpy(images).permute(0, 3, 1, 2).to(self.classes.weight.device)
        return np.asarray(self(batch).softmax(dim=1).cpu().numpy())


def classification_losses(
    network: CompactClassifier, batch: ClassificationBatch
) -> dict[str, Tensor]:
    """Cross-entropy with smoothed labels (Szegedy et al., CVPR 2016)."""
    logits = network(batch.images)
    return {
        "class": functional.cross_entropy(logits, batch.classes, label_smoothing=_LABEL_SMOOTHING),
    }
