"""What a scene family is: a description that the parent process can read without Blender."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledScene
from pipeline.sampling.factors import Factor, FactorDraws
from pipeline.specs.scene import ImageSpec, SceneSpec

__all__ = ["SceneFamily"]


class SceneFamily(ABC):
    """A kind of scene, in ``blender_scenes/<name>/``.

    ``family.py`` (no bpy) says what there is and draws it; ``build.py`` beside it turns one
    sampled scene into bpy data with ``build(scene) -> SampledScene | None``: every labelled
    object gets ``pass_index = instance_id``, everything else 0. A scene that it returns, as one
    whose objects have come to rest, replaces the sampled one in the record; built again, that
    one must stay as it is. Camera and render settings are not the family's business.

    Attributes:
        name: As in the spec's ``scene``.
        summary: One line for ``blendgap scenes``.
        categories: Names, in the order of their COCO ids 1, 2, ...
        keypoints: Of the categories that have some.
        factors: What varies.
        image: Default size and format.
        scene_type: The family's ``SampledScene``.
        build_module: Import path of ``build.py``; only worker processes import it.
        max_bounces: Light paths (total, diffuse, glossy).
        denoise: Whether pictures go through the denoiser.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    categories: ClassVar[tuple[str, ...]]
    keypoints: ClassVar[Mapping[str, KeypointLayout]] = MappingProxyType({})
    factors: ClassVar[tuple[Factor, ...]]
    image: ClassVar[ImageSpec]
    scene_type: ClassVar[type[SampledScene]]
    build_module: ClassVar[str]
    max_bounces: ClassVar[tuple[int, int, int]] = (4, 2, 2)
    denoise: ClassVar[bool] = True

    def assets(self, spec: SceneSpec) -> Mapping[str, Path]:
        """The files that scenes of a spec may be made from, by a name that has no host's path.

        A dataset is pinned to their contents. Most families draw everything themselves.
        """
        return {}

    def keypoints_of(self, spec: SceneSpec, *, source: Path) -> Mapping[str, KeypointLayout]:
        """The keypoints of a spec's datasets, for families where it decides how many there are.

        Raises:
            SpecError: If the spec cannot have one layout for all pictures; names ``source``.
        """
        return self.keypoints

    @abstractmethod
    def sample(self, draws: FactorDraws, *, image: ImageSpec) -> SampledScene:
        """Fix every number of frame ``draws.seeds.frame``; the last place where chance acts."""
