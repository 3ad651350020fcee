"""Torchvision's detectors, one by one."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.fcos import FCOS
from torchvision.models.detection.mask_rcnn import MaskRCNN, MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.retinanet import RetinaNet
from torchvision.models.detection.ssd import SSD, SSDHead
from torchvision.models.detection.ssdlite import SSDLiteHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7
from torchvision.ops.misc import Conv2dNormActivation

from trainers.networks.backbones import Backbone
from trainers.networks.detectors import RegionBatch, TorchvisionDetection
from trainers.networks.layout import Layout

__all__ = [
    "FasterRcnnDetection",
    "FcosDetection",
    "MaskRcnnDetection",
    "RetinaNetDetection",
    "SsdDetection",
    "SsdliteDetection",
]

_MIN_SCORE = 0.05  # average precision wants the tail
_MAX_OBJECTS = 300
_FOCAL_START = 0.25 * 0.99**2 * -math.log(0.01)
"""Focal loss (alpha 0.25, gamma 2) of an object that is thought 1 % likely, the heads' prior."""


class FasterRcnnDetection(TorchvisionDetection):
    """Ren et al., NeurIPS 2015; with a pyramid Lin et al., CVPR 2017."""

    options: ClassVar[frozenset[str]] = TorchvisionDetection.options | {
        "regions",
        "proposals",
        "positive_fraction",
    }
    kind: ClassVar[type[nn.Module]] = FasterRCNN
    finest_stride: ClassVar[int] = 4
    further_maps: ClassVar[int] = 1
    per_octave: ClassVar[int] = 2
    first_label: ClassVar[int] = 1

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("faster_rcnn",)

    def _assemble(self) -> nn.Module:
        maps = self._maps(LastLevelMaxPool())
        pool = partial(MultiScaleRoIAlign, maps.names, sampling_ratio=2)
        hidden = 4 * self.channels
        options: dict[str, Any] = {
            "rpn_anchor_generator": self.layout.anchors(),
            "rpn_pre_nms_top_n_train": 1000,
            "rpn_post_nms_top_n_train": self.model.proposals,
            "box_roi_pool": pool(7),
            "box_head": TwoMLPHead(49 * self.channels, hidden),
            "box_predictor": FastRCNNPredictor(hidden, 1 + self.class_count),
            "box_score_thresh": _MIN_SCORE,
            "box_detections_per_img": _MAX_OBJECTS,
            "box_batch_size_per_image": self.model.regions,
            "box_positive_fraction": self.model.positive_fraction,
        }
        found: nn.Module = self.kind(maps, **options, **self._further_heads(pool))
        return found

    def expected_losses(self, batch: RegionBatch) -> dict[str, float]:
        """See Network: of even guesses; the mask head starts with larger numbers."""
        return {"loss_objectness": math.log(2), "loss_classifier": math.log(1 + self.class_count)}

    def _further_heads(self, pool: Callable[[int], nn.Module]) -> dict[str, Any]:
        """Options of torchvision's class beyond those of Faster R-CNN; ``pool`` takes a side."""
        return {}


class MaskRcnnDetection(FasterRcnnDetection):
    """He et al., ICCV 2017."""

    kind: ClassVar[type[nn.Module]] = MaskRCNN
    needs_masks: ClassVar[bool] = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("mask_rcnn",)

    def _further_heads(self, pool: Callable[[int], nn.Module]) -> dict[str, Any]:
        channels = self.channels
        return {
            "mask_roi_pool": pool(14),
            "mask_head": MaskRCNNHeads(channels, (channels,) * 4, 1),
            "mask_predictor": MaskRCNNPredictor(channels, channels, 1 + self.class_count),
        }


class RetinaNetDetection(TorchvisionDetection):
    """Lin et al., ICCV 2017."""

    finest_stride: ClassVar[int] = 8
    further_maps: ClassVar[int] = 2
    per_octave: ClassVar[int] = 3
    first_label: ClassVar[int] = 0

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("retinanet",)

    def expected_losses(self, batch: RegionBatch) -> dict[str, float]:
        """See Network: the focal loss of objects at the prior; those of the rest is next to none.

        Pictures without objects count as 0 in RetinaNet's mean.
        """
        shown = sum(len(target["labels"]) > 0 for target in batch.targets) / len(batch.targets)
        return {"classification": _FOCAL_START * shown}

    def _assemble(self) -> nn.Module:
        found: nn.Module = RetinaNet(
            self._maps(LastLevelP6P7(self.channels, self.channels)),
            self.class_count,
            anchor_generator=self.layout.anchors(),
            score_thresh=_MIN_SCORE,
            detections_per_img=_MAX_OBJECTS,
        )
        return found


