"""Which examples make up a training step: a function of the seed and the step alone.

A run that was killed goes on with the very batches it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.geometry.boxes import FloatArray

__all__ = ["Sampler", "Slot", "seed_of_step"]

# Purposes of child generators; written into every run through its batches, so never changed.
_ORDER, _EXAMPLE, _NETWORK = 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place in a batch: example ``index`` of source ``source``, changed as ``rng`` says."""

    source: int
    index: int
    rng: np.random.Generator


class Sampler:
    """Mixes sources by ratio, and goes through each in rounds of its own.

    Of every batch each source gets its share; what is rounded away in one batch is made up for
    in the next ones. A round has all examples of a source in shuffled order; where they have
    factors, each at least once and as often as its factor says, rounded by chance.
    """

    def __init__(
        self,
        *,
        seed: int,
        batch_size: int,
        weights: Sequence[float],
        lengths: Sequence[int],
        factors: Sequence[FloatArray | None] | None = None,
    ) -> None:
        """Mix some sources.

        Args:
            seed: The run's.
            batch_size: Slots per step.
            weights: Shares of the sources, relative to each other.
            lengths: Examples in each source.
            factors: For each source (N,), at least 1, how often an example comes in a round;
                None: once.
        """
        self._seed, self._batch_size = seed, batch_size
        exact = [Fraction(str(weight)) for weight in weights]
        self._shares = [weight / sum(exact[i:]) for i, weight in enumerate(exact)]
        self._rounds = [
            _Rounds(seed=seed, source=i, length=length, factors=factors[i] if factors else None)
            for i, length in enumerate(lengths)
        ]

    def slots(self, step: int) -> tuple[Slot, ...]:
        """The slots of one batch; steps count from 0."""
        slots = []
        for place in range(self._batch_size):
            source, rank = self._turn(step * self._batch_size + place)
            slots.append(
                Slot(
                    source=source,
                    index=self._rounds[source].index(rank),
                    rng=_generator(self._seed, _EXAMPLE, step, place),
                )
            )
        return tuple(slots)

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Source and index of any example: sources by weight, examples by factor."""
        last = len(self._shares) - 1
        chances = rng.random(last)
        source = next((i for i in range(last) if chances[i] < float(self._shares[i])), last)
        return source, self._rounds[source].any_index(rng)

    def _turn(self, number: int) -> tuple[int, int]:
        """Source of a slot of the whole run, and how many slots that source has had before."""
        for source, share in enumerate(self._shares):
            before, after = (_rounded(n * share) for n in (number, number + 1))
            if after > before:
                return source, before
            number -= before
        raise AssertionError("the last source takes what is left")


class _Rounds:
    """One source's examples, round by round; ``length`` is that of a round."""

    def __init__(self, *, seed: int, source: int, length: int, factors: FloatArray | None) -> None:
        self.length = length if factors is None else math.ceil(factors.sum() - 1e-6)
        self._seed, self._source, self._factors = seed, source, factors
        self._orders: dict[int, npt.NDArray[np.integer[Any]]] = {}

    def index(self, rank: int) -> int:
        """The example that comes as number ``rank`` of the run, from 0."""
        turn, position = divmod(rank, self.length)
        if turn not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if abs(k - turn) == 1}
            self._orders[turn] = self._order(turn)
        return int(self._orders[turn][position])

    def any_index(self, rng: np.random.Generator) -> int:
        """One of the examples, as often as it comes in a round."""
        if self._factors is None:
            return int(rng.integers(self.length))
        return int(rng.choice(len(self._factors), p=self._factors / self._factors.sum()))

    def _order(self, turn: int) -> npt.NDArray[np.integer[Any]]:
        rng = _generator(self._seed, _ORDER, self._source, turn)
        if self._factors is None:
            return rng.permutation(self.length)
        # Systematic sampling: every example gets its factor's share, rounded up or down.
        ends = np.cumsum(self._factors) / self._factors.sum()
        places = (np.arange(self.length) + rng.random()) / self.length
        found = np.searchsorted(ends, places, side="right")
        return rng.permutation(np.minimum(found, len(ends) - 1))


def seed_of_step(step: int, *, seed: int, part: int = 0) -> int:
    """For what networks leave to chance (dropout, drawn regions), so that resuming is exact."""
    key = (_NETWORK, step, part) if part else (_NETWORK, step)
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    return int(sequence.generate_state(1, np.uint64)[0]) >> 1


def _rounded(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
