"""Batch-norm statistics of another domain (AdaBN; Li et al., ICLR workshops 2017)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pipeline.drawing import read_rgb
from pipeline.errors import SpecError
from pipeline.specs.augmentation import UNCHANGED
from pipeline.specs.training import AdaptSpec
from trainers.augmentation.geometry import fit_square
from trainers.augmentation.recipe import augment_crop
from trainers.examples import ByteImage, DetectionExample
from trainers.networks.backbones import build_shapes
from trainers.networks.network import AnyNetwork
from trainers.pictures import PictureSet, is_labelled, open_pictures

__all__ = ["adapt_norms", "open_adaptation"]

_AT_ONCE = 8


def open_adaptation(spec: AdaptSpec, network: AnyNetwork) -> PictureSet:
    """The pictures to adapt to; a test split is not looked at unless it is named.

    Raises:
        DatasetError: If there are none.
        SpecError: If the network has no batch norm.
    """
    if not _norms(build_shapes(network.build)):
        raise SpecError(f"key 'adapt': {network.model.name} has no batch norm to adapt.")
    split = spec.split
    if split is None and spec.path.is_dir() and is_labelled(spec.path, task=network.task):
        split = "train"
    return open_pictures(spec.path, task=network.task, split=split)


@torch.inference_mode()
def adapt_norms(
    module: nn.Module, network: AnyNetwork, pictures: PictureSet, *, crops: int, seed: int
) -> None:
    """Replace the running statistics by those of pictures whose labels nobody reads.

    Args:
        module: Changed; in evaluation mode afterwards.
        network: What it is.
        pictures: Of the other domain.
        crops: How many, of the size of the training pictures.
        seed: Draws them.
    """
    module.eval()
    norms = _norms(module)
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
        layer.train()
    device = next(module.parameters()).device
    for batch in _batches(network, pictures, crops=crops, seed=seed):
        network.look(module, batch.to(device))
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()


def _norms(module: nn.Module) -> list[_BatchNorm]:
    return [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]


def _batches(
    network: AnyNetwork, pictures: PictureSet, *, crops: int, seed: int
) -> Iterator[Tensor]:
    """(B, 3, S, S) uint8, the pictures in turn."""
    for start in range(0, crops, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, crops))
        images = [_crop(network, pictures, number, seed) for number in numbers]
        yield torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def _crop(network: AnyNetwork, pictures: PictureSet, number: int, seed: int) -> ByteImage:
    image = read_rgb(pictures.pictures[number % len(pictures.pictures)].path)
    if network.task == "classification":
        return fit_square(image, side_px=network.input_px)
    example = DetectionExample(image=image, objects=())
    rng = np.random.default_rng([seed, number])
    return augment_crop(example, UNCHANGED, side_px=network.input_px, rng=rng).image
