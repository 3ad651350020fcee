"""Counter-based child generators: one per frame, purpose and object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.specs.scene import FactorName

__all__ = ["PURPOSES", "FrameSeeds"]

# Written into every dataset through its pictures: numbers are never reused or changed.
PURPOSES: dict[FactorName, int] = {
    "background": 1,
    "lighting": 2,
    "camera": 3,
    "pose": 4,
    "count": 5,
    "material": 6,
    "shape": 7,
    "distractors": 8,
    "occlusion": 9,
    "placement": 10,
    "sensor": 11,
    "motion": 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeeds:
    """The source of all chance in one frame.

    Attributes:
        seed: The dataset's seed.
        frame: Frame index; in a sequence the sequence's index.
    """

    seed: int
    frame: int

    def generator(self, purpose: FactorName, index: int = 0) -> np.random.Generator:
        """The generator of one purpose; ``index`` 0 is the frame's, objects count from 1."""
        key = (self.frame, PURPOSES[purpose], index)
        return np.random.Generator(
            np.random.Philox(np.random.SeedSequence(self.seed, spawn_key=key))
        )
