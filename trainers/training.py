"""Training: spec in, run folder out."""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pipeline.drawing import encode_image
from pipeline.errors import CheckpointError, TrainingError
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic, write_text_atomic
from pipeline.progress import Progress, silent
from pipeline.specs.training import TrainSpec
from trainers.adaptation import adapt_norms, open_adaptation
from trainers.checkpoints import MODEL_FILE, write_checkpoint
from trainers.crew import open_crew
from trainers.devices import use_all_cores
from trainers.fitting import STATE_FILE, Fitted, Run, fit, open_run

__all__ = ["train"]


def train(spec: TrainSpec, run_dir: Path, *, progress: Progress = silent) -> Path:
    """Train one network.

    The run folder gets ``train.json`` (the spec), ``batch.png`` (the first batch with its
    labels), ``curve.json`` and ``curve.png`` (loss, learning rate, gradient norm and scores by
    step), ``stats.json`` (device, speed, data hashes) and, last, ``model.pt``. A run that was
    killed goes on where ``last.ckpt`` was saved, with the numbers it would have had; a finished
    run is returned as it is.

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
    run = open_run(spec, run_dir)
    adaptation = open_adaptation(spec.adapt, run.task.network) if spec.adapt else None
    write_bytes_atomic(run_dir / "batch.png", encode_image(run.task.picture(0)))
    try:
        with open_crew(run_dir, spec.devices) if spec.devices > 1 else nullcontext() as crew:
            fitted = fit(run, crew=crew, progress=progress)
    except (CheckpointError, TrainingError) as error:
        raise type(error)(f"{run_dir}: {error}") from error
    network, step = fitted.module.averaged.module, fitted.module.curves.steps
    if fitted.judge is not None:
        network.load_state_dict(fitted.judge.best_state)
        step = fitted.judge.best_step
    if spec.adapt is not None and adaptation is not None:
        with use_all_cores():
            adapt_norms(
                network, run.task.network, adaptation, crops=spec.adapt.crops, seed=spec.seed
            )
    curves = fitted.module.curves
    write_json_atomic(run_dir / "curve.json", curves.document())
    write_bytes_atomic(run_dir / "curve.png", curves.draw())
    write_json_atomic(run_dir / "stats.json", _stats(run, fitted))
    write_checkpoint(
        run_dir / MODEL_FILE,
        run.checkpoint(
            {name: tensor.cpu() for name, tensor in network.state_dict().items()},
            spec_sha256=hashlib.sha256(document.encode()).hexdigest(),
            step=step,
        ),
    )
    run.state_path.unlink(missing_ok=True)
    return run_dir


def _stats(run: Run, fitted: Fitted) -> dict[str, Any]:
    loaded, judge, objects = fitted.loaded, fitted.judge, run.task.network.objects
    return {
        "device": run.device.type,
        "devices": run.spec.devices,
        "torch": torch.__version__,
        "parameters": sum(p.numel() for p in fitted.module.network.parameters()),
        "seconds": fitted.seconds,
        "images_per_second": fitted.module.curves.images_per_second,
        "best": judge and {"step": judge.best_step, judge.metric: judge.best_score},
        "objects": objects and asdict(objects),
        "weights": loaded and {"loaded": loaded.count, "dropped": loaded.dropped},
        "data": [
            {"path": str(source.path), "sha256": sha256}
            for source, sha256 in zip(run.spec.data, run.task.data_sha256, strict=True)
        ],
    }


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
    if any((run_dir / name).exists() for name in (MODEL_FILE, STATE_FILE)):
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
