"""Distributions of one value, each a function of one uniform number.

``varied`` makes any of them narrower or wider. Below 1 it shrinks towards the value that the
parameter has when switched off; above 1 it widens around its own middle, within bounds.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from statistics import NormalDist
from typing import cast

__all__ = [
    "Bounds",
    "Choice",
    "Distribution",
    "Drawn",
    "Fixed",
    "Integers",
    "LogUniform",
    "Normal",
    "Rounded",
    "Uniform",
    "value_text",
]

Drawn = bool | int | float | str
Bounds = tuple[float, float]

_LEAST_POSITIVE = 1e-12


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    value: Drawn

    def __str__(self) -> str:
        return value_text(self.value)

    def at(self, u: float) -> Drawn:
        """The value, whatever the quantile."""
        return self.value

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Distribution:
        """Between ``off`` and the value below 1; above, there is nothing to widen."""
        if amount >= 1 or self.value == off:
            return self
        if isinstance(self.value, bool | str):
            return Choice((self.value,)).varied(amount, off=off, bounds=bounds)
        value = _number(off) + amount * (self.value - _number(off))
        return Fixed(round(value) if isinstance(self.value, int) else value)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform on [low, high]."""

    low: float
    high: float

    def __str__(self) -> str:
        return _range_text(self.low, self.high)

    def at(self, u: float) -> float:
        """The value at the quantile u in [0, 1)."""
        return self.low + (self.high - self.low) * u

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Uniform:
        """Narrower or wider."""
        return Uniform(*_varied_ends(self.low, self.high, amount, _number(off), bounds))


@dataclass(frozen=True, slots=True)
class LogUniform:
    """Uniform in the logarithm on [low, high]; both positive."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{_range_text(self.low, self.high)}{', log' if self.low < self.high else ''}"

    def at(self, u: float) -> float:
        """The value at the quantile u in [0, 1)."""
        return math.exp(math.log(self.low) + (math.log(self.high) - math.log(self.low)) * u)

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> LogUniform:
        """Narrower or wider in the logarithm; towards 0, which has none, in proportion."""
        if amount <= 1 and _number(off) <= 0:
            return LogUniform(amount * self.low, amount * self.high)
        low, high, centre, least, most = (
            math.log(max(value, _LEAST_POSITIVE))
            for value in (self.low, self.high, _number(off), *bounds)
        )
        low, high = _varied_ends(low, high, amount, centre, (least, most))
        return LogUniform(math.exp(low), math.exp(high))


@dataclass(frozen=True, slots=True)
class Normal:
    """Normal, cut off at ``low`` and ``high``; the mean lies between them."""

    mean: float
    sd: float
    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        cut = math.isfinite(self.low) or math.isfinite(self.high)
        within = f" in {_range_text(self.low, self.high)}" if cut else ""
        return f"{value_text(self.mean)} ± {value_text(self.sd)}{within}"

    def at(self, u: float) -> float:
        """The value at the quantile u in [0, 1)."""
        if self.sd == 0:
            return float(self.mean)
        bell = NormalDist(self.mean, self.sd)
        below, above = bell.cdf(self.low), bell.cdf(self.high)
        share = below + (above - below) * u
        if share <= 0:  # u is 0 and there is no lower end
            share = _LEAST_POSITIVE
        value = bell.inv_cdf(share) if share < 1 else self.high
        return float(min(max(value, self.low), self.high))

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Normal:
        """Narrower or wider, ends included."""
        anchor = self.mean if amount > 1 else _number(off)
        mean, low, high = (anchor + amount * (v - anchor) for v in (self.mean, self.low, self.high))
        return Normal(mean, amount * self.sd, max(low, bounds[0]), min(high, bounds[1]))


@dataclass(frozen=True, slots=True)
class Integers:
    """Uniform on the whole numbers low ... high, both included."""

    low: int
    high: int

    def __str__(self) -> str:
        return _range_text(self.low, self.high)

    def at(self, u: float) -> int:
        """The value at the quantile u in [0, 1)."""
        return self.low + min(int(u * (self.high - self.low + 1)), self.high - self.low)

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Integers:
        """Narrower or wider, to the nearest whole numbers."""
        low, high = _varied_ends(self.low, self.high, amount, _number(off), bounds)
        return Integers(round(low), round(high))


@dataclass(frozen=True, slots=True)
class Rounded:
    """Whole numbers nearest to those of another distribution."""

    exact: LogUniform | Normal

    def __str__(self) -> str:
        return f"{self.exact}, whole"

    def at(self, u: float) -> int:
        """The value at the quantile u in [0, 1)."""
        return round(self.exact.at(u))

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Rounded:
        """Narrower or wider, as the other distribution."""
        return Rounded(self.exact.varied(amount, off=off, bounds=bounds))


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some options.

    Attributes:
        options: An option named twice comes twice as often.
        weights: How often each comes, in proportion; empty for equally often.
    """

    options: tuple[Drawn, ...]
    weights: tuple[float, ...] = ()

    def __str__(self) -> str:
        weights = self._weights()
        total = sum(weights.values())
        even = len(set(weights.values())) == 1
        return ", ".join(
            value_text(option) + ("" if even else f" {weight / total:.0%}")
            for option, weight in weights.items()
        )

    def at(self, u: float) -> Drawn:
        """The value at the quantile u in [0, 1)."""
        if not self.weights:
            return self.options[min(int(u * len(self.options)), len(self.options) - 1)]
        ends = list(accumulate(self.weights))
        return self.options[min(bisect_right(ends, u * ends[-1]), len(self.options) - 1)]

    def varied(self, amount: float, *, off: Drawn, bounds: Bounds) -> Choice:
        """Below 1 ``off`` takes the place of the draw so much oftener; above, options even out."""
        weights = self._weights()
        if amount > 1:
            weights = {option: weight ** (1 / amount) for option, weight in weights.items()}
        else:
            total = sum(weights.values())
            weights = {option: amount * weight / total for option, weight in weights.items()}
            weights[off] = weights.get(off, 0.0) + 1 - amount
        return Choice(tuple(weights), tuple(weights.values()))

    def _weights(self) -> dict[Drawn, float]:
        weights: Counter[Drawn] = Counter()
        for option, weight in zip(
            self.options, self.weights or (1,) * len(self.options), strict=True
        ):
            weights[option] += cast(int, weight)  # counters hold any numbers
        return dict(weights)


Distribution = Fixed | Uniform | LogUniform | Normal | Integers | Rounded | Choice


def _varied_ends(
    low: float, high: float, amount: float, off: float, bounds: Bounds
) -> tuple[float, float]:
    if amount <= 1:
        return off + amount * (low - off), off + amount * (high - off)
    margin = (amount - 1) * (high - low) / 2
    return max(low - margin, bounds[0]), min(high + margin, bounds[1])


def _number(value: Drawn) -> float:
    if isinstance(value, str):
        raise ValueError(f"off is {value!r}; expected a number, as the others are.")
    return float(value)


def _range_text(low: float, high: float) -> str:
    return value_text(low) if low == high else f"{value_text(low)} … {value_text(high)}"


def value_text(value: Drawn) -> str:
    """A value as a person writes it, to three digits at least."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)
