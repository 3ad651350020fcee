"""What is resampled together: a photograph, or all frames of a video."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from evaluation.bootstrap import Units
from pipeline.formats.coco import CocoImage

__all__ = ["ImageUnits", "image_units", "singly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUnits:
    """Which unit an image belongs to.

    Attributes:
        unit_of: Unit, from 0, by image id.
        units: How many there are and what they are called.
    """

    unit_of: Mapping[int, int]
    units: Units


def image_units(images: Iterable[CocoImage]) -> ImageUnits:
    """Group images that share a ``video_id``: the frames of a video resemble each other.

    With a single video its frames are the units: what varies between videos cannot be told.
    """
    ordered = sorted(images, key=lambda image: image.image_id)
    videos = [image.video_id for image in ordered]
    known = {video for video in videos if video is not None}
    if len(known) == 1 and None not in videos:
        frames = singly(image.image_id for image in ordered)
        return ImageUnits(
            unit_of=frames.unit_of, units=Units(drawn=len(ordered), name="frames, this video only")
        )
    if not known:
        return singly(image.image_id for image in ordered)
    keys = [
        (0, image.video_id) if image.video_id is not None else (1, image.image_id)
        for image in ordered
    ]
    number = {key: unit for unit, key in enumerate(sorted(set(keys)))}
    name = "videos" if None not in videos else "videos and images"
    return ImageUnits(
        unit_of={image.image_id: number[key] for image, key in zip(ordered, keys, strict=True)},
        units=Units(drawn=len(number), name=name),
    )


def singly(image_ids: Iterable[int]) -> ImageUnits:
    """Every image by itself."""
    ordered = sorted(image_ids)
    return ImageUnits(
        unit_of={image_id: unit for unit, image_id in enumerate(ordered)},
        units=Units(drawn=len(ordered), name="images"),
    )
