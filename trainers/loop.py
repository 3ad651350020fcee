"""The training loop: Lightning runs it, these parts say what happens in a step."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import IterableDataset, get_worker_info

from pipeline.errors import BlendgapError, CheckpointError, TrainingError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.progress import Progress
from pipeline.specs.training import TrainSpec
from trainers.freezing import freeze, parameter_groups
from trainers.sampling import seed_of_step
from trainers.tasks import TrainingTask

__all__ = ["AtomicFiles", "Heartbeat", "StepModule", "StepStream"]


class StepStream(IterableDataset[Any]):
    """The batches of steps ``first`` ... ``steps - 1``; loader workers take turns."""

    def __init__(self, task: TrainingTask[Any, Any], *, first: int, steps: int) -> None:
        self._task = task
        self._first, self._steps = first, steps

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        start, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self._first + start, self._steps, stride):
            try:
                batch = self._task.batch(step)
            except BlendgapError as error:
                if worker is None:
                    raise
                batch = error  # raised by the parent: workers' errors arrive as tracebacks
            yield batch


class StepModule(pl.LightningModule):
    """A network, its loss, optimiser, schedule and moving average.

    Attributes:
        averaged: The moving average of weights and buffers; what the checkpoint keeps.
        curve: Loss parts of every step so far, and ``loss``, their sum.
    """

    def __init__(self, network: nn.Module, task: TrainingTask[Any, Any], spec: TrainSpec) -> None:
        super().__init__()
        self.network = network
        self.averaged = AveragedModel(network, multi_avg_fn=_ema(spec.ema_decay), use_buffers=True)
        self.averaged.requires_grad_(False)
        self.curve: dict[str, list[float]] = {}
        self._task, self._spec = task, spec

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:  # noqa: ANN401
        """Loss of one batch; its parts go into the curve."""
        torch.manual_seed(seed_of_step(self.global_step, seed=self._spec.seed))
        if self._spec.model.freeze is not None:
            freeze(self.network, self._task.network, self._spec.model.freeze, step=self.global_step)
        parts = self._task.losses(self.network, batch)
        loss = torch.stack(list(parts.values())).sum()
        values = {name: float(part.detach()) for name, part in parts.items()}
        values["loss"] = math.fsum(values.values())
        if not math.isfinite(values["loss"]):
            raise TrainingError(
                f"the loss is {values['loss']} at step {self.global_step + 1}; "
                f"lower learning_rate ({self._spec.learning_rate:g}) or look at batch.png."
            )
        for name, value in values.items():
            self.curve.setdefault(name, []).append(value)
        return loss

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
        assert gradient_clip_val is not None
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        if norm > gradient_clip_val:
            nn.utils.clip_grads_with_norm_(parameters, gradient_clip_val, norm)

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """The average follows the weights at once, before any callback saves them."""
        super().optimizer_step(*args, **kwargs)
        self.averaged.update_parameters(self.network)

    def configure_optimizers(self) -> Any:  # noqa: ANN401
        """AdamW without decay on biases and norms; linear warm-up, then half a cosine."""
        spec = self._spec
        groups = parameter_groups(
            self.network,
            self._task.network,
            rate=spec.learning_rate,
            backbone_rate=spec.model.backbone_rate,
        )
        optimizer = torch.optim.AdamW(groups, weight_decay=spec.weight_decay)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._rate_factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The curve goes with the weights, so that it has no gap after a resume."""
        checkpoint["curve"] = self.curve
        checkpoint["data_sha256"] = list(self._task.data_sha256)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on with the curve; refuses to go on with other data."""
        if checkpoint["data_sha256"] != list(self._task.data_sha256):
            raise CheckpointError(
                "the training data changed since the run was interrupted; restore them, or "
                "delete the folder to start over."
            )
        self.curve = checkpoint["curve"]

    def _rate_factor(self, step: int) -> float:
        warmup = min(self._spec.warmup_steps, self._spec.steps // 2)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, self._spec.steps - warmup)
        return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class Heartbeat(pl.Callback):
    """Tells the listener of every step, and saves the state to resume from now and then."""

    def __init__(self, path: Path, spec: TrainSpec, progress: Progress) -> None:
        self._path, self._spec, self._progress = path, spec, progress
        self._saved_at = self._started_at = time.monotonic()
        self._first = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clock starts."""
        self._saved_at = self._started_at = time.monotonic()
        self._first = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """Progress, and a state if the last is old."""
        assert isinstance(pl_module, StepModule)
        now, step = time.monotonic(), trainer.global_step
        rate = (step - self._first) * self._spec.batch_size / max(now - self._started_at, 1e-9)
        note = f"loss {pl_module.curve['loss'][-1]:.3f}, {rate:.1f} images/s"
        self._progress(step, self._spec.steps, note)
        if now - self._saved_at >= self._spec.checkpoint_seconds and step < self._spec.steps:
            trainer.save_checkpoint(self._path)
            self._saved_at = time.monotonic()


class AtomicFiles(TorchCheckpointIO):
    """Lightning's checkpoints, whole or not at all."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,  # noqa: ANN401
        storage_options: Any = None,  # noqa: ANN401
    ) -> None:
        """Write under a temporary name, then rename."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes_atomic(Path(path), buffer.getvalue())


def _ema(decay: float) -> Any:  # noqa: ANN401
    """An exponential moving average that follows fast at first (TensorFlow's ``num_updates``)."""

    def update(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        if not averaged[0].is_floating_point():
            for target, source in zip(averaged, current, strict=True):
                target.copy_(source)
            return
        steps = float(count)
        torch._foreach_lerp_(averaged, current, 1 - min(decay, (1 + steps) / (10 + steps)))

    return torch.no_grad()(update)
