"""Text and tables as Markdown that means what it says, whoever wrote it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from markupsafe import Markup

from evaluation.report.prose import CODE_SPAN
from evaluation.report.tables import Cell, Header, ScoreTable
from pipeline.formats.markdown import table

__all__ = [
    "code_block",
    "code_spans_kept",
    "markdown_text",
    "plain_markdown_table",
    "portable_command",
    "score_markdown",
]

_SPECIAL = re.compile(r"([\\`*_\[\]#~$!])")
_AT_START = re.compile(r"^((?=[-+=])|\d+(?=[.)](?: |$)))")  # or a line becomes an item or heading
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def markdown_text(value: object) -> Markup:
    r"""Text of others as one line that shows itself; Markup is left alone.

    >>> str(markdown_text("a_b <script>|\n*x*"))
    'a\\_b &lt;script&gt;| \\*x\\*'
    """
    if isinstance(value, Markup):
        return value
    return _from_the_start(" ".join(str(value).split()))


def code_spans_kept(text: str) -> Markup:
    r"""One line in which `so` is code and all else shows itself.

    >>> str(code_spans_kept("`real_share` of *some* <b>"))
    '`real_share` of \\*some\\* &lt;b&gt;'
    """
    parts = CODE_SPAN.split(" ".join(text.split()))
    return _from_the_start(parts[0]) + Markup("").join(
        _inside(part) if number % 2 else Markup(f"`{part}`")
        for number, part in enumerate(parts[1:])
    )


def score_markdown(scores: ScoreTable) -> Markup:
    """A table of scores, intervals in brackets."""
    heading = ["", *(_header(column) for column in scores.columns)]
    rows = (
        [_header(row), *(_cell(cell) for cell in cells)]
        for row, cells in zip(scores.rows, scores.cells, strict=True)
    )
    return Markup(table(heading, rows))


def plain_markdown_table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table of words."""
    return Markup(table(heading, ([markdown_text(cell) for cell in row] for row in rows)))


def code_block(text: str) -> Markup:
    """As it is, between fences longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}\n{text.rstrip()}\n{fence}")


def portable_command(command: str) -> str:
    """A command without the folders of the machine that ran it.

    >>> portable_command("blendgap demo -o /data/me/demo --seed 0")
    'blendgap demo -o demo --seed 0'
    """
    words = shlex.split(command)
    return shlex.join(PurePath(w).name if PurePath(w).is_absolute() else w for w in words)


def _header(header: Header) -> Markup:
    hint = f" ({header.hint})" if header.hint else ""
    return markdown_text(f"{header.title}{hint}")


def _cell(cell: Cell | None) -> Markup:
    if cell is None:
        return Markup("n/a")
    words = [cell.value, f"({cell.interval})" if cell.interval else "", cell.note]
    return markdown_text(" ".join(word for word in words if word))


def _from_the_start(text: str) -> Markup:
    """A line's first part, which begins neither an item nor a heading."""
    return Markup(_AT_START.sub(r"\1\\", _inside(text)))


def _inside(text: str) -> Markup:
    """Part of a line, no character of which means anything."""
    shown = re.sub("[&<>]", lambda found: _HTML[found[0]], text)
    return Markup(_SPECIAL.sub(r"\\\1", shown))
