"""Weights to start from: another run's, torchvision's, or anybody's state dict."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import URLError

import torch
import torchvision
from torch import Tensor, nn

from pipeline.errors import CheckpointError
from trainers.checkpoints import MODEL_FILE, Checkpoint, checkpoint_of, load_plain
from trainers.networks.network import AnyNetwork, is_under

__all__ = ["Loaded", "StartingPoint", "find_weights", "load_weights"]

# torchvision's DenseNets were saved before module names could not hold dots.
_OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingPoint:
    """Weights that were found.

    Attributes:
        source: Where, for messages.
        state: By name.
        checkpoint: If they are a run of ours.
    """

    source: str
    state: Mapping[str, Tensor]
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What became of the weights.

    Attributes:
        count: Tensors that were taken over.
        dropped: Names, as in the file, of those that were not: heads of other classes.
    """

    count: int
    dropped: tuple[str, ...]


def find_weights(network: AnyNetwork) -> StartingPoint | None:
    """The weights that a network starts from; None from scratch.

    Raises:
        CheckpointError: If there are none, or they carry code.
    """
    weights = network.model.weights
    if weights is None:
        return None
    if weights == "DEFAULT":
        assert network.published is not None
        return _published(network.published)
    path = weights / MODEL_FILE if weights.is_dir() else weights
    if not path.is_file():
        raise CheckpointError(
            f"{path}: no such file; expected the checkpoint of a finished run, or a state dict."
        )
    document = load_plain(path)
    if "state" in document and "categories" in document:
        checkpoint = checkpoint_of(document, path)
        return StartingPoint(source=str(path), state=checkpoint.state, checkpoint=checkpoint)
    state = document.get("state_dict", document)
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(
            f"{path}: neither a checkpoint of blendgap nor a state dict (tensors by name)."
        )
    return StartingPoint(source=str(path), state=state)


def load_weights(
    module: nn.Module,
    network: AnyNetwork,
    start: StartingPoint,
    categories: tuple[str, ...],
    keypoints: tuple[tuple[str, ...], ...] = (),
) -> Loaded:
    """Copy weights into a network.

    All of the backbone must be there. Heads are taken over where they fit; those of other
    categories or keypoints are not.

    Args:
        module: Changed.
        network: What it is.
        start: The weights.
        categories: Of the training data, by class index.
        keypoints: Names by class index, where keypoints are learned.

    Raises:
        CheckpointError: If they are of something else.
    """
    own = module.state_dict()
    prefix, given = _renamed(network, start, own)
    unfit = [n for n, tensor in given.items() if n not in own or tensor.shape != own[n].shape]
    dropped = {name for name in unfit if not _in_backbone(network, name)}
    known = start.checkpoint
    if known is None or (known.categories, known.keypoints) != (categories, keypoints):
        dropped |= network.class_layers() & given.keys()
    for name, tensor in own.items():
        counts = name.endswith("num_batches_tracked")  # older files have none
        if not _in_backbone(network, name) or (counts and name not in given):
            continue
        if name not in given or given[name].shape != tensor.shape:
            got = f"of shape {tuple(given[name].shape)}" if name in given else "missing"
            what = network.published or network.model.name
            raise CheckpointError(
                f"{start.source}: holds the weights of something else than {what}: {name} is "
                f"{got}; expected {tuple(tensor.shape)}."
            )
    taken = {n: t for n, t in given.items() if n in own and n not in dropped}
    module.load_state_dict(own | taken)
    return Loaded(
        count=len(taken), dropped=tuple(sorted(name.removeprefix(prefix) for name in dropped))
    )


def _renamed(
    network: AnyNetwork, start: StartingPoint, own: Mapping[str, Tensor]
) -> tuple[str, dict[str, Tensor]]:
    """What the network puts before the names of the weights, and them under its names."""
    state = dict(start.state)
    if start.checkpoint is not None:
        model, wanted = start.checkpoint.model, network.model
        if model.name == wanted.name:
            for key, form in (("backbone", "{}"), ("fpn", "{}"), ("width", "{:g}")):
                found, expected = getattr(model, key), getattr(wanted, key)
                if found != expected:
                    raise CheckpointError(
                        f"{start.source}: holds a {model.name} of {key} {form.format(found)}; "
                        f"expected {wanted.name} of {form.format(expected)}."
                    )
            return "", state
        other = start.checkpoint.network()
        inside = {name: tensor for name, tensor in state.items() if _in_backbone(other, name)}
        state = {name.removeprefix(other.backbone): tensor for name, tensor in inside.items()}
    state = {_OLD_DENSE_LAYER.sub(r"\1\2", name): tensor for name, tensor in state.items()}
    prefixes = ("", network.inner, network.backbone)
    best = max(prefixes, key=lambda prefix: sum(prefix + name in own for name in state))
    return best, {best + name: tensor for name, tensor in state.items()}


def _in_backbone(network: AnyNetwork, name: str) -> bool:
    return is_under(name, [step for stage in network.stages() for step in stage])


def _published(name: str) -> StartingPoint:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    try:
        state = weights.get_state_dict(
            progress=False, check_hash=True, map_location="cpu", weights_only=True
        )
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{weights.url}: refused, since it holds more than tensors (loading it could run code)."
        ) from error
    except (URLError, OSError, RuntimeError) as error:
        raise CheckpointError(
            f"key 'model.weights': {weights.url} cannot be had ({' '.join(str(error).split())}); "
            f"put the file into {torch.hub.get_dir()}/checkpoints or name another."
        ) from error
    return StartingPoint(source=str(weights.url), state=state)
