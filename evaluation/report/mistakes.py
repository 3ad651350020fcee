"""Where a detector loses its score: rendered and real side by side, with the errors behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis.overlaps import OverlapKind
from evaluation.analysis.tide import (
    ERROR_KINDS,
    ErrorAnalysis,
    ErrorKind,
    Mistake,
    analyse_errors,
)
from evaluation.drawing import draw_closeup
from evaluation.matching import Find, Finds
from evaluation.report.cases import DetectionCase
from evaluation.report.gallery import Picture, as_picture
from evaluation.report.phrases import points
from evaluation.report.plots import Bar, bar_chart
from evaluation.report.sections import Plot
from pipeline.drawing import read_rgb

__all__ = ["ErrorPart", "MistakeGroup", "error_part"]

_NAMES: dict[ErrorKind, tuple[str, str]] = {
    "cls": ("wrong class", "in the right place, taken for something else"),
    "loc": ("wrong place", "the right class, but overlapping by less than half"),
    "both": ("both wrong", "neither class nor place"),
    "dupe": ("seen twice", "an object that is found already"),
    "bkg": ("background", "nothing is there"),
    "miss": ("missed", "an object that nothing is about"),
}
_PICTURES = 8
_SIDE_PX = 220
_COLORS = (0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MistakeGroup:
    """The errors of one type on one test set."""

    title: str
    hint: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPart:
    """Bars for masks and for boxes, where there are both; pictures behind those of the first."""

    plots: tuple[Plot, ...]
    groups: tuple[MistakeGroup, ...]
    sentence: str


def error_part(real: DetectionCase, synthetic: DetectionCase | None) -> ErrorPart | None:
    """TIDE's errors of one network; None without any picture.

    Args:
        real: On the test set that counts.
        synthetic: On frames that nothing was trained on.
    """
    cases = [case for case in (synthetic, real) if case is not None and case.finds]
    if real not in cases:
        return None
    overlaps: list[OverlapKind] = ["box"]
    if all(case.alignment.has_masks and case.dataset.has_masks for case in cases):
        overlaps = ["mask", "box"]
    plots, first = [], None
    for overlap in overlaps:
        found = [_analyse(case, overlap) for case in cases]
        first = first or found[-1]
        plots.append(_plot(overlap, cases, found))
    assert first is not None
    return ErrorPart(
        plots=tuple(plots),
        groups=tuple(_group(real, first, kind) for kind in ERROR_KINDS if first.of_kind(kind)),
        sentence=_sentence(first),
    )


def _analyse(case: DetectionCase, overlap: OverlapKind) -> ErrorAnalysis:
    truth = {image_id: case.dataset.instances[image_id] for image_id in case.finds}
    return analyse_errors(case.alignment.detections, truth, overlap=overlap)


def _plot(
    overlap: OverlapKind, cases: Sequence[DetectionCase], found: Sequence[ErrorAnalysis]
) -> Plot:
    bars = [
        Bar(
            name=_NAMES[kind][0],
            values=tuple(100 * one.losses[kind].value for one in found),
            texts=tuple(_bar_text(one, kind) for one in found),
        )
        for kind in ERROR_KINDS
    ]
    title = f"Points of {overlap} AP50 that each type of error costs"
    names = ["rendered frames", "real pictures"][-len(cases) :]
    colors = _COLORS[-len(cases) :]
    return Plot(
        title=title,
        svg=bar_chart(bars, title=title, unit="points (number of errors)", colors=colors),
        legend=tuple(zip(colors, names, strict=True)),
    )


def _bar_text(found: ErrorAnalysis, kind: ErrorKind) -> str:
    loss = found.losses[kind]
    low, high = loss.interval
    interval = f" [{points(low)}, {points(high)}]" if low == low else ""  # nan
    return f"{points(loss.value)}{interval} ({len(found.of_kind(kind)):,})"


def _sentence(found: ErrorAnalysis) -> str:
    ranked = sorted(ERROR_KINDS, key=lambda kind: -found.losses[kind].value)
    first, second = ranked[:2]
    if not found.losses[first].value > 0:
        return "On real pictures no type of error costs anything."
    name, hint = _NAMES[first]
    text = (
        f"On real pictures most is lost to \N{LEFT DOUBLE QUOTATION MARK}{name}"
        f"\N{RIGHT DOUBLE QUOTATION MARK} ({hint}): {points(found.losses[first].value)} points"
    )
    if found.losses[second].value > 0:
        text += (
            f", then to \N{LEFT DOUBLE QUOTATION MARK}{_NAMES[second][0]}"
            f"\N{RIGHT DOUBLE QUOTATION MARK}: {points(found.losses[second].value)}"
        )
    return f"{text}."


def _group(case: DetectionCase, found: ErrorAnalysis, kind: ErrorKind) -> MistakeGroup:
    mistakes = found.of_kind(kind)
    name, hint = _NAMES[kind]
    shown = f", {_PICTURES} of them" if len(mistakes) > _PICTURES else ""
    return MistakeGroup(
        title=f"{name[0].upper()}{name[1:]}: {len(mistakes):,}{shown}",
        hint=hint,
        pictures=tuple(_closeup(case, mistake) for mistake in mistakes[:_PICTURES]),
    )


def _closeup(case: DetectionCase, mistake: Mistake) -> Picture:
    image = next(i for i in case.dataset.images if i.image_id == mistake.image_id)
    names = {c.category_id: c.name for c in case.dataset.categories}
    prediction, truth = mistake.prediction, mistake.truth
    about = truth if truth is not None and mistake.kind != "dupe" else prediction
    assert about is not None
    if prediction is not None and truth is not None:
        pair = Find(prediction=prediction, truth=truth, iou=mistake.iou)
        finds = Finds(found=(pair,), false_alarms=(), missed=())
    else:
        finds = Finds(
            found=(),
            false_alarms=(prediction,) if prediction is not None else (),
            missed=(truth,) if truth is not None else (),
        )
    words = []
    if prediction is not None:
        words.append(f"{names[prediction.category_id]} {prediction.score:.2f}")
    if truth is not None:
        is_word = "is " if prediction is not None else ""
        words.append(f"{is_word}{names[truth.category_id]}")
    if mistake.iou:
        words.append(f"IoU {mistake.iou:.2f}")
    caption = ", ".join(words)
    pixels = draw_closeup(read_rgb(image.path), finds, about.box_xyxy, side_px=_SIDE_PX)
    return as_picture(
        pixels, alt=f"{image.file_name}: {_NAMES[mistake.kind][0]}: {caption}", caption=caption
    )
