"""What a scene family is: a description that the parent process can read without Blender."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, Self

from blender_scenes.blocks.pictures import PANORAMAS, PHOTOGRAPHS, files_in
from pipeline.errors import SpecError
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import Factor, FactorDraws
from pipeline.specs.scene import ImageSpec, SceneSpec

__all__ = ["SceneFamily", "SpecKey"]

SpecKey = Literal["categories", "worlds", "backgrounds", "models"]
"""What of a spec not every family has a use for."""

_ENDINGS: dict[SpecKey, frozenset[str]] = {"worlds": PANORAMAS, "backgrounds": PHOTOGRAPHS}


class SceneFamily(ABC):
    """A kind of scene, in ``blender_scenes/<name>/``.

    ``family.py`` (no bpy) says what there is and draws it; ``build.py`` beside it turns one
    sampled scene into bpy data with ``build(scene, assets) -> SampledScene | None``: every
    labelled object gets ``pass_index = instance_id``, everything else 0. A scene that it
    returns, as one whose objects have come to rest, replaces the sampled one in the record;
    built again, that one must stay as it is. Camera and render settings are not the family's
    business.

    A family is a description of all that it can be; :meth:`of` gives it as one spec wants it.

    Attributes:
        name: As in the spec's ``scene``.
        summary: One line for ``blendgap scenes``.
        categories: Names, in the order of their COCO ids 1, 2, ...
        keypoints: Of the categories that have some.
        factors: What varies.
        image: Default size and format.
        accepts: Keys of a spec that it has a use for; the others are refused.
        assets: The files that scenes may be made from, by a name that has no host's path: a
            user's as ``backgrounds/desk.jpg``. A dataset is pinned to their contents.
        scene_type: The family's ``SampledScene``.
        build_module: Import path of ``build.py``; only worker processes import it.
        max_bounces: Light paths (total, diffuse, glossy).
        denoise: Whether pictures go through the denoiser.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    categories: tuple[str, ...]
    keypoints: Mapping[str, KeypointLayout] = MappingProxyType({})
    factors: ClassVar[tuple[Factor, ...]]
    image: ClassVar[ImageSpec]
    scene_type: ClassVar[type[SampledScene]]
    build_module: ClassVar[str]
    max_bounces: ClassVar[tuple[int, int, int]] = (4, 2, 2)
    denoise: ClassVar[bool] = True
    accepts: ClassVar[frozenset[SpecKey]] = frozenset()
    assets: Mapping[str, Path] = MappingProxyType({})

    def of(self, spec: SceneSpec, *, source: Path) -> Self:
        """This family with the categories, keypoints and files of a spec.

        Args:
            spec: What a person wrote.
            source: Its file, named in errors.

        Raises:
            SpecError: If the family cannot do what the spec says, or a folder has no such files.
        """
        # What is said of models is for those who have a use for models.
        keys: dict[str, SpecKey] = {f"assets.{key}": "models" for key, _ in spec.assets}
        keys |= {"assets.worlds": "worlds", "assets.backgrounds": "backgrounds"}
        given = {f"assets.{key}" for key, value in spec.assets if value is not None}
        if spec.categories is not None:
            keys["categories"] = "categories"
            given.add("categories")
        if refused := sorted(key for key in given if keys[key] not in self.accepts):
            raise SpecError(
                f"{source}: key '{refused[0]}': scene {self.name} has no use for it; "
                "remove the key."
            )
        made = copy.copy(self)
        made.categories = self._chosen(spec.categories, source=source)
        folders = {"worlds": spec.assets.worlds, "backgrounds": spec.assets.backgrounds}
        files: dict[str, Path] = {}
        for key, endings in _ENDINGS.items():
            if folder := folders[key]:
                files |= files_in(folder, kind=key, endings=endings)
        made.assets = files
        return made

    def pictures(self, kind: Literal["worlds", "backgrounds"]) -> tuple[str, ...]:
        """Names of the user's panoramas or photographs, sorted."""
        return tuple(sorted(name for name in self.assets if name.startswith(f"{kind}/")))

    def _chosen(self, categories: tuple[str, ...] | None, *, source: Path) -> tuple[str, ...]:
        for name in categories or ():
            if name not in self.categories:
                raise SpecError(
                    f"{source}: key 'categories': got {name!r}; expected some of "
                    f"{', '.join(self.categories)}."
                )
        return tuple(dict.fromkeys(categories)) if categories else self.categories

    @abstractmethod
    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> SampledScene:
        """Fix every number of frame ``draws.seeds.frame``; the last place where chance acts."""
