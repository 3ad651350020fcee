"""Render a dataset: the frames that are missing, then its files. Never imports bpy."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from blender_scenes.assets import asset_hashes, check_assets
from blender_scenes.job import Job, Reply
from blender_scenes.pool import WORKER_MODULE, RenderPool
from blender_scenes.registry import family_of, plugin_versions
from pipeline.dataset.assembly import assemble
from pipeline.dataset.frames import find_done, remove_leftovers
from pipeline.dataset.hashes import is_intact
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.lock import writer_lock
from pipeline.dataset.manifest import (
    Manifest,
    check_same_dataset,
    write_manifest,
)
from pipeline.errors import RenderError
from pipeline.formats.storage import DISK_FULL
from pipeline.installation import installed_versions
from pipeline.progress import Progress, silent
from pipeline.records.audit import TAKEN_OUT
from pipeline.sampling.factors import bind_factors
from pipeline.specs.scene import SceneSpec

__all__ = ["render_dataset", "resolve_spec"]

_PACKAGES = {
    "blendgap": "blendgap",
    "bpy": "bpy",
    "embreex": "embreex",
    "numpy": "numpy",
    "opencv": "opencv-python-headless",
}


def resolve_spec(spec: SceneSpec, *, source: Path) -> SceneSpec:
    """Fill in what the scene family decides, after checking the factors against it.

    Raises:
        SpecError: If the family, a factor or a parameter does not exist or is out of bounds, or
            the family cannot do what the spec says.
    """
    family = family_of(spec, source=source)
    bind_factors(family.factors, spec.factors, source=source, randomisation=spec.randomisation)
    folders = {key: path.absolute() for key, path in spec.assets if isinstance(path, Path)}
    return spec.model_copy(
        update={
            "image": spec.image or family.image,
            "assets": spec.assets.model_copy(update=folders),
        }
    )


def render_dataset(
    spec: SceneSpec,
    out: Path,
    *,
    source: Path,
    workers: int | None = None,
    progress: Progress = silent,
    allow_quarantined: bool = False,
    worker_module: str = WORKER_MODULE,
) -> Path:
    """Render what is missing of a dataset and assemble it.

    Safe to interrupt or kill at any time: a second call renders the rest, and the result is
    that of an undisturbed run. A finished dataset is returned as it is, also where there is no
    Blender: render on one machine, train on another.

    Args:
        spec: What to render.
        out: Dataset folder; made if missing.
        source: File named in errors about the spec.
        workers: Children; by default one per available core.
        progress: Hears of finished frames and frames/min.
        allow_quarantined: Leave out frames that failed three times instead of failing.
        worker_module: What the children run; tests put a painter in Blender's place.

    Returns:
        ``out``.

    Raises:
        SpecError: If the spec does not fit its family.
        DatasetError: If ``out`` holds another dataset or another process writes to it.
        RenderError: If frames are quarantined, the disk is full, or Blender does not start or is
            not installed.
    """
    spec = resolve_spec(spec, source=source)
    family = family_of(spec, source=source)
    versions = installed_versions(_PACKAGES)
    can_render = "bpy" in versions
    wanted = Manifest(
        spec=spec,
        categories=family.categories,
        keypoints=dict(family.keypoints),
        versions=versions | plugin_versions(spec.scene),
        assets=asset_hashes(spec, source=source) if can_render else {},
    )
    layout = DatasetLayout(out)
    with _told_when_full(out), writer_lock(out):
        before = check_same_dataset(out, wanted) or wanted
        if can_render:
            check_assets(out, before, now=wanted.assets)
        whole = before.complete and not before.quarantined and before.spec.frames == spec.frames
        if whole and is_intact(layout, before):
            progress(spec.frames, spec.frames, "already done")
            return out
        if not can_render:
            raise RenderError(
                f"{out}: holds no finished dataset of {spec.frames} frames, and Blender is not "
                "installed here; pip install 'blendgap[render]' (Python 3.11), or render it on "
                "another machine and copy the folder."
            )
        layout.create()
        remove_leftovers(layout)
        audited = {i: why for i, why in before.quarantined.items() if why.startswith(TAKEN_OUT)}
        wanted = wanted.model_copy(update={"quarantined": audited})
        write_manifest(out, wanted.model_copy(update={"seconds": before.seconds}))
        started = time.monotonic()
        done = set(find_done(layout, spec.frames))
        quarantined = _render_frames(
            Job(spec=spec, source=source.absolute(), dataset=out.absolute(), cpu=None),
            missing=[frame for frame in range(spec.frames) if frame not in done],
            workers=workers or len(os.sched_getaffinity(0)),
            worker_module=worker_module,
            progress=progress,
        )
        if quarantined and not allow_quarantined:
            first, reason = min(quarantined.items())
            raise RenderError(
                f"{out}: {len(quarantined)} of {spec.frames} frames failed three times "
                f"(frame {first}: {reason}); run again to retry them, or pass "
                "--allow-quarantined to leave them out."
            )
        wall_s = before.seconds.get("wall", 0.0) + time.monotonic() - started
        left_out = {i: why for i, why in audited.items() if i in done} | quarantined
        assemble(out, wanted.model_copy(update={"quarantined": left_out}), wall_seconds=wall_s)
    return out


@contextlib.contextmanager
def _told_when_full(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise RenderError(
            f"{out}: the disk is full; make room and run again: what is done is kept."
        ) from error


def _render_frames(
    job: Job, *, missing: list[int], workers: int, worker_module: str, progress: Progress
) -> dict[int, str]:
    total = job.spec.frames
    finished = total - len(missing)
    progress(finished, total, "starting Blender" if missing else "")
    if not missing:
        return {}
    started: tuple[float, int] | None = None  # when the first frame came, and its number

    def heard(reply: Reply) -> None:
        nonlocal finished, started
        finished += 1
        now = time.monotonic()
        first_at, first = started = started or (now, finished)
        elapsed_s = now - first_at
        rate = f"{60 * (finished - first) / elapsed_s:.1f} frames/min" if elapsed_s else ""
        progress(finished, total, rate)

    return RenderPool(job, workers=workers, worker_module=worker_module).run(missing, heard)
