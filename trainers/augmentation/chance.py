"""Generators of their own for augmentations."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Purpose", "child"]


class Purpose(IntEnum):
    """What is drawn by a generator of its own; numbers are never used again for another."""

    JITTER = 1
    JPEG = 2
    ERASING = 3
    MOSAIC = 4
    COPY_PASTE = 5
    TRIVIAL_AUGMENT = 6
    BATCH_MIX = 7
    ON_OBJECTS = 8


def child(rng: np.random.Generator, purpose: Purpose) -> np.random.Generator:
    """The generator of one purpose: the parent's draws and those of others leave it alone."""
    parent = rng.bit_generator.seed_seq
    assert isinstance(parent, np.random.SeedSequence)
    key = (*parent.spawn_key, int(purpose))
    return np.random.default_rng(np.random.SeedSequence(parent.entropy, spawn_key=key))
