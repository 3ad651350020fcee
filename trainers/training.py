"""Training: spec in, run folder out."""

from __future__ import annotations

import hashlib
import json
import logging
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader

from pipeline.drawing import encode_image
from pipeline.errors import CheckpointError, TrainingError
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic, write_text_atomic
from pipeline.progress import Progress, silent
from pipeline.specs.training import TrainSpec
from trainers.adaptation import adapt_norms, open_adaptation
from trainers.checkpoints import (
    MODEL_FILE,
    Checkpoint,
    load_plain,
    write_checkpoint,
)
from trainers.curves import draw_curves
from trainers.devices import open_device, use_all_cores
from trainers.loop import AtomicFiles, Heartbeat, StepModule, StepStream
from trainers.networks.registry import check_network
from trainers.networks.sizes import ObjectSizes
from trainers.tasks import TrainingTask, open_task
from trainers.weights import Loaded, StartingPoint, find_weights, load_weights

__all__ = ["train"]

_STATE_FILE = "last.ckpt"
_GRADIENT_NORM = 10.0


def train(spec: TrainSpec, run_dir: Path, *, progress: Progress = silent) -> Path:
    """Train one network.

    The run folder gets ``train.json`` (the spec), ``batch.png`` (the first batch with its
    labels), ``curve.json`` and ``curve.png`` (loss by step), ``stats.json`` (device, times, data
    hashes) and, last, ``model.pt``. A run that was killed goes on where ``last.ckpt`` was saved,
    with the numbers it would have had; a finished run is returned as it is.

    Args:
        spec: What to train on what.
        run_dir: Made if it is not there; refused if it holds another spec's run.
        progress: Told of every step, with the loss and the images per second.

    Returns:
        ``run_dir``.

    Raises:
        SpecError: If the device is not there, or there is no such network.
        DatasetError: If the data cannot be read.
        CheckpointError: If the run folder or the weights to start from do not fit.
        TrainingError: If the loss is no number any more.
    """
    document = spec.model_dump_json(indent=1) + "\n"
    _claim(run_dir, document)
    if (run_dir / MODEL_FILE).is_file():
        return run_dir
    device = open_device(spec.device)
    network = check_network(spec.model, task=spec.task, input_px=spec.input_px)
    start = find_weights(network)
    task = open_task(spec, objects=_inherited_sizes(spec, start))
    adaptation = open_adaptation(spec.adapt, task.network) if spec.adapt else None
    write_bytes_atomic(run_dir / "batch.png", encode_image(task.picture(0)))
    started = time.monotonic()
    with use_all_cores(), _quiet():
        module, loaded = _fit(spec, task, start, run_dir, device, progress)
        if spec.adapt is not None and adaptation is not None:
            adapt_norms(
                module.averaged.module,
                task.network,
                adaptation,
                crops=spec.adapt.crops,
                seed=spec.seed,
            )
    seconds = time.monotonic() - started
    curve: dict[str, Sequence[float]] = {"step": list(range(1, spec.steps + 1)), **module.curve}
    write_json_atomic(run_dir / "curve.json", curve)
    write_bytes_atomic(run_dir / "curve.png", draw_curves(curve))
    write_json_atomic(
        run_dir / "stats.json",
        {
            "device": device.type,
            "torch": torch.__version__,
            "parameters": sum(p.numel() for p in module.network.parameters()),
            "seconds": seconds,
            "objects": task.network.objects and asdict(task.network.objects),
            "weights": loaded and {"loaded": loaded.count, "dropped": loaded.dropped},
            "data": [
                {"path": str(source.path), "sha256": sha256}
                for source, sha256 in zip(spec.data, task.data_sha256, strict=True)
            ],
        },
    )
    write_checkpoint(
        run_dir / MODEL_FILE,
        Checkpoint(
            model=spec.model,
            categories=task.categories,
            task=spec.task,
            state={name: t.cpu() for name, t in module.averaged.module.state_dict().items()},
            has_masks=task.has_masks,
            input_px=spec.input_px,
            spec_sha256=hashlib.sha256(document.encode()).hexdigest(),
            step=spec.steps,
            seed=spec.seed,
            objects=task.network.objects,
        ),
    )
    (run_dir / _STATE_FILE).unlink(missing_ok=True)
    return run_dir


def _fit(
    spec: TrainSpec,
    task: TrainingTask[Any, Any],
    start: StartingPoint | None,
    run_dir: Path,
    device: torch.device,
    progress: Progress,
) -> tuple[StepModule, Loaded | None]:
    state_path = run_dir / _STATE_FILE
    first = _steps_done(state_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        network = task.network.build()
    loaded = load_weights(network, task.network, start, task.categories) if start else None
    module = StepModule(network, task, spec)
    loader = DataLoader(
        StepStream(task, first=first, steps=spec.steps),
        batch_size=None,
        num_workers=spec.loader_workers,
        multiprocessing_context="spawn" if spec.loader_workers else None,
    )
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        max_steps=spec.steps,
        gradient_clip_val=_GRADIENT_NORM,
        callbacks=[Heartbeat(state_path, spec, progress)],
        plugins=[AtomicFiles()],
        default_root_dir=run_dir,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    resume = state_path if first else None
    try:
        with torch.random.fork_rng(devices=[]):
            trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
    except (CheckpointError, TrainingError) as error:
        raise type(error)(f"{run_dir}: {error}") from error
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    return module, loaded


def _claim(run_dir: Path, document: str) -> None:
    """Make the run folder ours; one that holds something of another spec's run is left alone."""
    path = run_dir / "train.json"
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise CheckpointError(f"{run_dir}: is a file; expected a run folder.") from error
    found = path.read_text(encoding="utf-8") if path.is_file() else ""
    if found == document:
        return
    if any((run_dir / name).exists() for name in (MODEL_FILE, _STATE_FILE)):
        raise CheckpointError(
            f"{run_dir}: holds a run of another spec (differs in {_differing(found, document)}); "
            "name another folder or delete this one."
        )
    write_text_atomic(path, document)


def _differing(found: str, wanted: str) -> str:
    try:
        old, new = json.loads(found), json.loads(wanted)
    except ValueError:
        return "everything"
    keys = [key for key in new if not isinstance(old, dict) or old.get(key) != new[key]]
    return ", ".join(keys) or "keys that are gone"


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
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if on_main:  # Lightning leaves Ctrl-C switched off after the first one
            signal.signal(signal.SIGINT, on_interrupt)
