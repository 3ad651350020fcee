"""A renderer child that takes its frames' time apart: ``python -m blender_scenes.profile_worker``.

Its frames are those of ``blender_scenes.worker``. Cycles tells when it begins to sample but not
when it begins to denoise, so every frame is rendered again with a single sample, with and without
the denoiser, twice each as a busy machine may stall one of them; the pictures are encoded once
more, too.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import bpy
import cv2

from blender_scenes.job import Job
from blender_scenes.serving import serve_and_leave
from blender_scenes.worker import FrameRenderer
from pipeline.dataset.layout import DatasetLayout

__all__ = ["ProfilingRenderer"]

_REPEATS = 2


class ProfilingRenderer:
    """Renders frames to disk and says where their time went."""

    def __init__(self, job: Job) -> None:
        self._renderer = FrameRenderer(job.spec, job.dataset, source=job.source)
        self._layout = DatasetLayout(job.dataset)
        self._image_format = job.spec.image.format if job.spec.image else "png"
        self._sync_started, self._sync_s = 0.0, 0.0
        bpy.app.handlers.render_init.append(self._hear_start)
        bpy.app.handlers.render_stats.append(self._hear_status)

    def render(self, frame: int) -> dict[str, float]:
        """Render one frame to disk; returns seconds of wall time by stage.

        ``draw`` fixes the scene's numbers, ``build`` makes it in Blender, ``sync`` hands it to
        Cycles, ``sample`` and ``denoise`` make the picture, ``sensor`` develops it; then come
        ``labels``, ``encode`` and ``write``.
        """
        self._sync_s = 0.0
        stages = self._renderer.render(frame)
        sync_s = self._sync_s
        denoise_s = self._denoise_s()
        encode_s = self._encode_s(frame)
        return {
            "draw": stages["sample"],
            "build": stages["build"],
            "sync": sync_s,
            "sample": max(stages["render"] - sync_s - denoise_s, 0.0),
            "denoise": denoise_s,
            "sensor": stages["sensor"],
            "labels": stages["labels"],
            "encode": encode_s,
            "write": max(stages["write"] - encode_s, 0.0),
        }

    def _hear_start(self, *_: object) -> None:
        self._sync_started = time.perf_counter()

    def _hear_status(self, status: str, *_: object) -> None:
        if "| Sample 0/" in status:
            self._sync_s += time.perf_counter() - self._sync_started

    def _denoise_s(self) -> float:
        cycles = bpy.context.scene.cycles
        samples, denoises = cycles.samples, cycles.use_denoising
        if not denoises:
            return 0.0
        fastest = {True: math.inf, False: math.inf}
        try:
            cycles.samples = 1
            for with_it in (True, False) * _REPEATS:
                cycles.use_denoising = with_it
                started = time.perf_counter()
                bpy.ops.render.render()
                fastest[with_it] = min(fastest[with_it], time.perf_counter() - started)
        finally:
            cycles.samples, cycles.use_denoising = samples, denoises
        return max(fastest[True] - fastest[False], 0.0)

    def _encode_s(self, frame: int) -> float:
        layout = self._layout
        image = layout.image(frame, self._image_format)
        pictures = (image, layout.ids(frame), layout.semantic(frame))
        seconds = 0.0
        for path in filter(Path.is_file, pictures):
            picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            started = time.perf_counter()
            cv2.imencode(path.suffix, picture)
            seconds += time.perf_counter() - started
        return seconds


if __name__ == "__main__":
    serve_and_leave(ProfilingRenderer)
