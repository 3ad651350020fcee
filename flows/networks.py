"""Bodies of the commands about networks: train, predict."""

from __future__ import annotations

from pathlib import Path

from flows.scoring import find_target
from flows.terminal import Outcome, progress_bar
from pipeline.records.predictions import read_meta
from pipeline.specs.document import load_spec
from pipeline.specs.training import TrainSpec
from trainers.prediction import predict
from trainers.training import train

__all__ = ["predict_pictures", "train_network"]


def train_network(config: Path, out: Path) -> Outcome:
    """Train one network."""
    spec = load_spec(config, TrainSpec)
    with progress_bar("train", "steps/s") as progress:
        run = train(spec, out, progress=progress)
    return Outcome(
        shown=(f"{run}: {spec.model.name}, {spec.steps} steps",),
        summary={"run": str(run), "model": spec.model.name, "steps": spec.steps},
    )


def predict_pictures(
    run: Path, on: str, out: Path, *, split: str | None, benchmarks: Path | None
) -> Outcome:
    """Predict a dataset, a benchmark or pictures."""
    target = find_target(on, benchmarks=benchmarks)
    out.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar("predict", "images/s") as progress:
        predictions = predict(run, target, out, split=split, progress=progress)
    meta = read_meta(predictions)
    images = len(meta.image_ids) if meta is not None else 0
    seconds = meta.seconds_per_image if meta is not None else None
    return Outcome(
        shown=(f"{predictions}: {images} images",),
        summary={
            "predictions": str(predictions),
            "images": images,
            "seconds_per_image": seconds,
        },
    )
