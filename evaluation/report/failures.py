"""The worst real pictures, the training frames most like them, and what these lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.analysis.domains import Domains, MeasureFinding, rounding
from evaluation.appearance import measure_labels, measure_looks
from evaluation.drawing import draw_labels
from evaluation.report.cases import DetectionCase
from evaluation.report.gallery import Picture, as_picture, found_picture, truth_picture
from pipeline.formats.coco import CocoDataset, CocoImage, find_annotations, read_coco

__all__ = ["Failure", "failures"]

_MOST_FAILURES = 4
_FRAME_PX = 420
_WORDS: Mapping[str, tuple[str, str]] = {
    "brightness": ("darker", "brighter"),
    "contrast": ("less contrast", "more contrast"),
    "saturation": ("less colour", "more colour"),
    "green to red": ("greener", "redder"),
    "blue to yellow": ("bluer", "yellower"),
    "sharpness": ("less sharp", "sharper"),
    "noise": ("less noise", "more noise"),
    "objects": ("fewer objects", "more objects"),
    "box size": ("smaller", "larger"),
    "box shape": ("narrower", "wider"),
    "place across": ("further left", "further right"),
    "place down": ("further up", "further down"),
    "hidden by neighbours": ("less hidden", "more hidden by neighbours"),
}
_OF_PICTURE = frozenset({"objects"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A real picture on which the network does badly.

    Attributes:
        pair: Its truth, and what was made of it.
        lacks: What no training frame shows that it does, in words.
        nearest: Training frames with their labels, the most similar first.
    """

    name: str
    pair: tuple[Picture, Picture]
    lacks: tuple[str, ...]
    nearest: tuple[Picture, ...]


def failures(case: DetectionCase, domains: Domains, training: Path) -> list[Failure]:
    """At most four of the worst pictures, of those that are not found whole.

    Args:
        case: On the real test set that counts.
        domains: What was measured of the training frames.
        training: The rendered training set.

    Raises:
        DatasetError: If a picture cannot be read.
    """
    frames = read_coco(find_annotations(training))
    by_id = {image.image_id: image for image in frames.images}
    nearest = {
        each.image_id: each.frames
        for each in (domains.features.nearest if domains.features is not None else ())
    }
    worst = [i for i in case.by_quality if case.finds[i.image_id].quality < 1][:_MOST_FAILURES]
    return [
        Failure(
            name=image.file_name,
            pair=(
                truth_picture(case, image, caption="truth"),
                found_picture(case, image, caption=case.name),
            ),
            lacks=tuple(_lacking(case, image, domains)),
            nearest=tuple(
                _frame(frames, by_id[number])
                for number in nearest.get(image.image_id, ())
                if number in by_id
            ),
        )
        for image in worst
    ]


def _lacking(case: DetectionCase, image: CocoImage, domains: Domains) -> list[str]:
    """Sentences about what lies beyond everything that was measured of the frames."""
    looks = measure_looks([image.path], side_px=domains.side_px)
    labels = measure_labels(case.dataset, [image.image_id]) if domains.labels else {}
    every = domains.synthetic_pictures == domains.synthetic_total
    frames = "training frame" if every else f"of {domains.synthetic_pictures:,} training frames"
    said = []
    for finding in (*domains.looks, *domains.labels):
        numbers = looks.get(finding.name) or labels.get(finding.name) or []
        about_objects = finding in domains.labels and finding.name not in _OF_PICTURE
        said += _beyond(finding, numbers, frames=frames, about_objects=about_objects)
    return said


def _beyond(
    finding: MeasureFinding, numbers: Sequence[float], *, frames: str, about_objects: bool
) -> list[str]:
    low, high = finding.reach
    margin = rounding(low, high)
    under, over = (sum(n < low - margin for n in numbers), sum(n > high + margin for n in numbers))
    said = []
    for count, word, there, extreme in (
        (under, _WORDS[finding.name][0], f"{low:.3g} there at least", min(numbers, default=0.0)),
        (over, _WORDS[finding.name][1], f"{high:.3g} there at most", max(numbers, default=0.0)),
    ):
        if not count:
            continue
        numbers_said = f"{extreme:.3g} here, {there}"
        if about_objects:
            said.append(
                f"{count} of its {len(numbers)} objects: {word} than in any {frames} "
                f"({finding.name}, {finding.unit}: {numbers_said})."
            )
        else:
            said.append(
                f"{word[0].upper()}{word[1:]} than any {frames} ({finding.name}, {finding.unit}: "
                f"{numbers_said})."
            )
    return said


def _frame(frames: CocoDataset, image: CocoImage) -> Picture:
    return as_picture(
        draw_labels(frames, image, long_side_px=_FRAME_PX),
        alt=f"training frame {image.file_name} with its labelled objects outlined",
        caption=image.file_name,
    )
