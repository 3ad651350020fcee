"""Rendered beside real pictures in the report: looks, labels, detail, a network's features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.analysis.domains import Domains, MeasureFinding
from evaluation.analysis.feature_space import FeatureFinding
from evaluation.analysis.records import Analysis, Gap
from evaluation.report.facts import Fact
from evaluation.report.names import metric_name
from evaluation.report.phrases import points, points_interval
from evaluation.report.plots import Mark, mark_chart
from evaluation.report.scatter import scatter_chart
from evaluation.report.sections import Plot
from evaluation.report.tables import Cell, Header, ScoreTable

__all__ = ["DomainPart", "domain_part"]

_RENDERED, _REAL = 0, 1  # colours
_FEWEST_PICTURES = 5  # for percentiles to be drawn
_WORTH_SAYING = 0.1  # share of real values beyond the frames
_MOST_SAID = 3
_CHART_ENDS = (-90.0, 190.0)  # inside the axis, clear of what is written beside it
_WHOLE_FROM = 100  # numbers from here on need no decimals
_NEIGHBOUR_WORDS = (
    "Pictures that lie side by side here are alike. How far groups lie apart, how large and how "
    "dense they are, means little: t-SNE makes groups of chance, too."
)
_NAMES = {
    "sim_to_real_gap": "the gap to real training is",
    "domain_drop": "the drop from rendered to real is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainPart:
    """What was compared, what stands out, and everything measured.

    Attributes:
        network: Whose features; empty where there are none.
        facts: About these features.
        missing: Why there are none.
    """

    intro: str
    sentences: tuple[str, ...]
    plots: tuple[Plot, ...]
    table: ScoreTable
    network: str
    facts: tuple[Fact, ...]
    missing: str


def domain_part(domains: Domains, analysis: Analysis) -> DomainPart:
    """The comparison, beside what the step was measured to cost."""
    measures = (*domains.looks, *domains.labels)
    plots = []
    if domains.real_pictures >= _FEWEST_PICTURES:
        plots = [
            plot
            for plot in (_measures_plot(measures), _spectrum_plot(domains.spectrum))
            if plot is not None
        ]
    if domains.features is not None:
        plots += _maps(domains.features)
    return DomainPart(
        intro=(
            f"{domains.synthetic_pictures:,} training frames beside {domains.real_pictures:,} "
            f"real pictures of {domains.real}, longer sides at most {domains.side_px} px."
        ),
        sentences=(*_beyond_words(measures), *_transfer_words(analysis)),
        plots=tuple(plots),
        table=_table((*measures, *domains.spectrum)),
        network="" if domains.features is None else domains.features.network,
        facts=() if domains.features is None else tuple(_facts(domains.features)),
        missing=domains.missing,
    )


def _measures_plot(measures: Sequence[MeasureFinding]) -> Plot | None:
    """All measures on one scale: the real middle 80 % reach from 0 to 100."""
    marks = []
    for each in measures:
        low, _, high = each.real
        if high > low:
            a, b, c = (_clipped(100 * (v - low) / (high - low)) for v in each.synthetic)
            said = f"{100 * each.beyond:.0f} % beyond" if each.beyond >= 0.005 else "covered"
            marks.append(Mark(name=each.name, value=b, low=a, high=c, text=said, color=_RENDERED))
    title = "Where the rendered frames lie on the scale of the real pictures"
    unit = "the middle 80 % of real pictures reach from 0 to 100"
    if not marks:
        return None
    return Plot(title=title, svg=mark_chart(marks, title=title, unit=unit, span=(0, 100)))


def _spectrum_plot(spectrum: Sequence[MeasureFinding]) -> Plot | None:
    marks = []
    for each in spectrum:
        for color, (low, middle, high) in ((_RENDERED, each.synthetic), (_REAL, each.real)):
            name = each.name if color == _RENDERED else ""
            text = f"{middle:.1f}".replace("-", "\N{MINUS SIGN}")
            marks.append(Mark(name=name, value=middle, low=low, high=high, text=text, color=color))
    if not marks:
        return None
    title = "Detail: power of what repeats after so many pixels"
    return Plot(
        title=title,
        svg=mark_chart(marks, title=title, unit="dB of all power, middle 80 % of pictures"),
        legend=((_RENDERED, "rendered frames"), (_REAL, "real pictures")),
    )


def _maps(features: FeatureFinding) -> list[Plot]:
    """By principal components, and by neighbours where there are enough pictures."""
    first, second = (100 * share for share in features.map_explains)
    principal = _map_plot(
        "Every picture as the network sees it: two principal components, "
        f"{first:.0f} and {second:.0f} % of the variance",
        rendered=features.synthetic_map,
        real=features.real_map,
    )
    if features.perplexity is None:
        return [principal]
    neighbours = _map_plot(
        f"The same pictures by who is like whom: t-SNE, perplexity {features.perplexity:.3g}",
        rendered=features.synthetic_neighbours,
        real=features.real_neighbours,
        sentences=(_NEIGHBOUR_WORDS,),
    )
    return [principal, neighbours]


def _map_plot(
    title: str,
    *,
    rendered: Sequence[tuple[float, float]],
    real: Sequence[tuple[float, float]],
    sentences: tuple[str, ...] = (),
) -> Plot:
    return Plot(
        title=title,
        svg=scatter_chart({_RENDERED: rendered, _REAL: real}, title=title),
        legend=((_RENDERED, "rendered frames"), (_REAL, "real pictures")),
        sentences=sentences,
    )


def _facts(features: FeatureFinding) -> list[Fact]:
    facts = []
    if features.told_apart is not None:
        facts.append(
            Fact(
                name="A classifier tells rendered from real",
                value=f"in {100 * features.told_apart:.0f} % of pictures it has not seen "
                f"[{100 * (features.told_low or 0):.0f}, {100 * (features.told_high or 0):.0f}]; "
                "50 % is guessing",
            )
        )
    if features.kernel is not None:
        facts.append(
            Fact(
                name="Kernel distance (KID's formula)",
                value=f"{_short(features.kernel)} [{_short(features.kernel_low or 0)}, "
                f"{_short(features.kernel_high or 0)}]; 0 is alike",
            )
        )
    if features.frechet is not None:
        facts.append(
            Fact(
                name="Fréchet distance (FID's formula)",
                value=f"{_short(features.frechet)} between sets of {features.frechet_pictures}; "
                f"{_short(features.frechet_within or 0)} between halves of the real ones",
            )
        )
    if not facts:
        facts.append(Fact(name="Distances", value="not computed: there are too few real pictures"))
    return facts


def _beyond_words(measures: Sequence[MeasureFinding]) -> list[str]:
    ranked = sorted(measures, key=lambda each: -each.beyond)
    return [
        f"{each.name[0].upper()}{each.name[1:]}: {100 * each.beyond:.0f} % of the real numbers lie "
        f"beyond what 98 of 100 frames show (middle 80 %: real {_range(each.real)}, rendered "
        f"{_range(each.synthetic)}; {each.unit})."
        for each in ranked[:_MOST_SAID]
        if each.beyond >= _WORTH_SAYING
    ]


def _transfer_words(analysis: Analysis) -> list[str]:
    """What the step costs is measured by scores; the first metric says most.

    Of several trainings those on the most frames and photographs are told.
    """
    said = []
    for name, words in _NAMES.items():
        gaps = [g for g in analysis.gaps if g.name == name and g.measured.value is not None]
        gaps = [g for g in gaps if (g.metric, g.test) == (gaps[0].metric, gaps[0].test)]
        if gaps:
            gap = max(gaps, key=_pictures_behind)
            interval = points_interval(gap.measured)
            said.append(
                f"{words} {points(gap.measured.value)} points of {metric_name(gap.metric)} "
                f"{interval}".rstrip()
            )
    if not said:
        return []
    return [f"No distance below says what the difference costs; scores do: {'; '.join(said)}."]


def _pictures_behind(gap: Gap) -> tuple[int, int]:
    return (gap.training.synthetic_images or 0, gap.against.real_images or 0)


def _table(measures: Sequence[MeasureFinding]) -> ScoreTable:
    return ScoreTable(
        title="Every measure",
        units="10th, 50th, 90th percentile",
        columns=(Header(title="Real"), Header(title="Rendered"), Header(title="Real ones beyond")),
        rows=tuple(Header(title=each.name, hint=each.unit) for each in measures),
        cells=tuple(
            (
                Cell(value=_three(each.real)),
                Cell(value=_three(each.synthetic)),
                Cell(value=f"{100 * each.beyond:.0f} %"),
            )
            for each in measures
        ),
    )


def _clipped(value: float) -> float:
    return min(max(value, _CHART_ENDS[0]), _CHART_ENDS[1])


def _short(number: float) -> str:
    text = f"{number:,.0f}" if abs(number) >= _WHOLE_FROM else f"{number:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _range(percentiles: tuple[float, float, float]) -> str:
    return f"{percentiles[0]:.3g} to {percentiles[2]:.3g}"


def _three(percentiles: tuple[float, float, float]) -> str:
    return " / ".join(f"{number:.3g}" for number in percentiles).replace("-", "\N{MINUS SIGN}")
