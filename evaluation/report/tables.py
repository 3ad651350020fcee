"""Tables of scores, as the page draws them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cell", "Header", "ScoreTable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Of a column or row."""

    title: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A score: its text, its interval, where they lie on a line from 0 to 1 (%), a remark."""

    value: str
    interval: str = ""
    strip: tuple[float, float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """A table; ``cells[row][column]``, None where there is no such score."""

    title: str
    units: str
    columns: tuple[Header, ...]
    rows: tuple[Header, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
