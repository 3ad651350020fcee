"""Which keypoints a category has, and where they are on an object."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, model_validator

from pipeline.geometry.camera import Matrix4
from pipeline.records.scene import Vector3

__all__ = ["KeypointLayout", "RigidPoints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RigidPoints:
    """Keypoints of an object that is not deformed: what a pose follows from.

    Attributes:
        points_m: In the object's frame.
        symmetries: 4 x 4 turns and flips that leave its looks alone, without the identity; those
            about an axis of revolution are not among them.
    """

    points_m: tuple[Vector3, ...]
    symmetries: tuple[Matrix4, ...] = ()


class KeypointLayout(BaseModel):
    """The named points of one category, as the COCO file's category entry lists them.

    Attributes:
        names: In the order of the annotations.
        skeleton: Pairs of positions in ``names``, from 0, to be joined by lines.
        sigmas: Per keypoint, of the object keypoint similarity (COCO's OKS).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    skeleton: tuple[tuple[int, int], ...] = ()
    sigmas: tuple[float, ...]

    @model_validator(mode="after")
    def _lengths_agree(self) -> KeypointLayout:
        if len(self.sigmas) != len(self.names):
            raise ValueError(f"{len(self.names)} keypoints but {len(self.sigmas)} sigmas")
        if any(not 0 <= end < len(self.names) for pair in self.skeleton for end in pair):
            raise ValueError("the skeleton joins a keypoint that does not exist")
        return self
