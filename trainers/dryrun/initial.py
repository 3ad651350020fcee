"""Before any step: is the loss what the initialisation promises, do gradients reach everything?"""

from __future__ import annotations

import math

import torch
from torch import nn

from trainers.dryrun.findings import Finding, Verdict
from trainers.dryrun.trial import Trial
from trainers.fitting import Run
from trainers.networks.network import AnyNetwork, is_under

__all__ = ["check_gradients", "check_initial_loss"]

_AS_EXPECTED = (0.6, 1.6)
_FAR_ABOVE = 5.0
_EXPLODING = 1e4
"""Root mean square of a group's gradient, relative to the median group's."""


def check_initial_loss(run: Run) -> Finding:
    """Loss of the first batch, part by part.

    A network that starts from its own weights may be below what is expected; one far above has
    outputs of the wrong scale.
    """
    trial = Trial(run)
    batch = trial.batch(0)
    with torch.no_grad():
        parts = {name: float(part) for name, part in trial.losses(batch).items()}
        expected = run.task.network.expected_losses(batch)
    verdict: Verdict = "ok"
    words = []
    for name, value in parts.items():
        wanted = expected.get(name)
        words.append(f"{name} {value:.3g}" + (f" (expected {wanted:.3g})" if wanted else ""))
        if not math.isfinite(value) or (wanted and value > _FAR_ABOVE * wanted):
            verdict = "broken"
        elif wanted and verdict == "ok" and not _is_near(value / wanted, loaded=bool(run.start)):
            verdict = "look"
    return Finding(
        check="initial loss",
        verdict=verdict,
        text=", ".join(words),
        facts={
            "parts": {name: v if math.isfinite(v) else None for name, v in parts.items()},
            "expected": expected,
        },
    )


def check_gradients(run: Run) -> Finding:
    """Gradients of the first batch by group of layers: a stage of the backbone, or a module.

    A group is dead if its gradient is zero though it is to be trained, and exploding if it is not
    finite or 10,000 times the median group's. A dead backbone, or nothing but dead heads, is
    broken; single heads may get nothing from a batch without their objects.
    """
    trial = Trial(run)
    trial.backward(trial.batch(0))
    groups = _groups(trial.module, run.task.network)
    norms = {name: _rms(parameters) for name, parameters in groups.items()}
    trained = {name: norm for name, norm in norms.items() if norm is not None}
    median = sorted(trained.values())[len(trained) // 2] if trained else 0.0
    dead = [name for name, norm in trained.items() if norm == 0]
    exploding = [
        name
        for name, norm in trained.items()
        if not math.isfinite(norm) or norm > _EXPLODING * median > 0
    ]
    stages = {f"stage {i}" for i in range(1, 1 + len(run.task.network.stages()))}
    heads = trained.keys() - stages
    is_broken = exploding or stages & set(dead) or (heads and heads <= set(dead)) or not trained
    lines = [f"{len(trained)} groups get gradients" if not dead and not exploding else ""]
    lines += [f"dead: {', '.join(dead)}"] if dead else []
    lines += [f"exploding: {', '.join(exploding)}"] if exploding else []
    frozen = [name for name, norm in norms.items() if norm is None]
    lines += [f"frozen: {', '.join(frozen)}"] if frozen else []
    return Finding(
        check="gradient flow",
        verdict="broken" if is_broken else "look" if dead else "ok",
        text="; ".join(filter(None, lines)) or "nothing is trained",
        facts={
            "rms": {n: v if v is None or math.isfinite(v) else "inf" for n, v in norms.items()},
            "dead": dead,
            "exploding": exploding,
            "frozen": frozen,
        },
    )


def _is_near(ratio: float, *, loaded: bool) -> bool:
    low, high = _AS_EXPECTED
    return ratio < high and (loaded or ratio > low)


def _groups(module: nn.Module, network: AnyNetwork) -> dict[str, list[nn.Parameter]]:
    """Parameters by stage of the backbone, or by the first two names of their module."""
    stages = network.stages()
    groups: dict[str, list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        for number, stage in enumerate(stages, start=1):
            if is_under(name, stage):
                group = f"stage {number}"
                break
        else:
            group = ".".join(name.split(".")[:-1][:2]) or name
        groups.setdefault(group, []).append(parameter)
    return groups


def _rms(parameters: list[nn.Parameter]) -> float | None:
    """Root mean square of a gradient; None if none is asked for."""
    wanted = [p for p in parameters if p.requires_grad]
    if not wanted:
        return None
    total = sum(float(p.grad.double().square().sum()) for p in wanted if p.grad is not None)
    return math.sqrt(total / sum(p.numel() for p in wanted))
