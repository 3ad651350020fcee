"""What looks on while a network trains: progress, scores, TensorBoard, states to resume from."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from pipeline.errors import SpecError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.progress import Progress
from pipeline.specs.training import TrainSpec
from trainers.curves import Curves
from trainers.loop import StepModule
from trainers.validation import Judge

__all__ = ["AtomicFiles", "Board", "Watch", "open_board"]


class Watch(pl.Callback):
    """After every optimiser step: time it, score it, show it, and save it if the last is old.

    Args:
        spec: The run.
        state_path: Where the state to resume from is saved.
        progress: Told of every step.
        judge: Scores the average; None without validation. Its state is saved with the rest.
        board: TensorBoard's curves; None without.

    Attributes:
        seconds: From the start of the first step on, without the time between being interrupted
            and going on.
    """

    def __init__(
        self,
        spec: TrainSpec,
        *,
        state_path: Path,
        progress: Progress,
        judge: Judge | None = None,
        board: Board | None = None,
    ) -> None:
        self._spec, self._state_path, self._progress = spec, state_path, progress
        self._judge, self._board = judge, board
        self._step = self._first = 0
        self._seconds_before = 0.0
        self._saved_at = self._step_at = self._started_at = time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """The clocks start."""
        self._step = self._first = trainer.global_step
        self._saved_at = self._step_at = self._started_at = time.monotonic()

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401
        batch: Any,  # noqa: ANN401
        batch_idx: int,
    ) -> None:
        """See the class; the parts of a batch are one step."""
        if trainer.global_step == self._step:
            return
        assert isinstance(pl_module, StepModule)
        self._step = trainer.global_step
        self._time(pl_module.curves)
        if self._judge is not None and self._judge.is_due(self._step):
            if trainer.is_global_zero:
                self._judge.look(pl_module, self._step)
            trainer.should_stop = trainer.strategy.broadcast(self._judge.has_enough)
        if self._board is not None:
            self._board.show(pl_module.curves)
        self._report(pl_module.curves)
        now = time.monotonic()
        due = (
            now - self._saved_at >= self._spec.checkpoint_seconds and self._step < self._spec.steps
        )
        if trainer.strategy.broadcast(due):
            trainer.save_checkpoint(self._state_path)
            self._saved_at = time.monotonic()
        self._step_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """See the class."""
        return self._seconds_before + time.monotonic() - self._started_at

    def state_dict(self) -> dict[str, Any]:
        """What resuming needs."""
        judged = {} if self._judge is None else self._judge.state_dict()
        return {"seconds": self.seconds, **judged}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there."""
        self._seconds_before = state_dict.get("seconds", 0.0)
        if self._judge is not None:
            self._judge.load_state_dict(state_dict)

    def _time(self, curves: Curves) -> None:
        """Since the last step, looking on left out."""
        seconds = max(time.monotonic() - self._step_at, 1e-9)
        curves.images_per_second.append(round(self._spec.batch_size / seconds, 2))

    def _report(self, curves: Curves) -> None:
        elapsed = max(time.monotonic() - self._started_at, 1e-9)
        rate = (self._step - self._first) * self._spec.batch_size / elapsed
        note = f"loss {curves.losses['loss'][-1]:.3f}, {rate:.1f} images/s"
        if self._judge is not None and self._judge.best_step:
            note += f", best {self._judge.metric} {self._judge.best_score:.3f}"
        self._progress(self._step, self._spec.steps, note)


class Board:
    """TensorBoard's event files.

    Args:
        folder: Where they go.
        first: Steps that are done; later ones of an interrupted run are struck out.
    """

    def __init__(self, folder: Path, *, first: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise SpecError(
                "key 'tensorboard': the package is not installed; "
                "pip install 'blendgap[tensorboard]', or leave the key out."
            ) from error
        self._writer = SummaryWriter(str(folder), purge_step=first + 1)

    def show(self, curves: Curves) -> None:
        """Write the latest step."""
        for name, value in curves.latest().items():
            self._writer.add_scalar(name, value, curves.steps)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


@contextmanager
def open_board(folder: Path | None, *, first: int) -> Iterator[Board | None]:
    """A board that is closed afterwards; None without a folder."""
    board = None if folder is None else Board(folder, first=first)
    try:
        yield board
    finally:
        if board is not None:
            board.close()


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
