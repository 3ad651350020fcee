"""What the user sees while work goes on: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

from pipeline.progress import Progress

__all__ = ["Outcome", "Rate", "progress_bar", "say", "show"]

_LINE_EVERY_S = 10.0
_PLAIN_WIDTH = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a command gives back.

    Attributes:
        shown: For people: lines of text or rich tables, printed on stdout.
        summary: For machines: what ``--json`` prints as one line, last.
        exit_code: Non-zero where the work was done and its result is bad news.
    """

    shown: tuple[RenderableType, ...] = ()
    summary: Mapping[str, object] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(slots=True)
class Rate:
    """Units per minute or second since the first report; what was done before is not counted.

    Attributes:
        unit: As ``frames/min`` or ``steps/s``.
    """

    unit: str
    _first_done: int | None = None
    _first_s: float = 0.0

    def with_note(self, done: int, now_s: float, note: str) -> str:
        """Rate and note in words; a note that tells this very rate stands alone."""
        rate = self.text(done, now_s)
        if self.unit in note:
            return note
        return ", ".join(words for words in (rate, note) if words)

    def text(self, done: int, now_s: float) -> str:
        """The rate in words; empty until there is one."""
        if self._first_done is None:
            self._first_done, self._first_s = done, now_s
        gained, elapsed_s = done - self._first_done, now_s - self._first_s
        if gained <= 0 or elapsed_s <= 0:
            return ""
        per = 60.0 if self.unit.endswith("/min") else 1.0
        return f"{gained / elapsed_s * per:.3g} {self.unit}"


def show(*items: RenderableType) -> None:
    """Print results on stdout; text is never wrapped or coloured, so that it can be piped."""
    console = _console(sys.stdout)
    for item in items:
        if isinstance(item, str):
            console.print(item, markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(item)


def say(line: str) -> None:
    """Print a note or an error on stderr."""
    _console(sys.stderr).print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(label: str, unit: str) -> Iterator[Progress]:
    """A listener that draws one bar with rate and time left.

    Where stderr is no terminal it prints a plain line now and then instead.

    Args:
        label: What is being done, as ``render dataset``.
        unit: What the rate counts, as ``frames/min``.
    """
    if not sys.stderr.isatty():
        yield _PlainLines(label, Rate(unit))
        return
    bars = Bars(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", markup=False),
        console=_console(sys.stderr),
    )
    rate = Rate(unit)
    with bars:
        task = bars.add_task(label, total=None, note="")

        def listen(done: int, total: int, note: str = "") -> None:
            words = rate.with_note(done, time.monotonic(), note)
            bars.update(task, completed=done, total=total, note=words)

        yield listen


class _PlainLines:
    """One line when work starts, every ten seconds, and when it ends."""

    def __init__(self, label: str, rate: Rate) -> None:
        self._label = label
        self._rate = rate
        self._last_s = -_LINE_EVERY_S

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now_s = time.monotonic()
        words = self._rate.with_note(done, now_s, note)
        if done < total and now_s - self._last_s < _LINE_EVERY_S:
            return
        self._last_s = now_s
        say(f"{self._label}: {done}/{total}" + (f", {words}" if words else ""))


def _console(stream: TextIO) -> Console:
    return Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH)
