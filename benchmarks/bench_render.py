"""Frames per minute of one worker against two, and what labels and writing cost.

    python benchmarks/bench_render.py [--spec examples/coins.yaml] [--frames 48] [--pairs 3]

Pairs alternate (1, 2, 1, 2, ...) since machines drift; the figure to quote is the median ratio.
The clock runs from the first frame after the warm-up to the last, so Blender's start is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from blender_scenes.generate import resolve_spec
from blender_scenes.job import Job, Reply
from blender_scenes.pool import RenderPool
from pipeline.dataset.layout import DatasetLayout
from pipeline.specs.document import load_spec
from pipeline.specs.scene import SceneSpec

WARM_UP_FRAMES = 4


def measure(spec: SceneSpec, *, workers: int, frames: int) -> tuple[float, dict[str, float]]:
    """Render into a scratch folder.

    Returns:
        Frames per minute, and mean seconds per frame by stage.
    """
    finished: list[float] = []
    replies: list[Reply] = []

    def heard(reply: Reply) -> None:
        finished.append(time.perf_counter())
        replies.append(reply)

    with tempfile.TemporaryDirectory() as folder:
        DatasetLayout(Path(folder)).create()
        job = Job(spec=spec, source=Path("bench"), dataset=Path(folder), cpu=None)
        RenderPool(job, workers=workers).run(range(frames + WARM_UP_FRAMES), heard)
    counted = finished[WARM_UP_FRAMES - 1 :]
    rate = 60 * (len(counted) - 1) / (counted[-1] - counted[0])
    stages = replies[0].seconds.keys()
    return rate, {
        s: statistics.mean(r.seconds[s] for r in replies[WARM_UP_FRAMES:]) for s in stages
    }


def main() -> None:
    """Run the pairs and print one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spec", type=Path, default=Path("examples/coins.yaml"))
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    spec = resolve_spec(load_spec(arguments.spec, SceneSpec), source=arguments.spec)
    ratios, shares, ones, twos = [], [], [], []
    for pair in range(arguments.pairs):
        one, _ = measure(spec, workers=1, frames=arguments.frames)
        two, stages = measure(spec, workers=2, frames=arguments.frames)
        wall_s = sum(seconds for stage, seconds in stages.items() if stage != "cpu")
        share = (stages["labels"] + stages["write"]) / wall_s
        ratios.append(two / one)
        shares.append(share)
        ones.append(one)
        twos.append(two)
        split = ", ".join(f"{stage} {1000 * s:.0f}" for stage, s in stages.items())
        print(  # noqa: T201
            f"pair {pair + 1}: 1 worker {one:.1f}, 2 workers {two:.1f} frames/min, "
            f"ratio {two / one:.2f}; labels and writing {share:.1%} (ms: {split})"
        )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    print(  # noqa: T201
        json.dumps(
            {
                "frames_per_min_1": round(statistics.median(ones), 1),
                "frames_per_min_2": round(statistics.median(twos), 1),
                "ratio_median": round(statistics.median(ratios), 3),
                "labels_and_writing_median": round(statistics.median(shares), 4),
                "frames": arguments.frames,
                "commit": commit.stdout.strip(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            }
        )
    )


if __name__ == "__main__":
    main()
