"""Named factors of randomisation: what may vary, how far, and what was drawn.

Every parameter consumes exactly one uniform number, also where it is fixed or off, so that
changing one parameter leaves the draws of all others where they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.errors import SpecError
from pipeline.sampling.distributions import (
    Choice,
    Distribution,
    Drawn,
    Fixed,
    Integers,
    LogUniform,
    Normal,
    Uniform,
)
from pipeline.sampling.parameters import Parameter, per_frame, per_object
from pipeline.sampling.seeds import FrameSeeds
from pipeline.sampling.settings import read_distribution
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
# What is noise even where nothing of it varies: who is where, and the grain of each picture.
_LIVELY: tuple[FactorName, ...] = (*_TASK, "sensor")


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
        noise_frozen_at: The same of draws beyond the named parameters.
    """

    factor: Factor
    frozen_at: int | None = None
    noise_frozen_at: int | None = None

    def draw(self, seeds: FrameSeeds, index: int = 0) -> dict[str, Drawn]:
        """One value for every frame parameter (index 0) or object parameter (index ≥ 1)."""
        rng = self._generator(seeds, index, frozen_at=self.frozen_at)
        return {
            parameter.name: parameter.distribution.at(float(rng.random()))
            for parameter in self.factor.parameters
            if parameter.per_object == (index > 0)
        }

    def noise(self, seeds: FrameSeeds, index: int = 0) -> np.random.Generator:
        """A generator for draws beyond the named parameters, far from those of ``draw``."""
        bit_generator = self._generator(seeds, index, frozen_at=self.noise_frozen_at).bit_generator
        assert isinstance(bit_generator, np.random.Philox)
        return np.random.Generator(bit_generator.jumped())

    def _generator(
        self, seeds: FrameSeeds, index: int, *, frozen_at: int | None
    ) -> np.random.Generator:
        if frozen_at is not None:
            seeds = replace(seeds, frame=frozen_at)
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
        return self.bound[name].noise(self.seeds, index)

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
    frozen_at = read_frozen(setting, where=key)
    off = vary == 0 or (vary is None and randomisation == "fixed")
    return BoundFactor(
        factor=replace(factor, parameters=parameters),
        frozen_at=frozen_at,
        noise_frozen_at=0
        if off and frozen_at is None and factor.name not in _LIVELY
        else frozen_at,
    )


def _usual_amount(factor: Factor, parameter: Parameter, randomisation: Randomisation) -> Amount:
    match randomisation:
        case "structured":
            return 1.0
        case "domain":
            return "wild"
        case "fixed":
            return 1.0 if factor.name in _TASK or parameter.essential else 0.0
