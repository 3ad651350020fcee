"""Images per second of the loader alone against what the network alone consumes.

    python benchmarks/bench_loading.py [--pairs 3] [--only compact_detector]

The network takes training steps on one batch that is there; the loader makes the batches of the
same run, its examples decoded before, as in all but the first round through the data, and once
more from the files. Runs alternate, since machines drift. The loader works on one core, in the
training process as on a CPU; workers of their own multiply its figure. CPU seconds say the same
of a machine that others use, too: a network on C cores takes its CPU seconds / C.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import torch
from bench_training import RUNS, paint

from pipeline.specs.augmentation import AugmentSpec
from pipeline.specs.training import DataSource, TrainSpec
from trainers.devices import open_device, use_all_cores
from trainers.task_registry import open_task
from trainers.tasks import TrainingTask

_BATCHES = 6
_EVERYTHING = {
    "classification": {"mixup": 0.2, "cutmix": 1.0, "trivial_augment": True},
    "detection": {"mosaic": 0.5, "copy_paste": {"chance": 0.5}},
    "semantic": {"mosaic": 0.5, "copy_paste": {"chance": 0.5}},
}
_COLOURS = {"hue": 0.1, "saturation": 0.5, "jpeg": 0.7, "erasing": 0.25, "rotate_deg": 180}

Seconds = tuple[float, float]


def network_alone(task: TrainingTask, device: torch.device) -> Callable[[], Seconds]:
    """Wall and CPU seconds per image of training steps on one cached batch."""
    torch.manual_seed(0)
    module = task.network.build().to(device).train()
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-4)
    batch = task.batch(0).to(device)

    def step() -> None:
        loss = torch.stack(list(task.losses(module, batch).values())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()

    for _ in range(2):
        step()
    return lambda: per_call(lambda _: step())


def per_call(work: Callable[[int], object], *, calls: int = _BATCHES) -> Seconds:
    """Wall and CPU seconds of the median call: a neighbour's burst does not count."""
    spent = []
    for number in range(calls):
        wall, cpu = time.perf_counter(), time.process_time()
        work(number)
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
    walls, cpus = zip(*spent, strict=True)
    return statistics.median(walls), statistics.median(cpus)


def main() -> None:
    """Run the pairs and print one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", choices=sorted(RUNS), default="compact_detector")
    parser.add_argument("--picture-px", type=int, default=640)
    parser.add_argument("--data", type=Path, help="a folder in the place of painted pictures")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    cv2.setNumThreads(1)
    device = open_device("auto")
    with tempfile.TemporaryDirectory() as folder, use_all_cores():
        run = RUNS[arguments.only]
        data = arguments.data or paint(Path(folder) / "discs", side=arguments.picture_px)
        classes = run["task"] == "classification" and arguments.data is None
        source = DataSource(path=data / "classes" if classes else data)
        specs = {
            name: TrainSpec.model_validate(
                {**run, "data": (source,), "steps": 1000, "augment": AugmentSpec(**changes)}
            )
            for name, changes in (
                ("usual", {}),
                ("everything", {**_COLOURS, **_EVERYTHING[str(run["task"])]}),
            )
        }
        size = specs["usual"].batch_size
        network = network_alone(open_task(specs["usual"]), device)
        kept = {name: open_task(spec) for name, spec in specs.items()}
        for task in kept.values():
            for step in range(_BATCHES):
                task.batch(step)
        first_round = 16 // size
        loads: dict[str, Callable[[], Seconds]] = {
            name: partial(per_call, task.batch) for name, task in kept.items()
        }
        loads["usual, from files"] = lambda: per_call(
            open_task(specs["usual"]).batch, calls=first_round
        )
        found: dict[str, list[Seconds]] = {name: [] for name in ("network", *loads)}
        for pair in range(1, arguments.pairs + 1):
            found["network"].append(network())
            for name, load in loads.items():
                found[name].append(load())
            rates = {name: size / values[-1][0] for name, values in found.items()}
            print(pair, {name: round(rate, 1) for name, rate in rates.items()}, flush=True)  # noqa: T201
    summary = {}
    for name, values in found.items():
        wall, cpu = (statistics.median(column) / size for column in zip(*values, strict=True))
        summary[name] = {"images/s": round(1 / wall, 1), "cpu_ms_per_image": round(1000 * cpu, 2)}
        if name != "network":
            ratios = [n[0] / v[0] for n, v in zip(found["network"], values, strict=True)]
            by_cpu = [n[1] / v[1] for n, v in zip(found["network"], values, strict=True)]
            summary[name]["one core / network"] = round(statistics.median(ratios), 2)
            summary[name][f"{cores} cores / network, by CPU time"] = round(
                statistics.median(by_cpu), 2
            )
    print(json.dumps({"device": device.type, "cores": cores, **summary}, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
