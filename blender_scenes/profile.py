"""Where a frame's time goes, measured on a few frames. Never imports bpy."""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from blender_scenes.generate import resolve_spec
from blender_scenes.job import Job, Reply
from blender_scenes.pool import RenderPool
from pipeline.dataset.layout import DatasetLayout
from pipeline.errors import RenderError
from pipeline.progress import Progress, silent
from pipeline.specs.scene import SceneSpec

__all__ = ["profile_frames"]

_WORKER_MODULE = "blender_scenes.profile_worker"


def profile_frames(
    spec: SceneSpec,
    *,
    source: Path,
    frames: int = 8,
    workers: int | None = None,
    progress: Progress = silent,
) -> dict[str, float]:
    """Render the first frames into a scratch folder and take their time apart.

    Args:
        spec: What to render.
        source: File named in errors about the spec.
        frames: How many; each worker renders one more to warm up.
        workers: Children; by default one per available core, as in a real run.
        progress: Hears of finished frames.

    Returns:
        Median seconds per frame by stage, in the order of the stages (see
        ``ProfilingRenderer.render``).

    Raises:
        SpecError: If the spec does not fit its family.
        RenderError: If frames fail, or Blender does not start.
    """
    workers = workers or len(os.sched_getaffinity(0))
    total = frames + workers
    heard: list[Reply] = []

    def hear(reply: Reply) -> None:
        heard.append(reply)
        progress(len(heard), total, "")

    with tempfile.TemporaryDirectory(prefix="blendgap-profile-") as folder:
        layout = DatasetLayout(Path(folder))
        layout.create()
        job = Job(
            spec=resolve_spec(spec, source=source),
            source=source.absolute(),
            dataset=Path(folder),
            cpu=None,
        )
        pool = RenderPool(job, workers=workers, worker_module=_WORKER_MODULE)
        failed = pool.run(range(total), hear)
    if failed:
        frame, reason = min(failed.items())
        raise RenderError(f"{source}: frame {frame} cannot be profiled: {reason}.")
    counted = [reply.seconds for reply in heard[workers:]]
    return {stage: statistics.median(seconds[stage] for seconds in counted) for stage in counted[0]}
