"""Where a frame's time goes, on a small real render."""

from __future__ import annotations

from pathlib import Path

import pytest

from blender_scenes.profile import profile_frames
from pipeline.specs.scene import ImageSpec, RenderSpec, SceneSpec

STAGES = ("draw", "build", "sync", "sample", "denoise", "sensor", "labels", "encode", "write")


@pytest.mark.blender
def test_a_profile_names_every_stage_and_finds_the_costly_one() -> None:
    heard = []
    spec = SceneSpec(
        scene="primitives",
        frames=1,
        image=ImageSpec(width=64, height=64),
        render=RenderSpec(samples=128, device="cpu"),
    )
    seconds = profile_frames(
        spec,
        source=Path("spec.yaml"),
        frames=1,
        workers=1,
        progress=lambda done, total, _: heard.append((done, total)),
    )
    assert tuple(seconds) == STAGES
    assert heard == [(1, 2), (2, 2)]
    assert all(spent >= 0 for spent in seconds.values())
    assert min(seconds["sync"], seconds["build"], seconds["denoise"]) > 1e-4
    assert seconds["sample"] > sum(seconds.values()) / 2
