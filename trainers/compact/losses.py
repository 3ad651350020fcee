"""The compact detector's loss, part by part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from trainers.batches import TensorBatch
from trainers.compact.network import (
    DISTANCE_UNIT_PX,
    HEAT_PRIOR,
    CompactDetector,
    DenseOutput,
    boxes_around,
)
from trainers.compact.targets import DetectionTargets
from trainers.examples import ByteImage
from trainers.losses import dice_loss

__all__ = [
    "DetectionBatch",
    "detection_losses",
    "expected_losses",
    "has_boxes_alone",
    "heat_loss",
    "stack_targets",
]

_BOX_FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionBatch(TensorBatch):
    """Pictures and targets of B examples; shapes as in DetectionTargets with B in front.

    Attributes:
        images: (B, 3, S, S) uint8 RGB, channels last in memory.
        cells: (N, 3) index in the batch, row, column, of all objects that teach masks.
        regions_xyxy: (N, 4) px.
        masks: (N, 32, 32).
    """

    images: Tensor
    heat: Tensor
    heat_weight: Tensor
    boxes_xyxy: Tensor
    box_weight: Tensor
    semantic: Tensor
    semantic_weight: Tensor
    cells: Tensor
    regions_xyxy: Tensor
    masks: Tensor


def stack_targets(
    images: Sequence[ByteImage], targets: Sequence[DetectionTargets]
) -> DetectionBatch:
    """One batch of examples of equal size."""

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(target, name) for target in targets]))

    def joined(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(target, name) for target in targets]))

    indices = np.repeat(np.arange(len(targets)), [len(target.cells) for target in targets])
    return DetectionBatch(
        images=torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2),
        heat=stacked("heat"),
        heat_weight=stacked("heat_weight"),
        boxes_xyxy=stacked("boxes_xyxy"),
        box_weight=stacked("box_weight"),
        semantic=stacked("semantic"),
        semantic_weight=stacked("semantic_weight"),
        cells=torch.cat([torch.from_numpy(indices)[:, None], joined("cells")], dim=1),
        regions_xyxy=joined("regions_xyxy"),
        masks=joined("masks"),
    )


def detection_losses(
    network: CompactDetector, output: DenseOutput, batch: DetectionBatch
) -> dict[str, Tensor]:
    """Weighted parts, which add up to the loss: heat, box, mask, semantic.

    Without the fine branch the last two are 0.
    """
    parts = {
        "heat": heat_loss(output.heat.float(), batch.heat, batch.heat_weight),
        "box": _BOX_FACTOR * _box_loss(output.distances_px.float(), batch),
    }
    if output.fine is None:
        nothing = batch.heat.new_zeros(())
        return {**parts, "mask": nothing, "semantic": nothing}
    masks = network.masks(output, batch.cells, batch.regions_xyxy)
    semantic = output.fine.semantic.float()
    return {
        **parts,
        "mask": _mask_loss(masks.float(), batch.masks),
        "semantic": _semantic_loss(semantic, batch.semantic, batch.semantic_weight),
    }


def expected_losses(batch: DetectionBatch) -> dict[str, float]:
    """Of the heat map at its prior, of boxes of a middling size, and of even guesses."""
    heat = torch.full_like(batch.heat, math.log(HEAT_PRIOR / (1 - HEAT_PRIOR)))
    distances = torch.full_like(batch.boxes_xyxy, DISTANCE_UNIT_PX)
    parts = {
        "heat": heat_loss(heat, batch.heat, batch.heat_weight),
        "box": _BOX_FACTOR * _box_loss(distances, batch),
        "mask": _mask_loss(torch.zeros_like(batch.masks), batch.masks),
        "semantic": _semantic_loss(
            torch.zeros_like(batch.semantic), batch.semantic, batch.semantic_weight
        ),
    }
    if has_boxes_alone(batch):
        parts |= {"mask": torch.zeros(()), "semantic": torch.zeros(())}
    return {name: float(part) for name, part in parts.items()}


def has_boxes_alone(batch: DetectionBatch) -> bool:
    """Whether no object of a batch has a mask."""
    return len(batch.cells) == 0 and bool((batch.box_weight > 0).any())


def heat_loss(logits: Tensor, heat: Tensor, weight: Tensor) -> Tensor:
    """Focal loss of centre heat maps, per object.

    Args:
        logits: (B, C, h, w).
        heat: (B, C, h, w) in [0, 1]; 1 at the centre of an object.
        weight: (B, h, w), 0 where nothing is asked.

    Source: Law & Deng, CornerNet, ECCV 2018, equation 1, with alpha 2 and beta 4.
    """
    weight = weight[:, None]
    probability = logits.sigmoid()
    centres = (heat == 1).float() * weight
    hit = centres * (1 - probability).square() * functional.logsigmoid(logits)
    miss = (
        (weight - centres) * (1 - heat) ** 4 * probability.square() * functional.logsigmoid(-logits)
    )
    return -(hit.sum() + miss.sum()) / centres.sum().clamp(min=1)


def _box_loss(distances_px: Tensor, batch: DetectionBatch) -> Tensor:
    """Mean generalised IoU loss over objects, each spread over the cells around its centre."""
    asked = batch.box_weight > 0
    if not asked.any():
        return distances_px.sum() * 0
    boxes = boxes_around(asked.nonzero()[:, 1:], distances_px.permute(0, 2, 3, 1)[asked])
    losses: Tensor = generalized_box_iou_loss(boxes, batch.boxes_xyxy.permute(0, 2, 3, 1)[asked])
    weights = batch.box_weight[asked]
    return (losses * weights).sum() / weights.sum()


def _mask_loss(logits: Tensor, masks: Tensor) -> Tensor:
    """Cross-entropy and Dice loss, mean over objects."""
    if len(logits) == 0:
        return logits.sum()
    entropy = functional.binary_cross_entropy_with_logits(logits, masks)
    return entropy + dice_loss(logits.sigmoid().flatten(1), masks.flatten(1)).mean()


def _semantic_loss(logits: Tensor, shares: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy over known cells, and Dice loss of the classes that are there."""
    known = weight.sum().clamp(min=1)
    entropy = -(functional.log_softmax(logits, dim=1) * shares).sum(dim=1)
    weight_per_class = weight[:, None].expand_as(shares[:, 1:])
    by_class = (logits.softmax(dim=1)[:, 1:] * weight_per_class, shares[:, 1:] * weight_per_class)
    predicted, wanted = (maps.transpose(0, 1).flatten(1) for maps in by_class)
    present = (wanted.sum(dim=1) > 0).float()
    dice = (dice_loss(predicted, wanted) * present).sum() / present.sum().clamp(min=1)
    return (entropy * weight).sum() / known + dice
