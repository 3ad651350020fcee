from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, jaccard_score, recall_score
from torch.nn import functional
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.functional.segmentation import dice_score

from evaluation.bootstrap import Units, bootstrap
from evaluation.metrics.semantic import (
    IGNORED,
    confusion_counts,
    nearest_object_cells,
    photograph_cells,
    semantic_statistic,
    tile_cells,
    truth_map,
)
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.masks import rle_of_mask

MAPS = hnp.arrays(np.int32, (6, 7), elements=st.integers(0, 2))


def instance(annotation_id, rows, columns, *, category_id=1, iscrowd=False, side=12):
    mask = np.zeros((side, side), dtype=bool)
    mask[rows, columns] = True
    return CocoInstance(
        annotation_id=annotation_id,
        image_id=1,
        category_id=category_id,
        box_xyxy=(0.0, 0.0, 1.0, 1.0),
        area_px=float(mask.sum()),
        rle=rle_of_mask(mask),
        iscrowd=iscrowd,
    )


def scores(predicted, truth, n_classes=3):
    counts = confusion_counts(predicted, truth, n_classes=n_classes)
    return semantic_statistic(counts)(np.ones((1, 1)))[0]


@settings(max_examples=60)
@given(predicted=MAPS, truth=MAPS)
def test_agrees_with_scikit_learn(predicted, truth):
    counts = confusion_counts(predicted, truth, n_classes=3)
    flat = truth.ravel(), predicted.ravel()
    np.testing.assert_array_equal(counts[0], confusion_matrix(*flat, labels=[0, 1, 2]))
    miou, accuracy, *rest = scores(predicted, truth)
    present = sorted(set(flat[0]) | set(flat[1]))
    iou = jaccard_score(*flat, labels=present, average=None)
    dice = f1_score(*flat, labels=present, average=None)
    assert miou == pytest.approx(iou.mean(), abs=1e-12)
    assert accuracy == pytest.approx(accuracy_score(*flat), abs=1e-12)
    for index, class_index in enumerate(present):
        assert rest[class_index] == pytest.approx(iou[index], abs=1e-12)
        if class_index:
            assert rest[5 + class_index] == pytest.approx(dice[index], abs=1e-12)
        if class_index in flat[0]:
            recall = recall_score(*flat, labels=[class_index], average="macro")
            assert rest[3 + class_index] == pytest.approx(recall, abs=1e-12)
    for absent in {0, 1, 2} - set(present):
        assert np.isnan(rest[absent])


def test_perfect_is_best_and_nothing_is_nan():
    truth = np.array([[0, 1], [2, 2]], dtype=np.int32)
    np.testing.assert_array_equal(scores(truth, truth), np.ones(10))
    empty = np.zeros((0, 3, 3), dtype=np.int64)
    estimates = bootstrap(semantic_statistic(empty), Units(drawn=0, name="images"), resamples=4)
    assert all(np.isnan(e.value) and e.count == 0 for e in estimates)


def test_counted_by_hand():
    truth = np.array([[1, 1, 1, 0]], dtype=np.int32)
    predicted = np.array([[1, 1, 0, 1]], dtype=np.int32)
    miou, accuracy, background, disc, *rest = scores(predicted, truth, n_classes=2)
    assert (background, disc) == (0.0, 0.5)
    *recall, dice = rest
    assert recall == [0.0, pytest.approx(2 / 3)]
    assert miou == 0.25
    assert accuracy == 0.5
    assert dice == pytest.approx(2 / 3)


@settings(max_examples=30)
@given(predicted=MAPS, truth=MAPS)
def test_agrees_with_torchmetrics(predicted, truth):
    flat = [torch.as_tensor(each).long().ravel() for each in (predicted, truth)]
    accuracy = MulticlassAccuracy(num_classes=3, average="micro")(*flat)
    one_hot = [functional.one_hot(each, 3)[None].movedim(2, 1)[..., None] for each in flat]
    dice = dice_score(*one_hot, num_classes=3, average="none", input_format="one-hot")[0]
    found = scores(predicted, truth)
    assert found[1] == pytest.approx(float(accuracy))
    for class_index in (1, 2):
        if np.isfinite(found[7 + class_index]):
            assert found[7 + class_index] == pytest.approx(float(dice[class_index]), abs=1e-6)


def test_truth_is_the_union_of_masks_and_crowds_are_ignored():
    truth, objects = truth_map(
        [
            instance(1, slice(0, 4), slice(0, 4)),
            instance(2, slice(2, 6), slice(2, 6), category_id=9),
            instance(3, slice(5, 8), slice(5, 8), iscrowd=True),
        ],
        image_hw=(12, 12),
        class_of={1: 1, 9: 2},
    )
    assert truth[0, 0] == 1
    assert truth[3, 3] == 2, "later masks lie on top"
    assert truth[5, 5] == 2, "an object in a crowd counts"
    assert truth[7, 7] == IGNORED
    assert objects.max() == 2
    counts = confusion_counts(np.zeros_like(truth), truth, n_classes=3)
    assert counts.sum() == 144 - 8
    assert counts[0, 0, 0] == 144 - 12 - 16 - 8


def test_pixels_go_to_the_nearest_object():
    objects = np.zeros((9, 20), dtype=np.int32)
    objects[4, 2], objects[4, 15] = 1, 2
    cells = nearest_object_cells(objects)
    rows, columns = np.indices(objects.shape)
    nearer = np.hypot(rows - 4, columns - 2) - np.hypot(rows - 4, columns - 15)
    assert (cells[nearer < 0] == 0).all()
    assert (cells[nearer > 0] == 1).all()


def test_parts_of_a_photograph_sum_to_the_whole():
    rng = np.random.default_rng(0)
    truth, objects = truth_map(
        [instance(i + 1, slice(4 * i, 4 * i + 3), slice(2, 9)) for i in range(3)],
        image_hw=(12, 12),
        class_of={1: 1},
    )
    predicted = np.where(rng.random(truth.shape) < 0.2, 1 - truth, truth).astype(np.int32)
    cells, name = photograph_cells(objects)
    assert name == "objects, this photograph only"
    counts = confusion_counts(predicted, truth, n_classes=2, cells=cells)
    units = Units(drawn=3, name=name)
    np.testing.assert_array_equal(
        counts.sum(axis=0), confusion_counts(predicted, truth, n_classes=2)[0]
    )
    for estimate in bootstrap(semantic_statistic(counts), units):
        low, high = estimate.interval
        assert low <= estimate.value <= high


def test_a_photograph_without_two_objects_is_cut_into_tiles():
    cells, name = photograph_cells(np.zeros((40, 50), dtype=np.int32))
    assert name == "tiles, this photograph only"
    np.testing.assert_array_equal(cells, tile_cells((40, 50)))
    assert sorted(set(tile_cells((40, 50)).ravel())) == list(range(64))
