"""Several trainings at once on one machine, each in a process with cores of its own.

Small networks leave cores idle when they are trained alone on all of them: parts of every step
run on one core. A member is ``python -m flows.fleet_member``; it reads its order, one line of
JSON, tells of its steps, a line of JSON each, and leaves when its stdin closes.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch

from flows.terminal import Rate
from pipeline.progress import Progress, silent
from pipeline.specs.training import TrainSpec

__all__ = ["MEMBER_MODULE", "Training", "train_fleet"]

MEMBER_MODULE = "flows.fleet_member"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What to train.

    Attributes:
        label: For people, as ``mixed 0.2 seed 1``.
    """

    label: str
    spec: TrainSpec


def train_fleet(
    trainings: Sequence[Training],
    cells: Path,
    *,
    at_once: int,
    progress: Progress = silent,
    member_module: str = MEMBER_MODULE,
) -> None:
    """Finish the cells of trainings; one that fails is left as it is, for its step to tell why.

    Args:
        trainings: None of which waits for another; the longest begin, so that no core is left
            alone with one at the end.
        cells: Folder of all cells.
        at_once: How many; further ones wait.
        progress: Told of the steps of all together, and of who is at work.
        member_module: What a member runs.
    """
    shares: queue.SimpleQueue[_Share] = queue.SimpleQueue()
    for share in _shares(min(at_once, len(trainings))):
        shares.put(share)
    fleet = _Fleet(cells, _Told(trainings, progress), member_module)

    def work(training: Training) -> None:
        share = shares.get()
        fleet.train(training, share)
        shares.put(share)

    longest_first = sorted(trainings, key=lambda training: -training.spec.steps)
    with ThreadPoolExecutor(max(1, at_once)) as pool:
        try:
            for done in [pool.submit(work, training) for training in longest_first]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            fleet.stop()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """Of the machine; ``gpu`` as CUDA_VISIBLE_DEVICES has it, None without any."""

    cores: tuple[int, ...]
    gpu: str | None


def _shares(count: int) -> Iterator[_Share]:
    cores = sorted(os.sched_getaffinity(0))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    gpus = torch.cuda.device_count()
    for i in range(count):
        own = cores[i::count] if count <= len(cores) else cores
        gpu = str(i % gpus) if gpus else None
        if gpu is not None and len(visible) >= gpus and all(visible):
            gpu = visible[i % gpus]
        yield _Share(cores=tuple(own), gpu=gpu)


class _Told:
    """One listener's view of many trainings."""

    def __init__(self, trainings: Sequence[Training], progress: Progress) -> None:
        self._steps = {training.label: 0 for training in trainings}
        self._total = sum(training.spec.steps for training in trainings)
        self._before: dict[str, int] = {}  # steps of earlier sessions, and the first of this one
        self._at_work: list[str] = []
        self._progress, self._rate = progress, Rate("steps/s")
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def at_work(self, label: str) -> Iterator[None]:
        with self._lock:
            self._at_work.append(label)
        try:
            yield
        finally:
            with self._lock:
                self._at_work.remove(label)

    def step(self, label: str, done: int) -> None:
        with self._lock:
            self._steps[label] = done
            self._before.setdefault(label, done)
            steps = sum(self._steps.values())
            gained = steps - sum(self._before.values())
            note = self._rate.with_note(gained, time.monotonic(), ", ".join(self._at_work))
            self._progress(steps, self._total, note)


@dataclass(slots=True)
class _Fleet:
    """The members that are at work."""

    cells: Path
    told: _Told
    module: str
    members: set[subprocess.Popen[str]] = field(default_factory=set)
    stopped: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def train(self, training: Training, share: _Share) -> None:
        """Start a member and listen to it until it leaves."""
        order = {
            "spec": training.spec.model_dump(mode="json"),
            "cells": str(self.cells),
            "cores": share.cores,
        }
        seen = {} if share.gpu is None else {"CUDA_VISIBLE_DEVICES": share.gpu}
        with self.lock:
            if self.stopped:
                return
            member = subprocess.Popen(
                [sys.executable, "-m", self.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # its step, tried again, tells
                text=True,
                env=os.environ | seen,
                start_new_session=True,  # Ctrl-C is for us
            )
            self.members.add(member)
        assert member.stdin is not None
        assert member.stdout is not None
        try:
            with self.told.at_work(training.label), contextlib.suppress(BrokenPipeError):
                member.stdin.write(json.dumps(order) + "\n")
                member.stdin.flush()
                for line in member.stdout:
                    self.told.step(training.label, json.loads(line)["done"])
        finally:
            with contextlib.suppress(BrokenPipeError):
                member.stdin.close()
            member.stdout.close()
            member.wait()
            with self.lock:
                self.members.discard(member)

    def stop(self) -> None:
        """End all members at once; files are written whole, so nothing half-done is left."""
        with self.lock:
            self.stopped = True
            for member in self.members:
                member.kill()
