"""A few steps on trial: which learning rate, and can one batch be learned by heart?"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from trainers.dryrun.findings import Finding, Verdict
from trainers.dryrun.trial import Trial
from trainers.fitting import Run

__all__ = ["OVERFIT_STEPS", "RANGE_STEPS", "check_one_batch", "check_rate", "steepest"]

OVERFIT_STEPS, RANGE_STEPS = 40, 60
_RATES = (1e-7, 3.0)
_DIVERGED = 3.0
"""Times the lowest smoothed loss."""
_SMOOTHING = 0.8
_LEARNED, _HARDLY = 0.5, 0.9
"""Share of the first loss that is left."""
_LEFT_OUT = 5  # of the first values of a curve; the last are averaged over as many
_AROUND = 5
"""Steps on either side that a slope is taken from."""


def check_rate(run: Run, tick: Callable[[], None]) -> Finding:
    """Learning-rate range test: one step at each of a rising series of rates.

    The suggestion is the rate at which the loss falls fastest by the rate's logarithm.

    Source: Smith, WACV 2017.
    """
    trial = Trial(run)
    rates, losses = np.geomspace(*_RATES, RANGE_STEPS).tolist(), list[float]()
    for step, rate in enumerate(rates):
        losses.append(trial.step(trial.batch(step), step=step, rate=rate))
        tick()
        smooth = _smooth(losses)
        if not math.isfinite(losses[-1]) or smooth[-1] > _DIVERGED * min(smooth):
            break
    losses = [loss for loss in losses if math.isfinite(loss)]
    suggested, turning = steepest(rates[: len(losses)], losses)
    given, verdict, text = run.spec.learning_rate, "ok", ""
    if suggested is None:
        verdict, text = "look", "the loss fell at no rate"
    else:
        text = f"falls fastest at {suggested:.2g}, lowest at {turning:.2g}; yours is {given:.2g}"
        if not suggested / 30 <= given <= turning:
            verdict = "look"
    return Finding(
        check="learning rate",
        verdict=verdict,  # type: ignore[arg-type]  # one of the words above
        text=text,
        facts={
            "rates": rates[: len(losses)],
            "losses": losses,
            "smoothed": _smooth(losses),
            "suggested": suggested,
            "lowest_at": turning,
        },
    )


def check_one_batch(run: Run, tick: Callable[[], None]) -> Finding:
    """Train on the first batch alone, at the run's learning rate."""
    trial = Trial(run)
    batch, losses = trial.batch(0), list[float]()
    for step in range(OVERFIT_STEPS):
        rate = run.spec.learning_rate * min(1.0, (step + 1) / _LEFT_OUT)
        losses.append(trial.step(batch, step=step, rate=rate))
        tick()
        if not math.isfinite(losses[-1]):
            break
    finite = [loss for loss in losses if math.isfinite(loss)]
    first, last = (float(np.mean(part)) for part in (finite[:1], finite[-_LEFT_OUT:]))
    left = last / first if first else 1.0
    verdict: Verdict = "ok" if left < _LEARNED else "look" if left < _HARDLY else "broken"
    if len(finite) < len(losses):
        verdict, text = "broken", f"the loss is no number after {len(losses)} steps"
    else:
        text = f"loss {first:.3g} -> {last:.3g} in {len(losses)} steps ({left:.0%} left)"
        if verdict == "broken" and run.start is not None and run.start.checkpoint is not None:
            verdict = "look"  # may have learned it before
    return Finding(check="one batch", verdict=verdict, text=text, facts={"losses": finite})


def steepest(rates: list[float], losses: list[float]) -> tuple[float | None, float]:
    """The rate where the loss falls fastest, by lines through neighbouring steps, and is lowest.

    Args:
        rates: Rising.
        losses: Before the step at each.

    Returns:
        None for the first if the loss never falls by a tenth.
    """
    smooth = _smooth(losses)
    lowest = int(np.argmin(smooth))
    if lowest < 2 * _AROUND or smooth[lowest] > 0.9 * max(smooth[_LEFT_OUT : lowest + 1]):
        return None, rates[lowest]
    centres = range(_AROUND, lowest - _AROUND + 1)
    slopes = [
        np.polyfit(
            np.log(rates[centre - _AROUND : centre + _AROUND + 1]),
            losses[centre - _AROUND : centre + _AROUND + 1],
            deg=1,
        )[0]
        for centre in centres
    ]
    return rates[centres[int(np.argmin(slopes))]], rates[lowest]


def _smooth(losses: list[float]) -> list[float]:
    """Exponential moving average without its bias to the first value."""
    average, found = 0.0, []
    for count, loss in enumerate(losses, start=1):
        average = _SMOOTHING * average + (1 - _SMOOTHING) * loss
        found.append(average / (1 - _SMOOTHING**count))
    return found
