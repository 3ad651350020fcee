"""A picture looked at four times, turned by quarters: test-time augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["OverTurns"]


class OverTurns(nn.Module):
    """A network's mean answer about squares and their three quarter turns.

    It helps networks that were trained on pictures turned every way, at four times the work.

    Args:
        module: From (B, C, S, S) pictures to (B, N) logits, (B, N, s, s) maps of logits, or a
            dataclass of such maps.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, images: Tensor) -> Any:  # noqa: ANN401 - what the network gives
        """The mean; maps are turned back before."""
        return _mean([self.module(images.rot90(k, (2, 3))) for k in range(4)])


def _mean(answers: Sequence[Any]) -> Any:  # noqa: ANN401
    first = answers[0]
    if is_dataclass(first) and not isinstance(first, type):
        each = {f.name: [getattr(answer, f.name) for answer in answers] for f in fields(first)}
        return type(first)(**{name: _mean(values) for name, values in each.items()})
    if first.dim() == 4:
        answers = [maps.rot90(-k, (2, 3)) for k, maps in enumerate(answers)]
    return torch.stack(tuple(answers)).mean(dim=0)
