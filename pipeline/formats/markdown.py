"""Pieces of Markdown, as GitHub shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["bullets", "counted", "table"]


def bullets(lines: Iterable[str]) -> str:
    """One item for each line."""
    return "\n".join(f"- {line}" for line in lines)


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose first column is aligned left, the others right."""
    rule = ("---", *["---:"] * (len(heading) - 1))
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *escaped))


def counted(count: int, noun: str) -> str:
    """A number of things, in English.

    >>> counted(1, "class"), counted(1200, "class"), counted(0, "crowd")
    ('1 class', '1,200 classes', '0 crowds')
    """
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"
