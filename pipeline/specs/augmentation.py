"""What a person writes to have training pictures changed at random."""

from __future__ import annotations

from pydantic import Field

from pipeline.specs.document import Spec

__all__ = ["UNCHANGED", "AugmentSpec"]


class AugmentSpec(Spec):
    """Random changes of a training picture; ``off`` values are 0 or [1, 1].

    Attributes:
        scale: Range of random zoom.
        rotate_deg: Largest rotation to either side.
        flip: Mirror left-right and up-down, each half of the time. Not for letters or digits.
        brightness: Largest relative change of brightness and contrast.
        gamma: Largest change of log2 gamma.
        blur_sigma_px: Largest Gaussian blur.
        noise: Largest standard deviation of added noise, fraction of full scale.
        grey: Chance of a greyscale picture.
        shift: Largest translation, fraction of the side (classification only).
    """

    scale: tuple[float, float] = (0.8, 1.25)
    rotate_deg: float = Field(default=0.0, ge=0, le=180)
    flip: bool = False
    brightness: float = Field(default=0.2, ge=0, le=1)
    gamma: float = Field(default=0.3, ge=0, le=2)
    blur_sigma_px: float = Field(default=0.7, ge=0)
    noise: float = Field(default=0.02, ge=0, le=1)
    grey: float = Field(default=0.0, ge=0, le=1)
    shift: float = Field(default=0.0, ge=0, le=1)


UNCHANGED = AugmentSpec(scale=(1, 1), brightness=0, gamma=0, blur_sigma_px=0, noise=0)
"""Every augmentation off."""
