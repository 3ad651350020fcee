"""How real boxes are drawn, as a table, and what it brings to draw predictions alike."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.analysis.convention import BoxConvention, correction_gain, fit_conventions
from evaluation.bootstrap import Estimate
from evaluation.report.cases import DetectionCase
from evaluation.report.names import metric_name
from evaluation.report.phrases import points
from evaluation.report.tables import Cell, Header, ScoreTable

__all__ = ["ConventionPart", "convention_part"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConventionPart:
    """Offsets and scales by class, and what is to be said of them."""

    table: ScoreTable
    sentences: tuple[str, ...]


def convention_part(
    real: DetectionCase, calibration: DetectionCase | None
) -> ConventionPart | None:
    """None where too few objects were found.

    Args:
        real: A network that saw rendered frames only, on the test set that counts.
        calibration: The same network on the real ``train`` split, whose labels a correction may
            be fitted on.
    """
    names = {c.category_id: c.name for c in real.dataset.categories}
    found = fit_conventions(real.finds)
    if not found:
        return None
    sentences = [_habit(names[category_id], own) for category_id, own in found.items()]
    shown = [sentence for sentence in sentences if sentence]
    if not shown:
        shown = ["No class is drawn by another convention, as far as can be seen."]
    if calibration is not None and any(own.is_systematic for own in found.values()):
        shown += _corrected(real, calibration)
    return ConventionPart(
        table=ScoreTable(
            title="Predicted boxes against labelled ones",
            units="",
            columns=(
                Header(title="To the right", hint="of the width"),
                Header(title="Down", hint="of the height"),
                Header(title="Width"),
                Header(title="Height"),
            ),
            rows=tuple(
                Header(title=names[category_id], hint=f"{own.pairs:,} matched objects")
                for category_id, own in found.items()
            ),
            cells=tuple(
                (
                    _cell(own.shift_x, 0.0),
                    _cell(own.shift_y, 0.0),
                    _cell(own.width, 1.0),
                    _cell(own.height, 1.0),
                )
                for own in found.values()
            ),
        ),
        sentences=tuple(shown),
    )


def _cell(estimate: Estimate, neutral: float) -> Cell:
    low, high = estimate.interval
    interval = "" if low != low else f"{points(low - neutral)} to {points(high - neutral)}"  # nan
    return Cell(value=f"{points(estimate.value - neutral, sign=True)} %", interval=interval)


def _habit(name: str, own: BoxConvention) -> str:
    """What differs systematically; empty if nothing does."""
    parts = []
    for estimate, neutral, more, less in (
        (own.width, 1.0, "wider", "narrower"),
        (own.height, 1.0, "higher", "lower"),
        (own.shift_x, 0.0, "further right", "further left"),
        (own.shift_y, 0.0, "further down", "further up"),
    ):
        low, high = estimate.interval
        if low > neutral or high < neutral:
            far = points(abs(estimate.value - neutral))
            parts.append(f"{far} % {more if estimate.value > neutral else less}")
    return f"Predicted boxes of {name} are {', '.join(parts)} than labelled ones." if parts else ""


def _corrected(real: DetectionCase, calibration: DetectionCase) -> list[str]:
    conventions = fit_conventions(calibration.finds)
    if not conventions:
        return []
    truth = {image_id: real.dataset.instances[image_id] for image_id in real.finds}
    sentences = []
    for one in correction_gain(real.alignment.detections, truth, conventions):
        low, high = one.gain.interval
        interval = "" if low != low else f" [{points(low)}, {points(high)}]"  # nan
        sentences.append(
            f"Drawn as the labels of {len(calibration.finds):,} real train pictures are, test "
            f"predictions reach a {metric_name(one.metric)} of {one.after.value:.3f} instead of "
            f"{one.before.value:.3f}: {points(one.gain.value, sign=True)} points{interval}."
        )
    return sentences
