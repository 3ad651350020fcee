"""How long work reports where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Progress", "silent"]


class Progress(Protocol):
    """Called as work goes on; the command line draws a bar from it."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units are finished; ``note`` is a short live figure."""


def silent(done: int, total: int, note: str = "") -> None:
    """A listener that does not listen."""
