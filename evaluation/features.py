"""Pictures as vectors of a stated network: the one module of the evaluation that knows torch."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import URLError

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import get_model, list_models

from pipeline.drawing import read_rgb
from pipeline.errors import CheckpointError, SpecError
from pipeline.geometry.boxes import FloatArray
from pipeline.progress import Progress, silent
from pipeline.specs.experiment import FeatureSpec

__all__ = ["feature_network_names", "network_features"]

_SIDE_PX = 224
_AT_ONCE = 16
_MEAN: FloatArray = np.array([0.485, 0.456, 0.406])  # of ImageNet, as its weights want
_STD: FloatArray = np.array([0.229, 0.224, 0.225])


def feature_network_names() -> list[str]:
    """Classifiers of torchvision."""
    return [str(name) for name in list_models(module=models)]


@torch.inference_mode()
def network_features(
    paths: Sequence[Path], spec: FeatureSpec, *, progress: Progress = silent
) -> FloatArray:
    """What the last layer of a classifier is given for each picture, averaged over places.

    Pictures are shrunk to 224 x 224 whole, whatever their shape.

    Args:
        paths: N pictures.
        spec: Which network; its ``name`` is not None.
        progress: Told of every picture.

    Returns:
        (N, D).

    Raises:
        SpecError: If torchvision has no such classifier.
        CheckpointError: If the weights cannot be read or downloaded, or are another network's.
        DatasetError: If a picture cannot be read.
    """
    network = _open(spec)
    seen: list[Tensor] = []
    head = list(network.children())[-1]
    head.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    found = []
    for start in range(0, len(paths), _AT_ONCE):
        chunk = paths[start : start + _AT_ONCE]
        network(torch.from_numpy(np.stack([_prepared(path) for path in chunk])))
        given = seen.pop()
        found.append(given.flatten(2).mean(dim=2) if given.ndim > 2 else given)
        progress(min(start + _AT_ONCE, len(paths)), len(paths))
    return np.asarray(torch.cat(found).numpy(), dtype=np.float64)


def _open(spec: FeatureSpec) -> nn.Module:
    if spec.name not in feature_network_names():
        raise SpecError(f"key 'features.name': torchvision has no classifier {spec.name!r}.")
    if spec.weights == "DEFAULT":
        try:
            return _plain(spec.name, weights="DEFAULT")
        except (URLError, OSError) as error:
            raise CheckpointError(
                f"weights of {spec.name}: cannot be downloaded ({error}); name a file as "
                "features.weights."
            ) from error
    network = _plain(spec.name, weights=None)
    try:
        state = torch.load(spec.weights, map_location="cpu", weights_only=True)
        network.load_state_dict({name: values.float() for name, values in state.items()})
    except (OSError, RuntimeError, AttributeError, ValueError, pickle.UnpicklingError) as error:
        line = " ".join(str(error).split())[:160]
        raise CheckpointError(
            f"{spec.weights}: no state dict of {spec.name} ({line}); expected torchvision's names."
        ) from error
    return network


def _plain(name: str, **options: Any) -> nn.Module:  # noqa: ANN401
    network: nn.Module = get_model(name, **options)
    return network.eval()


def _prepared(path: Path) -> npt.NDArray[np.float32]:
    """(3, S, S) float32, normalised."""
    shrunk = cv2.resize(read_rgb(path), (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    pixels = (shrunk / 255 - _MEAN) / _STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
