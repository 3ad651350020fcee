"""The compact classifier: a small convolutional network for pictures of 8 to 64 px."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.ops.misc import Conv2dNormActivation

__all__ = ["CompactClassifier"]


class CompactClassifier(nn.Module):
    """Pairs of 3 x 3 convolutions, the size halved after each, then the mean over places.

    Args:
        class_count: C.
        width: Multiplies all channels.
    """

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
