"""Whether a worker's memory stays where it is: one worker, many small frames, real Blender.

    python benchmarks/bench_memory.py [--spec examples/coins.yaml] [--frames 2000]

The bar: resident memory after frame 2000 is within 10 % of that after frame 100. The pool's safety
net, replacing a worker that grew, is switched off.
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
from pipeline.specs.scene import ImageSpec, RenderSpec, SceneSpec

FIRST = 100
AROUND = 20  # frames of which the median is taken, since scenes differ in size


def small(spec: SceneSpec, *, width: int, height: int) -> SceneSpec:
    """The same scenes, rendered as cheaply as can be."""
    render = RenderSpec(samples=1, device="cpu")
    return spec.model_copy(
        update={"image": ImageSpec(width=width, height=height), "render": render}
    )


def rss_by_frame(spec: SceneSpec, *, frames: int) -> list[float]:
    """MiB after each frame of one worker's life."""
    replies: list[Reply] = []
    started = time.monotonic()

    def heard(reply: Reply) -> None:
        replies.append(reply)
        if len(replies) % FIRST == 0:
            elapsed_s = time.monotonic() - started
            print(  # noqa: T201
                f"frame {len(replies)}: {reply.rss_mib:.1f} MiB, {elapsed_s:.0f} s", flush=True
            )

    with tempfile.TemporaryDirectory() as folder:
        DatasetLayout(Path(folder)).create()
        job = Job(spec=spec, source=Path("bench"), dataset=Path(folder), cpu=None)
        pool = RenderPool(job, workers=1, recycle_growth_mib=float("inf"))
        quarantined = pool.run(range(frames), heard)
    assert not quarantined, quarantined
    return [reply.rss_mib for reply in replies]


def main() -> None:
    """Print a line every hundred frames, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spec", type=Path, default=Path("examples/coins.yaml"))
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--height", type=int, default=48)
    arguments = parser.parse_args()
    spec = resolve_spec(load_spec(arguments.spec, SceneSpec), source=arguments.spec)
    rss_mib = rss_by_frame(
        small(spec, width=arguments.width, height=arguments.height), frames=arguments.frames
    )
    first = statistics.median(rss_mib[FIRST - AROUND // 2 : FIRST + AROUND // 2])
    last = statistics.median(rss_mib[-AROUND:])
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    print(  # noqa: T201
        json.dumps(
            {
                "spec": str(arguments.spec),
                f"mib_at_{FIRST}": round(first, 1),
                f"mib_at_{arguments.frames}": round(last, 1),
                "growth": round(last / first - 1, 4),
                "commit": commit.stdout.strip(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            }
        )
    )


if __name__ == "__main__":
    main()
