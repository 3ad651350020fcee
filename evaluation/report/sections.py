"""The parts of a report that an analysis fills: transfer, label efficiency, ablation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from markupsafe import Markup

from evaluation.analysis.records import Ablation, Analysis, Efficiency, Plateau
from evaluation.report.claim import plateau_words
from evaluation.report.effects import effect_words
from evaluation.report.findings import matrix_table
from evaluation.report.names import metric_name, set_name
from evaluation.report.phrases import REGIME_TITLES
from evaluation.report.plots import (
    LINE_OF_REGIME,
    Mark,
    effects_chart,
    efficiency_chart,
    mark_chart,
)
from evaluation.report.tables import ScoreTable
from evaluation.report.worth import efficiency_table, efficiency_words

FoundT = TypeVar("FoundT", Efficiency, Ablation)

__all__ = [
    "PlateauPart",
    "Plot",
    "TransferPart",
    "ablation_plots",
    "analysis_parts",
    "efficiency_plots",
    "plateau_part",
    "transfer_part",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawn plot.

    Attributes:
        legend: Colour number and name of each line.
        sentences: What it says.
        table: Its numbers.
    """

    title: str
    svg: Markup
    legend: tuple[tuple[int, str], ...] = ()
    sentences: tuple[str, ...] = ()
    table: ScoreTable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPart:
    """The transfer matrix by the main metric, and by all others."""

    matrix: ScoreTable
    others: tuple[ScoreTable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlateauPart:
    """Scores by steps on photographs alone: by the main metric, and by all others."""

    main: tuple[Plot, ...]
    others: tuple[Plot, ...]


def analysis_parts(analysis: Analysis) -> dict[str, object]:
    """All parts that an analysis fills, by their names in the templates."""
    return {
        "transfer": transfer_part(analysis),
        "efficiency": efficiency_plots(analysis),
        "plateaus": plateau_part(analysis),
        "ablation": ablation_plots(analysis),
    }


def transfer_part(analysis: Analysis) -> TransferPart | None:
    """None where there is a single training on a single test set."""
    matrices = [m for m in analysis.matrices if len(m.rows) * len(m.columns) > 1]
    if not matrices:
        return None
    tables = [matrix_table(matrix) for matrix in matrices]
    return TransferPart(matrix=tables[0], others=tuple(tables[1:]))


def efficiency_plots(analysis: Analysis) -> list[Plot]:
    """One per real test set by the main metric, then by all others, which pages fold away."""
    main = _main(analysis.efficiency)
    others = [e for e in analysis.efficiency if e not in main]
    return [_efficiency_plot(e) for e in (*main, *others)]


def plateau_part(analysis: Analysis) -> PlateauPart:
    """One per number of photographs by the main metric; by all others, which pages fold away."""
    found = analysis.plateaus
    main = [each for each in found if each.metric == found[0].metric]
    others = [each for each in found if each not in main]
    return PlateauPart(
        main=tuple(map(_plateau_plot, main)), others=tuple(map(_plateau_plot, others))
    )


def ablation_plots(analysis: Analysis) -> list[Plot]:
    """One per test set, by the main metric."""
    return [_ablation_plot(a) for a in _main(analysis.ablations)]


def _efficiency_plot(efficiency: Efficiency) -> Plot:
    where = set_name(*efficiency.test)
    name = metric_name(efficiency.metric)
    title = f"{name} on {where}, by the number of real photographs"
    return Plot(
        title=title,
        svg=efficiency_chart(efficiency, title=title, ylabel=name),
        legend=tuple(
            (LINE_OF_REGIME[curve.regime], REGIME_TITLES[curve.regime])
            for curve in efficiency.curves
        ),
        sentences=tuple(efficiency_words(efficiency)),
        table=efficiency_table(efficiency),
    )


def _plateau_plot(plateau: Plateau) -> Plot:
    name, where = metric_name(plateau.metric), set_name(*plateau.test)
    title = f"{name} on {where}, by steps on {plateau.real_images:,} real photographs alone"
    marks = [
        Mark(
            name=f"{point.steps:,} steps",
            value=point.measured.value or 0.0,
            low=point.measured.low,
            high=point.measured.high,
            text=f"{point.measured.value or 0.0:.3f}",
            strong=point.steps == plateau.steps,
            color=LINE_OF_REGIME["real"],
        )
        for point in plateau.points
    ]
    return Plot(
        title=title,
        svg=mark_chart(marks, title=title, unit=name),
        sentences=(plateau_words(plateau),),
    )


def _ablation_plot(ablation: Ablation) -> Plot:
    title = f"What each part brings to {metric_name(ablation.metric)} on {set_name(*ablation.test)}"
    return Plot(
        title=title,
        svg=effects_chart(ablation, title=title),
        sentences=tuple(effect_words(effect, ablation.metric) for effect in ablation.effects),
    )


def _main(found: Sequence[FoundT]) -> list[FoundT]:
    """By the metric that says most, which comes first on each test set."""
    first: dict[tuple[str, str | None], FoundT] = {}
    for each in found:
        first.setdefault(each.test, each)
    return list(first.values())
