"""The files that scenes are made from, pinned by what they contain. Never imports bpy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from blender_scenes.registry import family_of
from pipeline.dataset.manifest import Manifest
from pipeline.errors import DatasetError
from pipeline.records.predictions import sha256_of
from pipeline.specs.scene import SceneSpec

__all__ = ["asset_hashes", "check_assets"]

_SHOWN = 12  # digits of a hash that a message shows


def asset_hashes(spec: SceneSpec, *, source: Path) -> dict[str, str]:
    """SHA-256 by name of every file that scenes of this spec may read.

    Args:
        spec: What to render.
        source: File named in errors about the spec.

    Raises:
        SpecError: If the spec does not fit its scene family.
        RenderError: If a file is missing.
    """
    assets = family_of(spec, source=source).assets
    return {name: sha256_of(path) for name, path in sorted(assets.items())}


def check_assets(folder: Path, manifest: Manifest, *, now: Mapping[str, str]) -> None:
    """Refuse to render frames of a dataset with other files than the first ones were made from.

    Args:
        folder: The dataset.
        manifest: What it was made from.
        now: SHA-256 by name of the files that there are now.

    Raises:
        DatasetError: Naming the files and what was expected of them.
    """
    changed = [
        f"{name} (sha256 {manifest.assets.get(name, 'none')[:_SHOWN]}, "
        f"now {now.get(name, 'none')[:_SHOWN]})"
        for name in sorted(manifest.assets.keys() | now.keys())
        if manifest.assets.get(name) != now.get(name)
    ]
    if changed:
        raise DatasetError(
            f"{folder}: made from other files than there are now: {'; '.join(changed)}; "
            "restore them or render into another folder."
        )
