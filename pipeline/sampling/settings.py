"""What a spec says about one parameter, as a distribution.

A number or word fixes it, ``[low, high]`` sets the range of its default kind of distribution, a
list of words its choices; ``{normal: [1, 0.2], within: [0.5, 2]}`` names the kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeGuard

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
    Rounded,
    Uniform,
)
from pipeline.specs.scene import ParameterValue

__all__ = ["Domain", "read_distribution"]

_LEAST_POSITIVE = 1e-12
_SD_OF_RANGE = 4  # [low, high] of a normal is two standard deviations to each side


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """The values that a parameter may take.

    Attributes:
        default: Its distribution unless a spec says otherwise.
        options: All words or numbers there are; empty where it is a number within ``bounds``.
        bounds: Both ends included.
    """

    default: Distribution
    options: tuple[Drawn, ...]
    bounds: Bounds

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers only."""
        match self.default:
            case Integers() | Rounded():
                return True
            case Fixed(value):
                return isinstance(value, int)
            case Choice(options):
                return all(isinstance(option, int) for option in options)
        return False

    @property
    def yes_or_no(self) -> bool:
        """Whether it takes true and false only."""
        return bool(self.options) and all(isinstance(option, bool) for option in self.options)


def read_distribution(value: ParameterValue, domain: Domain, *, where: str) -> Distribution:
    """The distribution that a spec's value stands for.

    Args:
        value: As in the spec.
        domain: What the parameter may be.
        where: File and key for errors, its quotation mark left open.

    Raises:
        SpecError: If the value does not fit.
    """
    if isinstance(value, dict):
        return _explicit(value, domain, where)
    if not isinstance(value, list):
        if domain.yes_or_no and not isinstance(value, bool | str) and 0 <= value <= 1:
            return Choice((True, False), (value, 1 - value))
        return Fixed(_one(value, domain, where))
    if domain.options or isinstance(domain.default, Choice):
        return _choice(value, domain, where)
    low, high = _ends(value, domain, where)
    match domain.default:
        case LogUniform():
            return _log_uniform(low, high, where)
        case Normal():
            return Normal((low + high) / 2, (high - low) / _SD_OF_RANGE, low, high)
    return _uniform(low, high, domain)


def _explicit(setting: Mapping[str, object], domain: Domain, where: str) -> Distribution:
    kinds = {key: value for key, value in setting.items() if key != "within"}
    known = _OF_OPTIONS if domain.options else tuple(_READERS)
    if len(kinds) != 1 or not kinds.keys() <= set(known):
        raise SpecError(f"{where}': got {dict(setting)!r}; expected one of {', '.join(known)}.")
    [(kind, value)] = kinds.items()
    if "within" in setting:
        if kind != "normal":
            raise SpecError(f"{where}': got 'within' beside {kind!r}; it cuts a normal only.")
        domain = replace(domain, bounds=_ends(setting["within"], domain, f"{where}.within"))
    return _READERS[kind](value, domain, f"{where}.{kind}")


def _fixed(value: object, domain: Domain, where: str) -> Fixed:
    return Fixed(_one(value, domain, where))


def _read_uniform(value: object, domain: Domain, where: str) -> Distribution:
    return _uniform(*_ends(value, domain, where), domain)


def _read_log_uniform(value: object, domain: Domain, where: str) -> Distribution:
    low, high = _ends(value, domain, where)
    exact = _log_uniform(low, high, where)
    return Rounded(exact) if domain.whole else exact


def _read_integers(value: object, domain: Domain, where: str) -> Integers:
    low, high = _ends(value, domain, where)
    if low % 1 or high % 1:
        raise SpecError(f"{where}': got {value!r}; expected whole numbers.")
    return Integers(int(low), int(high))


def _read_normal(value: object, domain: Domain, where: str) -> Normal | Rounded:
    if not _are_numbers(value) or len(value) != 2 or value[1] < 0:
        raise SpecError(f"{where}': got {value!r}; expected [mean, standard deviation].")
    mean, sd = (float(number) for number in value)
    low, high = domain.bounds
    if not low <= mean <= high:
        raise SpecError(f"{where}': got mean {mean:g}; expected {low:g} <= mean <= {high:g}.")
    exact = Normal(mean, sd, low, high)
    return Rounded(exact) if domain.whole else exact


def _choice(value: object, domain: Domain, where: str) -> Choice:
    """Options in a list, or with weights in a mapping, whose keys YAML makes words."""
    if isinstance(value, dict) and value:
        weights = list(value.values())
        if not _are_numbers(weights) or min(weights) < 0 or sum(weights) <= 0:
            raise SpecError(f"{where}': got {value!r}; expected a weight for each option.")
        chosen = {_spoken(name, domain, where): float(w) for name, w in value.items() if w > 0}
        return Choice(tuple(chosen), tuple(chosen.values()))
    if not isinstance(value, list) or not value:
        raise SpecError(f"{where}': got {value!r}; expected {_expected(domain)}.")
    return Choice(tuple(_one(option, domain, where) for option in value))


def _spoken(name: str, domain: Domain, where: str) -> Drawn:
    for option in domain.options:
        if name == (str(option).lower() if isinstance(option, bool) else str(option)):
            return option
    try:
        number = float(name)
    except ValueError:
        return _one(name, domain, where)
    return _one(int(number) if number.is_integer() else number, domain, where)


def _one(value: object, domain: Domain, where: str) -> Drawn:
    """One value, checked, of the type that draws have."""
    if domain.options:
        for option in domain.options:
            if option == value and isinstance(option, bool) == isinstance(value, bool):
                return option
        raise SpecError(f"{where}': got {value!r}; expected {_expected(domain)}.")
    number, _ = _ends([value, value], domain, where, got=value)
    return int(number) if domain.whole else number


def _ends(value: object, domain: Domain, where: str, *, got: object = None) -> tuple[float, float]:
    shown = value if got is None else got
    kind = int if domain.whole else int | float
    if (
        not _are_numbers(value)
        or len(value) != 2
        or not all(isinstance(number, kind) for number in value)
    ):
        raise SpecError(f"{where}': got {shown!r}; expected {_expected(domain)}.")
    low, high = (float(number) for number in value)
    minimum, maximum = domain.bounds
    if not minimum <= low <= high <= maximum:
        raise SpecError(
            f"{where}': got {shown!r}; expected {minimum:g} <= low <= high <= {maximum:g}."
        )
    return low, high


def _are_numbers(value: object) -> TypeGuard[Sequence[float]]:
    return isinstance(value, list) and all(
        isinstance(number, int | float) and not isinstance(number, bool) for number in value
    )


def _expected(domain: Domain) -> str:
    if domain.yes_or_no:
        return "true, false, or how often it is true, from 0 to 1"
    if domain.options:
        return f"one or more of {', '.join(map(str, dict.fromkeys(domain.options)))}"
    return f"a {'whole number' if domain.whole else 'number'} or [low, high]"


def _uniform(low: float, high: float, domain: Domain) -> Distribution:
    return Integers(int(low), int(high)) if domain.whole else Uniform(low, high)


def _log_uniform(low: float, high: float, where: str) -> LogUniform:
    if low < _LEAST_POSITIVE:
        raise SpecError(f"{where}': got low {low:g}; a logarithmic range needs one above 0.")
    return LogUniform(low, high)


_READERS: dict[str, Callable[[object, Domain, str], Distribution]] = {
    "fixed": _fixed,
    "uniform": _read_uniform,
    "log_uniform": _read_log_uniform,
    "normal": _read_normal,
    "integers": _read_integers,
    "choice": _choice,
}
_OF_OPTIONS = ("fixed", "choice")
