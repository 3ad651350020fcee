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

    On the CPU one fused kernel steps all parameters, where torch has it. On GPUs it would unscale
    gradients of mixed precision itself, after they were clipped.
    """
    options = {key: getattr(spec, key) for key in _OPTIONS[spec.name]}
    on_cpu = all(p.device.type == "cpu" for group in groups for p in group["params"])
    if on_cpu and spec.name in _FUSED:
        options["fused"] = True
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
_FUSED = frozenset({"adamw", "adam", "sgd", "adagrad"})
