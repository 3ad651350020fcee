"""Body of `check --audit`: labels against a second method."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from blender_scenes.audit.audit import audit_dataset
from flows.terminal import Outcome, progress_bar
from pipeline.records.audit import AuditRecord

__all__ = ["audit"]

_MOST_FRAMES = 20


def audit(folder: Path, *, frames: int, quarantine: bool, workers: int | None) -> Outcome:
    """Audit a dataset; exit code 1 where labels are beyond the limits."""
    with progress_bar("audit", "frames/min") as progress:
        record = audit_dataset(
            folder, frames=frames, quarantine=quarantine, workers=workers, progress=progress
        )
    return Outcome(
        shown=(_table(record), *_lines(folder, record)),
        summary={
            "passed": record.passed,
            "frames": len(record.frames),
            "kinds": {
                name: kind.model_dump(include={"compared", "agreeing", "mean", "worst", "passed"})
                for name, kind in record.kinds.items()
            },
            "disagreements": {str(frame): why for frame, why in record.disagreements.items()},
            "not_compared": record.not_compared,
            "quarantined": {str(frame): why for frame, why in record.quarantined.items()},
        },
        exit_code=0 if record.passed else 1,
    )


def _table(record: AuditRecord) -> Table:
    table = Table(title=f"audit of {len(record.frames)} frames", title_justify="left")
    for heading in ("label", "compared", "agreeing", "mean", "worst", "limit", ""):
        table.add_column(heading, justify="left" if heading in {"label", "limit"} else "right")
    for name, kind in record.kinds.items():
        table.add_row(
            name,
            str(kind.compared),
            str(kind.agreeing),
            "-" if kind.mean is None else f"{kind.mean:.4g}",
            "-" if kind.worst is None else f"{kind.worst:.4g}",
            kind.limit,
            "good" if kind.passed else "bad",
        )
    return table


def _lines(folder: Path, record: AuditRecord) -> Iterator[str]:
    for done, frames in (("disagrees", record.disagreements), ("taken out", record.quarantined)):
        for frame, why in list(frames.items())[:_MOST_FRAMES]:
            yield f"frame {frame} {done}: {'; '.join(why)}"
        if len(frames) > _MOST_FRAMES:
            yield f"{len(frames) - _MOST_FRAMES} more frames, in {folder / 'audit.json'}"
    for reason, count in record.not_compared.items():
        yield f"{count} instances not compared: {reason}"
    verdict = "labels agree" if record.passed else "labels are beyond the limits"
    hint = "" if record.passed else "; --quarantine takes out the frames that disagree"
    yield f"{folder}: {verdict}{hint}"
