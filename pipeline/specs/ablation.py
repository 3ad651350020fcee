"""Recipes of which one part is taken away: an augmentation."""

from __future__ import annotations

from pipeline.specs.augmentation import UNCHANGED, AugmentSpec

__all__ = ["active_augmentations", "without_augmentation"]


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
