"""What a person writes to have training pictures changed at random."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.specs.document import Spec, SpecPath

__all__ = [
    "UNCHANGED",
    "AugmentSpec",
    "CopyPasteSpec",
    "check_augmentation_fits_task",
    "check_augmentation_is_shared",
]


class CopyPasteSpec(Spec):
    """Objects cut out along their masks and put into other pictures.

    Source: Ghiasi et al., Simple Copy-Paste, CVPR 2021; onto backgrounds of one's own: Dwibedi,
    Misra, Hebert, Cut, Paste and Learn, ICCV 2017.

    Attributes:
        chance: Of a picture that is changed.
        backgrounds: Folder of pictures without labels: one of them takes the place of all but
            the picture's objects. ``None``: some of another picture's objects are put into it.
    """

    chance: float = Field(default=0.5, gt=0, le=1)
    backgrounds: SpecPath | None = None


class AugmentSpec(Spec):
    """Random changes of a training picture; ``off`` values are 0, false, null or [1, 1].

    Attributes:
        scale: Range of random zoom.
        rotate_deg: Largest rotation to either side.
        flip: Mirror left-right and up-down, each half of the time; ``horizontal``: left-right
            alone. Not for letters or digits. Keypoints named left and right change places.
        on_objects: Share of crops that show an object drawn by chance; the others lie anywhere.
        brightness: Largest relative change of brightness and contrast.
        gamma: Largest change of log2 gamma.
        blur_sigma_px: Largest Gaussian blur.
        noise: Largest standard deviation of added noise, fraction of full scale.
        grey: Chance of a greyscale picture.
        shift: Largest translation, fraction of the side (classification only).
        hue: Largest turn of the hue, fraction of the circle.
        saturation: Largest relative change of saturation.
        jpeg: Strongest JPEG compression: quality between 100 and 100 (1 - jpeg).
        erasing: Chance that a rectangle is hidden by noise (Zhong et al., Random Erasing, AAAI
            2020); labels lose what it hides.
        mosaic: Chance of a picture put together from four (Bochkovskiy et al., YOLOv4, 2020).
        copy_paste: Objects put into other pictures; needs masks.
        mixup: Alpha of MixUp (Zhang et al., ICLR 2018; classification only).
        cutmix: Alpha of CutMix (Yun et al., ICCV 2019; classification only). With both, each
            batch is mixed by one of them.
        trivial_augment: One random operation of random strength (Mueller and Hutter,
            TrivialAugment, ICCV 2021; classification only).
    """

    scale: tuple[float, float] = (0.8, 1.25)
    rotate_deg: float = Field(default=0.0, ge=0, le=180)
    flip: bool | Literal["horizontal"] = False
    on_objects: float = Field(default=0.0, ge=0, le=1)
    brightness: float = Field(default=0.2, ge=0, le=1)
    gamma: float = Field(default=0.3, ge=0, le=2)
    blur_sigma_px: float = Field(default=0.7, ge=0)
    noise: float = Field(default=0.02, ge=0, le=1)
    grey: float = Field(default=0.0, ge=0, le=1)
    shift: float = Field(default=0.0, ge=0, le=1)
    hue: float = Field(default=0.0, ge=0, le=0.5)
    saturation: float = Field(default=0.0, ge=0, le=1)
    jpeg: float = Field(default=0.0, ge=0, lt=1)
    erasing: float = Field(default=0.0, ge=0, le=1)
    mosaic: float = Field(default=0.0, ge=0, le=1)
    copy_paste: CopyPasteSpec | None = None
    mixup: float = Field(default=0.0, ge=0)
    cutmix: float = Field(default=0.0, ge=0)
    trivial_augment: bool = False


_OF_CLASSES = ("mixup", "cutmix", "trivial_augment")
_OF_OTHERS = ("on_objects", "mosaic", "copy_paste")
_OF_ALL_SOURCES = ("copy_paste", "mixup", "cutmix")


def check_augmentation_fits_task(augment: AugmentSpec, task: str) -> None:
    """Refuse what would do nothing.

    Raises:
        ValueError: Saying which.
    """
    for key in _OF_OTHERS if task == "classification" else _OF_CLASSES:
        if getattr(augment, key) != getattr(UNCHANGED, key):
            raise ValueError(f"augment.{key} cannot be used for {task}")


UNCHANGED = AugmentSpec(scale=(1, 1), brightness=0, gamma=0, blur_sigma_px=0, noise=0)
"""Every augmentation off."""


def check_augmentation_is_shared(augment: AugmentSpec, common: AugmentSpec) -> None:
    """Refuse another way of mixing the pictures of all sources than the run's.

    Args:
        augment: Of one source.
        common: The run's.

    Raises:
        ValueError: Saying which.
    """
    for key in _OF_ALL_SOURCES:
        if getattr(augment, key) != getattr(common, key):
            raise ValueError(
                f"augmentation {key!r} mixes pictures of all sources; expected the same for each"
            )
