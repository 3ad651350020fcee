"""The scene families there are: ours, one line each, and those of installed packages.

A package offers a family as an entry point of the group ``blendgap.scenes``
(docs/new-scene.md). A spec only ever names a family: no file that a person is sent can make
blendgap import code.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from blender_scenes.cards.family import CardsFamily
from blender_scenes.checkerboard.family import CheckerboardFamily
from blender_scenes.coins.family import CoinsFamily
from blender_scenes.dice.family import DiceFamily
from blender_scenes.digits.family import DigitsFamily
from blender_scenes.family import SceneFamily
from blender_scenes.meshes.family import MeshesFamily
from blender_scenes.nuts.family import NutsFamily
from blender_scenes.primitives.family import PrimitivesFamily
from pipeline.errors import SpecError
from pipeline.specs.scene import SceneSpec

__all__ = ["FAMILIES", "GROUP", "all_families", "family_of", "find_family", "plugin_versions"]

FAMILIES: dict[str, SceneFamily] = {
    family.name: family
    for family in (
        CardsFamily(),
        CheckerboardFamily(),
        CoinsFamily(),
        DiceFamily(),
        DigitsFamily(),
        MeshesFamily(),
        NutsFamily(),
        PrimitivesFamily(),
    )
}
"""Those that come with blendgap; no other package can take their names."""

GROUP = "blendgap.scenes"
"""The group of entry points."""


def all_families() -> Iterator[SceneFamily]:
    """Every family: ours first, then those of other packages by name.

    Raises:
        SpecError: If one of another package cannot be loaded.
    """
    yield from FAMILIES.values()
    for name in sorted(_plugins()):
        yield find_family(name, source=f"entry point {GROUP}")


def find_family(name: str, *, source: object) -> SceneFamily:
    """The family called ``name``; ``source`` is the file named in the error.

    Raises:
        SpecError: If there is none, or it belongs to another package and cannot be loaded.
    """
    if name in FAMILIES:
        return FAMILIES[name]
    plugins = _plugins()
    if name not in plugins:
        raise SpecError(
            f"{source}: key 'scene': got {name!r}; expected one of "
            f"{', '.join([*FAMILIES, *sorted(plugins)])}."
        )
    return _load(plugins[name])


def family_of(spec: SceneSpec, *, source: Path) -> SceneFamily:
    """A spec's family as the spec wants it; ``source`` is the file named in errors.

    Raises:
        SpecError: If there is no such family, or it cannot do what the spec says.
    """
    return find_family(spec.scene, source=source).of(spec, source=source)


def plugin_versions(name: str) -> dict[str, str]:
    """Name and version of the package that a family comes from; empty for ours."""
    plugin = None if name in FAMILIES else _plugins().get(name)
    return {plugin.dist.name: plugin.dist.version} if plugin and plugin.dist else {}


def _plugins() -> dict[str, EntryPoint]:
    return {
        plugin.name: plugin for plugin in entry_points(group=GROUP) if plugin.name not in FAMILIES
    }


def _load(plugin: EntryPoint) -> SceneFamily:
    where = f"scene {plugin.name!r} of {plugin.dist.name if plugin.dist else 'a package'}"
    try:
        kind = plugin.load()
    except (ImportError, AttributeError) as error:
        raise SpecError(f"{where}: {plugin.value} cannot be loaded ({error}).") from error
    if not (isinstance(kind, type) and issubclass(kind, SceneFamily)):
        raise SpecError(f"{where}: {plugin.value} is no subclass of SceneFamily.")
    family = kind()
    if family.name != plugin.name:
        raise SpecError(
            f"{where}: {plugin.value} calls itself {family.name!r}; expected the same name."
        )
    return family
