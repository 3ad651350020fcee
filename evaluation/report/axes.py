"""Round numbers for the axes of charts."""

from __future__ import annotations

import math

from pipeline.geometry.boxes import FloatArray

__all__ = ["log_ticks", "ticks"]

_MOST_TICKS = 8


def ticks(low: float, high: float) -> list[float]:
    """About five round numbers that enclose a range."""
    span = high - low or 1.0
    rough = span / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def log_ticks(values: FloatArray) -> list[float]:
    """Round numbers that enclose a range: 1, 2, 5, 10, ..., or powers of ten for a wide one.

    Args:
        values: (N,), all positive, N >= 1.
    """
    first, last = math.floor(math.log10(values.min())), math.ceil(math.log10(values.max()))
    fine = [m * 10.0**i for i in range(first, last + 1) for m in (1, 2, 5)]
    low = max(i for i, tick in enumerate(fine) if tick <= values.min())
    high = min(i for i, tick in enumerate(fine) if tick >= values.max())
    return fine[low : high + 1] if high - low < _MOST_TICKS else fine[::3]
