"""A page of pictures and charts: strips from top to bottom, measured in inches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from evaluation.statistics_panels import INK, RULE, SOFT, head
from pipeline.drawing import ImageArray, resize_to

__all__ = [
    "Block",
    "Chart",
    "Page",
    "chart_rows",
    "page_png",
    "picture_row",
    "picture_width_px",
    "section_block",
    "title_block",
]

_DPI = 144
_WIDTH_IN, _MARGIN_IN, _GAP_IN = 12.0, 0.45, 0.35
_INNER_IN = _WIDTH_IN - 2 * _MARGIN_IN
_PICTURE_GAP_IN = 0.12
_FONT = "DejaVu Sans"  # comes with matplotlib: the page is the same on every machine


@dataclass(frozen=True, slots=True)
class Block:
    """A horizontal strip of the page; ``draw`` gets the page and the strip's top, inches."""

    height_in: float
    draw: Callable[[Page, float], None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with a title, a softer note under it, and what draws it on empty axes."""

    title: str
    note: str
    draw: Callable[[Axes], None]


class Page:
    """A figure on which things are placed in inches from the top left corner."""

    def __init__(self, height_in: float) -> None:
        # In whole pixels, or pictures would stand between two rows.
        self._height_px = round(height_in * _DPI)
        size_in = (_WIDTH_IN, self._height_px / _DPI)
        self.figure = Figure(figsize=size_in, dpi=_DPI, facecolor="white")

    def axes(self, left_in: float, top_in: float, width_in: float, height_in: float) -> Axes:
        """Empty axes."""
        total_in = self._height_px / _DPI
        bottom = 1 - (top_in + height_in) / total_in
        return self.figure.add_axes(
            (left_in / _WIDTH_IN, bottom, width_in / _WIDTH_IN, height_in / total_in)
        )

    def text(self, left_in: float, top_in: float, text: str, **style: Any) -> None:  # noqa: ANN401
        """Write; ``style`` is matplotlib's."""
        y = 1 - top_in * _DPI / self._height_px
        self.figure.text(left_in / _WIDTH_IN, y, text, va="top", **style)

    def picture(self, left_in: float, top_in: float, image: ImageArray) -> None:
        """Pixel by pixel: nothing is resized again."""
        y_px = self._height_px - round(top_in * _DPI) - image.shape[0]
        self.figure.figimage(image, round(left_in * _DPI), y_px, origin="upper")


def title_block(title: str, subtitle: str) -> Block:
    """The head of the page."""

    def draw(page: Page, top_in: float) -> None:
        page.text(_MARGIN_IN, top_in + 0.42, title, fontsize=20, color=INK, fontweight="bold")
        page.text(_MARGIN_IN, top_in + 0.82, subtitle, fontsize=11, color=SOFT)

    return Block(1.25, draw)


def section_block(title: str) -> Block:
    """A rule across the page and a title under it."""

    def draw(page: Page, top_in: float) -> None:
        rule = page.axes(_MARGIN_IN, top_in + 0.12, _INNER_IN, 0.02)
        rule.axhline(0, color=RULE, linewidth=0.8)
        rule.set_axis_off()
        page.text(_MARGIN_IN, top_in + 0.28, title, fontsize=12.5, color=INK, fontweight="bold")

    return Block(0.68, draw)


def picture_row(
    images: Sequence[ImageArray], captions: Sequence[str], *, columns: int
) -> Iterator[Block]:
    """Pictures side by side, all as wide; nothing where there is none.

    Args:
        images: (H, W, 3) RGB, ``columns`` at most.
        captions: One under each.
        columns: As many as would fill the row.
    """
    if not images:
        return
    width_px = picture_width_px(columns)
    tiles = [
        resize_to(image, image_hw=(round(image.shape[0] * width_px / image.shape[1]), width_px))
        for image in images
    ]

    def draw(page: Page, top_in: float) -> None:
        for column, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
            left_in = _MARGIN_IN + column * (width_px / _DPI + _PICTURE_GAP_IN)
            page.picture(left_in, top_in, tile)
            under_in = top_in + tile.shape[0] / _DPI + 0.05
            page.text(left_in, under_in, caption, fontsize=8, color=SOFT)

    yield Block(max(tile.shape[0] for tile in tiles) / _DPI + 0.4, draw)


def chart_rows(
    charts: Sequence[Chart], *, columns: int, height_in: float, head_in: float, size: float
) -> Iterator[Block]:
    """Charts in rows.

    Args:
        charts: In reading order.
        columns: Charts in a row.
        height_in: Of the axes.
        head_in: Room above them for title and note.
        size: Of the title's letters, points.
    """
    width_in = (_INNER_IN - (columns - 1) * _GAP_IN) / columns
    for start in range(0, len(charts), columns):
        row = charts[start : start + columns]

        def draw(page: Page, top_in: float, row: Sequence[Chart] = row) -> None:
            for column, chart in enumerate(row):
                left_in = _MARGIN_IN + column * (width_in + _GAP_IN)
                axes = page.axes(left_in, top_in + head_in, width_in, height_in)
                chart.draw(axes)
                head(axes, chart.title, chart.note, size=size)

        yield Block(head_in + height_in + 0.32, draw)


def page_png(blocks: Iterable[Block]) -> bytes:
    """Draw strips under each other; the same bytes for the same strips."""
    blocks = list(blocks)
    with rc_context({"font.family": _FONT, "axes.linewidth": 0.8}):
        page = Page(sum(block.height_in for block in blocks) + _MARGIN_IN)
        top_in = 0.0
        for block in blocks:
            block.draw(page, top_in)
            top_in += block.height_in
        stream = BytesIO()
        page.figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def picture_width_px(columns: int) -> int:
    """Of the pictures in a row of so many."""
    return math.floor((_INNER_IN + _PICTURE_GAP_IN) / columns * _DPI - _PICTURE_GAP_IN * _DPI)
