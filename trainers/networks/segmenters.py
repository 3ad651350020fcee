"""Semantic segmentation: torchvision's networks, U-Net and FPN, on any of its backbones."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.models.segmentation.fcn import FCNHead
from torchvision.models.segmentation.lraspp import LRASPPHead

from trainers.batches import TensorBatch
from trainers.examples import ByteImage, DetectionExample
from trainers.losses import dice_loss
from trainers.networks.backbones import Backbone, build_shapes, read_trunk
from trainers.networks.decoders import PyramidDecoder, UNetDecoder
from trainers.networks.network import Segmenter
from trainers.networks.normalisation import Normalise
from trainers.results import ClassMap

__all__ = [
    "UNKNOWN_CLASS",
    "DeepLabSegmentation",
    "FcnSegmentation",
    "FpnSegmentation",
    "LrasppSegmentation",
    "SemanticBatch",
    "UNetSegmentation",
    "true_classes",
]

UNKNOWN_CLASS = 255
"""Of a pixel that nothing is asked about."""
_SIZE_MULTIPLE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class SemanticBatch(TensorBatch):
    """Pictures and their classes.

    Attributes:
        images: (B, 3, S, S) uint8 RGB.
        classes: (B, S, S) uint8: 0 background, 1 + class index, 255 unknown.
    """

    images: Tensor
    classes: Tensor


class TorchvisionSegmentation(Segmenter):
    """A backbone of torchvision and a head; cross-entropy and Dice loss.

    Attributes:
        default_backbone: If none is named.
        dilated: Whether the backbone keeps its last maps large, where torchvision can do that.
    """

    options: ClassVar[frozenset[str]] = frozenset({"backbone", "width", "tile", "tile_overlap"})
    default_backbone: ClassVar[str] = "resnet50"
    dilated: ClassVar[bool] = False

    @property
    def published(self) -> str:
        """See Network."""
        return self.model.backbone or self.default_backbone

    @property
    def backbone(self) -> str:
        """See Network."""
        return "maps.body."

    def check(self) -> None:
        """See Network."""
        if self.input_px % _SIZE_MULTIPLE:
            raise ValueError(f"input_px of {self.input_px} is not a multiple of {_SIZE_MULTIPLE}")
        if self.class_count >= UNKNOWN_CLASS:
            raise ValueError(f"{self.class_count} classes; there may be {UNKNOWN_CLASS - 1}")
        build_shapes(self.build)

    def stages(self) -> tuple[tuple[str, ...], ...]:
        """See Network."""
        stages = read_trunk(self.published, dilated=self.dilated).stages()
        return tuple(tuple(self.backbone + step for step in stage) for stage in stages)

    def build(self) -> nn.Module:
        """See Network."""
        maps = Backbone(self.published, self._strides(), dilated=self.dilated)
        network = _Pixelwise(maps, self._head(maps.channels, 1 + self.class_count))
        return network.to(memory_format=torch.channels_last)

    def batch(
        self, examples: Sequence[DetectionExample], rngs: Sequence[np.random.Generator]
    ) -> SemanticBatch:
        """See Network."""
        images = np.stack([example.image for example in examples])
        return SemanticBatch(
            images=torch.from_numpy(images).permute(0, 3, 1, 2),
            classes=torch.from_numpy(np.stack([true_classes(example) for example in examples])),
        )

    def losses(self, module: nn.Module, batch: SemanticBatch) -> dict[str, Tensor]:
        """See Network; the Dice loss is the mean over the classes that are there."""
        return self._losses(module(batch.images).float(), batch.classes)

    def expected_losses(self, batch: SemanticBatch) -> dict[str, float]:
        """See Network: of even guesses."""
        height, width = batch.classes.shape[-2:]
        logits = batch.images.new_zeros(
            (len(batch.images), 1 + self.class_count, height, width), dtype=torch.float32
        )
        return {name: float(part) for name, part in self._losses(logits, batch.classes).items()}

    @torch.inference_mode()
    def class_map(self, module: nn.Module, image: ByteImage) -> ClassMap:
        """See Segmenter."""
        height, width = image.shape[:2]
        bottom, right = -height % _SIZE_MULTIPLE, -width % _SIZE_MULTIPLE
        padded = cv2.copyMakeBorder(image, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
        batch = torch.from_numpy(padded)[None].permute(0, 3, 1, 2)
        logits = module(batch.to(next(module.parameters()).device))
        return np.asarray(logits[0].argmax(dim=0)[:height, :width].cpu().numpy())

    def _strides(self) -> tuple[int, ...]:
        """Of the maps that the head sees, finest first."""
        return tuple(read_trunk(self.published, dilated=self.dilated).channels)

    def _scaled(self, channels: int) -> int:
        return max(8, round(channels * self.model.width / 8) * 8)

    def _losses(self, logits: Tensor, pixels: Tensor) -> dict[str, Tensor]:
        classes = pixels.long()
        known = classes != UNKNOWN_CLASS
        entropy = functional.cross_entropy(
            logits, classes, ignore_index=UNKNOWN_CLASS, reduction="sum"
        ) / known.sum().clamp(min=1)
        shares = logits.softmax(dim=1)[:, 1:] * known[:, None]
        wanted = functional.one_hot(classes * known, 1 + self.class_count)[..., 1:]
        predicted, asked = (
            x.transpose(0, 1).flatten(1) for x in (shares, wanted.permute(0, 3, 1, 2).float())
        )
        present = (asked.sum(dim=1) > 0).float()
        dice = (dice_loss(predicted, asked) * present).sum() / present.sum().clamp(min=1)
        return {"class": entropy, "dice": dice}

    @abstractmethod
    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        """From the maps to logits, as fine as the head can."""


class UNetSegmentation(TorchvisionSegmentation):
    """An encoder and a decoder that sees every map of it."""

    default_backbone: ClassVar[str] = "resnet34"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("unet",)

    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        return UNetDecoder(channels, outputs, channels=self._scaled(32))


class FpnSegmentation(TorchvisionSegmentation):
    """A feature pyramid."""

    default_backbone: ClassVar[str] = "resnet34"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("fpn",)

    def _strides(self) -> tuple[int, ...]:
        return tuple(stride for stride in super()._strides() if stride >= 4)

    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        return PyramidDecoder(channels, outputs, channels=2 * self._scaled(128))


class FcnSegmentation(TorchvisionSegmentation):
    """Long et al., CVPR 2015, as in torchvision."""

    options: ClassVar[frozenset[str]] = TorchvisionSegmentation.options - {"width"}
    dilated: ClassVar[bool] = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("fcn",)

    def _strides(self) -> tuple[int, ...]:
        return super()._strides()[-1:]

    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        return _OfLast(FCNHead(channels[-1], outputs))


class DeepLabSegmentation(FcnSegmentation):
    """DeepLabV3 (Chen et al., 2017), as in torchvision."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("deeplabv3",)

    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        return _OfLast(DeepLabHead(channels[-1], outputs))


