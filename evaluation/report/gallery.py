"""The pictures of a report, small enough to travel inside it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evaluation.drawing import (
    draw_closeup,
    draw_finds,
    draw_labels,
    draw_truth,
    evenly_spaced,
)
from evaluation.measurement import task_of
from evaluation.report.cases import ClassificationCase, DetectionCase
from pipeline.drawing import ImageArray, encode_image, read_rgb, resize_to
from pipeline.formats.coco import CocoImage, find_annotations, read_coco
from pipeline.formats.imagefolder import FolderImage, find_class_folders, read_image_folder

__all__ = [
    "Picture",
    "answer_picture",
    "answer_pictures",
    "as_picture",
    "closeups",
    "dataset_pictures",
    "fair_sample",
    "found_picture",
    "truth_picture",
]

_PAGE_PX = 1100  # a picture over the whole width, on a screen of usual density
_CLOSEUP_PX = 300
_ANSWER_PX = 128
_FRAME_PX = 520
_FRAMES = 12
_SAMPLES = 48
_JPEG_QUALITY = 84


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as the page wants it.

    Attributes:
        data: The file's bytes.
        suffix: ``.jpg`` or ``.png``.
        tone: ``good``, ``bad`` or nothing, for the caption.
        pixelated: Enlarge it pixel by pixel.
    """

    data: bytes
    suffix: str
    alt: str
    caption: str = ""
    tone: str = ""
    width: int
    height: int
    pixelated: bool = False

    @property
    def src(self) -> str:
        """Data URI."""
        mime = {".jpg": "image/jpeg", ".png": "image/png"}[self.suffix]
        return f"data:{mime};base64,{base64.b64encode(self.data).decode()}"


class _Spot(NamedTuple):
    """Something to look at closely; the lowest rank is the worst."""

    rank: tuple[int, float]
    image: CocoImage
    box_xyxy: tuple[float, float, float, float]
    text: str

    @property
    def was_found(self) -> bool:
        return self.rank[0] == 2


def truth_picture(case: DetectionCase, image: CocoImage, *, caption: str = "") -> Picture:
    """The truth, drawn."""
    instances = case.dataset.instances[image.image_id]
    drawn = draw_truth(read_rgb(image.path), instances, scale=_scale(image))
    count = sum(not instance.iscrowd for instance in instances)
    alt = f"{image.file_name} with its {count} labelled objects outlined"
    return as_picture(drawn, alt=alt, caption=caption)


def found_picture(case: DetectionCase, image: CocoImage, *, caption: str = "") -> Picture:
    """What a model found, falsely reported and missed."""
    finds = case.finds[image.image_id]
    drawn = draw_finds(read_rgb(image.path), finds, scale=_scale(image), names=case.category_names)
    return as_picture(
        drawn,
        alt=(
            f"{image.file_name} with the predictions of {case.name}: {len(finds.found)} of "
            f"{finds.n_objects} objects found, {len(finds.false_alarms)} false alarms"
        ),
        caption=caption,
    )


def closeups(case: DetectionCase, *, count: int) -> tuple[list[Picture], list[Picture]]:
    """The worst and the best results, one object each.

    Worst are missed objects, then false alarms by falling score, then the smallest overlaps.

    Returns:
        At most ``count`` worst and ``count`` best, without repetition.
    """
    spots: list[_Spot] = []
    for image in case.by_quality:
        finds = case.finds[image.image_id]
        spots += [_Spot((0, 0.0), image, gt.box_xyxy, "missed") for gt in finds.missed]
        spots += [
            _Spot((1, -pred.score), image, pred.box_xyxy, f"false alarm, score {pred.score:.2f}")
            for pred in finds.false_alarms
        ]
        spots += [
            _Spot((2, find.iou), image, find.truth.box_xyxy, f"IoU {find.iou:.3f}")
            for find in finds.found
        ]
    spots.sort(key=lambda spot: spot.rank)
    worst = spots[:count]
    best = [spot for spot in reversed(spots[count:]) if spot.was_found][:count]
    return [_closeup(case, spot) for spot in worst], [_closeup(case, spot) for spot in best]


def answer_pictures(
    case: ClassificationCase, images: Sequence[FolderImage], *, count: int
) -> list[Picture]:
    """Pictures with what the model took them for."""
    return [answer_picture(case, image) for image in images[:count]]


def answer_picture(case: ClassificationCase, image: FolderImage) -> Picture:
    """A picture with what the model took it for."""
    answer = case.dataset.categories.get(case.alignment.answers[image.image_id], "other")
    truth = case.dataset.categories[image.category_id]
    if answer == truth:
        return _small(image, caption=answer, tone="good")
    return _small(image, caption=f"{answer}, is {truth}", tone="bad")


def dataset_pictures(folder: Path) -> list[Picture]:
    """Pictures at even distances through a dataset: with labels drawn, or named by class."""
    if task_of(folder) == "classification":
        images = read_image_folder(find_class_folders(folder))
        shown = [images.images[i] for i in evenly_spaced(len(images.images), _SAMPLES)]
        return [_small(i, caption=images.categories[i.category_id]) for i in shown]
    dataset = read_coco(find_annotations(folder))
    shown_frames = [dataset.images[i] for i in evenly_spaced(len(dataset.images), _FRAMES)]
    return [
        as_picture(
            draw_labels(dataset, image, long_side_px=_FRAME_PX),
            alt=f"{image.file_name} with its labelled objects outlined",
        )
        for image in shown_frames
    ]


def fair_sample(case: ClassificationCase, *, count: int) -> list[FolderImage]:
    """Pictures at even distances through the test set: chosen by no one."""
    answered = case.answered
    return [answered[i] for i in evenly_spaced(len(answered), count)]


def _closeup(case: DetectionCase, spot: _Spot) -> Picture:
    name, (x, y, *_) = spot.image.file_name, spot.box_xyxy
    pixels = read_rgb(spot.image.path)
    finds = case.finds[spot.image.image_id]
    return as_picture(
        draw_closeup(pixels, finds, spot.box_xyxy, side_px=_CLOSEUP_PX),
        alt=f"Close view in {name} at x {x:.0f}, y {y:.0f}: {spot.text}",
        caption=f"{name}: {spot.text}" if len(case.finds) > 1 else spot.text,
        tone="" if spot.was_found else "bad",
    )


def _scale(image: CocoImage) -> float:
    return _PAGE_PX / max(image.height, image.width)


def _small(image: FolderImage, *, caption: str, tone: str = "") -> Picture:
    pixels = read_rgb(image.path)
    longest = max(pixels.shape[:2])
    if longest > _ANSWER_PX:
        height, width = (max(1, round(s * _ANSWER_PX / longest)) for s in pixels.shape[:2])
        pixels = resize_to(pixels, image_hw=(height, width))
    alt = f"{image.path.parent.name}/{image.path.name}"
    return as_picture(pixels, alt=alt, caption=caption, tone=tone, lossless=longest <= _ANSWER_PX)


def as_picture(
    pixels: ImageArray,
    *,
    alt: str,
    caption: str = "",
    tone: str = "",
    lossless: bool = False,
    quality: int = _JPEG_QUALITY,
) -> Picture:
    """Pixels as a picture that travels inside the page."""
    suffix = ".png" if lossless else ".jpg"
    return Picture(
        data=encode_image(np.ascontiguousarray(pixels), suffix=suffix, quality=quality),
        suffix=suffix,
        alt=alt,
        caption=caption,
        tone=tone,
        width=pixels.shape[1],
        height=pixels.shape[0],
        pixelated=lossless,
    )
