"""Detectors of torchvision on any of its backbones: what they have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.transform import (
    GeneralizedRCNNTransform,
    resize_boxes,
    resize_keypoints,
)
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock

from trainers.batches import TensorBatch
from trainers.examples import ByteImage, DetectionExample, ObjectExample
from trainers.networks.backbones import Backbone, build_shapes, read_trunk
from trainers.networks.layout import Layout, lay_out
from trainers.networks.network import Detector
from trainers.networks.normalisation import MEAN, STD
from trainers.results import DetectedObject, PictureResult, paste_mask

__all__ = ["Array", "MapBackbone", "RegionBatch", "TorchvisionDetection"]

Array = npt.NDArray[Any]

_SINGLE_STRIDE = 16  # of a detector without a pyramid, as in the first Faster R-CNNs
_MIN_SIDE_PX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionBatch(TensorBatch):
    """Pictures (B, 3, S, S) uint8 RGB and torchvision's targets.

    Attributes:
        targets: ``boxes`` (N, 4) xyxy px, ``labels`` (N,); ``masks`` (N, S, S) uint8 or
            ``keypoints`` (N, K, 3) if wanted.
    """

    images: Tensor
    targets: tuple[dict[str, Tensor], ...]


class TorchvisionDetection(Detector):
    """A detector of torchvision.

    Crowds and objects of which a crop leaves next to nothing teach nothing; they count as
    background, as in torchvision's own training.

    Attributes:
        default_backbone: If none is named.
        finest_stride: Of its maps, with a pyramid.
        further_maps: Coarser maps beyond the backbone's.
        per_octave: Anchor sizes between one size and its double.
        first_label: Of class index 0; 1 where 0 is the background.
    """

    options: ClassVar[frozenset[str]] = frozenset(
        {"backbone", "fpn", "width", "zoom", "tile", "tile_overlap"}
    )
    inner: ClassVar[str] = ""
    default_backbone: ClassVar[str] = "resnet50"
    finest_stride: ClassVar[int]
    further_maps: ClassVar[int]
    per_octave: ClassVar[int]
    first_label: ClassVar[int]

    @property
    def published(self) -> str:
        """See Network."""
        return self.model.backbone or self.default_backbone

    @property
    def backbone(self) -> str:
        """See Network."""
        return "backbone.body."

    @property
    def channels(self) -> int:
        """Of the maps that the heads see; groups of 32 are normalised together."""
        return max(32, round(256 * self.model.width / 32) * 32)

    @property
    def layout(self) -> Layout:
        """Anchors and zoom."""
        strides = list(self._strides())
        for _ in range(self.further_maps if self.has_pyramid else 0):
            strides.append(2 * strides[-1])
        return lay_out(self.objects, strides, per_octave=self.per_octave, zoom=self.model.zoom)

    @property
    def has_pyramid(self) -> bool:
        """Whether it sees maps of several strides."""
        return self.model.fpn

    def check(self) -> None:
        """See Network."""
        build_shapes(self.build)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network."""
        trunk = read_trunk(self.published)
        end = trunk.last[max(self._strides())]
        kept = set(trunk.steps[: end + 1])
        stages = (tuple(step for step in stage if step in kept) for stage in trunk.stages())
        return tuple(tuple(self.backbone + step for step in stage) for stage in stages if stage)

    def build(self) -> nn.Module:
        """See Network."""
        network = self._assemble()
        network.transform = _Zoom(self.layout.zoom)
        return network.to(memory_format=torch.channels_last)

    def batch(
        self, examples: Sequence[DetectionExample], rngs: Sequence[np.random.Generator]
    ) -> RegionBatch:
        """See Network."""
        images = np.stack([example.image for example in examples])
        return RegionBatch(
            images=torch.from_numpy(images).permute(0, 3, 1, 2),
            targets=tuple(self._target(example) for example in examples),
        )

    def losses(self, module: nn.Module, batch: RegionBatch) -> dict[str, Tensor]:
        """See Network."""
        images = list((batch.images.float() / 255).unbind())
        found: dict[str, Tensor] = module(images, list(batch.targets))
        return found

    def look(self, module: nn.Module, images: Tensor) -> None:
        """See Network."""
        module(list((images.float() / 255).unbind()))

    @torch.inference_mode()
    def detect(self, module: nn.Module, image: ByteImage, *, with_masks: bool) -> PictureResult:
        """See Detector."""
        image_hw = (image.shape[0], image.shape[1])
        found = self._ask(module, image)
        boxes = found["boxes"].astype(float)
        objects = [
            DetectedObject(
                class_index=int(found["labels"][i]) - self.first_label,
                score=float(found["scores"][i]),
                box_xyxy=box,
                mask=(paste_mask(found["masks"][i, 0], box, image_hw) if with_masks else None),
                keypoints=found["keypoints"][i] if "keypoints" in found else None,
            )
            for i, box in enumerate(boxes)
            if (box[2:] - box[:2] >= _MIN_SIDE_PX).all()
        ]
        return PictureResult(objects=tuple(sorted(objects, key=lambda item: -item.score)))

    def _ask(self, module: nn.Module, image: ByteImage) -> dict[str, Array]:
        """Torchvision's answer about one picture: ``boxes``, ``labels``, ``scores``, ``masks``."""
        device = next(module.parameters()).device
        tensor = torch.from_numpy(image).to(device).permute(2, 0, 1).float() / 255
        return {name: values.cpu().numpy() for name, values in module([tensor])[0].items()}

    @abstractmethod
    def _assemble(self) -> nn.Module:
        """The network, whatever its transform."""

    def _strides(self) -> tuple[int, ...]:
        """Of the backbone's maps that are used."""
        found = tuple(read_trunk(self.published).channels)
        if self.has_pyramid:
            return tuple(stride for stride in found if stride >= self.finest_stride)
        return (max(stride for stride in found if stride <= _SINGLE_STRIDE),)

    def _maps(self, further: ExtraFPNBlock | None) -> MapBackbone:
        """Maps with or without a pyramid."""
        return MapBackbone(
            self.published,
            self._strides(),
            out_channels=self.channels,
            further=further if self.has_pyramid else None,
        )

    def _target(self, example: DetectionExample) -> dict[str, Tensor]:
        objects = [item for item in example.objects if self._teaches(item)]
        boxes = np.array([item.box_xyxy for item in objects], np.float32).reshape(-1, 4)
        labels = [item.class_index + self.first_label for item in objects]
        target = {
            "boxes": torch.from_numpy(boxes),
            "labels": torch.tensor(labels, dtype=torch.int64),
        }
        if self.needs_masks:
            masks = np.zeros((len(objects), *example.image.shape[:2]), np.uint8)
            for whole, item in zip(masks, objects, strict=True):
                assert item.mask is not None
                x, y = item.mask_corner
                whole[y : y + item.mask.shape[0], x : x + item.mask.shape[1]] = item.mask
            target["masks"] = torch.from_numpy(masks)
        if self.keypoint_count:
            points = np.zeros((len(objects), self.keypoint_count, 3), np.float32)
            for label, item in zip(points, objects, strict=True):
                assert item.keypoints is not None
                label[: len(item.keypoints)] = item.keypoints
            target["keypoints"] = torch.from_numpy(points)
        return target

    def _teaches(self, item: ObjectExample) -> bool:
        wide = (item.box_xyxy[2:] - item.box_xyxy[:2] >= _MIN_SIDE_PX).all()
        known = item.mask is not None or not self.needs_masks
        if self.keypoint_count:
            known = known and item.keypoints is not None
        return bool(wide) and known and not item.ignored


