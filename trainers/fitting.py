"""One network fitted to its data: what every process of a run does."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor

from pipeline.errors import CheckpointError, SpecError, TrainingError
from pipeline.progress import Progress, silent
from pipeline.specs.training import TrainSpec
from trainers.checkpoints import Checkpoint, load_plain
from trainers.crew import Crew
from trainers.devices import open_device, use_all_cores
from trainers.loading import open_loader
from trainers.loop import StepModule, StepStream
from trainers.networks.registry import check_network
from trainers.networks.sizes import ObjectSizes
from trainers.task_registry import open_task
from trainers.tasks import TrainingTask
from trainers.validation import Judge, open_validation
from trainers.watching import AtomicFiles, Watch, open_board
from trainers.weights import Loaded, StartingPoint, find_weights, load_weights

__all__ = ["STATE_FILE", "Fitted", "Run", "fit", "open_run"]

STATE_FILE = "last.ckpt"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run whose data are open.

    Attributes:
        spec: What to train on what.
        folder: Where.
        device: Of this process.
        task: Makes the batches.
        start: Weights to start from.
    """

    spec: TrainSpec
    folder: Path
    device: torch.device
    task: TrainingTask[Any, Any]
    start: StartingPoint | None

    @property
    def state_path(self) -> Path:
        """The state to resume from."""
        return self.folder / STATE_FILE

    def checkpoint(
        self, state: dict[str, Tensor] | None = None, *, spec_sha256: str = "", step: int = 0
    ) -> Checkpoint:
        """What is trained; with weights if there are any."""
        return Checkpoint(
            state=state or {},
            spec_sha256=spec_sha256,
            step=step,
            model=self.spec.model,
            categories=self.task.categories,
            task=self.spec.task,
            has_masks=self.task.has_masks,
            input_px=self.spec.input_px,
            seed=self.spec.seed,
            objects=self.task.network.objects,
            keypoints=self.task.keypoints,
            rigid_points=self.task.rigid_points,
        )

    def build(self) -> tuple[torch.nn.Module, Loaded | None]:
        """The network as it starts, and what became of the weights that it starts from."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.spec.seed)
            network = self.task.network.build()
        if self.start is None:
            return network, None
        task = self.task
        loaded = load_weights(network, task.network, self.start, task.categories, task.keypoints)
        return network, loaded


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What came of it.

    Attributes:
        seconds: See Watch.
    """

    module: StepModule
    loaded: Loaded | None
    judge: Judge | None
    seconds: float


def open_run(spec: TrainSpec, folder: Path) -> Run:
    """Open device, weights and data.

    Raises:
        SpecError: If the device is not there, or there is no such network.
        DatasetError: If the data cannot be read.
        CheckpointError: If the weights to start from do not fit.
    """
    device = open_device(spec.device)
    if device.type == "cuda" and spec.devices > (found := torch.cuda.device_count()):
        raise SpecError(f"key 'devices': got {spec.devices}; this machine has {found} GPUs.")
    if device.type == "cpu" and spec.precision == "16-mixed":
        raise SpecError("key 'precision': got '16-mixed', for GPUs only; use 'bf16-mixed' or 32.")
    network = check_network(spec.model, task=spec.task, input_px=spec.input_px)
    start = find_weights(network)
    task = open_task(spec, objects=_inherited_sizes(spec, start))
    return Run(spec=spec, folder=folder, device=device, task=task, start=start)


def fit(run: Run, *, crew: Crew | None = None, progress: Progress = silent) -> Fitted:
    """Train until the last step, from where the run stood.

    Args:
        run: What.
        crew: The processes that share the work, and which of them this is; None: it is alone.
        progress: Told of every step, by rank 0.

    Raises:
        CheckpointError: If the weights or the state do not fit.
        TrainingError: If the loss is no number any more.
    """
    spec = run.spec
    rank, ranks = (crew.rank, crew.size) if crew is not None else (0, 1)
    first = _steps_done(run.state_path)
    network, loaded = run.build()
    module = StepModule(network, run.task, spec)
    judge = None
    if spec.validation is not None:
        judge = Judge(spec, open_validation(spec.validation, run.checkpoint()))
    stream = StepStream(
        run.task,
        first=first,
        steps=spec.steps,
        accumulate=spec.accumulate,
        rank=rank,
        ranks=ranks,
    )
    loader = open_loader(stream, workers=spec.loader_workers, device=run.device, ranks=ranks)
    events = run.folder / "tensorboard" if spec.tensorboard and rank == 0 else None
    with _quiet(), use_all_cores(ranks), open_board(events, first=first) as board:
        watch = Watch(
            spec,
            state_path=run.state_path,
            progress=progress if rank == 0 else silent,
            judge=judge,
            board=board,
        )
        with _deterministic(spec.deterministic), torch.random.fork_rng(devices=[]):
            trainer = _trainer(run, watch, crew)
            resume = run.state_path if first else None
            trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
    return Fitted(module=module, loaded=loaded, judge=judge, seconds=watch.seconds)


def _trainer(run: Run, watch: Watch, crew: Crew | None) -> pl.Trainer:
    spec = run.spec
    strategy: Any = "auto"
    if crew is not None:
        strategy = DDPStrategy(
            cluster_environment=crew,
            process_group_backend="nccl" if run.device.type == "cuda" else "gloo",
            find_unused_parameters=spec.model.freeze is not None
            or spec.task not in ("classification", "semantic"),  # heads without objects
        )
    return pl.Trainer(
        accelerator="gpu" if run.device.type == "cuda" else "cpu",
        devices=spec.devices,
        strategy=strategy,
        precision=spec.precision,
        max_steps=spec.steps,
        accumulate_grad_batches=spec.accumulate,
        gradient_clip_val=spec.clip_norm,
        callbacks=[watch],
        plugins=[AtomicFiles()],
        default_root_dir=run.folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


@contextmanager
def _deterministic(wanted: bool) -> Iterator[None]:
    """Operations that are not deterministic are refused, in one line."""
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise TrainingError(
            f"key 'deterministic': {str(error).split('. ')[0]}; set it to false for this network."
        ) from error
    finally:
        torch.use_deterministic_algorithms(before)


def _steps_done(state_path: Path) -> int:
    if not state_path.is_file():
        return 0
    try:
        return int(load_plain(state_path)["global_step"])
    except (CheckpointError, KeyError) as error:
        raise CheckpointError(
            f"{state_path}: not a state to resume from; delete it to start over."
        ) from error


def _inherited_sizes(spec: TrainSpec, start: StartingPoint | None) -> ObjectSizes | None:
    """A network that goes on learning keeps the layout that it was built with."""
    found = start.checkpoint if start is not None else None
    return found.objects if found is not None and found.model.name == spec.model.name else None


@contextmanager
def _quiet() -> Iterator[None]:
    """No banners, tips or hints of Lightning; our own warnings are errors that we raise."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    on_main = threading.current_thread() is threading.main_thread()
    on_interrupt = signal.getsignal(signal.SIGINT) if on_main else None
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if on_main:  # Lightning leaves Ctrl-C switched off after the first one
            signal.signal(signal.SIGINT, on_interrupt)
