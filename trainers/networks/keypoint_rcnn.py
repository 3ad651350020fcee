"""Keypoint R-CNN of torchvision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from torch import Tensor, nn
from torchvision.models.detection.keypoint_rcnn import (
    KeypointRCNN,
    KeypointRCNNHeads,
    KeypointRCNNPredictor,
)

from pipeline.records.predictions import Task
from trainers.examples import ByteImage
from trainers.keypoints.heatmaps import read_heatmaps
from trainers.networks.detector_kinds import FasterRcnnDetection
from trainers.networks.detectors import Array

__all__ = ["KeypointRcnnDetection"]


class KeypointRcnnDetection(FasterRcnnDetection):
    """He et al., ICCV 2017; keypoints are read off its maps to a fraction of a cell.

    The maps have 56 x 56 cells over the box: of a point outside it nothing can be said.
    """

    task: ClassVar[Task] = "keypoints"
    kind: ClassVar[type[nn.Module]] = KeypointRCNN

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("keypoint_rcnn",)

    def _further_heads(self, pool: Callable[[int], nn.Module]) -> dict[str, Any]:
        hidden = 2 * self.channels
        return {
            "keypoint_roi_pool": pool(14),
            "keypoint_head": KeypointRCNNHeads(self.channels, (hidden,) * 8),
            "keypoint_predictor": KeypointRCNNPredictor(hidden, self.keypoint_count),
        }

    def _ask(self, module: nn.Module, image: ByteImage) -> dict[str, Array]:
        maps: list[Tensor] = []

        def keep(_layer: nn.Module, _inputs: object, logits: Tensor) -> Tensor:
            maps.append(logits)
            return logits[:, :1]  # torchvision enlarges to the box what it is given: the least

        handle = module.get_submodule("roi_heads.keypoint_predictor").register_forward_hook(keep)
        try:
            found = super()._ask(module, image)
        finally:
            handle.remove()
        places, confidence = (x.double().cpu().numpy() for x in read_heatmaps(maps[0]))
        boxes = found["boxes"].astype(np.float64)[:, None]
        inside = places / maps[0].shape[-1] * (boxes[..., 2:] - boxes[..., :2]) + boxes[..., :2]
        return found | {"keypoints": np.concatenate([inside, confidence[..., None]], axis=-1)}
