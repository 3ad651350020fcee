"""Named factors of randomisation: what may vary, how far, and what was drawn.

Every parameter consumes exactly one uniform number, also where it is fixed or off, so that
changing one parameter leaves the draws of all others where they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.errors import SpecError
from pipeline.sampling.seeds import FrameSeeds
from pipeline.specs.scene import FactorName, FactorValue

__all__ = [
    "BoundFactor",
    "Choice",
    "Distribution",
    "Drawn",
    "Factor",
    "FactorDraws",
    "Integers",
    "LogUniform",
    "Parameter",
    "Uniform",
    "bind_factors",
]

Drawn = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Uniform:
    """Uniform on [low, high]."""

    low: float
    high: float

    def at(self, u: float) -> float:
        """The value at the quantile u in [0, 1)."""
        return self.low + (self.high - self.low) * u


@dataclass(frozen=True, slots=True)
class LogUniform:
    """Uniform in the logarithm on [low, high]; both positive."""

    low: float
    high: float

    def at(self, u: float) -> float:
        """The value at the quantile u in [0, 1)."""
        return math.exp(math.log(self.low) + (math.log(self.high) - math.log(self.low)) * u)


@dataclass(frozen=True, slots=True)
class Integers:
    """Uniform on the whole numbers low ... high, both included."""

    low: int
    high: int

    def at(self, u: float) -> int:
        """The value at the quantile u in [0, 1)."""
        return self.low + min(int(u * (self.high - self.low + 1)), self.high - self.low)


@dataclass(frozen=True, slots=True)
class Choice:
    """Each option equally often; an option named twice comes twice as often."""

    options: tuple[Drawn, ...]

    def at(self, u: float) -> Drawn:
        """The value at the quantile u in [0, 1)."""
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]


Distribution = Uniform | LogUniform | Integers | Choice


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
    """

    name: str
    distribution: Distribution
    off: Drawn
    meaning: str
    per_object: bool = False
    bounds: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A named group of parameters that is switched, sliced and ablated as one.

    Attributes:
        dependants: Factors whose effect must move with this one (placement with count).
    """

    name: FactorName
    meaning: str
    parameters: tuple[Parameter, ...]
    dependants: tuple[FactorName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFactor:
    """A factor after the spec has been applied to it."""

    factor: Factor
    mode: Literal["on", "off", "frozen"] = "on"

    def draw(self, seeds: FrameSeeds, index: int = 0) -> dict[str, Drawn]:
        """One value for every frame parameter (index 0) or object parameter (index ≥ 1)."""
        rng = self.generator(seeds, index)
        values: dict[str, Drawn] = {}
        for parameter in self.factor.parameters:
            if parameter.per_object != (index > 0):
                continue
            u = float(rng.random())
            values[parameter.name] = (
                parameter.off if self.mode == "off" else parameter.distribution.at(u)
            )
        return values

    def generator(self, seeds: FrameSeeds, index: int = 0) -> np.random.Generator:
        """The factor's raw generator, the one the draw starts from."""
        if self.mode == "frozen":
            seeds = replace(seeds, frame=0)
        return seeds.generator(self.factor.name, index)


@dataclass(slots=True)
class FactorDraws:
    """All draws of one frame; ``drawn`` collects what the record will say."""

    bound: Mapping[FactorName, BoundFactor]
    seeds: FrameSeeds
    drawn: dict[str, dict[str, Drawn]] = field(default_factory=dict)

    def frame(self, name: FactorName) -> dict[str, Drawn]:
        """The factor's per-frame values; remembered in ``drawn``."""
        if name not in self.drawn:
            self.drawn[name] = self.bound[name].draw(self.seeds)
        return self.drawn[name]

    def object(self, name: FactorName, index: int) -> dict[str, Drawn]:
        """The factor's values for object ``index`` ≥ 1."""
        return self.bound[name].draw(self.seeds, index)

    def noise(self, name: FactorName, index: int = 0) -> np.random.Generator:
        """A generator for draws beyond the named parameters, far from those of ``draw``."""
        rng = self.bound[name].generator(self.seeds, index)
        bit_generator = rng.bit_generator
        assert isinstance(bit_generator, np.random.Philox)
        return np.random.Generator(bit_generator.jumped())

    def noise_seed(self, name: FactorName, index: int = 0) -> int:
        """A 31-bit seed that fixes noise made later, by Blender or by the sensor."""
        return int(self.noise(name, index).integers(2**31))


def bind_factors(
    factors: tuple[Factor, ...], settings: Mapping[FactorName, FactorValue], *, source: Path
) -> dict[FactorName, BoundFactor]:
    """Apply a spec's ``factors`` to a family's.

    Raises:
        SpecError: For a factor or parameter that the family lacks, or a value out of bounds.
    """
    known = {factor.name: factor for factor in factors}
    for name in settings:
        if name not in known:
            raise SpecError(
                f"{source}: key 'factors.{name}': this scene has no such factor; "
                f"known: {', '.join(known)}."
            )
    return {name: _bind(factor, settings.get(name, "on"), source) for name, factor in known.items()}


def _bind(factor: Factor, setting: FactorValue, source: Path) -> BoundFactor:
    if not isinstance(setting, dict):
        return BoundFactor(factor=factor, mode=setting)
    known = {parameter.name: parameter for parameter in factor.parameters}
    for key in setting:
        if key not in known:
            raise SpecError(
                f"{source}: key 'factors.{factor.name}.{key}': unknown parameter; "
                f"known: {', '.join(known)}."
            )
    parameters = tuple(
        replace(
            parameter,
            distribution=_distribution(
                parameter,
                setting[parameter.name],
                f"{source}: key 'factors.{factor.name}.{parameter.name}'",
            ),
        )
        if parameter.name in setting
        else parameter
        for parameter in factor.parameters
    )
    return BoundFactor(factor=replace(factor, parameters=parameters))


def _distribution(parameter: Parameter, value: Drawn | list[Drawn], where: str) -> Distribution:
    default = parameter.distribution
    if isinstance(default, Choice):
        options = tuple(value) if isinstance(value, list) else (value,)
        strange = [option for option in options if option not in default.options]
        if strange or not options:
            raise SpecError(
                f"{where}: got {value!r}; expected one or more of "
                f"{', '.join(map(str, dict.fromkeys(default.options)))}."
            )
        return Choice(options)
    ends = value if isinstance(value, list) else [value, value]
    whole = isinstance(default, Integers)
    fits = len(ends) == 2 and all(
        isinstance(end, int if whole else int | float) and not isinstance(end, bool) for end in ends
    )
    if not fits:
        kind = "whole number" if whole else "number"
        raise SpecError(f"{where}: got {value!r}; expected a {kind} or [low, high].")
    low, high = (float(end) for end in ends)
    minimum, maximum = parameter.bounds
    if isinstance(default, LogUniform):
        minimum = max(minimum, 1e-12)
    if not minimum <= low <= high <= maximum:
        raise SpecError(
            f"{where}: got {value!r}; expected {minimum:g} <= low <= high <= {maximum:g}."
        )
    if isinstance(default, Integers):
        return Integers(int(low), int(high))
    return type(default)(low, high)
