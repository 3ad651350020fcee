"""The compact detector: boxes, masks, keypoints and a semantic map from one small network.

Published parts, put together for training from scratch on a few CPU cores: inverted residuals
(MobileNetV2), a feature pyramid down to stride 4, object centres as peaks of a heat map
(CenterNet), box sides as distances from the centre, and masks by convolutions whose weights each
object brings along (CondInst), applied to features pooled from its box (BlendMask). Keypoints are
read off maps over the same region, as Mask R-CNN's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.compact.blocks import conv, separable, stage
from trainers.compact.pooling import pool_regions

__all__ = [
    "DISTANCE_UNIT_PX",
    "FINE_STRIDE",
    "HEAT_PRIOR",
    "MASK_SIDE",
    "STRIDE",
    "CompactDetector",
    "DenseOutput",
    "FineOutput",
    "boxes_around",
]

STRIDE = 4
"""Pixels per cell of the heat map and the boxes."""
FINE_STRIDE = 2
"""Pixels per cell of the semantic map and the mask features."""
MASK_SIDE = 32
"""Cells per side of an instance mask, or a keypoint's map, inside its region."""

_MASK_CHANNELS = 8
HEAT_PRIOR = 0.01  # so that the many empty cells do not drown the first steps (RetinaNet)
DISTANCE_UNIT_PX = 16.0
_DISTANCE_LOG_RANGE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FineOutput:
    """What masks and class maps are made from.

    Attributes:
        semantic: (B, 1 + C, H/2, W/2) logits, channel 0 is background.
        mask_features: (B, 8, H/2, W/2).
    """

    semantic: Tensor
    mask_features: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseOutput:
    """What the network says about a batch of B pictures of H x W px.

    Attributes:
        heat: (B, C, H/4, W/4) logits of object centres.
        distances_px: (B, 4, H/4, W/4) from the cell's centre to left, top, right, bottom.
        objects: (B, D, H/4, W/4) features that describe the object around a cell.
        fine: None where only boxes were asked for.
    """

    heat: Tensor
    distances_px: Tensor
    objects: Tensor
    fine: FineOutput | None


