"""Loss curves as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from pipeline.geometry.boxes import FloatArray

__all__ = ["draw_curves"]

_SMOOTH_STEPS = 25


def draw_curves(curve: Mapping[str, Sequence[float]]) -> bytes:
    """A PNG of ``curve.json``: every part by step, as it was and smoothed."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = np.asarray(curve["step"])
    for name in (name for name in curve if name != "step"):
        values = np.asarray(curve[name])
        (line,) = axes.plot(steps, _smooth(values), label=name)
        axes.plot(steps, values, color=line.get_color(), alpha=0.2, linewidth=0.7)
    axes.set(xlabel="optimiser step", ylabel="loss", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _smooth(values: FloatArray) -> FloatArray:
    """Mean over the last steps."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - _SMOOTH_STEPS)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
