"""Measured numbers as cells of a table."""

from __future__ import annotations

from evaluation.analysis.records import Measured
from evaluation.report.phrases import points
from evaluation.report.tables import Cell

__all__ = ["measured_cell"]


def measured_cell(measured: Measured, *, points_of: bool = False, chance: bool = False) -> Cell:
    """A score or, in points, a difference.

    Args:
        measured: The number.
        points_of: It is a difference.
        chance: Tell the standard errors of pictures and seeds apart.
    """
    if measured.value is None:
        return Cell(value="n/a")
    if points_of:
        ends = (measured.low, measured.high)
        interval = "" if None in ends else " to ".join(map(points, ends))
        return Cell(value=points(measured.value, sign=True), interval=interval)
    low, high = measured.low, measured.high
    interval, strip = "", None
    if low is not None and high is not None:
        interval = "no spread" if low == high else f"{low:.3f} to {high:.3f}"
        strip = (_per_cent(low), _per_cent(measured.value), _per_cent(high))
    errors = {"pictures": measured.images_sd, "seeds": measured.seeds_sd} if chance else {}
    return Cell(
        value=f"{measured.value:.3f}",
        interval=interval,
        strip=strip,
        note=", ".join(
            f"{name} \N{PLUS-MINUS SIGN}{error:.3f}"
            for name, error in errors.items()
            if error is not None
        ),
    )


def _per_cent(score: float) -> float:
    return 100 * min(max(score, 0.0), 1.0)
