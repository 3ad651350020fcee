"""Networks by name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from pipeline.errors import SpecError
from pipeline.records.predictions import Task
from pipeline.specs.training import ModelSpec
from trainers.compact.detector import CompactDetection
from trainers.compact.pointing import CompactKeypoints
from trainers.keypoints.heatmap import HeatmapKeypoints
from trainers.networks.backbones import classifier_names
from trainers.networks.classifiers import CompactClassification, TorchvisionClassification
from trainers.networks.detector_kinds import (
    FasterRcnnDetection,
    FcosDetection,
    MaskRcnnDetection,
    RetinaNetDetection,
    SsdDetection,
    SsdliteDetection,
)
from trainers.networks.keypoint_rcnn import KeypointRcnnDetection
from trainers.networks.network import AnyNetwork
from trainers.networks.segmenters import (
    DeepLabSegmentation,
    FcnSegmentation,
    FpnSegmentation,
    LrasppSegmentation,
    UNetSegmentation,
)
from trainers.networks.sizes import ObjectSizes

__all__ = ["check_network", "check_turns", "network_names", "open_network"]

_KINDS: dict[Task, tuple[type[AnyNetwork], ...]] = {
    "classification": (CompactClassification, TorchvisionClassification),
    "detection": (
        CompactDetection,
        FasterRcnnDetection,
        MaskRcnnDetection,
        RetinaNetDetection,
        FcosDetection,
        SsdDetection,
        SsdliteDetection,
    ),
    "semantic": (
        UNetSegmentation,
        FpnSegmentation,
        FcnSegmentation,
        DeepLabSegmentation,
        LrasppSegmentation,
    ),
    "keypoints": (HeatmapKeypoints, CompactKeypoints, KeypointRcnnDetection),
}
_ALWAYS = frozenset({"name", "weights", "freeze", "backbone_rate"})


def network_names(task: Task) -> tuple[str, ...]:
    """Every network that can be trained for a task."""
    return tuple(name for kind in _KINDS[task] for name in kind.names())


def open_network(
    model: ModelSpec,
    *,
    task: Task,
    class_count: int,
    input_px: int,
    objects: ObjectSizes | None = None,
    keypoint_count: int = 0,
) -> AnyNetwork:
    """A network by name.

    Args:
        model: Name and options.
        task: What it is for.
        class_count: C, without background.
        input_px: Side of the training pictures.
        objects: Sizes of the training objects, for networks with anchors.
        keypoint_count: Most keypoints that a class has, for networks that learn them.

    Raises:
        SpecError: Naming the key that asks for what there is not.
    """
    for kind in _KINDS[task]:
        if model.name in kind.names():
            break
    else:
        raise SpecError(f"key 'model.name': {_unknown(model.name, task)}")
    default = ModelSpec(name=model.name)
    changed = {
        key for key in ModelSpec.model_fields if getattr(model, key) != getattr(default, key)
    }
    for key in sorted(changed - _ALWAYS - kind.options):
        known = ", ".join(sorted(_ALWAYS | kind.options))
        raise SpecError(f"key 'model.{key}': {model.name} has none; its keys are {known}.")
    if model.backbone is not None and model.backbone not in classifier_names():
        raise SpecError(
            f"key 'model.backbone': torchvision has no {model.backbone!r}; "
            f"{_hint(model.backbone, classifier_names())}"
        )
    network = kind(
        model=model,
        class_count=class_count,
        input_px=input_px,
        objects=objects,
        keypoint_count=keypoint_count,
    )
    if model.weights == "DEFAULT" and network.published is None:
        raise SpecError(
            f"key 'model.weights': got 'DEFAULT'; {model.name} has none, name a run or use null."
        )
    if model.freeze is not None and model.freeze.stages > (stages := len(network.stages())):
        raise SpecError(
            f"key 'model.freeze.stages': got {model.freeze.stages}; {model.name} has {stages}."
        )
    return network


def check_network(
    model: ModelSpec, *, task: Task, input_px: int, source: Path | None = None
) -> AnyNetwork:
    """Refuse what cannot be built, before data are read or rendered.

    Args:
        model: Name and options.
        task: What it is to be trained for.
        input_px: Side of the training pictures.
        source: The file that asks for it, for the message.

    Returns:
        The network, for two classes of two keypoints.

    Raises:
        SpecError: In one line.
    """
    where = "" if source is None else f"{source}: "
    try:
        network = open_network(
            model,
            task=task,
            class_count=2,
            input_px=input_px,
            keypoint_count=2 if task == "keypoints" else 0,
        )
        network.check()
    except ValueError as error:
        raise SpecError(f"{where}key 'model': {error}.") from error
    except SpecError as error:
        raise SpecError(f"{where}{error}") from error
    return network


def check_turns(network: AnyNetwork, *, source: Path) -> None:
    """Refuse quarter turns in prediction of networks whose answers have no mean.

    Raises:
        SpecError: Naming the file or run that wants them.
    """
    if not network.turns:
        raise SpecError(
            f"{source}: quarter turns: {network.model.name} cannot take the mean over them; "
            "expected a classifier or heatmap. Leave them out."
        )


def _unknown(name: str, task: Task) -> str:
    elsewhere = [other for other in _KINDS if other != task and name in network_names(other)]
    if elsewhere:
        return f"{name} is for {elsewhere[0]}, not for {task}; see docs/training.md."
    return f"there is no network {name!r} for {task}; {_hint(name, network_names(task))}"


def _hint(name: str, names: Sequence[str]) -> str:
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "docs/training.md lists them."
