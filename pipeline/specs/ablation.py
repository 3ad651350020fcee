"""Recipes of which one part is taken away: an augmentation."""

from __future__ import annotations

from pipeline.specs.augmentation import UNCHANGED, AugmentSpec

__all__ = ["active_augmentations", "lack_words", "part_words", "without_augmentation"]


def active_augmentations(augment: AugmentSpec) -> tuple[str, ...]:
    """Keys of the augmentations that do something."""
    return tuple(
        key
        for key in type(augment).model_fields
        if getattr(augment, key) != getattr(UNCHANGED, key)
    )


def without_augmentation(augment: AugmentSpec, key: str) -> AugmentSpec:
    """The same augmentations with one switched off."""
    return augment.model_copy(update={key: getattr(UNCHANGED, key)})


def part_words(part: str) -> str:
    """What the full recipe has, as people call it.

    >>> part_words("lighting"), part_words("model.width=0.5")
    ('lighting', 'model.width, not 0.5')
    """
    key, is_setting, value = part.partition("=")
    return f"{key}, not {value}" if is_setting else part


def lack_words(part: str) -> str:
    """What a recipe has that lacks a part.

    >>> lack_words("lighting"), lack_words("model.width=0.5")
    ('without lighting', 'with model.width=0.5')
    """
    return f"with {part}" if "=" in part else f"without {part}"
