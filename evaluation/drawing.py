"""Truth, predictions and rendered datasets as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.matching import Finds
from evaluation.measurement import task_of
from evaluation.metrics.detection import Detection
from pipeline.drawing import (
    PALETTE,
    Color,
    ImageArray,
    contact_sheet,
    draw_instances,
    draw_keypoints,
    read_rgb,
)
from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoDataset, CocoImage, CocoInstance, find_annotations, read_coco
from pipeline.formats.imagefolder import find_class_folders, read_image_folder
from pipeline.geometry.masks import mask_of_rle

__all__ = [
    "FALSE_ALARM",
    "FOUND",
    "MISSED",
    "TRUTH",
    "dataset_sheet",
    "draw_closeup",
    "draw_finds",
    "draw_labels",
    "draw_truth",
    "evenly_spaced",
]

# Of the palette for any colour vision, bright enough for dark photographs.
TRUTH: Color = (240, 228, 66)
FOUND: Color = (86, 180, 233)
FALSE_ALARM: Color = (230, 97, 0)
MISSED: Color = (235, 140, 200)

_TEXT_SCALE = 1.7  # pictures are drawn at about twice the density they are shown at
_SMALL_PX = 40  # objects mostly smaller than this are outlined finely, or little is left to see
_CLOSEUP_MARGIN = 0.35  # on each side, relative to the longer side of the box
_CLOSEUP_MIN_PX = 48
_DOT_PX, _RING_PX = 2.5, 5.0  # radii of keypoints, predicted and labelled


def draw_truth(
    image: ImageArray,
    instances: Sequence[CocoInstance],
    *,
    scale: float,
    colors: Sequence[Color] | None = None,
    labels: Sequence[str] | None = None,
) -> ImageArray:
    """Ground truth on its picture; crowds are left out.

    Args:
        image: (H, W, 3) RGB.
        instances: Of the picture.
        scale: The picture is enlarged so much.
        colors: One per instance that is no crowd; by default all alike.
        labels: One per instance that is no crowd.
    """
    objects = [instance for instance in instances if not instance.iscrowd]
    return _draw(image, objects, colors or [TRUTH] * len(objects), scale=scale, labels=labels)


def draw_finds(
    image: ImageArray, finds: Finds, *, scale: float, names: dict[int, str] | None = None
) -> ImageArray:
    """What was found, falsely reported and missed, each in its colour, with scores.

    Args:
        image: (H, W, 3) RGB.
        finds: Of the picture.
        scale: The picture is enlarged so much.
        names: Category names to write beside the scores.
    """
    right = [find.prediction for find in finds.found]
    reported = [*right, *finds.false_alarms]
    colors = [MISSED] * len(finds.missed) + [FOUND] * len(right)
    colors += [FALSE_ALARM] * len(finds.false_alarms)
    labels = [""] * len(finds.missed) + [_label(detection, names) for detection in reported]
    return _draw(image, [*finds.missed, *reported], colors, scale=scale, labels=labels)


def draw_closeup(
    image: ImageArray, finds: Finds, box_xyxy: Sequence[float], *, side_px: int
) -> ImageArray:
    """The surroundings of a box with the outlines of truth and predictions over each other.

    Args:
        image: (H, W, 3) RGB, the whole picture.
        finds: Of the picture.
        box_xyxy: What to show, px.
        side_px: Side of the result.

    Returns:
        (side_px, side_px, 3) RGB; smaller where the picture is not square enough.
    """
    part, (left, top) = _crop_around(image, box_xyxy)
    height, width = part.shape[:2]
    objects: list[CocoInstance | Detection] = [find.truth for find in finds.found]
    objects += [*finds.missed, *(find.prediction for find in finds.found), *finds.false_alarms]
    colors = [TRUTH] * len(finds.found) + [MISSED] * len(finds.missed)
    colors += [FOUND] * len(finds.found)
    colors += [FALSE_ALARM] * len(finds.false_alarms)
    scale = side_px / max(height, width)
    rles = [o.rle for o in objects if o.rle is not None]
    if len(rles) < len(objects):
        boxes = np.array([o.box_xyxy for o in objects], dtype=np.float64).reshape(-1, 4)
        boxes -= [left, top, left, top]
        drawn = draw_instances(part, boxes_xyxy=boxes, colors=colors, scale=scale)
        return _draw_marks(drawn, objects, colors, scale=scale, corner=(left, top))
    window = (slice(top, top + height), slice(left, left + width))
    masks = np.stack([mask_of_rle(rle)[window] for rle in rles])
    drawn = draw_instances(part, masks=masks, colors=colors, scale=scale, fill=0.0)
    return _draw_marks(drawn, objects, colors, scale=scale, corner=(left, top))


def draw_labels(dataset: CocoDataset, entry: CocoImage, *, long_side_px: int) -> ImageArray:
    """A picture of a dataset with its labels, coloured by class, or by object if there is one.

    Args:
        dataset: Where the labels are.
        entry: The picture.
        long_side_px: Size of the result.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        DatasetError: If the picture cannot be read.
    """
    objects = [i for i in dataset.instances[entry.image_id] if not i.iscrowd]
    several = len(dataset.categories) > 1
    order = {c.category_id: number for number, c in enumerate(dataset.categories)}
    colors = [
        PALETTE[(order[i.category_id] if several else number) % len(PALETTE)]
        for number, i in enumerate(objects)
    ]
    scale = long_side_px / max(entry.height, entry.width)
    return draw_truth(read_rgb(entry.path), objects, scale=scale, colors=colors)


def dataset_sheet(
    folder: Path,
    *,
    pictures: int = 12,
    columns: int = 4,
    tile_px: int = 480,
    split: str | None = None,
) -> ImageArray:
    """A contact sheet of a dataset with its labels drawn.

    Pictures are taken at even distances through the dataset. Of an ImageFolder every row shows
    one class.

    Args:
        folder: Dataset of ours, COCO benchmark or ImageFolder.
        pictures: How many at most; of an ImageFolder per class.
        columns: Pictures per row; of an ImageFolder ``pictures`` is taken.
        tile_px: Longer side of a picture on the sheet.
        split: Of a benchmark.

    Returns:
        (H, W, 3) RGB.

    Raises:
        DatasetError: If the folder is wrong or empty.
    """
    if task_of(folder) == "classification":
        return _class_sheet(find_class_folders(folder, split), pictures, tile_px)
    dataset = read_coco(find_annotations(folder, split))
    if not dataset.images:
        raise DatasetError(f"{dataset.annotations_path}: no images; expected at least one.")
    shown = evenly_spaced(len(dataset.images), pictures)
    tiles = [draw_labels(dataset, dataset.images[i], long_side_px=tile_px) for i in shown]
    return contact_sheet(tiles, columns=columns)


def evenly_spaced(count: int, wanted: int) -> list[int]:
    """Indices of at most ``wanted`` of ``count`` things, from the first on.

    >>> evenly_spaced(10, 4)
    [0, 2, 5, 7]
    """
    shown = min(count, wanted)
    return [i * count // shown for i in range(shown)]


def _crop_around(
    image: ImageArray, box_xyxy: Sequence[float]
) -> tuple[ImageArray, tuple[int, int]]:
    """A square around a box, moved inside the picture, and its top left corner (x, y)."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box_xyxy
    side = max(_CLOSEUP_MIN_PX, round(max(x1 - x0, y1 - y0) * (1 + 2 * _CLOSEUP_MARGIN)))
    side_x, side_y = min(side, width), min(side, height)
    left = int(np.clip(round((x0 + x1 - side_x) / 2), 0, width - side_x))
    top = int(np.clip(round((y0 + y1 - side_y) / 2), 0, height - side_y))
    return image[top : top + side_y, left : left + side_x], (left, top)


