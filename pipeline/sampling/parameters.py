"""One thing that a factor varies: its distribution, how far it goes, what it means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from pipeline.sampling.distributions import (
    Bounds,
    Choice,
    Distribution,
    Drawn,
    Fixed,
    Normal,
    Uniform,
)
from pipeline.sampling.settings import Domain
from pipeline.sampling.variation import Amount

__all__ = ["Parameter", "per_frame", "per_object"]

_WILD_AMOUNT = 2.0  # how much wider a parameter is wild that has no wild distribution of its own
_FULL_TURNS = {"_rad": 2 * math.pi, "_deg": 360.0}  # which cannot be widened


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One thing that a factor varies.

    Attributes:
        name: With its unit, as ``height_m``.
        distribution: The default.
        off: Its value when the factor is switched off.
        meaning: One line for ``blendgap scenes``.
        per_object: Drawn for every object instead of once a frame.
        bounds: Values a spec may set, both ends included.
        wild: For domain randomisation, plausible or not; None is twice as wide as the default.
        essential: Drawn in ``randomisation: fixed`` too, since categories hang on it.
    """

    name: str
    distribution: Distribution
    off: Drawn
    meaning: str
    per_object: bool = False
    bounds: Bounds = (-math.inf, math.inf)
    wild: Distribution | None = None
    essential: bool = False

    def __post_init__(self) -> None:
        for kind in (self.distribution, self.wild):
            low, high = self.bounds
            if isinstance(kind, Normal) and not low <= kind.low <= kind.mean <= kind.high <= high:
                raise ValueError(f"{self.name}: {kind} is not cut off within bounds {self.bounds}.")

    @property
    def domain(self) -> Domain:
        """What a spec may set it to; numbers to choose from are examples if there are bounds."""
        kinds = (self.distribution, *([self.wild] if self.wild else []))
        options = [option for kind in kinds if isinstance(kind, Choice) for option in kind.options]
        if isinstance(self.off, bool | str) or options:
            options.append(self.off)
        if all(map(math.isfinite, self.bounds)) and not any(
            isinstance(option, bool | str) for option in options
        ):
            options.clear()
        return Domain(
            default=self.distribution, options=tuple(dict.fromkeys(options)), bounds=self.bounds
        )

    @property
    def _is_full_turn(self) -> bool:
        turn = next((t for unit, t in _FULL_TURNS.items() if self.name.endswith(unit)), math.inf)
        kind = self.distribution
        return isinstance(kind, Uniform) and kind.high - kind.low >= turn

    def varied(self, amount: Amount) -> Distribution:
        """Its distribution from off (0) over the default (1) to wider ones, or the wild one."""
        if amount == "wild":
            return self.wild or self.varied(_WILD_AMOUNT)
        if amount == 0:
            return Fixed(self.off)
        if amount == 1 or (amount > 1 and self._is_full_turn):
            return self.distribution
        return self.distribution.varied(amount, off=self.off, bounds=self.bounds)


def per_frame(
    name: str,
    distribution: Distribution,
    off: Drawn,
    meaning: str,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    *,
    wild: Distribution | None = None,
    essential: bool = False,
    per_object: bool = False,
) -> Parameter:
    """A parameter in one line, as the families' tables want it."""
    return Parameter(
        name=name,
        distribution=distribution,
        off=off,
        meaning=meaning,
        bounds=bounds,
        wild=wild,
        essential=essential,
        per_object=per_object,
    )


per_object = partial(per_frame, per_object=True)
"""Like :func:`per_frame`, drawn for every object."""
