"""Decoders that bring a backbone's maps back to full detail."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.misc import Conv2dNormActivation

__all__ = ["PyramidDecoder", "UNetDecoder"]


class UNetDecoder(nn.Module):
    """Step by step to the next finer map, which is put beside (Ronneberger et al., MICCAI 2015).

    Args:
        inputs: Channels of the maps, finest first.
        outputs: Classes.
        channels: Of the finest step; coarser ones have twice as many each, at most 256.
    """

    def __init__(self, inputs: Sequence[int], outputs: int, *, channels: int) -> None:
        super().__init__()
        steps = []
        above = inputs[-1]
        for level, beside in reversed(list(enumerate(inputs[:-1]))):
            width = min(256, channels * 2 ** (level + 1))
            steps.append(
                nn.Sequential(
                    Conv2dNormActivation(above + beside, width),
                    Conv2dNormActivation(width, width),
                )
            )
            above = width
        self.steps = nn.ModuleList(steps)
        self.last = Conv2dNormActivation(above, channels)
        self.classes = nn.Conv2d(channels, outputs, 1)

    def forward(self, maps: OrderedDict[str, Tensor]) -> Tensor:
        """Maps, finest first, to logits twice as fine as the finest."""
        beside = list(maps.values())
        x = beside.pop()
        for step in self.steps:
            skip = beside.pop()
            x = functional.interpolate(x, skip.shape[-2:], mode="nearest")
            x = step(torch.cat([x, skip], dim=1))
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.classes(self.last(x))  # type: ignore[no-any-return]


class PyramidDecoder(nn.Module):
    """A feature pyramid, all its levels added at the finest (Kirillov et al., CVPR 2019).

    Args:
        inputs: Channels of the maps, finest first.
        outputs: Classes.
        channels: Of the pyramid; half of it after.
    """

    def __init__(self, inputs: Sequence[int], outputs: int, *, channels: int) -> None:
        super().__init__()
        self.pyramid = FeaturePyramidNetwork(list(inputs), channels)
        self.smooth = nn.ModuleList(Conv2dNormActivation(channels, channels // 2) for _ in inputs)
        self.classes = nn.Conv2d(channels // 2, outputs, 1)

    def forward(self, maps: OrderedDict[str, Tensor]) -> Tensor:
        """Maps, finest first, to logits as fine as the finest."""
        levels = list(self.pyramid(maps).values())
        size = levels[0].shape[-2:]
        total = self.smooth[0](levels[0])
        for smooth, level in zip(list(self.smooth)[1:], levels[1:], strict=True):
            total = total + functional.interpolate(smooth(level), size, mode="bilinear")
        return self.classes(total)  # type: ignore[no-any-return]
