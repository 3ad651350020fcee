"""How much memory a step of training needs."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from trainers.dryrun.findings import Finding, Verdict
from trainers.dryrun.trial import Trial
from trainers.fitting import Run

__all__ = ["check_memory"]

_MIB = 2**20
_STATES = {"adamw": 2, "adam": 2, "adagrad": 1, "rmsprop": 1, "sgd": 0}
_WITH_MOMENTUM = ("sgd", "rmsprop")
_TIGHT = 0.9


def check_memory(run: Run) -> Finding:
    """Weights, their average, gradients and optimiser by count; activations as autograd keeps them.

    On a GPU the peak of one backward pass is measured beside it. What libraries need on top (a
    CUDA context, buffers of convolutions) is not in the sum.
    """
    trial = Trial(run)
    weights = sum(t.nbytes for t in trial.module.state_dict().values())
    trained = sum(p.nbytes for p in trial.module.parameters())
    optimiser = run.spec.optimiser
    states = _STATES[optimiser.name]
    states += optimiser.name in _WITH_MOMENTUM and optimiser.momentum > 0
    batch = trial.batch(0)
    parts = {
        "weights": weights,
        "average": weights,
        "gradients": trained,
        "optimiser": states * trained,
        "activations": _kept_bytes(trial, batch),
    }
    total = sum(parts.values())
    facts: dict[str, object] = {"bytes": parts, "total_bytes": total}
    if run.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(run.device)
        trial.backward(batch)
        facts["measured_bytes"] = torch.cuda.max_memory_allocated(run.device)
        have = torch.cuda.mem_get_info(run.device)[1]
    else:
        have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    verdict: Verdict = "look" if total > _TIGHT * have else "ok"
    shares = ", ".join(f"{name} {size / _MIB:.0f}" for name, size in parts.items())
    return Finding(
        check="memory",
        verdict=verdict,
        text=f"about {total / _MIB:.0f} MiB of {have / _MIB:.0f} ({shares})",
        facts=facts,
    )


def _kept_bytes(trial: Trial, batch: object) -> int:
    """Bytes that the forward pass keeps for the backward one, parameters left out."""
    own = {p.untyped_storage().data_ptr() for p in trial.module.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        losses = trial.losses(batch)
    del losses
    return sum(kept.values())
