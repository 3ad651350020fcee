"""Optimisers by name."""

from __future__ import annotations

from typing import Any

import torch

from pipeline.specs.optimisation import OptimiserSpec

__all__ = ["open_optimiser"]


def open_optimiser(
    spec: OptimiserSpec, groups: list[dict[str, Any]], *, weight_decay: float
) -> torch.optim.Optimizer:
    """An optimiser of torch.

    Args:
        spec: Which.
        groups: Parameters, each group with its ``lr`` and perhaps its own ``weight_decay``.
        weight_decay: Of the other groups. ``adamw`` takes it off the weights, the rest add it to
            the gradient (L2).
    """
    options = {key: getattr(spec, key) for key in _OPTIONS[spec.name]}
    found: torch.optim.Optimizer = _KINDS[spec.name](groups, weight_decay=weight_decay, **options)
    return found


_KINDS: dict[str, Any] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
}
_OPTIONS: dict[str, tuple[str, ...]] = {
    "adamw": (),
    "adam": (),
    "sgd": ("momentum", "nesterov"),
    "rmsprop": ("momentum",),
    "adagrad": (),
}
