"""Objects found by circumstance: what was drawn for a frame, what any picture shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from evaluation.bootstrap import Estimate, Units, bootstrap
from pipeline.geometry.boxes import FloatArray

__all__ = [
    "CoverageGap",
    "Group",
    "ObjectRow",
    "ObjectValue",
    "Slice",
    "coverage_gaps",
    "slice_objects",
]

ObjectValue = float | str

_THIRDS = (1 / 3, 2 / 3)
_MOST_WORDS = 5
_FEWEST_OBJECTS = 6  # in a group that is shown
_RESAMPLES = 400
_WHOLE_FROM = 100  # numbers from here on need no decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """One labelled object and its circumstances.

    Attributes:
        image_id: Objects of one picture are resampled together.
        found: Whether the network found it.
        values: Numbers or words by circumstance; what is not known is absent.
    """

    image_id: int
    found: bool
    values: Mapping[str, ObjectValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Objects under one circumstance.

    Attributes:
        label: As ``12 to 30`` or a word.
        share: Of them that were found, by name of the set; absent below six objects.
        objects: How many there are, by name of the set.
    """

    label: str
    share: Mapping[str, Estimate]
    objects: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slice:
    """All groups of one circumstance."""

    name: str
    groups: tuple[Group, ...]

    def span(self, of: str) -> float:
        """Largest minus smallest share of one set; 0 with fewer than two groups."""
        shares = [group.share[of].value for group in self.groups if of in group.share]
        return max(shares) - min(shares) if len(shares) > 1 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageGap:
    """Real values that no training picture has.

    Attributes:
        limit: The smallest or largest training value.
        below: Whether the real ones lie below it.
        share: Of the real values.
    """

    name: str
    limit: float
    below: bool
    share: float


def slice_objects(
    sets: Mapping[str, Sequence[ObjectRow]], names: Iterable[str], *, edges_of: str
) -> list[Slice]:
    """The share of objects found, by each circumstance, with 95 % intervals over pictures.

    Numbers are cut in thirds, words are groups as they are. Nothing is said of groups of fewer
    than six objects, nor of circumstances that leave one group.

    Args:
        sets: Objects by name of their set, as ``real`` and ``synthetic``.
        names: Circumstances, in order.
        edges_of: The set whose thirds are taken; another one where it has no such number.
    """
    found = []
    for name in names:
        known = {key: [r for r in rows if name in r.values] for key, rows in sets.items()}
        first = known.get(edges_of) or max(known.values(), key=len, default=[])
        groups = []
        for label, member in _members(name, first):
            inside = {
                key: [row for row in rows if member(row.values[name])]
                for key, rows in known.items()
            }
            kept = {key: rows for key, rows in inside.items() if len(rows) >= _FEWEST_OBJECTS}
            if kept:
                groups.append(
                    Group(
                        label=label,
                        share={key: _share(rows) for key, rows in kept.items()},
                        objects={key: len(rows) for key, rows in inside.items()},
                    )
                )
        if len(groups) > 1:
            found.append(Slice(name=name, groups=tuple(groups)))
    return found


def coverage_gaps(
    *, real: Mapping[str, Sequence[float]], training: Mapping[str, Sequence[float]]
) -> list[CoverageGap]:
    """Where real pictures lie beyond everything that was trained on, the largest share first.

    Args:
        real: Numbers by name of their measure.
        training: The same of the training set.
    """
    gaps = []
    for name, numbers in real.items():
        seen = training.get(name)
        if seen is None or not len(seen) or not len(numbers):
            continue
        values = np.asarray(numbers)
        for limit, below in ((min(seen), True), (max(seen), False)):
            share = float(np.mean(values < limit if below else values > limit))
            if share > 0:
                gaps.append(CoverageGap(name=name, limit=limit, below=below, share=share))
    return sorted(gaps, key=lambda gap: -gap.share)


def _members(name: str, rows: Sequence[ObjectRow]) -> list[tuple[str, _Member]]:
    values = [row.values[name] for row in rows]
    words = [value for value in values if isinstance(value, str)]
    if words:
        common = sorted(set(words), key=lambda word: (-words.count(word), word))[:_MOST_WORDS]
        return [(word, _Word(word)) for word in common]
    numbers = np.array([value for value in values if not isinstance(value, str)])
    if not numbers.size:
        return []
    edges = np.unique(np.quantile(numbers, _THIRDS))
    edges = edges[(edges > numbers.min()) & (edges <= numbers.max())]
    ends = [-np.inf, *edges.tolist(), np.inf]
    return [(_label(a, b), _Range(a, b)) for a, b in itertools.pairwise(ends)]


@dataclass(frozen=True, slots=True)
class _Word:
    word: str

    def __call__(self, value: ObjectValue) -> bool:
        return value == self.word


@dataclass(frozen=True, slots=True)
class _Range:
    low: float
    high: float

    def __call__(self, value: ObjectValue) -> bool:
        return not isinstance(value, str) and self.low <= value < self.high


_Member = _Word | _Range


def _label(low: float, high: float) -> str:
    if np.isinf(low):
        return f"under {_short(high)}"
    if np.isinf(high):
        return f"from {_short(low)}"
    return f"{_short(low)} to {_short(high)}"


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= _WHOLE_FROM else f"{number:.3g}"


def _share(rows: Sequence[ObjectRow]) -> Estimate:
    ids = sorted({row.image_id for row in rows})
    unit_of = {image_id: unit for unit, image_id in enumerate(ids)}
    units = np.array([unit_of[row.image_id] for row in rows])
    found = np.bincount(units, weights=[row.found for row in rows], minlength=len(ids))
    total = np.bincount(units, minlength=len(ids))

    def statistic(weights: FloatArray) -> FloatArray:
        return np.asarray((weights @ found) / (weights @ total))[:, None]

    (share,) = bootstrap(statistic, Units(drawn=len(ids), name="images"), resamples=_RESAMPLES)
    return share
