"""The scene families there are; a new one adds its line here and touches nothing else."""

from __future__ import annotations

from blender_scenes.coins.family import CoinsFamily
from blender_scenes.digits.family import DigitsFamily
from blender_scenes.family import SceneFamily
from pipeline.errors import SpecError

__all__ = ["FAMILIES", "find_family"]

FAMILIES: dict[str, SceneFamily] = {
    family.name: family for family in (CoinsFamily(), DigitsFamily())
}


def find_family(name: str, *, source: object) -> SceneFamily:
    """The family called ``name``; ``source`` is the file named in the error.

    Raises:
        SpecError: If there is none.
    """
    if name not in FAMILIES:
        raise SpecError(
            f"{source}: key 'scene': got {name!r}; expected one of {', '.join(FAMILIES)}."
        )
    return FAMILIES[name]
