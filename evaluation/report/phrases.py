"""Numbers and names as the report's sentences write them."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.analysis.records import Measured, Training

__all__ = [
    "REGIME_TITLES",
    "listed",
    "number",
    "points",
    "points_interval",
    "regime_words",
    "rendered",
    "training_words",
]

REGIME_TITLES = {
    "real": "Real photographs",
    "synthetic": "Rendered frames",
    "mixed": "Both, mixed",
    "pretrain_finetune": "Rendered, then real",
}
_REGIMES = {
    "real": "real photographs alone",
    "synthetic": "rendered frames alone",
    "mixed": "rendered frames mixed with real photographs",
    "pretrain_finetune": "rendered frames first, then real photographs",
}

_OF_CROPS = frozenset(("accuracy", "top5_accuracy", "macro_f1", "mcc"))  # main ones of classes


def regime_words(regime: str | None) -> str:
    """What was trained on, without numbers."""
    return _REGIMES.get(regime or "", regime or "another model")


def rendered(count: int, metric: str) -> str:
    """How many frames, or crops of frames where pictures show one object each.

    >>> rendered(1000, "box_ap50"), rendered(1000, "accuracy")
    ('1,000 rendered frames', '1,000 rendered crops')
    """
    return f"{count:,} rendered {'crops' if metric in _OF_CROPS else 'frames'}"


def training_words(training: Training, metric: str) -> str:
    """What was trained on, counted, as ``40 real photographs``."""
    frames = rendered(training.synthetic_images or 0, metric)
    photographs = f"{training.real_images or 0:,} real photographs"
    if training.synthetic_images is None and training.real_images is None:
        return regime_words(training.regime)
    return {
        "real": photographs,
        "synthetic": frames,
        "mixed": f"{frames} mixed with {photographs}",
        "pretrain_finetune": f"{frames}, then {photographs}",
    }.get(training.regime or "", regime_words(training.regime))


def number(measured: Measured) -> str:
    """A score with its interval."""
    interval = (
        ""
        if measured.low is None or measured.high is None
        else f" [{measured.low:.3f}, {measured.high:.3f}]"
    )
    return f"{measured.value:.3f}{interval}"


def points(number: float | None, *, sign: bool = False) -> str:
    """Hundredths of a score."""
    text = f"{100 * (number or 0.0):{'+' if sign else ''}.1f}"
    return text.replace("-", "\N{MINUS SIGN}")


def points_interval(measured: Measured) -> str:
    """A difference's interval in hundredths, empty where there is none."""
    if measured.low is None or measured.high is None:
        return ""
    return f"[{points(measured.low)}, {points(measured.high)}]"


def listed(names: Iterable[str]) -> str:
    """One, two and three."""
    *some, last = names
    return f"{', '.join(some)} and {last}" if some else last
