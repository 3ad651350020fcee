"""Augmentations that torchvision has: TrivialAugment, MixUp, CutMix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torchvision.transforms import v2

from pipeline.specs.augmentation import AugmentSpec
from trainers.examples import ByteImage, ClassExample

__all__ = ["mix_classes", "trivial_augment"]


def trivial_augment(image: ByteImage, rng: np.random.Generator) -> ByteImage:
    """One random operation of random strength (Mueller and Hutter, ICCV 2021)."""
    transform = v2.TrivialAugmentWide(interpolation=v2.InterpolationMode.BILINEAR, fill=127)
    with _drawn_by(rng):
        changed = transform(torch.from_numpy(image).permute(2, 0, 1))
    return np.ascontiguousarray(changed.permute(1, 2, 0).numpy())


def mix_classes(
    examples: Sequence[ClassExample], augment: AugmentSpec, rng: np.random.Generator
) -> list[ClassExample]:
    """A batch in which each picture is mixed with the one before it, and so are its classes.

    By MixUp (Zhang et al., ICLR 2018) or CutMix (Yun et al., ICCV 2019), whichever is on; one of
    them by chance if both are.
    """
    mixes = [
        kind(alpha=alpha)
        for kind, alpha in ((v2.MixUp, augment.mixup), (v2.CutMix, augment.cutmix))
        if alpha > 0
    ]
    if not mixes:
        return list(examples)
    images = torch.from_numpy(np.stack([example.image for example in examples]))
    classes = torch.from_numpy(np.stack([example.classes for example in examples]))
    with _drawn_by(rng):
        mix = mixes[int(rng.integers(len(mixes)))]
        images, classes = mix(images.permute(0, 3, 1, 2).float(), classes)
    images = images.round().to(torch.uint8).permute(0, 2, 3, 1)
    return [
        ClassExample(image=np.ascontiguousarray(image), classes=shares)
        for image, shares in zip(images.numpy(), classes.numpy(), strict=True)
    ]


@contextmanager
def _drawn_by(rng: np.random.Generator) -> Iterator[None]:
    """Torchvision draws from torch's global generator: ours seeds it, and it is put back."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield
