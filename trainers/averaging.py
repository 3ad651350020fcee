"""The moving average of a network's weights."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged_copy"]


def averaged_copy(network: nn.Module, *, decay: float) -> AveragedModel:
    """A copy whose weights and buffers follow the network's at ``update_parameters``.

    An exponential moving average that follows fast at first: after ``n`` updates its decay is
    ``min(decay, (1 + n) / (10 + n))``, as TensorFlow's ``num_updates`` has it. A decay of 0 is no
    average.
    """
    averaged = AveragedModel(network, multi_avg_fn=_follow(decay), use_buffers=True)
    averaged.requires_grad_(False)
    return averaged


def _follow(decay: float) -> Any:  # noqa: ANN401
    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        if not averaged[0].is_floating_point():
            for target, source in zip(averaged, current, strict=True):
                target.copy_(source)
            return
        steps = float(count)
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + steps) / (10 + steps)))

    return torch.no_grad()(update)
