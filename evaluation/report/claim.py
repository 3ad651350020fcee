"""Whether the comparison was fair, and whether it came out as was said beforehand."""

from __future__ import annotations

from collections.abc import Iterator

from evaluation.analysis.records import Analysis, Efficiency, Measured, Plateau
from evaluation.report.names import metric_name
from evaluation.report.phrases import number, points, points_interval, regime_words

__all__ = ["claim_words", "plateau_words"]

_MATTERS = 0.05


def claim_words(analysis: Analysis, claim: str) -> list[str]:
    """The regime that was to beat photographs alone, and by how much it does."""
    said = (
        f"Claimed before the final runs: training on {regime_words(claim)} beats training on real "
        "photographs alone."
    )
    found = [
        f"Against {images:,} real photographs {_verdict(gain)}: "
        f"{points(gain.value, sign=True)} points of {metric_name(metric)} {points_interval(gain)}."
        for metric, images, gain in _gains(analysis, claim)
    ]
    return [" ".join([said, *found])]


def plateau_words(plateau: Plateau) -> str:
    """Whether more steps would have brought photographs alone any further."""
    own = next(p for p in plateau.points if p.steps == plateau.steps)
    longest = plateau.points[-1]
    alone = f"{plateau.real_images:,} real photographs alone"
    if plateau.gain is None:
        return f"After {plateau.steps:,} steps {alone} reach {number(own.measured)}."
    seen = plateau.gain.p_value is not None and plateau.gain.p_value < _MATTERS
    if not seen:
        verdict = "As far as can be seen, photographs were trained on long enough"
    elif (plateau.gain.value or 0.0) > 0:
        verdict = "Photographs were not trained on to the end"
    else:
        verdict = "Photographs were trained on long enough; longer does harm"
    end = ", a difference that cannot be told from chance" if not seen else ""
    return (
        f"{verdict}: with {longest.steps / plateau.steps:g} times the steps, {alone} reach "
        f"{number(longest.measured)}, {points(plateau.gain.value, sign=True)} points "
        f"{points_interval(plateau.gain)} over {plateau.steps:,} steps{end}."
    )


def _gains(analysis: Analysis, claim: str) -> Iterator[tuple[str, int, Measured]]:
    """By the main metric on the first test set."""
    if claim == "synthetic":
        for gap in analysis.gaps:
            main = (analysis.gaps[0].metric, analysis.gaps[0].test)
            if gap.name == "sim_to_real_gap" and (gap.metric, gap.test) == main:
                yield gap.metric, gap.against.real_images or 0, _turned(gap.measured)
        return
    efficiencies: tuple[Efficiency, ...] = analysis.efficiency[:1]
    for efficiency in efficiencies:
        for curve in efficiency.curves:
            for point, gain in zip(curve.points, curve.gains, strict=True):
                if curve.regime == claim and gain is not None:
                    yield efficiency.metric, point.real_images, gain


def _turned(gap: Measured) -> Measured:
    """Photographs over frames, as frames over photographs."""
    low, value, high = (None if n is None else -n for n in (gap.high, gap.value, gap.low))
    return gap.model_copy(update={"value": value, "low": low, "high": high})


def _verdict(gain: Measured) -> str:
    if gain.low is not None and gain.low > 0:
        return "it does"
    if gain.high is not None and gain.high < 0:
        return "it does worse"
    return "no difference can be told from chance"
