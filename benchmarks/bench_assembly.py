"""What a dataset's machinery costs against its number of frames, Blender left out.

    python benchmarks/bench_assembly.py [--frames 10000 30000 100000] [--folder /dev/shm]

Frames come from the painter that stands in for Blender in the tests, 32 x 32 px, through the real
pool. Every step runs in a process of its own, whose largest resident memory is read at its end:
it has to stay where it is, and the time has to grow with the frames, no faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from blender_scenes.generate import render_dataset
from pipeline.dataset.assembly import assemble
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import find_done
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.specs.scene import SceneSpec

TESTS = Path(__file__).parents[1] / "tests"
SOURCE = Path("bench")


def spec_of(frames: int) -> SceneSpec:
    """The spec of a painted dataset."""
    return SceneSpec.model_validate(
        {"scene": "coins", "frames": frames, "image": {"width": 32, "height": 32}}
    )


def paint(folder: Path) -> int:
    """Render with the painter, and assemble; returns the number of frames."""
    os.environ["PYTHONPATH"] = str(TESTS)
    frames = int(folder.name)
    render_dataset(spec_of(frames), folder, source=SOURCE, worker_module="painting_worker")
    return frames


def assemble_all(folder: Path) -> int:
    """Assemble; returns the number of instances."""
    return assemble(folder, read_manifest(folder), wall_seconds=1.0).counts["instances"]


def resume(folder: Path) -> int:
    """Look for what is done, as a run that goes on does."""
    return sum(1 for _ in find_done(DatasetLayout(folder), read_manifest(folder).spec.frames))


def run_again(folder: Path) -> int:
    """Render a dataset that is finished."""
    heard: list[int] = []
    render_dataset(
        read_manifest(folder).spec,
        folder,
        source=SOURCE,
        progress=lambda done, total, note="": heard.append(done if note == "already done" else 0),
    )
    return heard[0]


def check(folder: Path) -> int:
    """Check; returns the number of pictures in order."""
    report = check_dataset(folder)
    assert not report.problems, report.problems[:3]
    return report.statistics.images


STEPS: dict[str, Callable[[Path], int]] = {
    "paint": paint,
    "resume": resume,
    "assemble": assemble_all,
    "run again": run_again,
    "check": check,
}


def measure(step: str, folder: Path) -> dict[str, float]:
    """Run one step in a process of its own; returns seconds, MiB and what the step counted."""
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def run_step(step: str, folder: Path) -> None:
    """The process of one step."""
    started = time.perf_counter()
    counted = STEPS[step](folder)
    seconds = time.perf_counter() - started
    # Not getrusage, which counts what the parent had before this process became another program.
    status = Path("/proc/self/status").read_text()
    peak_mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    figures = {"seconds": seconds, "cpu_seconds": time.process_time(), "peak_mib": peak_mib}
    print(json.dumps(figures | {"counted": counted}))  # noqa: T201


def main() -> None:
    """Measure every step at every size; one line each, then a JSON summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    parser.add_argument("--folder", type=Path, help="where to put the datasets for a while")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        run_step(arguments.step, arguments.folder)
        return
    results = []
    for frames in arguments.frames:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
            folder = Path(scratch) / str(frames)
            for step in STEPS:
                result = measure(step, folder)
                results.append({"step": step, "frames": frames} | result)
                print(  # noqa: T201
                    f"{frames:>7} frames, {step:<9}: {result['seconds']:7.1f} s, "
                    f"processor {1e3 * result['cpu_seconds'] / frames:.3f} ms a frame, "
                    f"peak {result['peak_mib']:.0f} MiB",
                    flush=True,
                )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    print(  # noqa: T201
        json.dumps(
            {
                "results": results,
                "commit": commit.stdout.strip(),
                "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            }
        )
    )


if __name__ == "__main__":
    main()
