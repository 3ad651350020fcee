"""What an audit found: ``audit.json`` of a dataset, labels against a second method."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.errors import DatasetError

__all__ = ["TAKEN_OUT", "AuditRecord", "AuditedKind", "read_audit"]

TAKEN_OUT = "audit: "
"""How the manifest's reason begins for a frame that an audit took out: it renders well, so that
rendering again does not bring it back."""


class AuditedKind(BaseModel):
    """How far two methods agree on one kind of label.

    Attributes:
        unit: Of ``mean``, ``worst`` and ``limit``: IoU (1 is best), else a difference (0 is).
        compared: Values that both methods gave: instances, keypoints, pixels.
        agreeing: Those of them within the limit.
        mean: Over all values; None where nothing was compared.
        worst: Of all values; None where nothing was compared.
        limit: For a single value, as a person reads it.
        required_share: Of the values that must be within the limit.
        required_mean: Mean that must be reached too; None where only the share counts.
        passed: Whether both hold; a kind without any value passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str
    compared: int
    agreeing: int
    mean: float | None
    worst: float | None
    limit: str
    required_share: float
    required_mean: float | None
    passed: bool


class AuditRecord(BaseModel):
    """``audit.json``; holds no time and no host, so that an audit can be repeated.

    Attributes:
        annotations_sha256: Of the ``instances.json`` that the figures are about.
        versions: Of what the second method ran with: blendgap, bpy, numpy, opencv.
        frames: Audited, ascending.
        kinds: By label kind: masks, boxes, keypoints, depth, ...
        disagreements: Frame -> what differs there, one line each.
        not_compared: What the second method cannot see -> instances left out for it.
        quarantined: Frames taken out of the dataset after this audit -> what differed there;
            they count in no figure above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    annotations_sha256: str
    versions: dict[str, str]
    frames: tuple[int, ...]
    kinds: dict[str, AuditedKind]
    disagreements: dict[int, tuple[str, ...]] = {}
    not_compared: dict[str, int] = {}
    quarantined: dict[int, tuple[str, ...]] = {}

    @property
    def passed(self) -> bool:
        """Whether every kind of label is within its limits."""
        return all(kind.passed for kind in self.kinds.values())


def read_audit(path: Path) -> AuditRecord | None:
    """The audit of a dataset; None where there was none.

    Raises:
        DatasetError: If the file is there and wrong.
    """
    if not path.is_file():
        return None
    try:
        return AuditRecord.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(f"{path}: not an audit; run `blendgap check --audit` again.") from error
