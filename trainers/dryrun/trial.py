"""A network on trial: steps like those of training, without what surrounds them."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn

from trainers.fitting import Run
from trainers.freezing import freeze, parameter_groups
from trainers.optimisers import open_optimiser
from trainers.sampling import seed_of_step

__all__ = ["Trial"]

_AUTOCAST = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


class Trial:
    """A fresh network and its optimiser; every trial of a run starts from the same weights.

    Attributes:
        module: In training mode.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        network, _ = run.build()
        self.module: nn.Module = network.to(run.device).train()
        self._optimiser = open_optimiser(
            run.spec.optimiser,
            parameter_groups(
                self.module,
                run.task.network,
                rate=1.0,
                backbone_rate=run.spec.model.backbone_rate,
            ),
            weight_decay=run.spec.weight_decay,
        )
        self._shares = [group["lr"] for group in self._optimiser.param_groups]
        self._scaler = torch.amp.GradScaler(
            run.device.type, enabled=run.spec.precision == "16-mixed"
        )

    def batch(self, step: int) -> Any:  # noqa: ANN401
        """What the network sees at once in a step of training, on its device."""
        spec = self._run.spec
        parts = spec.accumulate * spec.devices
        return self._run.task.batch(step, parts=parts).to(self._run.device)

    def losses(self, batch: Any, *, step: int = 0) -> dict[str, Tensor]:  # noqa: ANN401
        """Parts of the loss, as in training's step."""
        spec, task = self._run.spec, self._run.task
        torch.manual_seed(seed_of_step(step, seed=spec.seed))
        if spec.model.freeze is not None:
            freeze(self.module, task.network, spec.model.freeze, step=step)
        with self._autocast():
            return task.losses(self.module, batch)

    def backward(self, batch: Any, *, step: int = 0) -> float:  # noqa: ANN401
        """The loss, and gradients in the parameters."""
        self._optimiser.zero_grad()
        loss = torch.stack(list(self.losses(batch, step=step).values())).float().sum()
        if loss.requires_grad:  # otherwise nothing can learn, and every group is dead
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch's
            self._scaler.unscale_(self._optimiser)
        return float(loss.detach())

    def step(self, batch: Any, *, step: int, rate: float) -> float:  # noqa: ANN401
        """The loss before a step at a learning rate."""
        loss = self.backward(batch, step=step)
        if not math.isfinite(loss):
            return loss
        parameters = [p for p in self.module.parameters() if p.grad is not None]
        if self._run.spec.clip_norm is not None and parameters:
            nn.utils.clip_grad_norm_(parameters, self._run.spec.clip_norm)
        for group, share in zip(self._optimiser.param_groups, self._shares, strict=True):
            group["lr"] = rate * share
        if parameters:
            self._scaler.step(self._optimiser)
            self._scaler.update()
        return loss

    def _autocast(self) -> AbstractContextManager[Any]:
        kind = _AUTOCAST.get(self._run.spec.precision)
        return torch.autocast(self._run.device.type, dtype=kind, enabled=kind is not None)
