"""What the comparison of one frame found, as it crosses the pipe to the parent."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from blender_scenes.audit.limits import LIMITS

__all__ = ["Findings", "FrameFindings", "Tally"]

_LINES_PER_KIND = 5


class Tally(BaseModel):
    """Values of one kind, counted.

    Attributes:
        compared: Values that both methods gave.
        agreeing: Those within the limit.
        total: Their sum.
        worst: None without values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    compared: int = 0
    agreeing: int = 0
    total: float = 0.0
    worst: float | None = None

    def plus(self, other: Tally, *, best_is_high: bool) -> Tally:
        """Both together."""
        worst = [value for value in (self.worst, other.worst) if value is not None]
        return Tally(
            compared=self.compared + other.compared,
            agreeing=self.agreeing + other.agreeing,
            total=self.total + other.total,
            worst=(min(worst) if best_is_high else max(worst)) if worst else None,
        )


class FrameFindings(BaseModel):
    """One frame's part of an audit.

    Attributes:
        tallies: By label kind.
        disagreements: One line each.
        not_compared: Why -> instances left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: int
    tallies: dict[str, Tally] = {}
    disagreements: tuple[str, ...] = ()
    not_compared: dict[str, int] = {}


class Findings:
    """Collects the findings of one frame."""

    def __init__(self, frame: int) -> None:
        self._frame = frame
        self._tallies: dict[str, Tally] = {}
        self._lines: dict[str, list[str]] = {}
        self._not_compared: dict[str, int] = {}

    def value(self, kind: str, difference: float, *, what: str, agrees: bool | None = None) -> None:
        """Count one value; ``agrees`` overrides the limit's own verdict."""
        limit = LIMITS[kind]
        if agrees is None:
            agrees = difference >= limit.value if limit.unit == "IoU" else difference <= limit.value
        self._count(kind, Tally(compared=1, agreeing=agrees, total=difference, worst=difference))
        if not agrees:
            got = "" if limit.unit == "differs" else f" {difference:.4g} {limit.unit}"
            self._lines.setdefault(kind, []).append(f"{what}: {kind}{got}")

    def pixels(self, kind: str, differences: npt.NDArray[np.float64]) -> None:
        """Count many values at once; the frame disagrees if too many of them do."""
        if differences.size == 0:
            return
        limit = LIMITS[kind]
        agreeing = int((differences <= limit.value).sum())
        tally = Tally(
            compared=differences.size,
            agreeing=agreeing,
            total=float(differences.sum()),
            worst=float(differences.max()),
        )
        self._count(kind, tally)
        if agreeing < limit.share * differences.size:
            self._lines.setdefault(kind, []).append(
                f"{kind}: {differences.size - agreeing} of {differences.size} pixels"
            )

    def left_out(self, reason: str) -> None:
        """Count an instance that cannot be compared."""
        self._not_compared[reason] = self._not_compared.get(reason, 0) + 1

    def result(self) -> FrameFindings:
        """All that was found; of many disagreements of one kind the first few are told."""
        return FrameFindings(
            frame=self._frame,
            tallies=self._tallies,
            disagreements=tuple(
                line for kind, lines in self._lines.items() for line in _first_few(kind, lines)
            ),
            not_compared=self._not_compared,
        )

    def _count(self, kind: str, tally: Tally) -> None:
        best_is_high = LIMITS[kind].unit == "IoU"
        before = self._tallies.get(kind, Tally())
        self._tallies[kind] = before.plus(tally, best_is_high=best_is_high)


def _first_few(kind: str, lines: list[str]) -> Iterator[str]:
    yield from lines[:_LINES_PER_KIND]
    if len(lines) > _LINES_PER_KIND:
        yield f"{kind}: {len(lines) - _LINES_PER_KIND} more"
