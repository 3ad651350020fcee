"""Named factors of randomisation: what may vary, how far, and what was drawn.

Every parameter consumes exactly one uniform number, also where it is fixed or off, so that
changing one parameter leaves the draws of all others where they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from pipeline.errors import SpecError
from pipeline.sampling.distributions import (
    Bounds,
    Choice,
    Distribution,
    Drawn,
    Fixed,
    Integers,
    LogUniform,
    Normal,
    Uniform,
)
from pipeline.sampling.seeds import FrameSeeds
from pipeline.sampling.settings import Domain, read_distribution
from pipeline.sampling.variation import (
    RESERVED,
    Amount,
    parameters_of,
    read_frozen,
    read_vary,
)
from pipeline.specs.scene import FactorName, FactorValue, Randomisation

__all__ = [
    "BoundFactor",
    "Choice",
    "Distribution",
    "Drawn",
    "Factor",
    "FactorDraws",
    "Fixed",
    "Integers",
    "LogUniform",
    "Normal",
    "Parameter",
    "Uniform",
    "bind_factors",
    "per_frame",
    "per_object",
]

_TASK: tuple[FactorName, ...] = ("count", "placement", "pose")  # what `fixed` goes on drawing
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

    def __post_init__(self) -> None:
        if taken := [p.name for p in self.parameters if p.name in RESERVED]:
            raise ValueError(f"Factor {self.name}: {taken} are words of the spec's own.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundFactor:
    """A factor after the spec has been applied to it.

    Attributes:
        factor: With the distributions that are drawn from.
        frozen_at: The frame whose draws every frame shares; None where each has its own.
    """

    factor: Factor
    frozen_at: int | None = None

    def draw(self, seeds: FrameSeeds, index: int = 0) -> dict[str, Drawn]:
        """One value for every frame parameter (index 0) or object parameter (index ≥ 1)."""
        rng = self.generator(seeds, index)
        return {
            parameter.name: parameter.distribution.at(float(rng.random()))
            for parameter in self.factor.parameters
            if parameter.per_object == (index > 0)
        }

    def generator(self, seeds: FrameSeeds, index: int = 0) -> np.random.Generator:
        """The factor's raw generator, the one the draw starts from."""
        if self.frozen_at is not None:
            seeds = replace(seeds, frame=self.frozen_at)
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
    factors: tuple[Factor, ...],
    settings: Mapping[FactorName, FactorValue],
    *,
    source: Path,
    randomisation: Randomisation = "structured",
) -> dict[FactorName, BoundFactor]:
    """Apply a spec's ``factors`` and ``randomisation`` to a family's factors.

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
    return {
        name: _bind(factor, settings.get(name, {}), randomisation, source)
        for name, factor in known.items()
    }


def _bind(
    factor: Factor, value: FactorValue, randomisation: Randomisation, source: Path
) -> BoundFactor:
    key = f"{source}: key 'factors.{factor.name}"
    setting = parameters_of(value)
    known = [parameter.name for parameter in factor.parameters]
    for name in setting:
        if name not in known and name not in RESERVED:
            raise SpecError(
                f"{key}.{name}': unknown parameter; known: {', '.join([*known, *RESERVED])}."
            )
    vary = read_vary(setting, where=key)
    parameters = tuple(
        replace(
            parameter,
            distribution=read_distribution(
                setting[parameter.name], parameter.domain, where=f"{key}.{parameter.name}"
            )
            if parameter.name in setting
            else parameter.varied(
                _usual_amount(factor, parameter, randomisation) if vary is None else vary
            ),
        )
        for parameter in factor.parameters
    )
    return BoundFactor(
        factor=replace(factor, parameters=parameters),
        frozen_at=read_frozen(setting, where=key),
    )


def _usual_amount(factor: Factor, parameter: Parameter, randomisation: Randomisation) -> Amount:
    match randomisation:
        case "structured":
            return 1.0
        case "domain":
            return "wild"
        case "fixed":
            return 1.0 if factor.name in _TASK or parameter.essential else 0.0
