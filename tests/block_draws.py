"""Draws of every factor that the building blocks bring."""

from __future__ import annotations

from pathlib import Path

from blender_scenes.blocks.clutter import DISTRACTORS, OCCLUSION
from blender_scenes.blocks.framing import CAMERA
from blender_scenes.blocks.grounds import BACKGROUND
from blender_scenes.blocks.lighting import LIGHTING
from pipeline.sampling.factors import FactorDraws, bind_factors
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import FactorValue, ImageSpec

__all__ = ["IMAGE", "drawn"]

FACTORS = (LIGHTING, BACKGROUND, CAMERA, DISTRACTORS, OCCLUSION)
IMAGE = ImageSpec(width=320, height=240)


def drawn(frame: int = 0, **factors: FactorValue) -> FactorDraws:
    """The draws of one frame under a spec's settings."""
    bound = bind_factors(FACTORS, factors, source=Path("spec.yaml"))
    return FactorDraws(bound, FrameSeeds(seed=3, frame=frame))
