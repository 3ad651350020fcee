"""The renderer child: ``python -m blender_scenes.worker COMMANDS_FD REPLIES_FD``.

Talks over pipes of its own, since Blender writes to stdout. Lives for many frames, because
importing bpy takes two seconds. Ignores Ctrl-C (the parent decides), dies with its parent, and
leaves by ``os._exit``, because bpy can crash at exit after its work is done.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from blender_scenes.engine import Engine, clear_scene
from blender_scenes.family import SceneFamily
from blender_scenes.job import Job, Reply
from blender_scenes.registry import find_family
from blender_scenes.sensor import expose
from pipeline.annotate.instances import label_instances
from pipeline.dataset.frames import write_frame
from pipeline.dataset.layout import DatasetLayout
from pipeline.records.passes import FramePasses
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import SceneSpec

__all__ = ["FrameRenderer", "main"]

_PR_SET_PDEATHSIG = 1


class FrameRenderer:
    """Turns frame indices of one spec into files of one dataset."""

    def __init__(self, spec: SceneSpec, dataset: Path, *, source: Path) -> None:
        self._spec = spec
        self._layout = DatasetLayout(dataset)
        self._family: SceneFamily = find_family(spec.scene, source=source)
        self._bound = bind_factors(self._family.factors, spec.factors, source=source)
        self._image = spec.image or self._family.image
        self._build = importlib.import_module(self._family.build_module).build
        self._engine = Engine(
            spec.render, max_bounces=self._family.max_bounces, denoise=self._family.denoise
        )

    def render(self, frame: int) -> dict[str, float]:
        """Render one frame to disk; returns seconds of wall time by stage, and ``cpu``."""
        stages = _Stopwatch()
        with stages.time("sample"):
            scene = self.sample(frame)
        clear_scene()
        with stages.time("build"):
            self._build(scene)
        with stages.time("render"):
            passes = self._engine.render(scene.camera, noise_seed=frame)
        with stages.time("sensor"):
            image = expose(passes.rgb, scene.sensor)
        with stages.time("labels"):
            labels = label_instances(
                passes.ids, scene.instances, min_visible_px=self._spec.labels.min_visible_px
            )
        started = time.perf_counter()
        write_frame(
            self._layout,
            scene=scene,
            image=image,
            image_format=self._image.format,
            passes=FramePasses(
                ids=passes.ids, depth_m=passes.depth_m if self._spec.labels.depth else None
            ),
            labels=labels,
            seconds=stages.seconds(),
        )
        return stages.seconds() | {"write": time.perf_counter() - started}

    def sample(self, frame: int) -> SampledScene:
        """The sampled scene of a frame."""
        draws = FactorDraws(self._bound, FrameSeeds(seed=self._spec.seed, frame=frame))
        return self._family.sample(draws, image=self._image)


class _Stopwatch:
    def __init__(self) -> None:
        self._cpu_started = time.process_time()
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def time(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._seconds[stage] = time.perf_counter() - started

    def seconds(self) -> dict[str, float]:
        cpu = time.process_time() - self._cpu_started
        return {key: round(value, 4) for key, value in (self._seconds | {"cpu": cpu}).items()}


def main(commands_fd: int, replies_fd: int) -> None:
    """Serve frames until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    with (
        open(commands_fd, encoding="utf-8") as commands,
        open(replies_fd, "w", encoding="utf-8", buffering=1) as replies,
    ):
        job = Job.model_validate_json(commands.readline())
        if job.cpu is not None:
            # With one thread bpy spins on a second idle core unless it is pinned.
            os.sched_setaffinity(0, {job.cpu})
        renderer = FrameRenderer(job.spec, job.dataset, source=job.source)
        replies.write(Reply(frame=-1).model_dump_json() + "\n")
        for line in commands:
            replies.write(_attempt(renderer, int(line)).model_dump_json() + "\n")


def _attempt(renderer: FrameRenderer, frame: int) -> Reply:
    try:
        seconds = renderer.render(frame)
    except Exception as error:  # any failure costs one frame, not the worker
        return Reply(frame=frame, error=f"{type(error).__name__}: {error}")
    return Reply(frame=frame, seconds=seconds, rss_mib=_rss_mib())


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call above
        os._exit(1)


if __name__ == "__main__":
    exit_code = 1
    try:
        main(int(sys.argv[1]), int(sys.argv[2]))
        exit_code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(exit_code)
