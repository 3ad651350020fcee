"""What the parts of a recipe bring, in words."""

from __future__ import annotations

from collections.abc import Sequence

from evaluation.analysis.records import Ablation, Effect
from evaluation.report.names import metric_name
from evaluation.report.phrases import listed, points
from pipeline.specs.ablation import part_words

__all__ = ["ablation_words", "effect_words"]


def effect_words(effect: Effect, metric: str) -> str:
    """As ``lighting: +6.1 Box AP50 [3.9, 8.2]``."""
    m = effect.measured
    interval = "" if m.low is None or m.high is None else f" [{points(m.low)}, {points(m.high)}]"
    verdict = {
        "helps": "helps",
        "harms": "does harm",
        "undecided": "undecided",
    }[effect.verdict]
    gain = f"{points(m.value, sign=True)} {metric_name(metric)}{interval}"
    return f"{part_words(effect.name)}: {gain}, {verdict}"


def ablation_words(ablation: Ablation) -> str:
    """Which parts matter, in a sentence."""
    by_verdict = {
        verdict: [e for e in ablation.effects if e.verdict == verdict]
        for verdict in ("helps", "harms", "undecided")
    }
    parts = []
    if by_verdict["helps"]:
        parts.append(f"what matters is {_gains(by_verdict['helps'])}")
    if by_verdict["harms"]:
        parts.append(f"better left out: {_gains(by_verdict['harms'])}")
    if by_verdict["undecided"]:
        count = len(by_verdict["undecided"])
        what = "part makes" if count == 1 else "parts make"
        parts.append(f"{count} other {what} no difference that can be seen")
        if len(parts) == 1:
            none = "the one part makes no" if count == 1 else f"none of the {count} parts makes a"
            parts = [f"{none} difference that can be seen"]
    text = "; ".join(parts)
    return f"Of this recipe, {text} (points of {metric_name(ablation.metric)}, Holm-corrected)."


def _gains(effects: Sequence[Effect]) -> str:
    return listed(
        f"{part_words(effect.name)} ({points(effect.measured.value, sign=True)})"
        for effect in effects
    )
