"""The sampled scene: every number fixed, noise seeds included."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from pipeline.geometry.camera import Matrix4, PinholeCamera

__all__ = ["SampledInstance", "SampledScene", "SensorSettings"]


class Record(BaseModel):
    """Base of records that cross a process or a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SensorSettings(Record):
    """What the camera's film or chip does to the picture, after rendering.

    Attributes:
        grey: Greyscale picture, stored as one channel.
        exposure: Factor on the light, before everything else.
        contrast: Slope of the film's curve around mid-grey, 1 is neutral.
        fog: What black becomes, fraction of full scale.
        vignetting: Light lost in the corners, 0 to 1.
        blur_sigma_px: Gaussian blur of lens and print.
        sharpening: Amount of unsharp masking (the halo of a scanned print), 0 is none.
        sharpening_sigma_px: Gaussian radius of the unsharp mask.
        grain: Standard deviation of film grain, fraction of full scale.
        grain_size_px: Gaussian radius of one grain.
        specks: Bright specks on the film.
        scratches: Bright scratches on the film.
        seed: Of grain, specks and scratches.
    """

    grey: bool = False
    exposure: float = 1.0
    contrast: float = 1.0
    fog: float = 0.0
    vignetting: float = 0.0
    blur_sigma_px: float = 0.0
    sharpening: float = 0.0
    sharpening_sigma_px: float = 1.0
    grain: float = 0.0
    grain_size_px: float = 0.0
    specks: int = 0
    scratches: int = 0
    seed: int = 0


class SampledInstance(Record):
    """One labelled object.

    Attributes:
        instance_id: Value in the id pass, from 1.
        category: Name of one of the family's categories.
        world_from_obj: 4 x 4, metres.
    """

    instance_id: int
    category: str
    world_from_obj: Matrix4


class SampledScene(Record):
    """What every family's sampled scene holds; families add their own fields.

    Attributes:
        factors: What was drawn once per frame, by factor and parameter.
    """

    family: str
    frame: int
    camera: PinholeCamera
    instances: tuple[SampledInstance, ...]
    factors: dict[str, dict[str, bool | int | float | str]]
    sensor: SensorSettings
