"""What the parent tells a worker, and what comes back, as JSON lines over a pipe."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipeline.specs.scene import SceneSpec

__all__ = ["Job", "Reply"]


class Job(BaseModel):
    """The first line a worker reads; after it come frame indices, one a line.

    Attributes:
        spec: Resolved: ``image`` is filled in.
        source: File named in errors about the spec.
        records: Dataset whose frame records are replayed instead of sampling the spec.
        cpu: Core to run on; None leaves the worker where the kernel puts it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: SceneSpec
    source: Path
    dataset: Path
    records: Path | None = None
    cpu: int | None


class Reply(BaseModel):
    """One line per frame; the first one, with frame -1, says that the worker is ready.

    Attributes:
        error: Why the frame failed; None when it is on disk.
        disk_full: It failed for want of room, so that every other frame would fail too.
        seconds: Wall time by stage.
        rss_mib: Resident memory of the worker afterwards.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int
    error: str | None = None
    disk_full: bool = False
    seconds: dict[str, float] = {}
    rss_mib: float = 0.0
