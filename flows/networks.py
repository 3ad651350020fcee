"""Bodies of the commands about networks: train, predict."""

from __future__ import annotations

import json
from pathlib import Path

from flows.scoring import find_target
from flows.terminal import Outcome, progress_bar
from pipeline.records.predictions import read_meta
from pipeline.specs.document import load_spec
from pipeline.specs.training import TrainSpec, check_roles
from trainers.dryrun.rehearsal import rehearse
from trainers.networks.registry import check_network
from trainers.prediction import predict
from trainers.training import train

__all__ = ["predict_pictures", "rehearse_network", "train_network"]

_SHOWN = 8  # names of dropped weights in the terminal


def train_network(config: Path, out: Path, *, benchmarks: Path | None) -> Outcome:
    """Train one network."""
    spec = _open_spec(config, benchmarks)
    with progress_bar("train", "steps/s") as progress:
        run = train(spec, out, progress=progress)
    weights = json.loads((run / "stats.json").read_text(encoding="utf-8")).get("weights") or {}
    dropped = weights.get("dropped", [])
    shown = [f"{run}: {spec.model.name}, {spec.steps} steps"]
    if weights:
        line = f"weights: {weights['loaded']} tensors taken over"
        more = f" and {len(dropped) - _SHOWN} more, see stats.json" if len(dropped) > _SHOWN else ""
        names = ", ".join(dropped[:_SHOWN])
        shown.append(f"{line}; dropped: {names}{more}" if dropped else line)
    return Outcome(
        shown=tuple(shown),
        summary={
            "run": str(run),
            "model": spec.model.name,
            "steps": spec.steps,
            "dropped_weights": dropped,
        },
    )


def rehearse_network(config: Path, out: Path | None, *, benchmarks: Path | None) -> Outcome:
    """Look at a run before it is trained."""
    spec = _open_spec(config, benchmarks)
    with progress_bar("dry run", "steps/s") as progress:
        rehearsal = rehearse(spec, out, progress=progress)
    files = () if out is None else (f"{out}: dry-run.png, batch.png, dry-run.json",)
    return Outcome(
        shown=(*rehearsal.lines(), *files),
        summary=rehearsal.document(),
        exit_code=1 if rehearsal.verdict == "broken" else 0,
    )


def predict_pictures(
    run: Path,
    on: str,
    out: Path,
    *,
    split: str | None,
    benchmarks: Path | None,
    quarter_turns: bool,
) -> Outcome:
    """Predict a dataset, a benchmark or pictures."""
    target = find_target(on, benchmarks=benchmarks)
    out.parent.mkdir(parents=True, exist_ok=True)
    with progress_bar("predict", "images/s") as progress:
        predictions = predict(
            run, target, out, split=split, quarter_turns=quarter_turns, progress=progress
        )
    meta = read_meta(predictions)
    assert meta is not None, "predict writes one"
    images = len(meta.image_ids)
    unknown, dropped = ", ".join(meta.unknown_categories), ", ".join(meta.dropped_classes)
    return Outcome(
        shown=(
            f"{predictions}: {images} images",
            *([f"The network never learned {unknown}: not looked for."] if unknown else []),
            *([f"{target} has no {dropped}: left out."] if dropped else []),
        ),
        summary={
            "predictions": str(predictions),
            "images": images,
            "seconds_per_image": meta.seconds_per_image,
            "unknown_categories": meta.unknown_categories,
            "dropped_classes": meta.dropped_classes,
        },
    )


def _open_spec(config: Path, benchmarks: Path | None) -> TrainSpec:
    """The training file, its network checked before its data are looked for."""
    spec = load_spec(config, TrainSpec)
    check_roles(spec, source=config)
    check_network(spec.model, task=spec.task, input_px=spec.input_px, source=config)
    return _with_benchmarks(spec, config.parent, benchmarks)


def _with_benchmarks(spec: TrainSpec, folder: Path, benchmarks: Path | None) -> TrainSpec:
    """The spec, names of benchmarks in the place of folders replaced by where they lie."""

    def found(path: Path) -> Path:
        is_name = path.parent == folder and not path.exists()
        return find_target(path.name, benchmarks=benchmarks) if is_name else path

    data = tuple(each.model_copy(update={"path": found(each.path)}) for each in spec.data)
    adapt = spec.adapt and spec.adapt.model_copy(
        update={"path": find_target(str(found(spec.adapt.path)), benchmarks=benchmarks)}
    )
    validation = spec.validation and spec.validation.model_copy(
        update={"path": find_target(str(found(spec.validation.path)), benchmarks=benchmarks)}
    )
    return spec.model_copy(update={"data": data, "adapt": adapt, "validation": validation})
