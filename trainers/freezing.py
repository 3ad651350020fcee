"""Parts of a network that keep their weights for a while, or learn slowly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.specs.training import FreezeSpec
from trainers.networks.network import AnyNetwork, is_under

__all__ = ["freeze", "parameter_groups"]


def freeze(module: nn.Module, network: AnyNetwork, spec: FreezeSpec, *, step: int) -> None:
    """Set what a step trains; a function of the step alone, so that resuming is exact.

    Args:
        module: The network, in training mode.
        network: What it is.
        spec: Which stages, until when.
        step: From 0.
    """
    stages = network.stages()
    over = spec.steps is not None and step >= spec.steps
    frozen = [name for stage in stages[: 0 if over else spec.stages] for name in stage]
    for name, parameter in module.named_parameters():
        parameter.requires_grad_(not is_under(name, frozen))
    still = [name for stage in stages for name in stage] if spec.norms else frozen
    for name, layer in module.named_modules():
        if isinstance(layer, _BatchNorm):
            layer.train(not is_under(name, still))


def parameter_groups(
    module: nn.Module, network: AnyNetwork, *, rate: float, backbone_rate: float
) -> list[dict[str, Any]]:
    """Groups for an optimiser: no decay of biases and norms, the backbone at its own rate.

    Args:
        module: The network.
        network: What it is.
        rate: Learning rate.
        backbone_rate: The backbone's, relative to it.
    """
    backbone = [name for stage in network.stages() for name in stage] if backbone_rate < 1 else []

    def chosen(*, decayed: bool, inside: bool) -> Iterator[nn.Parameter]:
        for name, parameter in module.named_parameters():
            if (parameter.ndim > 1) == decayed and is_under(name, backbone) == inside:
                yield parameter

    groups: list[dict[str, Any]] = []
    for inside in (False, True) if backbone else (False,):
        factor = backbone_rate if inside else 1.0
        groups += [
            {"params": list(chosen(decayed=True, inside=inside)), "lr": rate * factor},
            {
                "params": list(chosen(decayed=False, inside=inside)),
                "lr": rate * factor,
                "weight_decay": 0.0,
            },
        ]
    return groups
