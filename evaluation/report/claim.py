"""Whether the comparison was fair, and whether it came out as was said beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evaluation.analysis.records import Analysis, Efficiency, Measured, Plateau
from evaluation.report.names import metric_name
from evaluation.report.phrases import listed, number, points, points_interval, regime_words

__all__ = ["claim_words", "plateau_words", "plateaus_words"]

_UNDECIDED = "no difference can be told from chance"
_AS_FAR_AS_SEEN = "As far as can be seen, photographs were trained on long enough"
_CUT_SHORT = "Photographs were not trained on to the end"
_MATTERS = 0.05
_TWO_SEEDS = 2  # leave Student's t a single degree of freedom
_SAYS_LITTLE = (
    "Two training seeds cannot tell how much of it is their luck, so the intervals are wide: train "
    "with three or more."
)


def claim_words(analysis: Analysis, claim: str) -> list[str]:
    """The regime that was to beat photographs alone, and by how much it does."""
    said = (
        f"Claimed before the final runs: training on {regime_words(claim)} beats training on real "
        "photographs alone."
    )
    gains = list(_gains(analysis, claim))
    found = []
    for verdict in dict.fromkeys(_verdict(gain) for _, _, gain in gains):
        alike = [each for each in gains if _verdict(each[2]) == verdict]
        counts = listed(f"{images:,}" for _, images, _ in alike)
        unit = f" points of {metric_name(alike[0][0])}"  # told with the first
        amounts = listed(
            f"{points(gain.value, sign=True)}{unit if nth == 0 else ''} {points_interval(gain)}"
            for nth, (_, _, gain) in enumerate(alike)
        )
        found.append(f"Against {counts} real photographs {verdict}: {amounts}.")
        if verdict == _UNDECIDED and any(gain.seeds == _TWO_SEEDS for _, _, gain in alike):
            found.append(_SAYS_LITTLE)
    return [" ".join([said, *found])]


def plateaus_words(plateaus: Sequence[Plateau]) -> list[str]:
    """The one of most photographs, those that came out alike by name, others in full.

    By the first one's metric, on its test set; by others only where those alone gain from more
    steps.
    """
    if not plateaus:
        return []
    here = [each for each in plateaus if each.test == plateaus[0].test]
    main = [each for each in here if each.metric == here[0].metric]
    most = max(main, key=lambda each: each.real_images)
    others = [each for each in main if each is not most]
    alike = [f"{o.real_images:,}" for o in others if _long_enough(o) == _long_enough(most)]
    same = f" So it is with {listed(alike)} photographs." if alike else ""
    return [
        plateau_words(most) + same + _gains_elsewhere(here, most),
        *(plateau_words(o) for o in others if _long_enough(o) != _long_enough(most)),
    ]


def plateau_words(plateau: Plateau) -> str:
    """Whether more steps would have brought photographs alone any further."""
    own = next(p for p in plateau.points if p.steps == plateau.steps)
    longest = plateau.points[-1]
    alone = f"{plateau.real_images:,} real photographs alone"
    if plateau.gain is None:
        return f"After {plateau.steps:,} steps {alone} reach {number(own.measured)}."
    verdict = _long_enough(plateau)
    end = ", a difference that cannot be told from chance" if verdict == _AS_FAR_AS_SEEN else ""
    times = longest.steps / plateau.steps
    return (
        f"{verdict}: with {'twice' if times == 2 else f'{times:g} times'} the steps, {alone} reach "
        f"{number(longest.measured)}, {points(plateau.gain.value, sign=True)} points "
        f"{points_interval(plateau.gain)} over {plateau.steps:,} steps{end}."
    )


def _gains_elsewhere(plateaus: Sequence[Plateau], most: Plateau) -> str:
    """The metrics by which the same trainings go on to gain where that of ``most`` does not."""
    if _long_enough(most) == _CUT_SHORT:
        return ""
    gains = [
        f"{points(each.gain.value, sign=True)} points of {metric_name(each.metric)} "
        f"{points_interval(each.gain)}"
        for each in plateaus
        if each.real_images == most.real_images
        and each.gain is not None
        and _long_enough(each) == _CUT_SHORT
    ]
    return f" Yet more steps bring {listed(gains)}." if gains else ""


def _long_enough(plateau: Plateau) -> str:
    gain = plateau.gain
    if gain is None:
        return ""
    if gain.p_value is None or gain.p_value >= _MATTERS:
        return _AS_FAR_AS_SEEN
    if (gain.value or 0.0) > 0:
        return _CUT_SHORT
    return "Photographs were trained on long enough; longer does harm"


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
    return _UNDECIDED
