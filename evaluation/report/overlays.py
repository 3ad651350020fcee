"""Outlines over a picture that the reader switches on and off: SVG, sharp at every size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from evaluation.matching import Finds
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.masks import mask_of_rle

__all__ = ["Outline", "OutlineKind", "find_outlines"]

OutlineKind = Literal["truth", "found", "alarm", "missed"]

_TOLERANCE_PX = 0.6  # an outline may cut corners by so much of the picture as shown
_MARK_PX = 4  # half the width of a keypoint's mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """One object.

    Attributes:
        path: ``d`` of an SVG path, in whole pixels of the picture as shown.
        words: What is to be said of it.
        label: Short words beside it, empty for none.
        corner: (x, y) of its top left, px.
    """

    kind: OutlineKind
    path: str
    words: str
    label: str = ""
    corner: tuple[int, int] = (0, 0)


def find_outlines(
    finds: Finds, names: Mapping[int, str], *, scale: float
) -> tuple[tuple[Outline, ...], tuple[Outline, ...]]:
    """Objects of one picture.

    Args:
        finds: What became of them.
        names: Categories by id.
        scale: Of the picture as shown to the picture as labelled.

    Returns:
        Truth, of which some was missed, and predictions, of which some are false alarms.
    """
    several = len(names) > 1

    def outline(kind: OutlineKind, thing: CocoInstance | Detection, words: str) -> Outline:
        label = ""
        if isinstance(thing, Detection):
            name = f"{names[thing.category_id]} " if several else ""
            label = f"{name}{_score(thing)}"
        return Outline(
            kind=kind,
            path=_path(thing, scale),
            words=words,
            label=label,
            corner=(round(thing.box_xyxy[0] * scale), round(thing.box_xyxy[1] * scale)),
        )

    def truths() -> Iterator[Outline]:
        for find in finds.found:
            yield outline("truth", find.truth, f"{names[find.truth.category_id]}, labelled")
        for missed in finds.missed:
            yield outline("missed", missed, f"{names[missed.category_id]}, missed")

    def predictions() -> Iterator[Outline]:
        for find in finds.found:
            name = names[find.prediction.category_id]
            words = f"{name}, score {_score(find.prediction)}, IoU {find.iou:.2f}"
            yield outline("found", find.prediction, words)
        for alarm in finds.false_alarms:
            words = f"{names[alarm.category_id]}, score {_score(alarm)}, false alarm"
            yield outline("alarm", alarm, words)

    return tuple(truths()), tuple(predictions())


def _score(detection: Detection) -> str:
    return f"{int(detection.score * 100) / 100:.2f}"  # truncated, as 0.997 is not 1


def _path(thing: CocoInstance | Detection, scale: float) -> str:
    marks = "".join(_marks(thing, scale))
    if thing.rle is not None:
        return "".join(_ring(ring) for ring in _rings(thing, scale)) + marks
    x0, y0, x1, y1 = (round(v * scale) for v in thing.box_xyxy)
    return f"M{x0} {y0}H{x1}V{y1}H{x0}Z{marks}"


def _marks(thing: CocoInstance | Detection, scale: float) -> Iterator[str]:
    """Keypoints: diamonds where labelled, crosses where predicted, so that both can be seen."""
    half, whole = _MARK_PX, 2 * _MARK_PX
    predicted = isinstance(thing, Detection)
    for x, y, visibility in thing.keypoints or ():
        at_x, at_y = round(x * scale), round(y * scale)
        if predicted:
            yield f"M{at_x - half} {at_y}h{whole}m-{half} -{half}v{whole}"
        elif visibility:
            yield f"M{at_x - half} {at_y}l{half} -{half}l{half} {half}l-{half} {half}z"


def _rings(thing: CocoInstance | Detection, scale: float) -> Iterator[Sequence[Sequence[int]]]:
    """Of a mask, along the edges of its pixels (as in :mod:`pipeline.formats.outlines`)."""
    assert thing.rle is not None
    doubled = mask_of_rle(thing.rle).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours:
        whole = np.asarray(contour, np.int64)
        edges = ((whole + whole % 2) * (scale / 2)).astype(np.float32)
        near = cv2.approxPolyDP(edges, _TOLERANCE_PX, closed=True)[:, 0]
        yield np.round(near).astype(int).tolist()


def _ring(points: Sequence[Sequence[int]]) -> str:
    """Steps relative to the last point, which are short."""
    (x, y), *others = points
    parts = [f"M{x} {y}"]
    for next_x, next_y in others:
        parts.append(f"l{next_x - x} {next_y - y}")
        x, y = next_x, next_y
    return "".join(parts) + "z"
