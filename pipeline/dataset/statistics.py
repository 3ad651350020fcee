"""What the labels of a dataset are like: counted picture by picture, in bounded memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.dataset.effects import picture_effects
from pipeline.dataset.histograms import Histogram, NumberSummary
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.pictures import PictureStatistics
from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoDataset
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.boxes import FloatArray
from pipeline.records.annotations import FrameRecord, InstanceLabel
from pipeline.records.keypoints import KeypointLayout

__all__ = [
    "GRID",
    "DatasetStatistics",
    "LabelStatistics",
    "StatisticsBuilder",
    "label_statistics",
    "read_statistics",
    "write_statistics",
]

GRID = 32
"""Cells of the maps of positions along each side of a picture."""

_MOST_WORDS = 256  # of one factor; more cannot be shown, and must not fill the memory
_OTHER = "(other)"
Grid = tuple[tuple[float, ...], ...]


class LabelStatistics(BaseModel):
    """What is labelled, how large, where, how well visible, and what was varied.

    Crowds are counted in ``crowds`` and nowhere else. Summaries are None where nothing was
    counted: there is no object, or the label is switched off.

    Attributes:
        images: Pictures.
        empty_images: Those without an object.
        instances: Objects.
        crowds: Things too little visible to count as objects.
        per_category: Objects by category name, in the order of the categories.
        image_sizes: Pictures by size, ``640x480``.
        per_image: Objects in each picture.
        box_side_px: Square roots of the boxes' areas.
        aspect_ratio: Width over height of the boxes.
        visible_fraction: Of each object's silhouette.
        truncation: Share of each silhouette outside the picture.
        truncated: Objects of which some lies outside; None where that is not labelled.
        centres: Boxes' centres by place in the picture, ``GRID`` rows of ``GRID`` cells.
        coverage: Boxes that cover a place, mean over the pictures, likewise.
        keypoints: By category and keypoint: how many lie outside, are hidden, are visible;
            of categories that have any.
        factors: By ``factor.parameter``, of numbers drawn once a picture.
        factor_words: Likewise of words and switches: pictures by word.
        effects: Of lens and sensor: pictures that have them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    instances: int
    crowds: int
    per_category: dict[str, int]
    empty_images: int = 0
    image_sizes: dict[str, int] = {}
    per_image: NumberSummary | None = None
    box_side_px: NumberSummary | None = None
    aspect_ratio: NumberSummary | None = None
    visible_fraction: NumberSummary | None = None
    truncation: NumberSummary | None = None
    truncated: int | None = None
    centres: Grid = ()
    coverage: Grid = ()
    keypoints: dict[str, dict[str, tuple[int, int, int]]] = {}
    factors: dict[str, NumberSummary] = {}
    factor_words: dict[str, dict[str, int]] = {}
    effects: dict[str, int] = {}


