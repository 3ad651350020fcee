"""What happened by step: numbers, and a picture of them."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.geometry.boxes import FloatArray

__all__ = ["Curves"]

_SMOOTH_STEPS = 25


@dataclass(slots=True, kw_only=True)
class Curves:
    """A run's numbers so far; the first of each list is of step 1.

    Attributes:
        losses: Parts of the loss, and ``loss``, their sum.
        optimiser: ``learning_rate``, and ``gradient_norm`` before clipping.
        images_per_second: The only one that differs between two equal runs.
        validation: ``step``, and every metric at these steps.
    """

    losses: dict[str, list[float]] = field(default_factory=dict)
    optimiser: dict[str, list[float]] = field(default_factory=dict)
    images_per_second: list[float] = field(default_factory=list)
    validation: dict[str, list[float]] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """How many there were."""
        return len(self.losses.get("loss", ()))

    def add_step(
        self, losses: Mapping[str, float], *, learning_rate: float, gradient_norm: float
    ) -> None:
        """Note a step."""
        for name, value in losses.items():
            self.losses.setdefault(name, []).append(value)
        self.optimiser.setdefault("learning_rate", []).append(learning_rate)
        self.optimiser.setdefault("gradient_norm", []).append(gradient_norm)

    def add_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Note what validation found after a step."""
        for name, value in {"step": step, **scores}.items():
            self.validation.setdefault(name, []).append(value)

    def latest(self) -> dict[str, float]:
        """The last value of each, as TensorBoard names them; scores of this step alone."""
        found = {f"loss/{name}": values[-1] for name, values in self.losses.items()}
        found |= {f"optimiser/{name}": values[-1] for name, values in self.optimiser.items()}
        found["speed/images_per_second"] = self.images_per_second[-1]
        if self.validation.get("step", [0])[-1] == self.steps:
            found |= {f"validation/{name}": v[-1] for name, v in self.validation.items()}
            del found["validation/step"]
        return found

    def document(self) -> dict[str, Any]:
        """What ``curve.json`` holds: the same for every run of the same spec."""
        found: dict[str, Any] = {"step": list(range(1, self.steps + 1)), **self.losses}
        found["optimiser"] = {
            name: [v if math.isfinite(v) else None for v in values]
            for name, values in self.optimiser.items()
        }
        if self.validation:
            found["validation"] = self.validation
        return found

    def draw(self) -> bytes:
        """A PNG: every curve by step, as it was and smoothed."""
        rows = [*self.optimiser, "images/s"]
        figure = Figure(figsize=(10, 5), layout="constrained")
        grid = figure.add_gridspec(len(rows), 2, width_ratios=(3, 2))
        losses = figure.add_subplot(grid[:, 0])
        _plot(losses, self.losses)
        losses.set(xlabel="optimiser step", yscale="log", title="loss", ylabel="loss")
        if self.validation:
            scores = losses.twinx()
            for name, values in self.validation.items():
                if name != "step":
                    scores.plot(self.validation["step"], values, "o--", markersize=3, label=name)
            scores.set(ylim=(0, 1), ylabel="validation score")
            scores.legend(loc="lower left")
        for row, name in enumerate(rows):
            axes = figure.add_subplot(grid[row, 1])
            values = self.optimiser.get(name, self.images_per_second)
            _plot(axes, {name: values}, legend=False)
            axes.set(title=name.replace("_", " "))
        axes.set(xlabel="optimiser step")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def _plot(axes: Axes, curves: Mapping[str, list[float]], *, legend: bool = True) -> None:
    for name, values in curves.items():
        steps = np.arange(1, len(values) + 1)
        (line,) = axes.plot(steps, _smooth(np.asarray(values)), label=name.replace("_", " "))
        axes.plot(steps, values, color=line.get_color(), alpha=0.2, linewidth=0.7)
    axes.grid(alpha=0.3)
    if legend:
        axes.legend(loc="upper right")


def _smooth(values: FloatArray) -> FloatArray:
    """Mean over the last steps."""
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values, posinf=0, neginf=0))])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - _SMOOTH_STEPS)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))
