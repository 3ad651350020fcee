"""What was found under which circumstances, as plots and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.analysis.circumstances import MEASURED, drawn_names, object_rows
from evaluation.analysis.slices import (
    CoverageGap,
    Slice,
    coverage_gaps,
    slice_objects,
)
from evaluation.realism import MEASURES, common_side_px, measure_pictures
from evaluation.report.cases import DetectionCase
from evaluation.report.plots import Mark, mark_chart
from evaluation.report.sections import Plot
from pipeline.formats.coco import find_annotations, read_coco

__all__ = ["SlicePart", "slice_part"]

_REAL, _SYNTHETIC = "real", "rendered"
_COLORS = {_SYNTHETIC: 0, _REAL: 1}
_MOST_DRAWN = 6
_LEAST_SHARE = 0.02  # of real values beyond the training set that is worth a sentence
_MOST_GAPS = 4
_WHOLE_FROM = 100  # numbers from here on need no decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePart:
    """Plots by what can be measured, plots by what was drawn, and sentences."""

    measured: tuple[Plot, ...]
    drawn: tuple[Plot, ...]
    sentences: tuple[str, ...]


def slice_part(
    real: DetectionCase, synthetic: DetectionCase | None, training: Path | None
) -> SlicePart | None:
    """None where nothing can be told.

    Args:
        real: On the test set that counts.
        synthetic: On frames that nothing was trained on.
        training: The rendered training set.
    """
    cases = {_REAL: real} | ({} if synthetic is None else {_SYNTHETIC: synthetic})
    cases = {name: case for name, case in cases.items() if case.finds}
    if _REAL not in cases:
        return None
    side_px = common_side_px(*(case.dataset for case in cases.values()))
    rows = {
        name: object_rows(case.dataset, case.finds, side_px=side_px) for name, case in cases.items()
    }
    measured = slice_objects(rows, MEASURED, edges_of=_REAL)
    own = rows.get(_SYNTHETIC, [])
    drawn = slice_objects({_SYNTHETIC: own}, drawn_names(own), edges_of=_SYNTHETIC)
    drawn.sort(key=lambda each: -each.span(_SYNTHETIC))
    sentences = [*_worst_words(measured), *_gap_words(real, training, side_px=side_px)]
    if not measured and not sentences:
        return None
    return SlicePart(
        measured=tuple(_plot(each, f"{each.name}: {MEASURED[each.name]}") for each in measured),
        drawn=tuple(_plot(each, each.name.removeprefix("drawn: ")) for each in drawn[:_MOST_DRAWN]),
        sentences=tuple(sentences),
    )


def _plot(each: Slice, title: str) -> Plot:
    marks = []
    names = [name for name in _COLORS if any(name in group.share for group in each.groups)]
    for group in each.groups:
        for name in names:
            if name in group.share:
                share = group.share[name]
                low, high = share.interval
                known = low == low  # not nan
                marks.append(
                    Mark(
                        name=group.label if name == names[0] or names[0] not in group.share else "",
                        value=100 * share.value,
                        low=100 * low if known else None,
                        high=100 * high if known else None,
                        text=f"{100 * share.value:.0f} % of {group.objects[name]:,}",
                        color=_COLORS[name],
                    )
                )
    return Plot(
        title=title,
        svg=mark_chart(marks, title=f"Objects found by {title}", unit="found, %", span=(0, 100)),
        legend=tuple((_COLORS[name], f"{name} pictures") for name in names),
    )


def _worst_words(measured: Sequence[Slice]) -> list[str]:
    """The circumstance that splits the real objects most, if its ends are apart."""
    best: tuple[float, str] | None = None
    for each in measured:
        groups = [group for group in each.groups if _REAL in group.share]
        if len(groups) < 2:
            continue
        worst = min(groups, key=lambda group: group.share[_REAL].value)
        finest = max(groups, key=lambda group: group.share[_REAL].value)
        low, high = worst.share[_REAL], finest.share[_REAL]
        if low.interval[1] < high.interval[0]:
            text = (
                f"On real pictures {_share_words(low.value)} of the objects are found where "
                f"{_circumstance(each.name, worst.label)}, {_share_words(high.value)} where "
                f"{_circumstance(each.name, finest.label)}."
            )
            if best is None or each.span(_REAL) > best[0]:
                best = (each.span(_REAL), text)
    return [] if best is None else [best[1]]


def _gap_words(real: DetectionCase, training: Path | None, *, side_px: int) -> list[str]:
    if training is None:
        return []
    seen = measure_pictures(read_coco(find_annotations(training)), side_px=side_px)
    found = coverage_gaps(real=measure_pictures(real.dataset, side_px=side_px), training=seen)
    return [_gap_sentence(gap) for gap in found if gap.share >= _LEAST_SHARE][:_MOST_GAPS]


def _gap_sentence(gap: CoverageGap) -> str:
    side = "under" if gap.below else "over"
    many = _share_words(gap.share)
    if gap.name == "box size":
        return (
            f"No training frame has an object {side} {gap.limit:.3g} % of the picture (square root "
            f"of the areas); {many} of real boxes are."
        )
    if gap.name == "objects":
        fewer = "fewer" if gap.below else "more"
        return (
            f"No training frame has {fewer} than {gap.limit:.0f} objects; {many} of real pictures "
            "have."
        )
    limit = f"{gap.limit:,.0f}" if gap.limit >= _WHOLE_FROM else f"{gap.limit:.3g}"
    return (
        f"No training frame has a {gap.name} {side} {limit} ({MEASURES[gap.name]}); {many} of "
        "real pictures have."
    )


def _circumstance(name: str, label: str) -> str:
    if name == "cut off":
        return "they are cut off by the border" if label == "yes" else "they lie whole inside"
    return f"the {name} is {label}"


def _share_words(share: float) -> str:
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"
