"""The heat-map network: where each keypoint of one object lies, from a square around it.

Built for points that all look alike, as a checkerboard's corners: a map of each keypoint at the
second finest stride says which corner this is, one map at the finest stride, the same for all,
where a keypoint is exactly. Around the former's peak the two are added as logits. What tells
corners apart is far away, so wide filters at the coarsest stride see the whole square.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from trainers.compact.blocks import conv, separable, stage

__all__ = ["CompactEncoder", "HeatmapNetwork", "PointMaps"]

_CONTEXT_KERNEL = 9  # of 8 x 8 cells, in a square of 256 px at stride 32
_CONTEXT_LAYERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PointMaps:
    """Logits of a batch of B squares of S px.

    Attributes:
        which: (B, K, S/4, S/4), a map of each keypoint; at the second finest stride.
        where: (B, 1, S/2, S/2), one for all; at the finest stride.
    """

    which: Tensor
    where: Tensor


class HeatmapNetwork(nn.Module):
    """A feature pyramid over an encoder, and the two kinds of map; see the module.

    Args:
        normalise: Makes of RGB in [0, 255] what the encoder wants.
        encoder: Normalised pictures to maps, finest first, each half as fine as the one before.
        channels: Of these.
        keypoint_count: K.
        width: Of the pyramid: 64 channels times this.
    """

    def __init__(
        self,
        normalise: nn.Module,
        encoder: nn.Module,
        channels: Sequence[int],
        keypoint_count: int,
        *,
        width: float,
    ) -> None:
        super().__init__()
        pyramid, fine = (max(8, round(count * width / 8) * 8) for count in (64, 32))
        self.normalise = normalise
        self.maps = encoder
        self.context = nn.Sequential(*(_WideFilter(channels[-1]) for _ in range(_CONTEXT_LAYERS)))
        self.laterals = nn.ModuleList(nn.Conv2d(count, pyramid, 1) for count in channels[1:])
        self.smooth = nn.ModuleList(separable(pyramid, pyramid) for _ in channels[2:])
        self.which = nn.Sequential(
            separable(pyramid, 2 * pyramid), nn.Conv2d(2 * pyramid, keypoint_count, 1)
        )
        self.fine_lateral = nn.Conv2d(channels[0], fine, 1)
        self.fine_top = nn.Conv2d(pyramid, fine, 1)
        self.where = nn.Sequential(
            separable(fine, fine), separable(fine, fine), nn.Conv2d(fine, 1, 1)
        )

    def forward(self, images: Tensor) -> PointMaps:
        """Maps of (B, 3, S, S) RGB in [0, 255]."""
        finest, *coarser = self.maps(self.normalise(images)).values()
        coarser[-1] = self.context(coarser[-1])
        top = self.laterals[-1](coarser[-1])
        for level in reversed(range(len(coarser) - 1)):
            top = functional.interpolate(top, coarser[level].shape[-2:], mode="nearest")
            top = self.smooth[level](self.laterals[level](coarser[level]) + top)
        size = finest.shape[-2:]
        fine = functional.interpolate(self.fine_top(top), size, mode="bilinear")
        return PointMaps(
            which=self.which(top),
            where=self.where(functional.relu(self.fine_lateral(finest) + fine)),
        )


class CompactEncoder(nn.Module):
    """The compact detector's layers (MobileNetV2's blocks), for training on a few CPU cores.

    Args:
        width: Multiplies all channels.

    Attributes:
        channels: Of the maps at strides 2, 4, 8, 16 and 32.
    """

    def __init__(self, width: float) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = self.channels = tuple(
            max(8, round(count * width / 8) * 8) for count in (16, 32, 48, 96, 160)
        )
        self.stem = conv(3, c2, stride=2)
        self.stage4 = conv(c2, c4, stride=2)
        self.stage8 = stage(c4, c8, expansion=4, repeats=3)
        self.stage16 = stage(c8, c16, expansion=4, repeats=3)
        self.stage32 = stage(c16, c32, expansion=4, repeats=2)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """Maps "0" to "4", finest first."""
        maps = OrderedDict[str, Tensor]()
        x = images
        for index, layers in enumerate(
            (self.stem, self.stage4, self.stage8, self.stage16, self.stage32)
        ):
            x = maps[str(index)] = layers(x)
        return maps


class _WideFilter(nn.Module):
    """A residual filter as wide as the map (Ding et al., CVPR 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            conv(channels, channels, kernel=_CONTEXT_KERNEL, groups=channels, activation=None),
            conv(channels, 2 * channels, kernel=1),
            conv(2 * channels, channels, kernel=1, activation=None),
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x + self.layers(x)  # type: ignore[no-any-return]
