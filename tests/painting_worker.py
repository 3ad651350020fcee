"""A renderer child that paints: ``python -m painting_worker``, in the place of Blender's."""

from __future__ import annotations

import time

from painting import VERSIONS, paint_frame

from blender_scenes.job import Job
from blender_scenes.registry import family_of
from blender_scenes.serving import serve_and_leave
from pipeline.dataset.manifest import Manifest


class Painter:
    """Paints frames of any family's spec, with its categories."""

    def __init__(self, job: Job) -> None:
        self._dataset = job.dataset
        self._manifest = Manifest(
            spec=job.spec,
            categories=family_of(job.spec, source=job.source).categories,
            versions=VERSIONS,
        )

    def render(self, frame: int) -> dict[str, float]:
        started = time.perf_counter()
        paint_frame(self._dataset, self._manifest, frame)
        return {"render": time.perf_counter() - started}


if __name__ == "__main__":
    serve_and_leave(Painter)
