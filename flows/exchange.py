"""Body of the command that writes other tools' formats: export."""

from __future__ import annotations

from pathlib import Path

from flows.terminal import Outcome, progress_bar
from pipeline.errors import DatasetError
from pipeline.formats.annotated import LAYOUTS, read_splits
from pipeline.formats.exports import export_pictures
from pipeline.specs.experiment import CropSpec

__all__ = ["export"]


def export(
    folder: Path, out: Path, *, to: str, source: str | None, split: str | None, crop_size: int
) -> Outcome:
    """Write labelled pictures in another format."""
    if source is not None and source not in LAYOUTS:
        raise DatasetError(f"--from {source!r}: expected one of {', '.join(LAYOUTS)}.")
    splits = read_splits(folder, split=split, layout=source)
    with progress_bar("export", "pictures/s") as progress:
        report = export_pictures(
            splits, out, to=to, crops=CropSpec(size=crop_size), progress=progress
        )
    return Outcome(
        shown=(
            f"{out}: {report.images} pictures, {report.instances} instances as {report.format}",
            *(f"{to} cannot hold, left out: {n} {what}" for what, n in report.left_out.items()),
        ),
        summary={"export": str(out), **report.model_dump(mode="json", exclude={"key"})},
    )
