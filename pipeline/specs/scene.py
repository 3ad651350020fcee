"""What a person writes to get a dataset: scene family, factors, counts, resolution, seed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.specs.document import Spec

__all__ = [
    "FactorName",
    "FactorValue",
    "ImageSpec",
    "LabelSpec",
    "RenderSpec",
    "SceneSpec",
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
]
Scalar = bool | int | float | str
FactorValue = Literal["on", "off", "frozen"] | dict[str, Scalar | list[Scalar]]
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
    """Which labels are written and when an instance is too little to count.

    Attributes:
        min_visible_px: Instances with fewer visible pixels become ``iscrowd: 1``.
        depth: Also keep the depth pass (``passes/000017.depth.npy``, float32 metres).
    """

    min_visible_px: int = Field(default=16, ge=1)
    depth: bool = False


class SceneSpec(Spec):
    """A dataset, as a person describes it (``examples/coins.yaml``).

    Attributes:
        scene: Name of a scene family, see ``blendgap scenes``.
        frames: How many frames; a larger number later extends the dataset.
        seed: Frame i depends on (spec, seed, i) only.
        image: Size and format; ``None`` takes the family's.
        factors: Per factor ``on``, ``off``, ``frozen`` or new values for its parameters:
            a number fixes one, ``[low, high]`` sets its range, a list of words its choices.
    """

    scene: str
    frames: int = Field(ge=1, le=10_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)
    image: ImageSpec | None = None
    render: RenderSpec = RenderSpec()
    labels: LabelSpec = LabelSpec()
    factors: dict[FactorName, FactorValue] = Field(default_factory=dict)
