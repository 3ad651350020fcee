"""One frame of a dataset again, from its record alone. Never imports bpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from blender_scenes.assets import asset_hashes, check_assets
from blender_scenes.job import Job
from blender_scenes.pool import RenderPool
from pipeline.dataset.frames import read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.lock import writer_lock
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError, RenderError

__all__ = ["Rerendered", "rerender_frame"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerendered:
    """How the new frame compares with the one on disk.

    Attributes:
        image: The new picture.
        same_labels: Whether all labels and the id pass are equal, bit for bit.
        pixels_changed: Share of the picture's values that differ; nan if there is nothing to
            compare with.
        largest_step: Largest difference in grey levels; nan likewise.
    """

    image: Path
    same_labels: bool
    pixels_changed: float
    largest_step: float


def rerender_frame(dataset: Path, frame: int, out: Path) -> Rerendered:
    """Render a frame anew from its record: no chance acts, no simulation runs again.

    Args:
        dataset: Folder of `blendgap render`, finished or not.
        frame: Index of a frame with a record.
        out: Folder to write picture, passes and record to, laid out like a dataset.

    Raises:
        DatasetError: If the frame has no record, the dataset's asset files have changed, or
            ``out`` is the dataset itself.
        RenderError: If the frame cannot be rendered.
    """
    if out.resolve() == dataset.resolve():
        raise DatasetError(f"{out}: is the dataset itself; choose another folder to write to.")
    manifest = read_manifest(dataset)
    source = (dataset / "manifest.json").absolute()
    check_assets(dataset, manifest, now=asset_hashes(manifest.spec, source=source))
    was = read_record(DatasetLayout(dataset), frame)
    layout = DatasetLayout(out)
    with writer_lock(out):
        layout.create()
        job = Job(
            spec=manifest.spec,
            source=source,
            dataset=out.absolute(),
            records=dataset.absolute(),
            cpu=None,
        )
        failed = RenderPool(job, workers=1).run([frame], lambda reply: None)
    if failed:
        raise RenderError(f"{dataset}: frame {frame} cannot be rendered again: {failed[frame]}.")
    now = read_record(layout, frame)
    before, after = (_pixels(root / now.image) for root in (dataset, out))
    steps = np.array([np.nan])
    if before is not None and after is not None and before.shape == after.shape:
        steps = np.abs(before.astype(float) - after)
    ids = layout.relative(layout.ids(frame))
    return Rerendered(
        image=out / now.image,
        same_labels=was.labels == now.labels and was.files.get(ids) == now.files[ids],
        pixels_changed=float(np.where(np.isnan(steps), np.nan, steps > 0).mean()),
        largest_step=float(steps.max()),
    )


def _pixels(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    return None if picture is None else np.asarray(picture, dtype=np.uint8)
