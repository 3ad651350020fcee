"""Ready factors fitted to a family: other ranges, other values when off, more dependants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pipeline.sampling.factors import Distribution, Drawn, Factor, Parameter
from pipeline.specs.scene import FactorName

__all__ = ["tailored"]

_NONE: Mapping[str, Distribution] = MappingProxyType({})
_AS_IS: Mapping[str, Drawn] = MappingProxyType({})


def tailored(
    factor: Factor,
    *,
    ranges: Mapping[str, Distribution] = _NONE,
    wild: Mapping[str, Distribution] = _NONE,
    off: Mapping[str, Drawn] = _AS_IS,
    extra: tuple[Parameter, ...] = (),
    dependants: tuple[FactorName, ...] = (),
) -> Factor:
    """A block's factor with what a family wants changed.

    Args:
        factor: Of a block, as ``lighting.LIGHTING``.
        ranges: New distributions by parameter.
        wild: New ones for domain randomisation.
        off: New values of the factor switched off, by parameter.
        extra: Parameters of the family's own, appended.
        dependants: Further factors whose effect moves with this one.

    Raises:
        ValueError: For a parameter that the factor lacks.
    """
    known = {parameter.name for parameter in factor.parameters}
    if strange := (ranges.keys() | wild.keys() | off.keys()) - known:
        raise ValueError(f"{factor.name} has no {sorted(strange)}; known: {sorted(known)}.")
    parameters = tuple(
        replace(
            parameter,
            distribution=ranges.get(parameter.name, parameter.distribution),
            wild=wild.get(parameter.name, parameter.wild),
            off=off.get(parameter.name, parameter.off),
        )
        for parameter in factor.parameters
    )
    return replace(factor, parameters=parameters + extra, dependants=factor.dependants + dependants)
