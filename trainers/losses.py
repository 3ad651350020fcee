"""Losses that several networks share."""

from __future__ import annotations

from torch import Tensor

__all__ = ["dice_loss"]


def dice_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    """(N, P) in [0, 1] each to (N,); Milletari et al., V-Net, 3DV 2016 (squared denominator)."""
    overlap = (predicted * wanted).sum(dim=1)
    total = predicted.square().sum(dim=1) + wanted.square().sum(dim=1)
    return 1 - (2 * overlap + 1) / (total + 1)