class FcosDetection(RetinaNetDetection):
    """Tian et al., ICCV 2019: a point per cell instead of anchors."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("fcos",)

    @property
    def layout(self) -> Layout:
        """Squares as large as the cells; each map finds 4 to 8 times their side."""
        found = super().layout
        finest = self._strides()[0]
        sizes = tuple((float(finest * 2**level),) for level in range(len(found.sizes)))
        return Layout(zoom=found.zoom, sizes=sizes, aspects=(1.0,))

    def expected_losses(self, batch: RegionBatch) -> dict[str, float]:
        """See Network."""
        shown = any(len(target["labels"]) > 0 for target in batch.targets)
        return {"classification": _FOCAL_START, "bbox_ctrness": math.log(2)} if shown else {}

    def _assemble(self) -> nn.Module:
        found: nn.Module = FCOS(
            self._maps(LastLevelP6P7(self.channels, self.channels)),
            self.class_count,
            anchor_generator=self.layout.anchors(),
            score_thresh=_MIN_SCORE,
            detections_per_img=_MAX_OBJECTS,
        )
        return found


class SsdDetection(TorchvisionDetection):
    """Liu et al., ECCV 2016; its boxes have fixed sizes in pixels, so any picture will do."""

    options: ClassVar[frozenset[str]] = TorchvisionDetection.options - {"fpn"}
    default_backbone: ClassVar[str] = "vgg16"
    finest_stride: ClassVar[int] = 8
    further_maps: ClassVar[int] = 2
    per_octave: ClassVar[int] = 2
    first_label: ClassVar[int] = 1
    light: ClassVar[bool] = False

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("ssd",)

    def expected_losses(self, batch: RegionBatch) -> dict[str, float]:
        """See Network: even guesses, of each object's box and of three hard negatives for it."""
        shown = any(len(target["labels"]) > 0 for target in batch.targets)
        return {"classification": 4 * math.log(1 + self.class_count)} if shown else {}

    def _assemble(self) -> nn.Module:
        maps = _DescendingMaps(
            self.published,
            self._strides(),
            further_channels=2 * self.channels,
            count=self.further_maps,
            light=self.light,
        )
        anchors = self.layout.anchors()
        channels, counts = maps.out_channels, anchors.num_anchors_per_location()
        classes = 1 + self.class_count
        head = (
            SSDLiteHead(channels, counts, classes, nn.BatchNorm2d)
            if self.light
            else SSDHead(channels, counts, classes)
        )
        found: nn.Module = SSD(
            maps,
            anchors,
            (self.input_px, self.input_px),
            classes,
            head=head,
            score_thresh=_MIN_SCORE,
            detections_per_img=_MAX_OBJECTS,
        )
        return found


class SsdliteDetection(SsdDetection):
    """SSD with separable convolutions (Sandler et al., CVPR 2018)."""

    default_backbone: ClassVar[str] = "mobilenet_v3_large"
    light: ClassVar[bool] = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """See Network."""
        return ("ssdlite",)


class _DescendingMaps(Backbone):
    """A backbone's maps, and further ones made of the last, each half as large."""

    def __init__(
        self, name: str, strides: Sequence[int], *, further_channels: int, count: int, light: bool
    ) -> None:
        super().__init__(name, strides)
        self.out_channels = [*self.channels, *[further_channels] * count]
        further = []
        inputs = self.channels[-1]
        for _ in range(count):
            hidden = further_channels // 2
            further.append(
                nn.Sequential(
                    Conv2dNormActivation(inputs, hidden, 1),
                    Conv2dNormActivation(hidden, hidden, 3, 2, groups=hidden),
                    Conv2dNormActivation(hidden, further_channels, 1),
                )
                if light
                else nn.Sequential(
                    Conv2dNormActivation(inputs, hidden, 1),
                    Conv2dNormActivation(hidden, further_channels, 3, 2),
                )
            )
            inputs = further_channels
        self.further = nn.ModuleList(further)

    def forward(self, images: Tensor) -> OrderedDict[str, Tensor]:
        """(B, 3, H, W) normalised pictures to maps, finest first."""
        maps = super().forward(images)
        x = next(reversed(maps.values()))
        for index, block in enumerate(self.further):
            x = block(x)
            maps[f"further{index}"] = x
        return maps