class LrasppSegmentation(FcnSegmentation):
    """Lite R-ASPP (Howard et al., ICCV 2019), as in torchvision."""

    default_backbone: ClassVar[str] = "mobilenet_v3_large"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("lraspp",)

    def _strides(self) -> tuple[int, ...]:
        strides = read_trunk(self.published, dilated=self.dilated).channels
        coarsest = max(strides)
        return (max(stride for stride in strides if stride < coarsest and stride <= 8), coarsest)

    def _head(self, channels: Sequence[int], outputs: int) -> nn.Module:
        low, high = channels
        return _LowAndHigh(LRASPPHead(low, high, outputs, 128))


class _Pixelwise(nn.Module):
    """(B, 3, H, W) RGB in [0, 255] to (B, 1 + C, H, W) logits."""

    def __init__(self, maps: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.normalise = Normalise()
        self.maps = maps
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        logits = self.head(self.maps(self.normalise(images)))
        return functional.interpolate(logits, images.shape[-2:], mode="bilinear")


class _OfLast(nn.Module):
    """A head that sees the last map alone."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.inner = head

    def forward(self, maps: OrderedDict[str, Tensor]) -> Tensor:
        """Logits as fine as the last map."""
        return self.inner(next(reversed(maps.values())))  # type: ignore[no-any-return]


class _LowAndHigh(nn.Module):
    """A head that sees two maps by torchvision's names."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.inner = head

    def forward(self, maps: OrderedDict[str, Tensor]) -> Tensor:
        """Logits as fine as the finer map."""
        low, high = maps.values()
        return self.inner({"low": low, "high": high})  # type: ignore[no-any-return]


def true_classes(example: DetectionExample) -> ByteImage:
    """(H, W) classes: 0 background, 1 + class index, ``UNKNOWN_CLASS``.

    Of overlapping masks the later one is on top, as in evaluation.
    """
    classes = np.zeros(example.image.shape[:2], np.uint8)
    for item in sorted(example.objects, key=lambda item: not item.crowd):
        if item.mask is None:
            x0, y0 = np.floor(item.box_xyxy[:2]).astype(int)
            x1, y1 = np.ceil(item.box_xyxy[2:]).astype(int)
            classes[y0:y1, x0:x1] = UNKNOWN_CLASS
            continue
        x, y = item.mask_corner
        window = classes[y : y + item.mask.shape[0], x : x + item.mask.shape[1]]
        window[item.mask] = UNKNOWN_CLASS if item.crowd else 1 + item.class_index
    return classes