def _class_sheet(folder: Path, pictures: int, tile_px: int) -> ImageArray:
    dataset = read_image_folder(folder)
    blank = np.full((1, 1, 3), 255, np.uint8)
    tiles: list[ImageArray] = []
    for category_id in dataset.categories:
        members = [image for image in dataset.images if image.category_id == category_id]
        row = [read_rgb(members[i].path) for i in evenly_spaced(len(members), pictures)]
        tiles += [*row, *[blank] * (pictures - len(row))]
    return contact_sheet(tiles, columns=pictures, tile_hw=(tile_px, tile_px), gap_px=4)


def _label(detection: Detection, names: dict[int, str] | None) -> str:
    # Truncated, as 0.997 is not 1.
    score = f"{int(detection.score * 100) / 100:.2f}"
    return f"{names[detection.category_id]} {score}" if names else score


def _draw(
    image: ImageArray,
    objects: Sequence[CocoInstance | Detection],
    colors: Sequence[Color],
    *,
    scale: float,
    labels: Sequence[str] | None = None,
) -> ImageArray:
    """Masks where every object has one, else boxes; keypoints where there are some."""
    rles = [o.rle for o in objects if o.rle is not None]
    boxes = masks = None
    if not objects or len(rles) < len(objects):
        boxes = np.array([o.box_xyxy for o in objects], dtype=np.float64).reshape(-1, 4)
    else:
        masks = np.stack([mask_of_rle(rle) for rle in rles])
    drawn = draw_instances(
        image,
        boxes_xyxy=boxes,
        masks=masks,
        labels=labels,
        colors=colors,
        scale=scale,
        fill=0.16,
        line_px=_line_px(objects, scale),
        text_scale=_TEXT_SCALE,
    )
    return _draw_marks(drawn, objects, colors, scale=scale)


def _line_px(objects: Sequence[CocoInstance | Detection], scale: float) -> int:
    """Of outlines, by the median object's longer side as drawn."""
    sides = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (o.box_xyxy for o in objects)]
    return 1 if sides and scale * float(np.median(sides)) < _SMALL_PX else 2


def _draw_marks(
    canvas: ImageArray,
    objects: Sequence[CocoInstance | Detection],
    colors: Sequence[Color],
    *,
    scale: float,
    corner: tuple[int, int] = (0, 0),
) -> ImageArray:
    """Keypoints: rings where labelled, dots where predicted, so that both can be seen.

    Args:
        canvas: Enlarged, with the objects' outlines.
        objects: In px of the whole picture.
        colors: One per object.
        scale: Of the canvas.
        corner: x and y of the canvas's top left in the whole picture, px.
    """
    for thing, color in zip(objects, colors, strict=True):
        if thing.keypoints is None:
            continue
        points = np.array(thing.keypoints, dtype=np.float64).reshape(-1, 3)
        points[:, :2] = (points[:, :2] - corner) * scale
        predicted = isinstance(thing, Detection)
        points[:, 2] = 2 if predicted else np.minimum(points[:, 2], 1)
        canvas = draw_keypoints(
            canvas, points, radius_px=_DOT_PX if predicted else _RING_PX, color=color
        )
    return canvas
