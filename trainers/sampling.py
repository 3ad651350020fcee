"""Which examples make up a training step: a function of the seed and the step alone.

Nothing here has a state, so a run that was killed goes on with the very batches it would have
seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Slot", "seed_of_step", "slots_of_step"]

# Purposes of child generators; written into every run through its batches, so never changed.
_MIX, _ORDER, _EXAMPLE, _NETWORK = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One place in a batch: example ``index`` of source ``source``, changed as ``rng`` says."""

    source: int
    index: int
    rng: np.random.Generator


def slots_of_step(
    step: int, *, seed: int, batch_size: int, lengths: Sequence[int], weights: Sequence[float]
) -> tuple[Slot, ...]:
    """The slots of one batch.

    Every source fills its share of the batch, rounded up or down by chance, and goes through its
    examples in shuffled order, all of them once before any comes twice.

    Args:
        step: From 0.
        seed: The run's.
        batch_size: Slots per step.
        lengths: Examples in each source.
        weights: Shares of the sources, relative to each other.
    """
    ends = np.cumsum(weights) / np.sum(weights)
    offset = _generator(seed, _MIX, step).random()
    positions = (np.arange(batch_size) + offset) / batch_size
    sources = np.minimum(np.searchsorted(ends, positions, side="right"), len(lengths) - 1)
    slots = []
    for place, source in enumerate(sources.tolist()):
        turn, position = divmod(step * batch_size + place, lengths[source])
        slots.append(
            Slot(
                source=source,
                index=int(_order(seed, source, turn, lengths[source])[position]),
                rng=_generator(seed, _EXAMPLE, step, place),
            )
        )
    return tuple(slots)


def seed_of_step(step: int, *, seed: int) -> int:
    """For what networks leave to chance (dropout, drawn regions), so that resuming is exact."""
    sequence = np.random.SeedSequence(seed, spawn_key=(_NETWORK, step))
    return int(sequence.generate_state(1, np.uint64)[0]) >> 1


@lru_cache(maxsize=64)
def _order(seed: int, source: int, turn: int, length: int) -> npt.NDArray[np.integer[Any]]:
    return _generator(seed, _ORDER, source, turn).permutation(length)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
