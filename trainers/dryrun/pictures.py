"""The dry run's plots."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from trainers.dryrun.findings import Finding

__all__ = ["draw_findings"]


def draw_findings(findings: Mapping[str, Finding], *, rate: float) -> bytes:
    """A PNG: the learning-rate range test, the loss on one batch, gradients by group.

    Args:
        findings: By check.
        rate: The run's own.
    """
    figure = Figure(figsize=(11, 7), layout="constrained")
    grid = figure.add_gridspec(2, 2)
    _draw_range(figure.add_subplot(grid[0, 0]), findings["learning rate"], rate)
    _draw_batch(figure.add_subplot(grid[1, 0]), findings["one batch"])
    _draw_gradients(figure.add_subplot(grid[:, 1]), findings["gradient flow"])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _draw_range(axes: Axes, finding: Finding, rate: float) -> None:
    facts = finding.facts
    axes.plot(facts["rates"], facts["losses"], color="C0", alpha=0.3, linewidth=0.8)
    axes.plot(facts["rates"], facts["smoothed"], color="C0", label="smoothed loss")
    if facts["suggested"] is not None:
        axes.axvline(
            facts["suggested"], color="C2", label=f"falls fastest: {facts['suggested']:.2g}"
        )
    axes.axvline(rate, color="C3", linestyle="--", label=f"yours: {rate:.2g}")
    top = 1.2 * max(facts["smoothed"][: max(2, len(facts["smoothed"]) // 2)])
    axes.set(xscale="log", ylim=(0, top), xlabel="learning rate", ylabel="loss")
    axes.set(title="learning-rate range test")
    axes.legend(loc="lower left")
    axes.grid(alpha=0.3)


def _draw_batch(axes: Axes, finding: Finding) -> None:
    losses = finding.facts["losses"]
    axes.plot(np.arange(1, len(losses) + 1), losses)
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None), title="the first batch, by heart")
    axes.grid(alpha=0.3)


def _draw_gradients(axes: Axes, finding: Finding) -> None:
    norms = {n: v for n, v in finding.facts["rms"].items() if isinstance(v, float)}
    names = list(norms)[::-1]
    lowest = min((v for v in norms.values() if v > 0), default=1e-12)
    values = [max(norms[name], lowest / 10) for name in names]
    colours = ["C3" if norms[name] == 0 else "C0" for name in names]
    axes.barh(names, values, color=colours, left=lowest / 10)
    axes.set(xscale="log", xlabel="root mean square of the gradient")
    axes.set(title="gradient flow (red: none)")
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(alpha=0.3, axis="x")
