"""Frames per minute of blendgap against a plain bpy loop, at 4 and 16 samples per pixel.

    python benchmarks/bench_speed.py [--frames 24] [--pairs 3] [--samples 4 16]

Both make labelled 320 x 320 pictures of 12 primitives on a plane under one area lamp, a new scene
per frame, denoised, with masks, boxes and COCO: blendgap with examples/primitives-plain.yaml and
one worker per core, the yardstick with plain_bpy.py. Runs alternate since machines drift; the
figure to quote is the median ratio. CPU seconds per frame say the same of a machine that others
use, too. Both clocks leave Blender's start out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_render import measure

from blender_scenes.generate import resolve_spec
from pipeline.specs.document import load_spec
from pipeline.specs.scene import SceneSpec

HERE = Path(__file__).parent
SPEC = HERE.parent / "examples" / "primitives-plain.yaml"


def ours(spec: SceneSpec, *, samples: int, frames: int, workers: int) -> tuple[float, float]:
    """Frames per minute and CPU seconds per frame of blendgap."""
    render = spec.render.model_copy(update={"samples": samples})
    rate, stages = measure(
        spec.model_copy(update={"render": render}), workers=workers, frames=frames
    )
    return rate, stages["cpu"] + stages["write"]  # its CPU clock stops before the writing


def yardstick(*, samples: int, frames: int) -> tuple[float, float]:
    """The same of the plain loop, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--out", folder, "--frames", str(frames), "--samples", str(samples)]
        ran = subprocess.run(
            [sys.executable, str(HERE / "plain_bpy.py"), *arguments],
            capture_output=True,
            text=True,
            check=False,  # bpy may crash at exit: its last word counts
        )
    report = next(line for line in ran.stdout.splitlines() if line.startswith("{"))
    found = json.loads(report)
    return float(found["frames_per_min"]), float(found["cpu_s"])


def main() -> None:
    """Run the pairs and print one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--samples", type=int, nargs="+", default=[4, 16])
    arguments = parser.parse_args()
    spec = resolve_spec(load_spec(SPEC, SceneSpec), source=SPEC)
    workers = len(os.sched_getaffinity(0))
    summary: dict[str, dict[str, float]] = {}
    for samples in arguments.samples:
        pairs = []
        for number in range(1, arguments.pairs + 1):
            mine = ours(spec, samples=samples, frames=arguments.frames, workers=workers)
            plain = yardstick(samples=samples, frames=arguments.frames)
            pairs.append((mine, plain))
            print(  # noqa: T201
                f"{samples} spp, pair {number}: blendgap {mine[0]:.1f}, plain bpy {plain[0]:.1f} "
                f"frames/min, ratio {mine[0] / plain[0]:.2f}; CPU {mine[1]:.2f} and "
                f"{plain[1]:.2f} s per frame, ratio {plain[1] / mine[1]:.2f}",
                flush=True,
            )
        summary[f"{samples} spp"] = {
            "blendgap": round(statistics.median(mine[0] for mine, _ in pairs), 1),
            "plain_bpy": round(statistics.median(plain[0] for _, plain in pairs), 1),
            "ratio_median": round(
                statistics.median(mine[0] / plain[0] for mine, plain in pairs), 2
            ),
            "cpu_ratio_median": round(
                statistics.median(plain[1] / mine[1] for mine, plain in pairs), 2
            ),
        }
    summary["workers"] = {"count": workers}
    print(json.dumps(summary | {"machine": platform.machine()}))  # noqa: T201


if __name__ == "__main__":
    main()
