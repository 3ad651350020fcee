"""What a factor drew, in words for a person."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.sampling.distributions import Drawn, Fixed, value_text
from pipeline.sampling.factors import BoundFactor
from pipeline.sampling.seeds import FrameSeeds

__all__ = ["draw_captions"]


def draw_captions(bound: BoundFactor, seeds: Sequence[FrameSeeds]) -> list[str]:
    """What a factor draws in each of some frames, one line per parameter that is not fixed.

    What is drawn for every object is shown of object 1.
    """
    moving = {
        parameter.name
        for parameter in bound.factor.parameters
        if not isinstance(parameter.distribution, Fixed)
        and parameter.distribution.at(0.0) != parameter.distribution.at(1 - 1e-9)
    }
    return ["\n".join(_lines(bound, each, moving)) or "nothing varies" for each in seeds]


def _lines(bound: BoundFactor, seeds: FrameSeeds, moving: set[str]) -> list[str]:
    lines = []
    for index, of in ((0, ""), (1, "object 1: ")):
        drawn: dict[str, Drawn] = bound.draw(seeds, index)
        lines += [f"{of}{name} {value_text(drawn[name])}" for name in drawn if name in moving]
    return lines
