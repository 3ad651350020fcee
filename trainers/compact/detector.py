"""The compact detector as the detection task sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainers.augmentation.geometry import resize_example
from trainers.compact.decoding import detect
from trainers.compact.losses import (
    DetectionBatch,
    detection_losses,
    expected_losses,
    has_boxes_alone,
    stack_targets,
)
from trainers.compact.network import CompactDetector
from trainers.compact.targets import encode_targets
from trainers.examples import ByteImage, DetectionExample
from trainers.networks.network import Detector
from trainers.results import PictureResult

__all__ = ["CompactDetection"]

_MAX_MASKS = 24
"""Objects per picture that teach the mask head."""


class CompactDetection(Detector):
    """Boxes, masks and a semantic map."""

    options: ClassVar[frozenset[str]] = frozenset({"width", "zoom", "tile", "tile_overlap"})
    makes_class_maps: ClassVar[bool] = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("compact_detector",)

    @property
    def makes_masks(self) -> bool:
        """See Detector."""
        return True

    def build(self) -> nn.Module:
        """See Network."""
        network = CompactDetector(
            self.class_count, self.model.width, keypoint_count=self.keypoint_count
        )
        return network.to(memory_format=torch.channels_last)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network."""
        return (("stem",), ("stage4",), ("stage8",), ("stage16",), ("stage32",))

    def batch(
        self, examples: Sequence[DetectionExample], rngs: Sequence[np.random.Generator]
    ) -> DetectionBatch:
        """See Network."""
        if self._zoom != 1:
            examples = [resize_example(each, side_px=self._seen_px) for each in examples]
        return stack_targets(
            [example.image for example in examples],
            [
                encode_targets(example, class_count=self.class_count, max_masks=_MAX_MASKS, rng=rng)
                for example, rng in zip(examples, rngs, strict=True)
            ],
        )

    def losses(self, module: nn.Module, batch: DetectionBatch) -> dict[str, Tensor]:
        """See Network."""
        network = cast("CompactDetector", module)
        output = network(batch.images, fine=not has_boxes_alone(batch))
        return detection_losses(network, output, batch)

    def expected_losses(self, batch: DetectionBatch) -> dict[str, float]:
        """See Network."""
        return expected_losses(batch)

    def detect(self, module: nn.Module, image: ByteImage, *, with_masks: bool) -> PictureResult:
        """See Detector."""
        network = cast("CompactDetector", module)
        return detect(network, image, with_masks=with_masks, zoom=self._zoom)

    def look(self, module: nn.Module, images: Tensor) -> None:
        """See Network."""
        if self._zoom != 1:
            side_px = (self._seen_px, self._seen_px)
            images = functional.interpolate(images.float(), size=side_px, mode="area")
        module(images)

    @property
    def _zoom(self) -> float:
        return self.model.zoom or 1.0

    @property
    def _seen_px(self) -> int:
        return round(self.input_px * self._zoom)
