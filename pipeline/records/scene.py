"""The sampled scene: every number fixed, noise seeds included."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from pipeline.geometry.camera import Camera, Matrix4

__all__ = [
    "LensSettings",
    "Motion",
    "Record",
    "SampledInstance",
    "SampledScene",
    "SensorSettings",
    "SequencePosition",
    "Vector3",
]

Vector3 = tuple[float, float, float]


class Record(BaseModel):
    """Base of records that cross a process or a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LensSettings(Record):
    """What blurs the picture before the sensor; labels stay those of a sharp picture.

    Attributes:
        aperture_m: Diameter of the pupil; 0 shows everything sharp.
        focus_m: Distance along the camera's z that is sharp.
        shutter_s: How long the shutter is open, centred on the frame's moment; 0 freezes motion.
    """

    aperture_m: float = 0.0
    focus_m: float = 1.0
    shutter_s: float = 0.0


class SensorSettings(Record):
    """What the camera's film or chip does to the picture; all but the filter after rendering.

    Attributes:
        pixel_filter_px: Width of the filter that gathers a pixel's light while rendering; less
            than Blender's own 1.5 is crisper.
        grey: Greyscale picture, stored as one channel.
        exposure: Factor on the light, before everything else.
        red_gain: Of the white balance, relative to green.
        blue_gain: Of the white balance, relative to green.
        full_well_e: Electrons that fill a white pixel; their count has shot noise. 0 is none.
        read_noise_e: Standard deviation of the amplifier's noise, electrons; with full_well_e.
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
        dark_rim_px: Width of the black rim of a chip that is not lit up to its edges.
        dark_top_px: Further black rows above.
        jpeg_quality: Of the camera's own compression, 1 to 100; 0 is none.
        seed: Of all noise, specks and scratches.
    """

    pixel_filter_px: float = 1.5
    grey: bool = False
    exposure: float = 1.0
    red_gain: float = 1.0
    blue_gain: float = 1.0
    full_well_e: float = 0.0
    read_noise_e: float = 0.0
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
    dark_rim_px: int = 0
    dark_top_px: int = 0
    jpeg_quality: int = 0
    seed: int = 0


class Motion(Record):
    """A steady rigid motion in the world.

    Attributes:
        velocity_m_s: Of the pivot.
        spin_rad_s: Axis of the turn, as long as the turn is fast.
        pivot_m: A point on the axis at the frame's moment.
    """

    velocity_m_s: Vector3 = (0.0, 0.0, 0.0)
    spin_rad_s: Vector3 = (0.0, 0.0, 0.0)
    pivot_m: Vector3 = (0.0, 0.0, 0.0)


class SampledInstance(Record):
    """One labelled object.

    Attributes:
        instance_id: Value in the id pass, from 1; in a sequence the same in every picture.
        category: Name of one of the family's categories.
        world_from_obj: 4 x 4 rigid transform, metres.
        keypoints_m: (K, 3) in the object's frame, in the order of the category's keypoints;
            empty where the category has none.
        motion: What moves it at the frame's moment; None for a thing at rest.
        model_info: BOP's facts about its model that a family knows, symmetries among them, in
            BOP's keys and mm.
    """

    instance_id: int
    category: str
    world_from_obj: Matrix4
    keypoints_m: tuple[Vector3, ...] = ()
    motion: Motion | None = None
    model_info: dict[str, Any] = {}


class SequencePosition(Record):
    """Where a picture stands in its sequence.

    Attributes:
        index: Of the sequence, from 0.
        frame_index: Of the picture in the sequence, from 0.
        time_s: Since the sequence's first picture.
        frame_s: Time from one picture to the next.
    """

    index: int
    frame_index: int
    time_s: float
    frame_s: float


class SampledScene(Record):
    """What every family's sampled scene holds; families add their own fields.

    Attributes:
        frame: Number of the picture in the dataset.
        factors: What was drawn once per frame (per sequence), by factor and parameter.
        camera_motion: What moves the camera at the frame's moment; None for one on a stand.
        position: In its sequence; None for a single picture.
    """

    family: str
    frame: int
    camera: Camera
    instances: tuple[SampledInstance, ...]
    factors: dict[str, dict[str, bool | int | float | str]]
    sensor: SensorSettings
    lens: LensSettings = LensSettings()
    camera_motion: Motion | None = None
    position: SequencePosition | None = None
