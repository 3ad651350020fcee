"""Classifiers of torchvision as backbones: their feature maps by stride."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torchvision
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = [
    "Backbone",
    "Trunk",
    "build_shapes",
    "classifier_names",
    "new_classifier",
    "read_trunk",
    "trunk_steps",
]

# Not part of the trunk, in any of torchvision's classifiers.
_HEADS = frozenset(
    {"avgpool", "classifier", "dropout", "fc", "flatten", "head", "heads", "norm", "permute"}
    | {"AuxLogits", "aux1", "aux2"}
)
_CONTAINERS = ("features", "trunk_output", "layers")
_PROBE_PX = 256
_NORM_MOMENTUM = 0.1
"""Torch's own. MobileNetV3 and MNASNet bring 0.01 and less, meant for months of ImageNet: after a
run of hundreds of steps their running statistics would still be those of the first one."""
_INCEPTION_AUXILIARY_PX = 299
"""Smaller pictures leave less than the 5 x 5 cells that its auxiliary head wants."""
_STRIDES = (2, 4, 8, 16, 32)


@lru_cache
def classifier_names() -> tuple[str, ...]:
    """Every classifier of torchvision."""
    return tuple(torchvision.models.list_models(module=torchvision.models))


def build_shapes(build: Callable[[], nn.Module]) -> nn.Module:
    """A network without numbers, on torch's meta device, which takes no time and no memory.

    Some lay themselves out by computing with tensors; those are built in full first.
    """
    try:
        with torch.device("meta"):
            return build()
    except (NotImplementedError, RuntimeError):
        with torch.random.fork_rng(devices=[]):
            return build().to("meta")


def new_classifier(
    name: str,
    class_count: int,
    *,
    side_px: int,
    auxiliary: bool = True,
    options: Mapping[str, Any] | None = None,
) -> nn.Module:
    """A classifier of torchvision with fresh weights.

    Args:
        name: As torchvision calls it.
        class_count: C.
        side_px: Of its pictures; some are built for one size.
        auxiliary: Whether those that have further heads for training get them.
        options: More for torchvision's builder.

    Raises:
        ValueError: If it cannot be built for that size.
    """
    given = dict(options or {})
    if name in ("googlenet", "inception_v3"):
        # Their published weights want [-1, 1], which they make of what the others want.
        given |= {"init_weights": True, "transform_input": True}
        fits = name == "googlenet" or side_px >= _INCEPTION_AUXILIARY_PX
        given["aux_logits"] = auxiliary and fits
    elif name.startswith("vit_"):
        given["image_size"] = side_px
    elif name.startswith("maxvit"):
        given["input_size"] = (side_px, side_px)
    try:
        network: nn.Module = torchvision.models.get_model(
            name, weights=None, num_classes=class_count, **given
        )
    except (AssertionError, ValueError) as error:
        raise ValueError(
            f"{name} cannot be built for {side_px} px ({' '.join(str(error).split())[:120]})"
        ) from error
    for layer in network.modules():
        if isinstance(layer, _BatchNorm):
            layer.momentum = _NORM_MOMENTUM
    return network


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """The layers before the heads, which run one after the other.

    Attributes:
        steps: Names of the modules, in order.
        last: Index of the last step at each stride, by rising stride.
        channels: Of that step's maps, by stride.
        channels_last: Whether its maps are (B, H, W, C).
    """

    steps: tuple[str, ...]
    last: Mapping[int, int]
    channels: Mapping[int, int]
    channels_last: bool

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """Steps by stage; a stage ends at the last map of its stride."""
        ends = [-1, *self.last.values()]
        return tuple(self.steps[a + 1 : b + 1] for a, b in pairwise(ends))


@lru_cache
def read_trunk(name: str, *, dilated: bool = False) -> Trunk:
    """Look where a classifier makes which maps; costs neither memory nor arithmetic.

    Raises:
        ValueError: If it makes none, as vision transformers.
    """
    try:
        network = build_shapes(lambda: _bare_classifier(name, dilated=dilated)).eval()
        steps = trunk_steps(network)
        maps = [torch.empty(1, 3, _PROBE_PX, _PROBE_PX, device="meta")]
        with torch.no_grad():
            for step in steps:
                maps.append(network.get_submodule(step)(maps[-1]))
        shapes = [x.shape for x in maps[1:]]
        if any(len(shape) != 4 for shape in shapes):
            raise ValueError("its steps are no maps")
    except (AssertionError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{name} makes no feature maps, so it cannot be a backbone") from error
    channels_last = shapes[-1][1] == shapes[-1][2] != shapes[-1][3]
    last = {}
    channels = {}
    for index, shape in enumerate(shapes):
        side, depth = (shape[1], shape[3]) if channels_last else (shape[2], shape[1])
        stride = _STRIDES[int(np.argmin([abs(s * side - _PROBE_PX) / s for s in _STRIDES]))]
        last[stride], channels[stride] = index, depth
    return Trunk(
        steps=steps,
        last=dict(sorted(last.items())),
        channels=dict(sorted(channels.items())),
        channels_last=channels_last,
    )


class Backbone(nn.Module):
    """A classifier of torchvision without its heads; its weights keep their names, in ``body``.

    Args:
        name: Of the classifier.
        strides: Maps to return; what comes after the last of them is cut off.
        dilated: Widen the last filters instead of halving the maps, where torchvision can.

    Attributes:
        channels: Of the returned maps.
    """

    def __init__(self, name: str, strides: Sequence[int], *, dilated: bool = False) -> None:
        super().__init__()
        trunk = read_trunk(name, dilated=dilated)
        end = max(trunk.last[stride] for stride in strides)
        self.channels = tuple(trunk.channels[stride] for stride in strides)
        self.body = _bare_classifier(name, dilated=dilated)
        for head in _HEADS & {child for child, _ in self.body.named_children()}:
            delattr(self.body, head)
        for step in trunk.steps[end + 1 :]:
            parent, _, child = step.rpartition(".")
            delattr(self.body.get_submodule(parent), child)
        self._steps = trunk.steps[: end + 1]
        self._keys = {trunk.last[stride]: str(i) for i, stride in enumerate(strides)}
        self._channels_last = trunk.channels_last

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, 3, H, W) normalised pictures to maps "0", "1", ... in the order of the strides."""
        maps = OrderedDict[str, Tensor]()
        x = images
        for index, step in enumerate(self._steps):
            x = self.body.get_submodule(step)(x)
            if index in self._keys:
                maps[self._keys[index]] = x.permute(0, 3, 1, 2) if self._channels_last else x
        return maps


def _bare_classifier(name: str, *, dilated: bool) -> nn.Module:
    options: dict[str, Any] = {}
    if dilated and name.startswith("mobilenet_v3"):
        options["dilated"] = True
    elif dilated and name.startswith(
        ("resnet50", "resnet101", "resnet152", "resnext", "wide_resnet")
    ):
        options["replace_stride_with_dilation"] = [False, True, True]
    return new_classifier(name, 1, side_px=_PROBE_PX, auxiliary=False, options=options)


def trunk_steps(network: nn.Module) -> tuple[str, ...]:
    """Names of a classifier's modules without its heads; long sequences are taken apart."""
    steps: list[str] = []
    for name, child in network.named_children():
        if name in _CONTAINERS:
            steps += [f"{name}.{inner}" for inner, _ in child.named_children()]
        elif name not in _HEADS:
            steps.append(name)
    return tuple(steps)
