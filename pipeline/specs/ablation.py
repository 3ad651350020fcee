"""Recipes of which one part is taken away: an augmentation."""

from __future__ import annotations

from pipeline.specs.training import AugmentSpec

__all__ = ["active_augmentations", "without_augmentation"]


def active_augmentations(augment: AugmentSpec) -> tuple[str, ...]:
    """Keys of the augmentations that do something."""
    return tuple(
        key
        for key in type(augment).model_fields
        if getattr(augment, key) != _neutral(getattr(augment, key))
    )


def without_augmentation(augment: AugmentSpec, key: str) -> AugmentSpec:
    """The same augmentations with one switched off."""
    return augment.model_copy(update={key: _neutral(getattr(augment, key))})


def _neutral(value: object) -> object:
    """What an augmentation's key says when it is off."""
    if value is None or isinstance(value, bool):
        return None if value is None else False
    return (1.0, 1.0) if isinstance(value, tuple) else 0.0
