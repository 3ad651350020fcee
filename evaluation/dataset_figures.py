"""The statistics of a rendered dataset on one page: examples, charts, look-alikes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from evaluation.drawing import evenly_spaced
from evaluation.figure_page import (
    Block,
    Chart,
    chart_rows,
    page_png,
    picture_row,
    picture_width_px,
    section_block,
    title_block,
)
from evaluation.statistics_panels import draw_counts, draw_histogram, draw_map
from pipeline.dataset.card import write_card
from pipeline.dataset.frames import read_record
from pipeline.dataset.histograms import NumberSummary
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.dataset.statistics import DatasetStatistics, LabelStatistics, write_statistics
from pipeline.drawing import PALETTE, ImageArray, draw_instances, read_rgb
from pipeline.formats.markdown import counted
from pipeline.formats.storage import write_bytes_atomic
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import mask_of_rle

__all__ = ["describe_dataset", "statistics_page"]

_EXAMPLES = 5
_PAIRS = 3
_COLUMNS, _CHART_IN = 4, 1.75
_FACTOR_COLUMNS, _FACTOR_IN = 6, 0.62
_LEAST_PER_CELL, _FEWEST_CELLS = 3.0, 8
_UNITS = frozenset({"m", "px", "rad", "deg", "s", "e"})


def describe_dataset(folder: Path, manifest: Manifest, statistics: DatasetStatistics) -> None:
    """Write statistics.json, statistics.png and the card; the writer lock must be held.

    Raises:
        DatasetError: If a picture, record or audit cannot be read.
    """
    layout = DatasetLayout(folder)
    page = statistics_page(folder, manifest, statistics)
    write_statistics(layout, statistics)
    write_bytes_atomic(layout.statistics_picture, page)
    write_card(folder, manifest)


def statistics_page(folder: Path, manifest: Manifest, statistics: DatasetStatistics) -> bytes:
    """Draw a dataset's statistics.

    Args:
        folder: The dataset; a few pictures and records are read.
        manifest: Of the dataset.
        statistics: Of the dataset.

    Returns:
        A PNG file, the same bytes for the same dataset.

    Raises:
        DatasetError: If a picture or record that is shown cannot be read.
    """
    return page_png(_blocks(DatasetLayout(folder), manifest, statistics))


def _blocks(
    layout: DatasetLayout, manifest: Manifest, statistics: DatasetStatistics
) -> Iterator[Block]:
    labels = statistics.labels
    yield title_block(f"{manifest.spec.scene}, seed {manifest.spec.seed}", _subtitle(labels))
    frames = list(manifest.present_frames())
    shown = [frames[i] for i in evenly_spaced(len(frames), _EXAMPLES)]
    yield from picture_row(
        [_labelled(layout, frame, manifest.categories) for frame in shown],
        [f"picture {frame}" for frame in shown],
        columns=_EXAMPLES,
    )
    yield from chart_rows(
        list(_charts(statistics)), columns=_COLUMNS, height_in=_CHART_IN, head_in=0.55, size=9.5
    )
    factors = list(_factor_charts(labels))
    if factors:
        yield section_block("What varies from picture to picture")
        yield from chart_rows(
            factors, columns=_FACTOR_COLUMNS, height_in=_FACTOR_IN, head_in=0.22, size=7.5
        )
    duplicates = statistics.pictures.near_duplicates if statistics.pictures else None
    if duplicates and duplicates.closest:
        yield section_block(
            f"{counted(duplicates.pictures, 'picture')} nearly the same as another one; "
            "the closest pairs"
        )
        pairs = duplicates.closest[:_PAIRS]
        yield from picture_row(
            [_picture(layout, frame) for first, second, _ in pairs for frame in (first, second)],
            [
                caption
                for first, second, bits in pairs
                for caption in (f"picture {first}", f"picture {second}, {bits} of 255 bits differ")
            ],
            columns=2 * _PAIRS,
        )


def _subtitle(labels: LabelStatistics) -> str:
    parts = [
        counted(labels.images, "picture"),
        counted(labels.instances, "object"),
        counted(len(labels.per_category), "class"),
        counted(labels.crowds, "crowd"),
    ]
    return "   ·   ".join(parts)


def _charts(statistics: DatasetStatistics) -> Iterator[Chart]:
    labels, pictures = statistics.labels, statistics.pictures
    sizes = [tuple(map(int, size.split("x"))) for size in labels.image_sizes]
    aspect = sizes[0][0] / sizes[0][1] if sizes and len(sizes[0]) == 2 else 1.0
    if labels.per_image:
        yield _histogram("Objects per picture", labels.per_image)
    if labels.box_side_px:
        yield _histogram("Box side, px", labels.box_side_px)
    if labels.aspect_ratio:
        yield _histogram("Width / height of boxes", labels.aspect_ratio)
    several = len(labels.per_category) > 1
    colors = ["#{:02x}{:02x}{:02x}".format(*color) for color in PALETTE] if several else None
    yield Chart(
        "Objects of each class",
        _balance(labels.per_category.values()),
        partial(draw_counts, counts=labels.per_category, colors=colors),
    )
    if labels.instances:
        centres = _merged(np.array(labels.centres))
        yield Chart(
            "Centres of boxes",
            f"darkest: {centres.max():,.0f} in 1/{centres.size} of the picture",
            partial(draw_map, cells=centres, aspect=aspect),
        )
        coverage = np.array(labels.coverage)
        yield Chart(
            "Covered by boxes",
            f"darkest: by {coverage.max():.2g} on average",
            partial(draw_map, cells=coverage, aspect=aspect),
        )
    if labels.visible_fraction:
        yield _histogram("Visible fraction", labels.visible_fraction, limits=(0, 1))
    if labels.truncation:
        yield _histogram("Share outside the picture", labels.truncation, limits=(0, 1))
    for category, points in labels.keypoints.items():
        shares = {name: round(100 * counts[2] / sum(counts)) for name, counts in points.items()}
        yield Chart(f"Keypoints of {category}", "visible, %", partial(draw_counts, counts=shares))
    if pictures and pictures.brightness:
        yield _histogram("Brightness of pictures", pictures.brightness, limits=(0, 1))
    if pictures and pictures.contrast:
        yield _histogram("Contrast of pictures", pictures.contrast)


def _factor_charts(labels: LabelStatistics) -> Iterator[Chart]:
    names = sorted([*labels.factors, *labels.factor_words])
    for name in names:
        numbers, words = labels.factors.get(name), labels.factor_words.get(name, {})
        title = _factor_title(name)
        if numbers and numbers.low < numbers.high:
            yield Chart(title, "", partial(draw_histogram, numbers=numbers, small=True))
        elif len(words) > 1:
            yield Chart(title, "", partial(draw_counts, counts=words, small=True))


def _balance(counts: Collection[int]) -> str:
    if len(counts) < 2:
        return "one class"
    most, least = max(counts), min(counts)
    return f"most frequent {most / least:.3g} times rarest" if least else "some have none"


def _merged(cells: FloatArray) -> FloatArray:
    """Counts in cells so large that they hold a few each, where there are enough."""
    while cells.mean() < _LEAST_PER_CELL and len(cells) > _FEWEST_CELLS:
        cells = cells[::2] + cells[1::2]
        cells = cells[:, ::2] + cells[:, 1::2]
    return cells


def _factor_title(name: str) -> str:
    """A factor's parameter as a person writes it.

    >>> _factor_title("motion.orbit_rad_s")
    'motion · orbit, rad/s'
    """
    factor, parameter = name.split(".", 1)
    words = parameter.split("_")
    units: list[str] = []
    while len(words) > 1 and words[-1] in _UNITS:
        units.insert(0, words.pop())
    unit = f", {'/'.join(units)}" if units else ""
    return f"{factor} · {' '.join(words)}{unit}"


def _histogram(
    title: str, numbers: NumberSummary, limits: tuple[float, float] | None = None
) -> Chart:
    low, middle, high = numbers.spread
    return Chart(
        title,
        f"median {middle:.3g}, 80 % within {low:.3g} … {high:.3g}",
        partial(draw_histogram, numbers=numbers, limits=limits),
    )


def _picture(layout: DatasetLayout, frame: int) -> ImageArray:
    return read_rgb(layout.folder / read_record(layout, frame).image)


def _labelled(layout: DatasetLayout, frame: int, categories: Sequence[str]) -> ImageArray:
    """A picture with its masks, coloured as the classes are, or by object if there is one."""
    record = read_record(layout, frame)
    image = read_rgb(layout.folder / record.image)
    objects = [label for label in record.labels if not label.iscrowd]
    numbers = (
        [categories.index(label.category) for label in objects]
        if len(categories) > 1
        else range(len(objects))
    )
    return draw_instances(
        image,
        masks=np.array([mask_of_rle(label.rle) for label in objects]).reshape(-1, *image.shape[:2]),
        colors=[PALETTE[number % len(PALETTE)] for number in numbers],
        scale=picture_width_px(_EXAMPLES) / image.shape[1],
        fill=0.16,
        line_px=1,
    )
