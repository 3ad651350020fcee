"""Every picture of the test set with truth and predictions to switch on: the galleries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from evaluation.drawing import evenly_spaced
from evaluation.report.cases import ClassificationCase, DetectionCase
from evaluation.report.gallery import Picture, answer_picture, as_picture
from evaluation.report.overlays import Outline, find_outlines
from pipeline.drawing import read_rgb, resize_to
from pipeline.formats.coco import CocoImage

__all__ = ["Gallery", "Shot", "answer_gallery", "find_gallery", "find_shot"]

ImageT = TypeVar("ImageT")

_MOST = 500  # more make a page slow
_WORST_SHARE = 0.2  # of the pictures shown, where not all are
_PIXELS = 48e6  # of all pictures together: some 13 MB
_LONG_SIDE_PX = (320, 1100)
_JPEG_QUALITY = 80
_FROM = 3  # fewer pictures need no gallery


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture and what may be drawn over it.

    Attributes:
        order: In the test set.
        error: By which the worst come first.
        mistakes: Missed objects and false alarms, or a wrong answer.
        alarms: False alarms among them.
        layers: Shown at first: both, or one.
    """

    picture: Picture
    order: int = 0
    error: float = 0.0
    mistakes: int = 0
    alarms: int = 0
    truth: tuple[Outline, ...] = ()
    predictions: tuple[Outline, ...] = ()
    layers: Literal["both", "truth", "predictions"] = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Pictures, worst first.

    Attributes:
        total: Pictures in the test set.
        outlined: Whether there is something to draw over them; else they carry their answer.
    """

    shots: tuple[Shot, ...]
    total: int
    outlined: bool
    name: str

    @property
    def worst(self) -> int:
        """The first so many are the worst; the others are taken at even distances."""
        return _worst_of(len(self.shots)) if self.total > len(self.shots) else len(self.shots)


def find_gallery(case: DetectionCase) -> Gallery | None:
    """None with too few pictures."""
    ranked = case.by_quality
    if len(ranked) < _FROM:
        return None
    order = {image.image_id: number for number, image in enumerate(case.dataset.images)}
    shown = _chosen(ranked)
    total_px = sum(image.width * image.height for image in shown)
    shrink = math.sqrt(_PIXELS / total_px)
    shots = []
    for image in shown:
        least, most = _LONG_SIDE_PX
        long_side = max(image.width, image.height)
        side_px = min(max(shrink * long_side, least), most, 2 * long_side)
        shots.append(find_shot(case, image, side_px=round(side_px), order=order[image.image_id]))
    return Gallery(shots=tuple(shots), total=len(ranked), outlined=True, name=case.name)


def find_shot(
    case: DetectionCase,
    image: CocoImage,
    *,
    side_px: int,
    order: int = 0,
    layers: Literal["both", "truth", "predictions"] = "both",
    caption: str | None = None,
) -> Shot:
    """One picture.

    Args:
        case: What was found.
        image: Of the case.
        side_px: Longer side of the picture as shown.
        order: In the test set.
        layers: What is shown at first.
        caption: By default what was found.
    """
    finds = case.finds[image.image_id]
    scale = side_px / max(image.height, image.width)
    image_hw = (max(1, round(scale * image.height)), max(1, round(scale * image.width)))
    names = {c.category_id: c.name for c in case.dataset.categories}
    truth, predictions = find_outlines(finds, names, scale=scale)
    alarms = len(finds.false_alarms)
    words = f"{len(finds.found)} of {finds.n_objects} found"
    if alarms:
        words += f", {alarms} false alarm{'s' if alarms > 1 else ''}"
    return Shot(
        picture=as_picture(
            resize_to(read_rgb(image.path), image_hw=image_hw),
            alt=f"{image.file_name}: {words}",
            caption=f"{image.file_name}: {words}" if caption is None else caption,
            tone="bad" if finds.missed or alarms else "",
            quality=_JPEG_QUALITY,
        ),
        order=order,
        error=round(1 - finds.quality, 4),
        mistakes=len(finds.missed) + alarms,
        alarms=alarms,
        truth=truth,
        predictions=predictions,
        layers=layers,
    )


def answer_gallery(case: ClassificationCase) -> Gallery | None:
    """None with too few pictures; confident mistakes are the worst, confident hits the best."""
    answers = case.alignment.answers

    def error(image_id: int, category_id: int) -> float:
        wrong = answers[image_id] != category_id
        return round(case.scores[image_id] if wrong else -case.scores[image_id], 4)

    ranked = sorted(case.answered, key=lambda i: -error(i.image_id, i.category_id))
    if len(ranked) < _FROM:
        return None
    order = {image.image_id: number for number, image in enumerate(case.dataset.images)}
    shots = [
        Shot(
            picture=answer_picture(case, image),
            order=order[image.image_id],
            error=error(image.image_id, image.category_id),
            mistakes=int(answers[image.image_id] != image.category_id),
        )
        for image in _chosen(ranked)
    ]
    return Gallery(shots=tuple(shots), total=len(ranked), outlined=False, name=case.name)


def _chosen(ranked: Sequence[ImageT]) -> list[ImageT]:
    """All, or of too many the worst and a fair sample of the others."""
    if len(ranked) <= _MOST:
        return list(ranked)
    worst = _worst_of(_MOST)
    others = ranked[worst:]
    return [*ranked[:worst], *(others[i] for i in evenly_spaced(len(others), _MOST - worst))]


def _worst_of(shown: int) -> int:
    return round(shown * _WORST_SHARE)
