"""The renderer child: ``python -m blender_scenes.worker COMMANDS_FD REPLIES_FD``.

Lives for many frames, because importing bpy takes two seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Iterator
from pathlib import Path

from blender_scenes.engine import Engine, clear_scene
from blender_scenes.family import SceneFamily
from blender_scenes.job import Job
from blender_scenes.labelling import label_frame, needs_surfaces
from blender_scenes.lens import through_lens
from blender_scenes.registry import family_of
from blender_scenes.sensor import expose
from blender_scenes.serving import serve_and_leave
from blender_scenes.surfaces import visible_surfaces
from pipeline.dataset.frames import read_record, write_frame
from pipeline.dataset.layout import DatasetLayout
from pipeline.geometry.motion import scene_after
from pipeline.records.scene import SampledScene, SequencePosition
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import SceneSpec

__all__ = ["FrameRenderer"]


class FrameRenderer:
    """Turns frame indices of one spec into files of one dataset.

    Args:
        spec: Resolved.
        dataset: Folder to write to.
        source: File named in errors about the spec.
        records: Dataset whose frame records are replayed; None samples the spec anew.
    """

    def __init__(
        self, spec: SceneSpec, dataset: Path, *, source: Path, records: Path | None = None
    ) -> None:
        self._spec = spec
        self._records = DatasetLayout(records) if records else None
        self._layout = DatasetLayout(dataset)
        self._family: SceneFamily = family_of(spec, source=source)
        self._bound = bind_factors(
            self._family.factors,
            spec.factors,
            source=source,
            randomisation=spec.randomisation,
        )
        self._image = spec.image or self._family.image
        self._build = importlib.import_module(self._family.build_module).build
        self._engine = Engine(
            spec.render, max_bounces=self._family.max_bounces, denoise=self._family.denoise
        )

    def render(self, frame: int) -> dict[str, float]:
        """Render one frame to disk; returns seconds of wall time by stage, and ``cpu``."""
        stages = _Stopwatch()
        labels = self._spec.labels
        with stages.time("sample"):
            scene = self._replay(frame) if self._records else self._sample(frame)
        clear_scene()
        with stages.time("build"):
            # What only Blender can say, as where things came to rest, goes into the record.
            scene = self._build(scene, self._family.assets) or scene
        with stages.time("render"):
            passes = self._engine.render(scene, noise_seed=frame)
        with stages.time("sensor"):
            image = expose(passes.light, scene.sensor)
        with stages.time("labels"):
            found = label_frame(
                scene,
                ids=passes.ids,
                depth_m=passes.depth_m,
                surfaces=visible_surfaces() if needs_surfaces(labels, scene) else (),
                labels=labels,
                categories=self._family.categories,
                layout=self._layout,
            )
        started = time.perf_counter()
        write_frame(
            self._layout,
            scene=scene,
            image=image,
            image_format=self._image.format,
            passes=found.passes,
            labels=found.instances,
            seconds=stages.seconds(),
        )
        return stages.seconds() | {"write": time.perf_counter() - started}

    def _sample(self, frame: int) -> SampledScene:
        sequence = self._spec.sequence
        index, frame_index = divmod(frame, sequence.frames) if sequence else (frame, 0)
        draws = FactorDraws(self._bound, FrameSeeds(seed=self._spec.seed, frame=index))
        scene = through_lens(self._family.sample(draws, image=self._image), draws)
        if sequence is None:
            return scene
        time_s = frame_index / sequence.fps
        noise_seed = (scene.sensor.seed + frame_index) % 2**31
        return scene_after(scene, time_s).model_copy(
            update={
                "frame": frame,
                "sensor": scene.sensor.model_copy(update={"seed": noise_seed}),
                "position": SequencePosition(
                    index=index,
                    frame_index=frame_index,
                    time_s=time_s,
                    frame_s=1 / sequence.fps,
                ),
            }
        )

    def _replay(self, frame: int) -> SampledScene:
        assert self._records is not None
        record = read_record(self._records, frame)
        return self._family.scene_type.model_validate(record.scene)


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


def _open(job: Job) -> FrameRenderer:
    return FrameRenderer(job.spec, job.dataset, source=job.source, records=job.records)


if __name__ == "__main__":
    serve_and_leave(_open)
