"""Single charts of a dataset's statistics, drawn on axes that are given.

The colours are those of the report (``report.css``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from pipeline.dataset.histograms import NumberSummary
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "ACCENT",
    "INK",
    "PANEL",
    "RULE",
    "SOFT",
    "draw_counts",
    "draw_histogram",
    "draw_map",
    "head",
]

INK, SOFT, RULE, PANEL, ACCENT = "#1a1d21", "#5b6470", "#dfe3e8", "#f5f6f8", "#1f6fb2"
_HEAT = LinearSegmentedColormap.from_list("heat", [PANEL, "#9cc5e8", ACCENT, "#0d2f4d"])
_MOST_TICKS = 5
_MOST_BARS = 10
_LEAST_BARS = 4  # room for so many: a lone bar is no block
_LONGEST_WORD = 12


def head(axes: Axes, title: str, note: str = "", *, size: float = 9.5) -> None:
    """A title above the axes, flush left, and a softer note under it."""
    offset = 3.5
    if note:
        _write_above(axes, note, offset, SOFT, size - 1.5)
        offset += 1.3 * size
    _write_above(axes, title, offset, INK, size, weight="bold")


def draw_histogram(
    axes: Axes,
    numbers: NumberSummary,
    *,
    limits: tuple[float, float] | None = None,
    small: bool = False,
) -> None:
    """Bars over a line; counts are compared by eye, so they have no axis.

    Args:
        axes: Empty.
        numbers: What to draw.
        limits: Ends of the axis; by default those of the numbers.
        small: For many on one page: fewer and smaller figures on the axis.
    """
    edges, bins = np.array(numbers.edges), np.array(numbers.bins)
    gap = 0.0 if len(bins) > 40 else 0.1
    if numbers.logarithmic:
        axes.set_xscale("log")
        widths = edges[:-1] * ((edges[1:] / edges[:-1]) ** (1 - gap) - 1)
    else:
        widths = (1 - gap) * np.diff(edges)
    axes.bar(edges[:-1], bins, widths, align="edge", color=ACCENT, linewidth=0)
    axes.set_xlim(limits or (edges[0], edges[-1]))
    axes.set_ylim(0, 1.06 * max(bins.max(), 1))
    _quiet(axes, small=small)
    if numbers.logarithmic:
        axes.set_xticks(_log_ticks(edges[0], edges[-1], _MOST_TICKS - small))
        axes.xaxis.set_minor_locator(NullLocator())
    else:
        axes.xaxis.set_major_locator(MaxNLocator(_MOST_TICKS - 1 - small, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def draw_counts(
    axes: Axes,
    counts: Mapping[str, int],
    *,
    colors: Sequence[str] | None = None,
    small: bool = False,
) -> None:
    """A horizontal bar for each word, the count behind it; what is too much is summed up.

    Args:
        axes: Empty.
        counts: In the order to draw them in, from the top.
        colors: In the same order; taken in turn.
        small: Without counts, for many on one page.
    """
    shown = {_shortened(word): count for word, count in list(counts.items())[:_MOST_BARS]}
    if len(counts) > _MOST_BARS:
        shown[f"{len(counts) - _MOST_BARS} more"] = sum(counts.values()) - sum(shown.values())
    rows = np.arange(len(shown))
    # Share of the axes' width that the words take.
    words_in = (0.06 if small else 0.04) + (0.033 if small else 0.024) * max(map(len, shown))
    palette = [(colors or [ACCENT])[i % len(colors or [ACCENT])] for i in rows]
    axes.barh(rows, list(shown.values()), 0.68, color=palette, linewidth=0)
    most = max([*shown.values(), 1])
    for row, (word, count) in zip(rows, shown.items(), strict=True):
        if not small:
            axes.annotate(
                f"{count:,}",
                (count, row),
                (4, 0),
                textcoords="offset points",
                va="center",
                color=SOFT,
                fontsize=8,
            )
        axes.annotate(
            word,
            (0, row),
            xycoords=("axes fraction", "data"),
            va="center",
            color=INK,
            fontsize=7 if small else 8.5,
        )
    # Words stand inside the axes, on the left of the bars.
    right = most * (1.0 if small else 1.25)
    axes.set_xlim(-right * words_in / (1 - words_in), right)
    axes.set_ylim(max(len(shown), _LEAST_BARS) - 0.5, -0.5)
    axes.set_axis_off()


def draw_map(axes: Axes, cells: FloatArray, *, aspect: float) -> None:
    """A heat map of the picture's plane.

    Args:
        axes: Empty.
        cells: (rows, columns), from the top left corner of the picture.
        aspect: Width over height of the picture.
    """
    axes.imshow(
        cells,
        cmap=_HEAT,
        vmin=0,
        vmax=max(float(cells.max()), 1e-9),
        extent=(0, aspect, 1, 0),
        interpolation="nearest",
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_anchor("NW")
    for spine in axes.spines.values():
        spine.set_color(RULE)


def _write_above(
    axes: Axes, text: str, offset_pt: float, color: str, size: float, weight: str = "normal"
) -> None:
    axes.annotate(
        text,
        (0, 1),
        (0, offset_pt),
        xycoords="axes fraction",
        textcoords="offset points",
        color=color,
        fontsize=size,
        fontweight=weight,
        va="bottom",
        annotation_clip=False,
    )


def _quiet(axes: Axes, *, small: bool) -> None:
    axes.set_facecolor("none")
    axes.set_yticks([])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    axes.tick_params(colors=SOFT, labelsize=6.5 if small else 8, length=0, pad=3)


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers inside a range: 1, 2, 5, 10, ..., or only powers of ten, or some of these."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        ticks = [m * 10.0**i for i in powers for m in factors if low <= m * 10.0**i <= high]
        if len(ticks) <= most:
            return ticks
    return ticks[:: math.ceil(len(ticks) / most)]


def _shortened(word: str) -> str:
    return word if len(word) <= _LONGEST_WORD else f"{word[: _LONGEST_WORD - 1]}…"
