"""The heat-map network as the keypoint task sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from pipeline.geometry.boxes import FloatArray
from trainers.augmentation.geometry import warp_image
from trainers.batches import TensorBatch
from trainers.examples import ByteImage, DetectionExample, FloatMatrix
from trainers.keypoints.crops import CLOSE, crop_from_image
from trainers.keypoints.heatmaps import WINDOW, heatmap_loss, read_heatmaps, windows
from trainers.keypoints.network import CompactEncoder, HeatmapNetwork
from trainers.networks.backbones import Backbone, build_shapes, read_trunk
from trainers.networks.network import Detector
from trainers.networks.normalisation import Normalise
from trainers.results import DetectedObject, PictureResult

__all__ = ["HeatmapKeypoints", "PointBatch"]

_SIZE_MULTIPLE = 32
_COMPACT_STAGES = ("stem", "stage4", "stage8", "stage16", "stage32")
_SURE = 0.3  # confidence of keypoints that say where to look closely
_MISPLACED = 1.0
"""Deviation of windows in training, cells: as far as peaks of the coarse map are off."""
_LOOKS = 2  # at the whole picture, then at the object


@dataclass(frozen=True, slots=True, kw_only=True)
class PointBatch(TensorBatch):
    """Squares around single objects.

    Attributes:
        images: (B, 3, S, S) uint8 RGB.
        points: (B, K, 2) x, y px.
        asked: (B, K) whether the keypoint is labelled and inside.
    """

    images: Tensor
    points: Tensor
    asked: Tensor


class HeatmapKeypoints(Detector):
    """Keypoints of one object per picture, on our encoder or any of torchvision's."""

    task: ClassVar = "keypoints"
    options: ClassVar[frozenset[str]] = frozenset({"backbone", "width"})
    shows_objects: ClassVar[bool] = True
    turns: ClassVar[bool] = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("heatmap",)

    @property
    def published(self) -> str | None:
        """See Network."""
        return self.model.backbone

    @property
    def backbone(self) -> str:
        """See Network."""
        return "maps." if self.model.backbone is None else "maps.body."

    def check(self) -> None:
        """See Network."""
        if self.input_px % _SIZE_MULTIPLE:
            raise ValueError(f"input_px of {self.input_px} is not a multiple of {_SIZE_MULTIPLE}")
        build_shapes(self.build)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network."""
        if self.model.backbone is None:
            return tuple((f"maps.{name}",) for name in _COMPACT_STAGES)
        stages = read_trunk(self.model.backbone).stages()
        return tuple(tuple(self.backbone + step for step in stage) for stage in stages)

    def build(self) -> nn.Module:
        """See Network."""
        name, width = self.model.backbone, self.model.width
        encoder = (
            CompactEncoder(width) if name is None else Backbone(name, tuple(read_trunk(name).last))
        )
        network = HeatmapNetwork(
            Normalise(), encoder, encoder.channels, self.keypoint_count, width=width
        )
        return network.to(memory_format=torch.channels_last)

    def batch(
        self, examples: Sequence[DetectionExample], rngs: Sequence[np.random.Generator]
    ) -> PointBatch:
        """See Network."""
        labels = np.zeros((len(examples), self.keypoint_count, 3), np.float32)
        for label, example in zip(labels, examples, strict=True):
            for item in example.objects:
                assert item.keypoints is not None
                label[: len(item.keypoints)] = item.keypoints
        images = np.stack([example.image for example in examples])
        return PointBatch(
            images=torch.from_numpy(images).permute(0, 3, 1, 2),
            points=torch.from_numpy(labels[..., :2]),
            asked=torch.from_numpy(labels[..., 2] > 0),
        )

    def losses(self, module: nn.Module, batch: PointBatch) -> dict[str, Tensor]:
        """See Network."""
        maps = module(batch.images)
        coarse, fine = (
            batch.points * (found.shape[-1] / batch.images.shape[-1])
            for found in (maps.which, maps.where)
        )
        near = fine + _MISPLACED * torch.randn_like(fine)
        sums, first = windows(maps.which, maps.where, near)
        inside = ((fine >= first) & (fine < first + WINDOW)).all(dim=-1)
        return {
            "which": heatmap_loss(maps.which, coarse, batch.asked),
            "where": heatmap_loss(sums, fine - first, batch.asked & inside),
        }

    @torch.inference_mode()
    def detect(self, module: nn.Module, image: ByteImage, *, with_masks: bool) -> PictureResult:
        """See Detector; the picture is looked at whole, then the object closely."""
        image_wh = np.array(image.shape[1::-1], dtype=float)
        centre, side = image_wh / 2, float(image_wh.max())
        for _ in range(_LOOKS):
            points = self._look(module, image, crop_from_image(centre, side, self.input_px))
            seen = points[points[:, 2] >= min(_SURE, float(np.median(points[:, 2]))), :2]
            low, high = seen.min(axis=0), seen.max(axis=0)
            centre, closer = (low + high) / 2, CLOSE * float((high - low).max())
            if not 1 < closer < side:
                break
            side = closer
        points[:, :2] = np.clip(points[:, :2], 0, image_wh)
        box = np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])
        item = DetectedObject(
            class_index=0, score=float(points[:, 2].mean()), box_xyxy=box, keypoints=points
        )
        return PictureResult(objects=(item,))

    def _look(self, module: nn.Module, image: ByteImage, matrix: FloatMatrix) -> FloatArray:
        """(K, 3) x, y px in the picture and confidence, from one square of it."""
        square = warp_image(image, matrix, self.input_px, cv2.BORDER_CONSTANT)
        batch = torch.from_numpy(square)[None].permute(0, 3, 1, 2)
        maps = module(batch.to(next(module.parameters()).device))
        coarse, sure = read_heatmaps(maps.which)
        finer = maps.where.shape[-1] / maps.which.shape[-1]
        sums, first = windows(maps.which, maps.where, finer * coarse)
        fine, exact = read_heatmaps(sums)
        places = ((first + fine) * (self.input_px / maps.where.shape[-1]))[0].double().cpu().numpy()
        confidence = (sure * exact)[0].double().cpu().numpy()
        linear, offset = matrix[:, :2], matrix[:, 2]
        return np.column_stack([(places - offset) @ np.linalg.inv(linear).T, confidence])
