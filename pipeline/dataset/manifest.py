"""``manifest.json``: what a dataset is, from what, made by which versions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.dataset.layout import DatasetLayout
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic
from pipeline.records.keypoints import KeypointLayout
from pipeline.specs.scene import SceneSpec

# Folders of assets may move: what is in them is pinned by hash.
_NOT_IDENTITY: dict[str, Any] = {
    "frames": True,
    "assets": {"worlds": True, "backgrounds": True, "models": True, "keypoints": True},
}

__all__ = ["Manifest", "check_same_dataset", "read_manifest", "write_manifest"]


class Manifest(BaseModel):
    """Written at the start of a run (``complete: false``) and again at its end.

    Attributes:
        spec: Resolved: every default filled in.
        categories: In the order of their COCO ids 1, 2, ...
        keypoints: By category, of those that have some.
        versions: Of blendgap, bpy, numpy and opencv.
        counts: Frames, instances, crowds, quarantined frames.
        seconds: ``wall`` of all runs together, and sums over frames by stage.
        assets: SHA-256 of the files that the scenes are made from (fonts, pictures), by name.
        files: SHA-256 of ``instances.json`` and of ``files.sha256``, which lists all others.
        quarantined: Frame index -> why it could not be rendered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    spec: SceneSpec
    categories: tuple[str, ...]
    keypoints: dict[str, KeypointLayout] = {}
    versions: dict[str, str]
    complete: bool = False
    counts: dict[str, int] = {}
    seconds: dict[str, float] = {}
    assets: dict[str, str] = {}
    files: dict[str, str] = {}
    quarantined: dict[int, str] = {}

    def present_frames(self) -> Iterator[int]:
        """Frames that are in the dataset, ascending."""
        return (frame for frame in range(self.spec.frames) if frame not in self.quarantined)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` whole."""
    write_json_atomic(DatasetLayout(folder).manifest, manifest.model_dump(mode="json"))


def read_manifest(folder: Path) -> Manifest:
    """Read a dataset's manifest.

    Raises:
        DatasetError: If the folder has none, or a damaged one.
    """
    path = DatasetLayout(folder).manifest
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(
            f"{path}: cannot be read; expected a dataset of `blendgap render`."
        ) from (error)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DatasetError(
            f"{path}: key '{key}': {first['msg']}; not a manifest. "
            "Restore it, or render into another folder."
        ) from error


def check_same_dataset(folder: Path, wanted: Manifest) -> Manifest | None:
    """Refuse to mix two datasets in one folder.

    Frames may grow. Everything else that pictures depend on must be what it was: the spec, the
    seed, and the minor versions of blendgap and of bpy, unless that is not installed.

    Returns:
        The manifest that is there; None where there is none yet.

    Raises:
        DatasetError: With the keys that differ, what is there and what was asked for.
    """
    if not DatasetLayout(folder).manifest.is_file():
        return None
    there = read_manifest(folder)
    versions = ("blendgap", "bpy") if "bpy" in wanted.versions else ("blendgap",)
    old, new = _identity(there, versions), _identity(wanted, versions)
    differing = [
        f"{key} {json.dumps(old.get(key))} -> {json.dumps(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]
    if differing:
        raise DatasetError(
            f"{folder}: holds another dataset ({'; '.join(differing)}); "
            "choose another folder or undo the change."
        )
    if there.spec.frames > wanted.spec.frames:
        raise DatasetError(
            f"{folder}: holds {there.spec.frames} frames, got frames {wanted.spec.frames}; "
            f"expected at least {there.spec.frames}, or another folder."
        )
    return there


def _identity(manifest: Manifest, packages: Iterable[str]) -> dict[str, Any]:
    versions = {
        f"versions.{name}": ".".join(manifest.versions.get(name, "").split(".")[:2])
        for name in packages
    }
    return versions | _flat(manifest.spec.model_dump(mode="json", exclude=_NOT_IDENTITY), "spec")


def _flat(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in document.items():
        name = f"{prefix}.{key}"
        flat |= _flat(value, name) if isinstance(value, dict) else {name: value}
    return flat
