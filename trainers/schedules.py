"""The learning rate as a function of the step alone, so that resuming is exact."""

from __future__ import annotations

import math
from collections.abc import Callable

from pipeline.specs.optimisation import ScheduleSpec

__all__ = ["rate_factor"]

_CYCLE_UP = 0.3
_CYCLE_START, _CYCLE_END = 1 / 25, 1 / 25e4  # relative to the peak; as torch's OneCycleLR


def rate_factor(schedule: ScheduleSpec, step: int, *, steps: int, warmup_steps: int) -> float:
    """What the learning rate is multiplied by.

    Args:
        schedule: Which.
        step: From 0.
        steps: Of the run.
        warmup_steps: Of the linear warm-up before, at most half of the run; ``one_cycle`` has its
            own instead.

    Source: Goyal et al., 2017 (warm-up); Loshchilov & Hutter, ICLR 2017 (cosine); Vaswani et al.,
    NeurIPS 2017 (inverse_sqrt); Smith & Topin, 2018 (one_cycle).
    """
    if schedule.name == "one_cycle":
        return _one_cycle(step, steps)
    warmup = min(warmup_steps, steps // 2)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = (step - warmup) / max(1, steps - warmup)
    shapes: dict[str, Callable[[], float]] = {
        "cosine": lambda: schedule.final + (1 - schedule.final) * _half_cosine(done),
        "linear": lambda: schedule.final + (1 - schedule.final) * max(0.0, 1 - done),
        "step": lambda: schedule.factor ** sum(step >= m * steps for m in schedule.milestones),
        "inverse_sqrt": lambda: math.sqrt(max(1, warmup) / max(1, warmup, step)),
        "constant": lambda: 1.0,
    }
    return shapes[schedule.name]()


def _half_cosine(done: float) -> float:
    """From 1 at 0 to 0 at 1."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def _one_cycle(step: int, steps: int) -> float:
    peak = _CYCLE_UP * steps - 1
    if step < peak:
        return 1 + (_CYCLE_START - 1) * _half_cosine(step / peak)
    done = (step - peak) / max(1.0, steps - 1 - peak)
    return _CYCLE_END + (1 - _CYCLE_END) * _half_cosine(done)