class MapBackbone(Backbone):
    """Maps of a backbone, all with the same channels: a pyramid, or a single map.

    Weights are named as in torchvision's own detectors on ResNets.

    Attributes:
        out_channels: Of every map.
        names: Of the backbone's own maps.
    """

    def __init__(
        self,
        name: str,
        strides: Sequence[int],
        *,
        out_channels: int,
        further: ExtraFPNBlock | None,
    ) -> None:
        super().__init__(name, strides)
        self.fpn = FeaturePyramidNetwork(list(self.channels), out_channels, extra_blocks=further)
        self.out_channels = out_channels
        self.names = [str(i) for i in range(len(strides))]

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, 3, H, W) normalised pictures to maps, finest first."""
        maps: OrderedDict[str, Tensor] = self.fpn(super().forward(images))
        return maps


class _Zoom(GeneralizedRCNNTransform):  # type: ignore[misc]
    """Resizes by a factor, not to a size: objects keep their scale. Masks are left to us.

    Pictures lie in memory as the network's weights do, channels last.
    """

    def __init__(self, zoom: float) -> None:
        super().__init__(0, 0, list(MEAN), list(STD))
        self.zoom = zoom

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """See the class."""
        if self.zoom == 1:
            return image, target
        before = list(image.shape[-2:])
        after = [max(1, round(side * self.zoom)) for side in before]
        resized = functional.interpolate(image[None], after, mode="bilinear", antialias=True)[0]
        if target is not None:
            target["boxes"] = resize_boxes(target["boxes"], before, after)
            if "keypoints" in target:
                target["keypoints"] = resize_keypoints(target["keypoints"], before, after)
            if "masks" in target:
                masks = functional.interpolate(target["masks"][:, None].float(), after)
                target["masks"] = masks[:, 0].byte()
        return resized, target

    def batch_images(self, images: list[Tensor], size_divisible: int = 32) -> Tensor:
        """See torchvision."""
        batch: Tensor = super().batch_images(images, size_divisible)
        return batch.contiguous(memory_format=torch.channels_last)

    def postprocess(
        self,
        result: list[dict[str, Tensor]],
        image_shapes: list[tuple[int, int]],
        original_image_sizes: list[tuple[int, int]],
    ) -> list[dict[str, Tensor]]:
        """Boxes at the picture's own scale; masks stay (N, 1, 28, 28)."""
        if not self.training:
            for found, shape, original in zip(
                result, image_shapes, original_image_sizes, strict=True
            ):
                found["boxes"] = resize_boxes(found["boxes"], list(shape), list(original))
        return result
