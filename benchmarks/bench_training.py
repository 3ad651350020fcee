"""Images per second of our training loop against torchvision's reference training step.

    python benchmarks/bench_training.py [--pairs 3] [--steps 12] [--only unet]

Both train the same network on the same batches, made by the same code in the same process. The
yardstick is the step of torchvision's references (``train_one_epoch``): forward, sum of the
losses, a look at whether it is finite, backward, optimiser, scheduler. Ours adds clipping, the
moving average, the curve, progress and what Lightning does around a step. Runs alternate, since
machines drift; the figure to quote is the median ratio. CPU seconds say the same of a machine
that others use, too.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch

from pipeline.geometry.masks import rle_of_mask
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.devices import use_all_cores
from trainers.task_registry import open_task
from trainers.training import train

_WARM_STEPS = 3
RUNS: dict[str, dict[str, object]] = {
    "mask_rcnn": {
        "task": "detection",
        "model": ModelSpec(name="mask_rcnn", backbone="resnet18", width=0.5),
        "input_px": 256,
        "batch_size": 2,
    },
    "unet": {
        "task": "semantic",
        "model": ModelSpec(name="unet", backbone="resnet18"),
        "input_px": 192,
        "batch_size": 4,
    },
    "resnet18": {
        "task": "classification",
        "model": ModelSpec(name="resnet18"),
        "input_px": 96,
        "batch_size": 16,
    },
    "compact_detector": {
        "task": "detection",
        "model": ModelSpec(name="compact_detector"),
        "input_px": 320,
        "batch_size": 4,
    },
}


def paint(folder: Path, *, pictures: int = 16, side: int = 320) -> Path:
    """A COCO folder of discs, and class folders of single ones."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(1, pictures + 1):
        picture = rng.integers(20, 60, (side, side, 3)).astype(np.uint8)
        for _ in range(12):
            centre, radius = rng.integers(30, side - 30, 2), int(rng.integers(10, 30))
            disc = np.zeros((side, side), np.uint8)
            cv2.circle(disc, centre.tolist(), radius, 1, -1)
            picture[disc > 0] = rng.integers(100, 250, 3)
            x, y = (centre - radius).tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [x, y, 2 * radius + 1, 2 * radius + 1],
                    "area": int(disc.sum()),
                    "iscrowd": 0,
                    "segmentation": rle_of_mask(disc > 0),
                }
            )
        cv2.imwrite(str(folder / "images" / f"{number}.png"), picture)
        images.append({"id": number, "file_name": f"{number}.png", "width": side, "height": side})
        place = folder / "classes" / "train" / ("odd" if number % 2 else "even")
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{number}.png"), picture)
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "disc"}],
    }
    (folder / "instances_train.json").write_text(json.dumps(document))
    return folder


def ours(spec: TrainSpec) -> tuple[float, float]:
    """Wall and CPU seconds per image of ``train``."""
    clocks: list[tuple[float, float]] = []

    def progress(done: int, total: int, note: str = "") -> None:
        clocks.append((time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory() as folder:
        train(spec, Path(folder) / "run", progress=progress)
    return _per_image(clocks, spec)


def reference(spec: TrainSpec) -> tuple[float, float]:
    """The same of torchvision's step."""
    task = open_task(spec)
    torch.manual_seed(spec.seed)
    module = task.network.build().train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=spec.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    clocks = []
    with use_all_cores():
        for step in range(spec.steps):
            loss = torch.stack(list(task.losses(module, task.batch(step)).values())).sum()
            if not math.isfinite(loss.item()):
                raise SystemExit("the reference diverged")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            clocks.append((time.perf_counter(), time.process_time()))
    return _per_image(clocks, spec)


def _per_image(clocks: list[tuple[float, float]], spec: TrainSpec) -> tuple[float, float]:
    """Median step of the warm ones, so that a neighbour's burst does not count."""
    steps = np.diff(np.array(clocks)[_WARM_STEPS:], axis=0) / spec.batch_size
    wall, cpu = np.median(steps, axis=0)
    return float(wall), float(cpu)


def main() -> None:
    """Run the pairs and print one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--only", choices=sorted(RUNS))
    arguments = parser.parse_args()
    summary = {}
    with tempfile.TemporaryDirectory() as folder:
        data = paint(Path(folder) / "discs")
        for name in [arguments.only] if arguments.only else RUNS:
            source = data / "classes" if name == "resnet18" else data
            spec = TrainSpec.model_validate(
                {
                    **RUNS[name],
                    "data": (DataSource(path=source),),
                    "steps": arguments.steps,
                    "learning_rate": 1e-4,
                    "checkpoint_seconds": 1e9,
                    "device": "auto",
                }
            )
            ratios = []
            order: list[Callable[[TrainSpec], tuple[float, float]]] = [ours, reference]
            for number in range(1, arguments.pairs + 1):
                found = {run.__name__: run(spec) for run in order}
                order.reverse()
                ratio = [b / a for a, b in zip(found["ours"], found["reference"], strict=True)]
                ratios.append(ratio)
                print(  # noqa: T201
                    f"{name}, pair {number}: ours {1 / found['ours'][0]:.2f} images/s, reference "
                    f"{1 / found['reference'][0]:.2f}, ratio {ratio[0]:.3f}; by CPU time "
                    f"{ratio[1]:.3f}",
                    flush=True,
                )
            summary[name] = {
                "wall": statistics.median(r[0] for r in ratios),
                "cpu": statistics.median(r[1] for r in ratios),
            }
    print(json.dumps({"ratio": summary}))  # noqa: T201


if __name__ == "__main__":
    main()