class DatasetStatistics(BaseModel):
    """``statistics.json``; ``pictures`` is None until ``blendgap check`` has read them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: LabelStatistics
    pictures: PictureStatistics | None = None


class StatisticsBuilder:
    """Counts picture by picture; memory does not grow with their number."""

    def __init__(
        self, categories: Iterable[str], *, keypoints: Mapping[str, KeypointLayout] | None = None
    ) -> None:
        self._counts: Counter[str] = Counter()
        self._per_category = dict.fromkeys(categories, 0)
        self._image_sizes: Counter[str] = Counter()
        self._measures: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._centres = np.zeros((GRID, GRID))
        self._coverage = np.zeros((GRID, GRID))
        self._keypoints = {
            category: {name: [0, 0, 0] for name in layout.names}
            for category, layout in (keypoints or {}).items()
        }
        self._numbers: defaultdict[str, Histogram] = defaultdict(Histogram)
        self._words: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._effects: Counter[str] = Counter()

    def add(self, record: FrameRecord) -> None:
        """Count a rendered frame: its labels and what its factors drew."""
        objects = [label for label in record.labels if not label.iscrowd]
        self.add_picture(
            image_hw=record.image_hw,
            categories=[label.category for label in objects],
            boxes_xyxy=np.array([label.box_xyxy for label in objects]).reshape(-1, 4),
            crowds=len(record.labels) - len(objects),
        )
        for label in objects:
            self._add_visibility(label)
        self._effects.update(picture_effects(record.scene))
        for name, value in _drawn(record):
            if isinstance(value, bool | str):
                word = value if isinstance(value, str) else "yes" if value else "no"
                _count_word(self._words[name], word)
            elif isinstance(value, int | float):
                self._numbers[name].add(value)

    def add_picture(
        self,
        *,
        image_hw: tuple[int, int],
        categories: Sequence[str],
        boxes_xyxy: FloatArray,
        crowds: int = 0,
    ) -> None:
        """Count a picture of which only the boxes are known.

        Args:
            image_hw: Height and width, px.
            categories: N names.
            boxes_xyxy: (N, 4) px.
            crowds: How many there are besides.
        """
        height, width = image_hw
        self._counts["images"] += 1
        self._counts["empty_images"] += not categories
        self._counts["instances"] += len(categories)
        self._counts["crowds"] += crowds
        _count_word(self._image_sizes, f"{width}x{height}")
        self._measures["per_image"].add(len(categories))
        if not categories:
            return
        for category in categories:
            self._per_category[category] += 1
        sides_px = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        self._measures["box_side_px"].extend(np.sqrt(sides_px.prod(axis=1)).tolist())
        self._measures["aspect_ratio"].extend((sides_px[:, 0] / sides_px[:, 1]).tolist())
        x0, y0, x1, y1 = (boxes_xyxy * GRID / [width, height, width, height]).T
        columns, rows = (
            np.clip((start + end) / 2, 0, GRID - 1).astype(np.int64)
            for start, end in ((x0, x1), (y0, y1))
        )
        np.add.at(self._centres, (rows, columns), 1)
        self._coverage += _covered(y0, y1).T @ _covered(x0, x1)

    def statistics(self) -> LabelStatistics:
        """What was counted so far."""
        images = self._counts["images"]
        numbers = {name: numbers.summary() for name, numbers in self._numbers.items()}
        return LabelStatistics(
            images=images,
            instances=self._counts["instances"],
            crowds=self._counts["crowds"],
            per_category=dict(self._per_category),
            empty_images=self._counts["empty_images"],
            image_sizes=dict(self._image_sizes.most_common()),
            per_image=self._measures["per_image"].summary(),
            box_side_px=self._measures["box_side_px"].summary(),
            aspect_ratio=self._measures["aspect_ratio"].summary(),
            visible_fraction=self._measures["visible_fraction"].summary(),
            truncation=self._measures["truncation"].summary(),
            truncated=self._counts.get("truncated"),
            centres=_grid(self._centres),
            coverage=_grid(self._coverage / max(images, 1)),
            keypoints={
                category: {name: (n[0], n[1], n[2]) for name, n in points.items()}
                for category, points in self._keypoints.items()
                if any(sum(counts) for counts in points.values())
            },
            factors={name: summary for name, summary in numbers.items() if summary is not None},
            factor_words={name: dict(words.most_common()) for name, words in self._words.items()},
            effects=dict(self._effects),
        )

    def _add_visibility(self, label: InstanceLabel) -> None:
        if label.visible_fraction is not None:
            self._measures["visible_fraction"].add(label.visible_fraction)
        if label.truncation is not None:
            self._measures["truncation"].add(label.truncation)
            self._counts["truncated"] += label.truncation > 0
        counts = self._keypoints.get(label.category, {}).values()
        for count, (_, _, visibility) in zip(counts, label.keypoints or (), strict=False):
            count[visibility] += 1


def label_statistics(dataset: CocoDataset) -> LabelStatistics:
    """Count what a COCO dataset holds."""
    names = {category.category_id: category.name for category in dataset.categories}
    builder = StatisticsBuilder(names.values())
    for image in dataset.images:
        group = dataset.instances[image.image_id]
        objects = [instance for instance in group if not instance.iscrowd]
        builder.add_picture(
            image_hw=(image.height, image.width),
            categories=[names[instance.category_id] for instance in objects],
            boxes_xyxy=np.array([i.box_xyxy for i in objects]).reshape(-1, 4),
            crowds=len(group) - len(objects),
        )
    return builder.statistics()


def read_statistics(path: Path) -> DatasetStatistics | None:
    """The statistics of a dataset; None where there are none.

    Raises:
        DatasetError: If the file is there and wrong.
    """
    if not path.is_file():
        return None
    try:
        return DatasetStatistics.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DatasetError(f"{path}: no statistics; run `blendgap check` again.") from error


def write_statistics(layout: DatasetLayout, statistics: DatasetStatistics) -> None:
    """Write ``statistics.json``; the picture, which shows other numbers, goes."""
    layout.statistics_picture.unlink(missing_ok=True)
    write_json_atomic(layout.statistics, statistics.model_dump(mode="json"))


def _drawn(record: FrameRecord) -> Iterator[tuple[str, object]]:
    """What the factors drew for a frame, by ``factor.parameter``."""
    factors = record.scene.get("factors")
    for factor, parameters in factors.items() if isinstance(factors, dict) else ():
        for parameter, value in parameters.items():
            yield f"{factor}.{parameter}", value


def _count_word(words: Counter[str], word: str) -> None:
    words[word if word in words or len(words) < _MOST_WORDS else _OTHER] += 1


def _covered(starts: FloatArray, ends: FloatArray) -> FloatArray:
    """(N, GRID) share of every cell between (N,) starts and ends, in cells."""
    cells = np.arange(GRID)
    inside = np.minimum(ends[:, None], cells + 1) - np.maximum(starts[:, None], cells)
    return np.asarray(np.clip(inside, 0, 1))


def _grid(cells: FloatArray) -> Grid:
    return tuple(tuple(float(f"{cell:.6g}") for cell in row) for row in cells)
