"""What a person writes to get a dataset: scene family, factors, counts, resolution, seed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from pipeline.specs.document import Spec, SpecPath, load_document, parse_spec

__all__ = [
    "AssetSpec",
    "FactorName",
    "FactorValue",
    "ImageSpec",
    "LabelSpec",
    "ParameterValue",
    "Randomisation",
    "RenderSpec",
    "SceneSpec",
    "SequenceSpec",
    "load_scene",
    "samples_of_preset",
]

FactorName = Literal[
    "background",
    "lighting",
    "camera",
    "pose",
    "count",
    "material",
    "shape",
    "distractors",
    "occlusion",
    "placement",
    "sensor",
    "motion",
]
Scalar = bool | int | float | str
ParameterValue = Scalar | list[Scalar] | dict[str, Scalar | list[Scalar] | dict[str, float]]


def _in_few_words(value: object, validate: ValidatorFunctionWrapHandler) -> object:
    # A union's own errors list every way in which the value fits none of its members.
    try:
        return validate(value)
    except ValidationError:
        raise ValueError(
            "expected on, off, frozen, wild, a number from 0 on, or parameters with new values"
        ) from None


FactorValue = Annotated[
    Literal["on", "off", "frozen", "wild"]
    | Annotated[float, Field(strict=True, ge=0)]
    | dict[str, ParameterValue],
    WrapValidator(_in_few_words),
]
Randomisation = Literal["fixed", "domain", "structured"]
Preset = Literal["draft", "standard", "photo"]

_SAMPLES: dict[Preset, int] = {"draft": 4, "standard": 12, "photo": 32}


def samples_of_preset(preset: Preset) -> int:
    """Cycles samples per pixel of a preset; all presets are denoised."""
    return _SAMPLES[preset]


class ImageSpec(Spec):
    """Size [px] and file format of the pictures."""

    width: int = Field(ge=16, le=8192)
    height: int = Field(ge=16, le=8192)
    format: Literal["png", "jpg"] = "png"


class RenderSpec(Spec):
    """How Cycles renders; ``samples`` overrides the preset's samples per pixel."""

    preset: Preset = "draft"
    device: Literal["auto", "cpu", "gpu"] = "auto"
    samples: int | None = Field(default=None, ge=1, le=65536)

    @property
    def samples_per_pixel(self) -> int:
        """Samples per pixel after presets and overrides."""
        return self.samples or samples_of_preset(self.preset)


class LabelSpec(Spec):
    """Which labels are written and when an instance is too little to count (docs/labels.md).

    Masks and boxes of the visible part are always written.

    Attributes:
        min_visible_px: Instances with fewer visible pixels become ``iscrowd: 1``.
        min_visible_fraction: So do those of which a smaller share is visible; needs ``amodal``.
        semantic: Pass with the category id of every pixel.
        amodal: Masks and boxes of the whole object, visible fraction, truncation.
        keypoints: Of the families that have them, with COCO visibility.
        poses: 6D pose (BOP convention), 3D box, camera matrix.
        models: Surfaces of the objects, for BOP; needs ``poses``.
        depth: Pass of float32 metres along the camera's z.
        normals: Pass of unit vectors in the camera's axes.
        flow: Pass of the forward optical flow, px.
    """

    min_visible_px: int = Field(default=16, ge=1)
    min_visible_fraction: float = Field(default=0.05, ge=0, le=1)
    semantic: bool = False
    amodal: bool = False
    keypoints: bool = False
    poses: bool = False
    models: bool = False
    depth: bool = False
    normals: bool = False
    flow: bool = False

    @model_validator(mode="after")
    def _models_have_poses(self) -> LabelSpec:
        if self.models and not self.poses:
            raise ValueError("labels.models needs labels.poses: true, which place the models")
        return self


class SequenceSpec(Spec):
    """Videos instead of single pictures.

    Attributes:
        frames: Pictures of one sequence; picture i is number ``i % frames`` of sequence
            ``i // frames``.
        fps: Pictures per second.
    """

    frames: int = Field(ge=2, le=2**15)
    fps: float = Field(default=15.0, gt=0, le=1000)


class AssetSpec(Spec):
    """Folders of a user's own files that scenes are made from; subfolders count.

    Attributes:
        worlds: Panoramas (.hdr, .jpg, .png, ...) that light the scene and are seen around it.
        backgrounds: Photographs that lie under the objects or hang behind them.
        models: Objects (docs/scenes.md says which formats).
        names: Category by file name without ending; several models may share one. A model that
            is not named here has its file's name.
        unit: Of the models, where their format does not say.
        up: Axis of the models that is upright as they stand; ``None`` is what their format has.
        keypoints: JSON file with named points of the models; ``None`` takes their boxes' corners.
    """

    worlds: SpecPath | None = None
    backgrounds: SpecPath | None = None
    models: SpecPath | None = None
    names: dict[str, str] | None = None
    unit: Literal["m", "cm", "mm"] | None = None
    up: Literal["x", "y", "z"] | None = None
    keypoints: SpecPath | None = None


class SceneSpec(Spec):
    """A dataset, as a person describes it (``examples/coins.yaml``).

    Attributes:
        scene: Name of a scene family, see ``blendgap scenes``.
        frames: How many pictures; a larger number later extends the dataset.
        seed: Frame i depends on (spec, seed, i) only.
        sequence: Makes videos; ``frames`` then counts the pictures of all of them.
        image: Size and format; ``None`` takes the family's.
        categories: What is labelled, in the order of their ids, where a family lets choose;
            ``None`` is all of them.
        assets: Folders of own files, where a family has a use for them.
        randomisation: How far factors go that ``factors`` leaves alone: ``structured`` draws
            what is plausible; ``domain`` also what is not, from each parameter's wild range
            (Tobin 2017); ``fixed`` draws only what the task needs.
        factors: Per factor ``on``, ``off``, ``frozen``, ``wild``, a number (how much of its
            range it varies over: 0 is off, 1 on) or new values for its parameters
            (docs/factors.md).
    """

    scene: str
    frames: int = Field(ge=1, le=10_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    image: ImageSpec | None = None
    categories: tuple[str, ...] | None = Field(default=None, min_length=1)
    assets: AssetSpec = AssetSpec()
    render: RenderSpec = RenderSpec()
    labels: LabelSpec = LabelSpec()
    sequence: SequenceSpec | None = None
    randomisation: Randomisation = "structured"
    factors: dict[FactorName, FactorValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _flow_has_a_next_picture(self) -> SceneSpec:
        if self.labels.flow and self.sequence is None:
            raise ValueError("labels.flow needs a sequence: {frames: 30, fps: 15}")
        return self


def load_scene(source: Path, *, frames: int | None = None, seed: int | None = None) -> SceneSpec:
    """Read a scene spec; ``frames`` and ``seed`` take the place of what it says.

    Raises:
        SpecError: If the file is wrong.
    """
    document = load_document(source)
    overrides = {"frames": frames, "seed": seed}
    document |= {key: value for key, value in overrides.items() if value is not None}
    return parse_spec(document, SceneSpec, source=source)
