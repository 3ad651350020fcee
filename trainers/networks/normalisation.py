"""How torchvision's networks want their pictures."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["MEAN", "STD", "Normalise"]

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Normalise(nn.Module):
    """(B, 3, H, W) RGB in [0, 255] to zero mean and unit deviation on ImageNet."""

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name, values in (("mean", MEAN), ("std", STD)):
            tensor = 255 * torch.tensor(values).view(3, 1, 1)
            self.register_buffer(name, tensor, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return (images.float() - self.mean) / self.std
