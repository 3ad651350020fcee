"""The detector's losses against plain arithmetic."""

import numpy as np
import pytest
import torch
from torchvision.ops import roi_align

from trainers.compact.losses import detection_losses, has_boxes_alone, heat_loss, stack_targets
from trainers.compact.network import CompactDetector, boxes_around
from trainers.compact.pooling import pool_regions
from trainers.compact.targets import encode_targets
from trainers.examples import DetectionExample, ObjectExample


def test_heat_loss_is_the_formula_of_the_paper():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, 4, 4))
    heat = rng.uniform(0, 0.9, (2, 3, 4, 4))
    heat[0, 1, 2, 2] = heat[1, 0, 0, 3] = 1
    expected = 0.0
    for z, y in zip(logits.ravel(), heat.ravel(), strict=True):
        p = 1 / (1 + np.exp(-z))
        expected -= (1 - p) ** 2 * np.log(p) if y == 1 else (1 - y) ** 4 * p**2 * np.log(1 - p)
    got = heat_loss(torch.tensor(logits), torch.tensor(heat), torch.ones(2, 4, 4))
    assert float(got) == pytest.approx(expected / 2)


def test_heat_loss_asks_nothing_where_the_weight_is_zero():
    logits = torch.zeros(1, 1, 2, 2)
    weight = torch.tensor([[[0.0, 1], [1, 1]]])
    louder = logits.clone()
    louder[0, 0, 0, 0] = 9
    heat = torch.zeros(1, 1, 2, 2)
    assert heat_loss(louder, heat, weight) == heat_loss(logits, heat, weight)


def test_boxes_around_cells():
    boxes = boxes_around(torch.tensor([[2, 3]]), torch.tensor([[1.0, 2, 3, 4]]))
    assert boxes.tolist() == [[13, 8, 17, 14]]  # centre of row 2, column 3: (14, 10)


def squares(objects, *, masks=True):
    """A batch of two pictures with squares of 16 px."""
    items = tuple(
        ObjectExample(
            class_index=i,
            box_xyxy=np.array([8.0, 8, 24, 24]) + 24 * i,
            mask=np.ones((16, 16), bool) if masks else None,
            mask_corner=(8 + 24 * i, 8 + 24 * i),
        )
        for i in range(objects)
    )
    example = DetectionExample(image=np.zeros((64, 64, 3), np.uint8), objects=items)
    targets = encode_targets(example, class_count=2, max_masks=8, rng=np.random.default_rng(0))
    return stack_targets([example.image] * 2, [targets] * 2)


def losses_of(network, batch):
    output = network(batch.images, fine=not has_boxes_alone(batch))
    return detection_losses(network, output, batch)


def test_boxes_alone_teach_the_same_without_the_fine_branch():
    network = CompactDetector(2, width=0.5)
    alone = losses_of(network, squares(2, masks=False))
    with_masks = losses_of(network, squares(2))
    for part in ("heat", "box"):
        assert alone[part].item() == pytest.approx(with_masks[part].item())
    assert alone["mask"] == alone["semantic"] == 0
    sum(alone.values()).backward()
    assert network.heat.weight.grad.abs().sum() > 0
    assert network.semantic.weight.grad is None


@pytest.mark.parametrize("objects", [0, 2])
def test_every_part_is_finite_and_reaches_the_network(objects):
    network = CompactDetector(2, width=0.5)
    parts = losses_of(network, squares(objects))
    assert set(parts) == {"heat", "box", "mask", "semantic"}
    sum(parts.values()).backward()
    assert all(torch.isfinite(part) for part in parts.values())
    assert network.stem[0].weight.grad.abs().sum() > 0
    missing = [n for n, p in network.named_parameters() if p.grad is None]
    assert not missing


def test_regions_are_pooled_as_by_roi_align():
    """Of pictures with no region, one and several; values and gradients."""
    features = torch.randn(3, 4, 20, 24, requires_grad=True)
    images = torch.tensor([0, 2, 2, 2])
    corner = torch.tensor([[8.0, 6], [3, 2], [9.5, 4.25], [2, 2]])
    regions = torch.cat([corner, corner + torch.tensor([[9.0, 21], [40, 30], [33, 8], [4, 4]])], 1)
    indexed = torch.cat([images[:, None].float(), regions], dim=1)
    wanted = roi_align(features, indexed, 8, spatial_scale=0.5, sampling_ratio=1, aligned=True)
    pooled = pool_regions(features, 2, images, regions, 8)
    torch.testing.assert_close(pooled, wanted, rtol=1e-4, atol=1e-5)
    weights = torch.randn_like(pooled)
    found, expected = (torch.autograd.grad((p * weights).sum(), features) for p in (pooled, wanted))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert pool_regions(features, 2, images[:0], regions[:0], 8).shape == (0, 4, 8, 8)
