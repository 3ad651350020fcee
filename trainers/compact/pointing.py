"""The compact detector as the keypoint task sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.records.predictions import Task
from trainers.compact.detector import CompactDetection
from trainers.compact.losses import DetectionBatch, detection_losses
from trainers.compact.network import MASK_SIDE, CompactDetector
from trainers.compact.targets import jittered_region
from trainers.examples import DetectionExample
from trainers.keypoints.heatmaps import heatmap_loss

__all__ = ["CompactKeypoints", "PointedBatch"]

_MAX_OBJECTS = 24
"""Per picture that teach keypoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointedBatch(DetectionBatch):
    """A batch with the keypoints of P objects.

    Attributes:
        pointed: (P,) picture in the batch.
        point_regions_xyxy: (P, 4) px around the objects.
        points: (P, K, 2) x, y in cells of the region's 32 x 32.
        asked: (P, K) whether the keypoint is labelled and in the region.
    """

    pointed: Tensor
    point_regions_xyxy: Tensor
    points: Tensor
    asked: Tensor


class CompactKeypoints(CompactDetection):
    """Boxes and keypoints; masks and a semantic map where the data have masks."""

    task: ClassVar[Task] = "keypoints"

    def batch(
        self, examples: Sequence[DetectionExample], rngs: Sequence[np.random.Generator]
    ) -> PointedBatch:
        """See Network."""
        detection = super().batch(examples, rngs)
        indices, regions, labels = [], [], []
        for index, (example, rng) in enumerate(zip(examples, rngs, strict=True)):
            chosen = [i for i in example.objects if i.keypoints is not None and not i.ignored]
            for place in rng.permutation(len(chosen))[:_MAX_OBJECTS]:
                item = chosen[place]
                region = jittered_region(item.box_xyxy, rng)
                label = np.zeros((self.keypoint_count, 3), np.float32)
                label[: len(item.keypoints)] = item.keypoints
                label[:, :2] = (label[:, :2] - region[:2]) / (region[2:] - region[:2]) * MASK_SIDE
                indices.append(index)
                regions.append(region)
                labels.append(label)
        points = np.array(labels, np.float32).reshape(-1, self.keypoint_count, 3)
        inside = ((points[..., :2] >= 0) & (points[..., :2] < MASK_SIDE)).all(axis=-1)
        return PointedBatch(
            **{field.name: getattr(detection, field.name) for field in fields(detection)},
            pointed=torch.tensor(indices, dtype=torch.int64),
            point_regions_xyxy=torch.from_numpy(np.array(regions, np.float32).reshape(-1, 4)),
            points=torch.from_numpy(points[..., :2]),
            asked=torch.from_numpy((points[..., 2] > 0) & inside),
        )

    def losses(self, module: nn.Module, batch: DetectionBatch) -> dict[str, Tensor]:
        """See Network."""
        assert isinstance(batch, PointedBatch)
        network = cast("CompactDetector", module)
        output = network(batch.images)
        logits = network.points(output, batch.pointed, batch.point_regions_xyxy)
        return {
            **detection_losses(network, output, batch),
            "keypoints": heatmap_loss(logits, batch.points, batch.asked),
        }