class CompactDetector(nn.Module):
    """The network; see the module.

    Args:
        class_count: C, without background.
        width: Multiplies all channels.
        keypoint_count: K; 0: it has no layers for them.

    Attributes:
        size_multiple: H and W of its input are multiples of this.
    """

    size_multiple = 32

    def __init__(self, class_count: int, width: float = 1.0, *, keypoint_count: int = 0) -> None:
        super().__init__()
        self.class_count = class_count
        c2, c4, c8, c16, c32, pyramid = (
            _channels(count, width) for count in (16, 32, 40, 80, 112, 48)
        )
        self.stem = conv(3, c2, stride=2)
        self.stage4 = conv(c2, c4, stride=2)
        self.stage8 = stage(c4, c8, expansion=4, repeats=3, dense=True)
        self.stage16 = stage(c8, c16, expansion=4, repeats=3)
        self.stage32 = stage(c16, c32, expansion=4, repeats=2)
        self.laterals = nn.ModuleList(nn.Conv2d(c, pyramid, 1) for c in (c4, c8, c16, c32))
        self.smooth = nn.ModuleList(separable(pyramid, pyramid) for _ in range(3))
        self.tower = nn.Sequential(
            separable(pyramid, pyramid, filters=2), separable(pyramid, pyramid, filters=2)
        )
        self.heat = nn.Conv2d(pyramid, class_count, 1)
        self.box = nn.Conv2d(pyramid, 4, 1)
        self.fine_top = nn.Conv2d(pyramid, c2, 1)
        self.fine = separable(c2, c2)
        self.semantic = nn.Conv2d(c2, class_count + 1, 1)
        self.mask_features = nn.Conv2d(c2, _MASK_CHANNELS, 1)
        self.mask_head = DynamicMaskHead(pyramid)
        self.point_head = PointHead(pyramid, keypoint_count) if keypoint_count else None
        nn.init.constant_(
            self.heat.bias,  # type: ignore[arg-type]  # a Conv2d made with a bias has one
            float(torch.logit(torch.tensor(HEAT_PRIOR))),
        )

    def forward(self, images: Tensor, *, fine: bool = True) -> DenseOutput:
        """Dense maps for (B, 3, H, W) RGB in [0, 255]; ``fine``: those of masks as well."""
        at2 = self.stem((images.float() - 127.5) / 64.0)
        at4 = self.stage4(at2)
        at8 = self.stage8(at4)
        at16 = self.stage16(at8)
        top = self.laterals[3](self.stage32(at16))
        for level, features in ((2, at16), (1, at8), (0, at4)):
            top = self.laterals[level](features) + functional.interpolate(top, scale_factor=2.0)
            top = self.smooth[level](top)
        objects = self.tower(top)
        logs = self.box(objects).clamp(-_DISTANCE_LOG_RANGE, _DISTANCE_LOG_RANGE)
        return DenseOutput(
            heat=self.heat(objects),
            distances_px=DISTANCE_UNIT_PX * logs.exp(),
            objects=objects,
            fine=self._fine_maps(at2, top) if fine else None,
        )

    def _fine_maps(self, at2: Tensor, top: Tensor) -> FineOutput:
        finer = functional.interpolate(self.fine_top(top), scale_factor=2.0, mode="bilinear")
        features = self.fine(at2 + finer)
        return FineOutput(
            semantic=self.semantic(features), mask_features=self.mask_features(features)
        )

    def masks(self, output: DenseOutput, cells: Tensor, regions: Tensor) -> Tensor:
        """Mask logits of single objects.

        Args:
            output: Of the batch, with fine maps.
            cells: (N, 3) index in the batch, row and column of each object's cell in the heat map.
            regions: (N, 4) xyxy in px that each mask covers.

        Returns:
            (N, 32, 32), rows and columns evenly over the region.
        """
        assert output.fine is not None
        objects = output.objects.permute(0, 2, 3, 1)[cells[:, 0], cells[:, 1], cells[:, 2]]
        pooled = pool_regions(
            output.fine.mask_features, FINE_STRIDE, cells[:, 0], regions, MASK_SIDE
        )
        return self.mask_head(objects, pooled)  # type: ignore[no-any-return]

    def points(self, output: DenseOutput, images: Tensor, regions: Tensor) -> Tensor:
        """Logits of single objects' keypoints.

        Args:
            output: Of the batch.
            images: (N,) index in the batch.
            regions: (N, 4) xyxy in px that each map covers.

        Returns:
            (N, K, 32, 32), rows and columns evenly over the region.
        """
        assert self.point_head is not None
        assert output.fine is not None
        coarse = pool_regions(output.objects, STRIDE, images, regions, MASK_SIDE // 2)
        fine = pool_regions(output.fine.mask_features, FINE_STRIDE, images, regions, MASK_SIDE)
        return self.point_head(coarse, fine)  # type: ignore[no-any-return]


def boxes_around(cells: Tensor, distances_px: Tensor) -> Tensor:
    """Boxes from distances.

    Args:
        cells: (N, 2) rows and columns in the heat map.
        distances_px: (N, 4) from each cell's centre to left, top, right, bottom.

    Returns:
        (N, 4) xyxy, px.
    """
    centres = cells.flip(1) * STRIDE + STRIDE / 2
    return torch.cat([centres - distances_px[:, :2], centres + distances_px[:, 2:]], dim=1)


class PointHead(nn.Module):
    """Maps of keypoints: what is around at half the resolution, where exactly at the whole."""

    def __init__(self, channels: int, keypoint_count: int) -> None:
        super().__init__()
        self.around = nn.Sequential(
            separable(channels, channels, filters=2),
            separable(channels, channels, filters=2),
            separable(channels, channels, filters=2),
        )
        self.exact = separable(channels + _MASK_CHANNELS, channels)
        self.points = nn.Conv2d(channels, keypoint_count, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(N, D, S/2, S/2) and (N, 8, S, S) pooled features to (N, K, S, S) logits."""
        around = functional.interpolate(self.around(coarse), scale_factor=2.0, mode="bilinear")
        return self.points(self.exact(torch.cat([around, fine], dim=1)))  # type: ignore[no-any-return]


class DynamicMaskHead(nn.Module):
    """Three 1 x 1 convolutions per object, with weights read from the object's features."""

    grid: Tensor

    def __init__(self, object_channels: int) -> None:
        super().__init__()
        hidden = _MASK_CHANNELS
        self._shapes = ((hidden, _MASK_CHANNELS + 2), (hidden, hidden), (1, hidden))
        self.weights = nn.Linear(object_channels, sum(o * (i + 1) for o, i in self._shapes))
        nn.init.normal_(self.weights.weight, std=0.01)
        steps = (torch.arange(MASK_SIDE) + 0.5) / MASK_SIDE * 2 - 1
        grid = torch.stack(torch.meshgrid(steps, steps, indexing="ij"))
        self.register_buffer("grid", grid.flatten(1)[None], persistent=False)
        # Like a linear layer of the given fan-in, though the weights come from elsewhere.
        with torch.no_grad():
            start = 0
            for rows, columns in self._shapes:
                bound = columns**-0.5
                self.weights.bias[start : start + rows * columns].uniform_(-bound, bound)
                self.weights.bias[start + rows * columns : start + rows * (columns + 1)].zero_()
                start += rows * (columns + 1)

    def forward(self, objects: Tensor, pooled: Tensor) -> Tensor:
        """(N, D) object features and (N, 8, S, S) pooled features to (N, S, S) logits."""
        count = len(objects)
        values = self.weights(objects)
        x = torch.cat([pooled.flatten(2), self.grid.expand(count, -1, -1)], dim=1)
        start = 0
        for layer, (rows, columns) in enumerate(self._shapes):
            weight = values[:, start : start + rows * columns].view(count, rows, columns)
            start += rows * columns
            bias = values[:, start : start + rows, None]
            start += rows
            x = torch.baddbmm(bias, weight, functional.relu(x) if layer else x)
        return x.view(count, MASK_SIDE, MASK_SIDE)


def _channels(count: int, width: float) -> int:
    return max(8, round(count * width / 8) * 8)
