"""Every family as a spec makes it ready to draw scenes, for tests that go over all of them."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from modelling import write_box

from blender_scenes.family import SceneFamily
from blender_scenes.registry import FAMILIES
from pipeline.specs.scene import AssetSpec, SceneSpec

__all__ = ["ready"]


@cache
def ready(name: str) -> SceneFamily:
    """The family; one that needs files has a few."""
    if name != "meshes":
        return FAMILIES[name]
    with tempfile.TemporaryDirectory() as folder:
        for stem in ("one", "two", "three"):
            write_box(Path(folder) / f"{stem}.glb")
        spec = SceneSpec(scene=name, frames=1, assets=AssetSpec(models=Path(folder)))
        return FAMILIES[name].of(spec, source=Path("spec.yaml"))
