"""What the audit's parent tells a child, as JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.specs.scene import SceneSpec

__all__ = ["AuditJob", "FrameLabels"]


class AuditJob(BaseModel):
    """The first line; after it come frames.

    Attributes:
        spec: Of the dataset, resolved.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: Path
    spec: SceneSpec


class FrameLabels(BaseModel):
    """What ``instances.json`` says of one frame, entries as they stand there.

    Attributes:
        image: None if the file does not list it.
        annotations: All whose ``image_id`` is the frame's.
        categories: Names by id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int
    image: dict[str, Any] | None
    annotations: tuple[dict[str, Any], ...]
    categories: dict[int, str]
