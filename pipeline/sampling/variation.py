"""How far a factor varies, and in which frames: what a spec says of a factor as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pipeline.errors import SpecError
from pipeline.specs.scene import FactorName, FactorValue, ParameterValue, SceneSpec

__all__ = ["RESERVED", "Amount", "parameters_of", "read_frozen", "read_vary", "vary_only"]

Amount = float | Literal["wild"]
"""How far a parameter varies: 0 is off, 1 the default, 2 twice as far."""

RESERVED = ("vary", "frozen")
"""Keys beside a factor's parameters, which no parameter may be called."""

_MODES: dict[str, dict[str, ParameterValue]] = {
    "on": {"vary": 1.0},
    "off": {"vary": 0.0},
    "wild": {"vary": "wild"},
    "frozen": {"frozen": 0},
}


def parameters_of(value: FactorValue) -> dict[str, ParameterValue]:
    """A factor's setting with its short forms written out.

    >>> parameters_of("off"), parameters_of(0.5), parameters_of({"size_m": 1})
    ({'vary': 0.0}, {'vary': 0.5}, {'size_m': 1})
    """
    if isinstance(value, str):
        return _MODES[value]
    return value if isinstance(value, dict) else {"vary": value}


def read_vary(setting: Mapping[str, ParameterValue], *, where: str) -> Amount | None:
    """How far the factor varies; None where that is left to the kind of randomisation.

    Args:
        setting: With the short forms written out.
        where: File and key for errors, its quotation mark left open.

    Raises:
        SpecError: For anything but a number from 0 on, or ``wild``.
    """
    value = setting.get("vary")
    if value is None or value == "wild":
        return "wild" if value else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise SpecError(f"{where}.vary': got {value!r}; expected a number from 0 on, or wild.")
    return value


def read_frozen(setting: Mapping[str, ParameterValue], *, where: str) -> int | None:
    """The frame whose draws every frame shares; None where each has its own.

    Args:
        setting: With the short forms written out.
        where: File and key for errors, its quotation mark left open.

    Raises:
        SpecError: For anything but the number of a frame.
    """
    value = setting.get("frozen")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SpecError(f"{where}.frozen': got {value!r}; expected the number of a frame.")
    return value


def vary_only(
    spec: SceneSpec, name: FactorName, *, factors: Iterable[FactorName], frame: int
) -> SceneSpec:
    """The spec with all factors but one frozen.

    Args:
        spec: Any.
        name: The factor that moves, even if the spec freezes it or switches it off.
        factors: All that the scene has.
        frame: Whose draws the others keep.
    """
    settings: dict[FactorName, FactorValue] = {
        other: parameters_of(spec.factors.get(other, {})) | {"frozen": frame} for other in factors
    }
    own = {k: v for k, v in parameters_of(spec.factors.get(name, {})).items() if k != "frozen"}
    if own.get("vary") == 0 or ("vary" not in own and spec.randomisation == "fixed"):
        own["vary"] = 1.0
    return spec.model_copy(update={"factors": settings | {name: own}})
