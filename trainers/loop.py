"""The training loop: Lightning runs it, these parts say what happens in a step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import IterableDataset, get_worker_info

from pipeline.errors import BlendgapError, CheckpointError, TrainingError
from pipeline.specs.training import TrainSpec
from trainers.averaging import averaged_copy
from trainers.curves import Curves
from trainers.freezing import freeze, parameter_groups
from trainers.optimisers import open_optimiser
from trainers.sampling import seed_of_step
from trainers.schedules import rate_factor
from trainers.tasks import TrainingTask

__all__ = ["StepModule", "StepStream"]


class StepStream(IterableDataset[Any]):
    """The batches of steps ``first`` ... ``steps - 1``; loader workers take turns.

    Args:
        task: Makes the batches.
        first: Step, from 0.
        steps: Of the run.
        accumulate: Each step's batch comes in so many parts.
        rank: Of this process among ``ranks``, each of which gets its share of every part.
        ranks: How many processes there are.
    """

    def __init__(
        self,
        task: TrainingTask[Any, Any],
        *,
        first: int,
        steps: int,
        accumulate: int = 1,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        self._task = task
        self._turns = range(first * accumulate, steps * accumulate)
        self._accumulate, self._rank, self._ranks = accumulate, rank, ranks

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        start, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for turn in self._turns[start::stride]:
            step, part = divmod(turn, self._accumulate)
            try:
                batch = self._task.batch(
                    step,
                    part=part * self._ranks + self._rank,
                    parts=self._accumulate * self._ranks,
                )
            except BlendgapError as error:
                if worker is None:
                    raise
                batch = error  # raised by the parent: workers' errors arrive as tracebacks
            yield batch


class StepModule(pl.LightningModule):
    """A network, its loss, optimiser, schedule and moving average.

    Attributes:
        averaged: The moving average of weights and buffers; what the checkpoint keeps.
        curves: What was seen so far.
    """

    def __init__(self, network: nn.Module, task: TrainingTask[Any, Any], spec: TrainSpec) -> None:
        super().__init__()
        self.network = network
        self.averaged = averaged_copy(network, decay=spec.ema_decay)
        self.curves = Curves()
        self._task, self._spec = task, spec
        self._parts: list[dict[str, float]] = []
        self._gradient_norm = math.nan

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ANN401
        """Loss of one batch or part of one."""
        step, trainer = self.global_step, self.trainer
        part = len(self._parts) * trainer.world_size + trainer.global_rank
        torch.manual_seed(seed_of_step(step, seed=self._spec.seed, part=part))
        if self._spec.model.freeze is not None:
            freeze(self.network, self._task.network, self._spec.model.freeze, step=step)
        parts = self._task.losses(self.network, batch)
        stacked = torch.stack(list(parts.values())).float()
        shared = trainer.strategy.reduce(stacked.detach().clone(), reduce_op="mean")
        values = dict(zip(parts, shared.tolist(), strict=True))
        values["loss"] = math.fsum(values.values())
        if not math.isfinite(values["loss"]):
            raise TrainingError(
                f"the loss is {values['loss']} at step {step + 1}; "
                f"lower learning_rate ({self._spec.learning_rate:g}) or look at batch.png."
            )
        self._parts.append(values)
        return stacked.sum()

    def transfer_batch_to_device(
        self,
        batch: Any,  # noqa: ANN401
        device: torch.device,
        dataloader_idx: int,
    ) -> Any:  # noqa: ANN401
        """Batches move themselves; what failed in a loader worker fails here."""
        if isinstance(batch, BlendgapError):
            raise batch
        return batch.to(device)

    def configure_gradient_clipping(
        self,
        optimizer: Any,  # noqa: ANN401
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the norm; gradients within it are left alone, not multiplied by one."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        self._gradient_norm = float(norm)
        if gradient_clip_val is not None and self._gradient_norm > gradient_clip_val:
            nn.utils.clip_grads_with_norm_(parameters, gradient_clip_val, norm)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The average follows the weights at once, before any callback saves them."""
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.network)
        parts, self._parts = self._parts, []
        self.curves.add_step(
            {name: math.fsum(part[name] for part in parts) / len(parts) for name in parts[0]},
            learning_rate=rate,
            gradient_norm=self._gradient_norm,
        )

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """Optimiser without decay on biases and norms; warm-up, then the schedule."""
        spec = self._spec
        groups = parameter_groups(
            self.network,
            self._task.network,
            rate=spec.learning_rate,
            backbone_rate=spec.model.backbone_rate,
        )
        optimiser = open_optimiser(spec.optimiser, groups, weight_decay=spec.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self._rate_factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The curves go with the weights, so that they have no gap after a resume."""
        checkpoint["curves"] = asdict(self.curves)
        checkpoint["data_sha256"] = list(self._task.data_sha256)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on with the curves; refuses to go on with other data."""
        if checkpoint["data_sha256"] != list(self._task.data_sha256):
            raise CheckpointError(
                "the training data changed since the run was interrupted; restore them, or "
                "delete the folder to start over."
            )
        self.curves = Curves(**checkpoint["curves"])

    def _rate_factor(self, step: int) -> float:
        spec = self._spec
        return rate_factor(spec.schedule, step, steps=spec.steps, warmup_steps=spec.warmup_steps)
