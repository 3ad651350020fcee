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
from trainers.checkpoints import (
    MODEL_FILE,
    Checkpoint,
    load_plain,
    read_checkpoint,
    write_checkpoint,
)
from trainers.classifier import CompactClassifier
from trainers.compact.network import CompactDetector
from trainers.curves import draw_curves
from trainers.devices import open_device, use_all_cores
from trainers.loop import AtomicFiles, Heartbeat, StepModule, StepStream
from trainers.tasks import TrainingTask, build_network, open_task

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
        SpecError: If the device is not there.
        DatasetError: If the data cannot be read.
        CheckpointError: If the run folder or the weights to start from do not fit.
        TrainingError: If the loss is no number any more.
    """
    document = spec.model_dump_json(indent=1) + "\n"
    _claim(run_dir, document)
    if (run_dir / MODEL_FILE).is_file():
        return run_dir
    device = open_device(spec.device)
    task = open_task(spec)
    write_bytes_atomic(run_dir / "batch.png", encode_image(task.picture(0)))
    started = time.monotonic()
    with use_all_cores(), _quiet():
        module = _fit(spec, task, run_dir, device, progress)
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
        ),
    )
    (run_dir / _STATE_FILE).unlink(missing_ok=True)
    return run_dir


def _fit(
    spec: TrainSpec,
    task: TrainingTask[Any],
    run_dir: Path,
    device: torch.device,
    progress: Progress,
) -> StepModule:
    state_path = run_dir / _STATE_FILE
    first = _steps_done(state_path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        network = build_network(spec.model, len(task.categories))
    if spec.model.weights is not None:
        _start_from(network, spec, task.categories)
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
        trainer.fit(module, loader, ckpt_path=resume, weights_only=True)
    except (CheckpointError, TrainingError) as error:
        raise type(error)(f"{run_dir}: {error}") from error
    except SystemExit as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    return module


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


def _start_from(
    network: CompactDetector | CompactClassifier, spec: TrainSpec, categories: tuple[str, ...]
) -> None:
    """Copy the weights of another run; with other categories all but the class layers."""
    assert spec.model.weights is not None
    checkpoint = read_checkpoint(spec.model.weights)
    if (checkpoint.model.name, checkpoint.model.width) != (spec.model.name, spec.model.width):
        raise CheckpointError(
            f"{spec.model.weights}: holds a {checkpoint.model.name} of width "
            f"{checkpoint.model.width:g}; expected {spec.model.name} of {spec.model.width:g}."
        )
    own = network.state_dict()
    if checkpoint.categories == categories:
        own.update(checkpoint.state)
    else:
        own.update(
            {
                name: tensor
                for name, tensor in checkpoint.state.items()
                if name.partition(".")[0] not in network.class_layers
            }
        )
    network.load_state_dict(own)


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
