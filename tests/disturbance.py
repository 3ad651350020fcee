"""Renders in a process of its own, and kills it or its children at random moments."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pipeline.specs.scene import SceneSpec

PAINTER = "painting_worker"

# Children of a shell's background jobs ignore SIGINT unless they say otherwise.
_RENDER = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from blender_scenes.generate import render_dataset
from pipeline.specs.scene import SceneSpec
spec = SceneSpec.model_validate_json(sys.argv[1])
render_dataset(spec, Path(sys.argv[2]), source=Path("spec.yaml"), workers=2,
               worker_module=sys.argv[3])
"""


def start_render(spec: SceneSpec, out: Path, worker_module: str) -> subprocess.Popen[bytes]:
    """Start a parent with two children."""
    command = [sys.executable, "-c", _RENDER, spec.model_dump_json(), str(out), worker_module]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def children_of(pid: int) -> list[int]:
    """Processes that a process has started and that are still there."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):  # each thread has its own
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(child) for child in children.read_text().split()]
    return found


def wait_for_frames(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until so many frames are done."""
    deadline = time.monotonic() + 120
    while _done(out) < count:
        assert process.poll() is None, "ended before it could be disturbed"
        assert time.monotonic() < deadline, "no frames in two minutes"
        time.sleep(0.005)


def wait_until_gone(pids: list[int]) -> None:
    """Wait until no process of these is running."""
    deadline = time.monotonic() + 30
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.02)


def disturbed_renders(
    spec: SceneSpec, folder: Path, worker_module: str, *, kills: int, seed: int, pause_s: float
) -> Iterator[Path]:
    """Render datasets, killing until enough was killed; yields each once a run has finished it.

    A moment to kill is a random number of frames after the last one, and a random pause after
    that, so that it falls between two frames, into a write, into the assembly; one in ten is
    anywhere in the start of the processes. Half of the victims are workers. Every
    other run that has but the assembly to do is left alone, so that new datasets are begun.

    Args:
        spec: What to render, again and again.
        folder: For the datasets.
        worker_module: What the children run.
        kills: How many processes to kill in all.
        seed: Of the moments and the victims.
        pause_s: Longest pause; about what a frame or the assembly takes.
    """
    rng = np.random.default_rng(seed)
    killed = 0
    out = folder / "0"
    while True:
        process = start_render(spec, out, worker_module)
        before = killed
        spared = killed >= kills or (_done(out) == spec.frames and rng.random() < 0.5)
        while not spared and _lives_until(_moment(process, out, spec, rng), process):
            time.sleep(rng.uniform(0, pause_s))
            workers = children_of(process.pid)
            victim = int(rng.choice(workers)) if workers and rng.random() < 0.5 else process.pid
            with contextlib.suppress(ProcessLookupError):  # gone in the meantime
                os.kill(victim, signal.SIGKILL)
                killed += 1
            spared = killed >= kills or victim == process.pid
        code = process.wait()
        # 1 may be a frame whose worker was killed three times; the next run tries it again.
        assert code == 0 or killed > before, f"left alone, and ended with {code}"
        if code == 0:
            yield out
            if killed >= kills:
                return
            out = folder / str(int(out.name) + 1)


def _moment(
    process: subprocess.Popen[bytes], out: Path, spec: SceneSpec, rng: np.random.Generator
) -> Callable[[], bool]:
    if rng.random() < 0.1:
        starting_until = time.monotonic() + rng.uniform(0, 2)
        return lambda: time.monotonic() > starting_until
    frames = min(_done(out) + int(rng.integers(0, spec.frames // 3)), spec.frames)
    lock = out / ".lock"
    return lambda: (
        lock.is_file() and lock.read_text().strip() == str(process.pid) and _done(out) >= frames
    )


def _lives_until(happened: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None:
        if happened():
            return True
        time.sleep(0.001)
    return False


def _done(out: Path) -> int:
    return len(list(out.glob("frames/0*.json")))


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
