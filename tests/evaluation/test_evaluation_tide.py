"""TIDE: hand-built cases, one per type of error, and tidecv's own numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evaluation.analysis import tide
from evaluation.analysis.tide import ERROR_KINDS, analyse_errors
from evaluation.metrics.detection import Detection
from pipeline.formats.coco import CocoInstance
from pipeline.geometry.masks import rle_of_mask

A, B = 1, 2


def rle_of_box(box):
    mask = np.zeros((100, 100), bool)
    x0, y0, x1, y1 = (int(v) for v in box)
    mask[y0:y1, x0:x1] = True
    return rle_of_mask(mask)


def gt(number, box, category_id=A, *, image_id=1, iscrowd=False):
    return CocoInstance(
        annotation_id=number,
        image_id=image_id,
        category_id=category_id,
        box_xyxy=box,
        area_px=float((box[2] - box[0]) * (box[3] - box[1])),
        rle=rle_of_box(box),
        iscrowd=iscrowd,
    )


def pred(box, score=0.9, category_id=A, *, image_id=1):
    return Detection(
        image_id=image_id, category_id=category_id, score=score, box_xyxy=box, rle=rle_of_box(box)
    )


BOX = (10, 10, 30, 30)
FAR = (60, 60, 80, 80)
# Two objects of class A; the first is always found.
TRUTH = {1: [gt(1, BOX), gt(2, FAR)], 2: [gt(3, BOX, B, image_id=2)]}
RIGHT = [pred(BOX), pred(BOX, 0.95, B, image_id=2)]


@pytest.mark.parametrize("overlap", ["box", "mask"])
@pytest.mark.parametrize(
    ("kind", "extra", "loss"),
    [
        # The second object has the wrong class: put right, AP of class A goes from 51/101 to 1.
        # As it is, it is class B's false alarm below its only hit, which costs nothing there.
        ("cls", [pred(FAR, 0.8, B)], 0.5 * 50 / 101),
        # IoU 0.25 to 0.5: in the right place it would be found.
        ("loc", [pred((60, 68, 80, 88), 0.8)], 0.5 * 50 / 101),
        # Neither class nor place: only its false alarm can be taken away; it comes last.
        ("both", [pred((60, 68, 80, 88), 0.8, B)], 0.0),
        # Found twice, with a higher score than class B's hit has elsewhere.
        ("dupe", [pred(FAR, 0.7), pred(BOX, 0.85)], 0.5 * (1 - 2 / 3) * 50 / 101),
        # Nothing there, before the second hit.
        ("bkg", [pred(FAR, 0.7), pred((40, 0, 50, 10), 0.85)], 0.5 * (1 - 2 / 3) * 50 / 101),
        # The second object is not found at all.
        ("miss", [], 0.5 * 50 / 101),
    ],
)
def test_one_error_of_each_type(kind, extra, loss, overlap):
    found = analyse_errors([*RIGHT, *extra], TRUTH, overlap=overlap)
    kinds = [mistake.kind for mistake in found.mistakes]
    assert kinds == ([kind, "miss"] if kind == "both" else [kind])
    assert found.losses[kind].value == pytest.approx(loss)
    for other in set(ERROR_KINDS) - {kind, "miss"}:
        assert found.losses[other].value == 0


def test_a_perfect_detector_loses_nothing():
    found = analyse_errors([*RIGHT, pred(FAR)], TRUTH, overlap="box")
    assert found.ap50.value == 1
    assert found.mistakes == ()
    assert {loss.value for loss in found.losses.values()} == {0.0}


def test_without_predictions_everything_is_missed():
    found = analyse_errors([], TRUTH, overlap="mask")
    assert [m.kind for m in found.mistakes] == ["miss"] * 3
    assert found.ap50.value == 0


def test_crowds_take_predictions_without_blame():
    truth = {1: [gt(1, BOX), gt(2, FAR, iscrowd=True)]}
    found = analyse_errors([pred(BOX), pred((62, 62, 70, 70))], truth, overlap="box")
    assert found.mistakes == ()
    assert found.ap50.value == 1


def test_only_the_best_wrong_prediction_recovers_an_object():
    two = [pred((60, 68, 80, 88), 0.8), pred((60, 69, 80, 89), 0.7)]
    found = analyse_errors([*RIGHT, *two], TRUTH, overlap="box")
    assert [(m.kind, m.recovers) for m in found.mistakes] == [("loc", True), ("loc", False)]
    assert found.losses["loc"].value == pytest.approx(0.5 * 50 / 101)


def test_losses_have_intervals_over_images():
    truth = {i: [gt(i, BOX, image_id=i)] for i in range(1, 21)}
    preds = [pred(BOX, image_id=i) for i in range(1, 15)]
    found = analyse_errors(preds, truth, overlap="box")
    low, high = found.losses["miss"].interval
    assert low < found.losses["miss"].value < high
    assert found.losses["miss"].value == pytest.approx(1 - found.ap50.value)


def test_numbers_are_those_of_tidecv(monkeypatch: pytest.MonkeyPatch):
    """Counts and losses of 60 random pictures, computed once with tidecv 1.0.1.

    Its recall points are i / 100; ours are COCO's, some of which are a rounding error higher.
    """
    monkeypatch.setattr(tide, "RECALLS", np.arange(101) / 100)
    truth, preds = random_pictures()
    for overlap in ("box", "mask"):
        found = analyse_errors(preds, truth, overlap=overlap)
        counts = {kind: len(found.of_kind(kind)) for kind in ERROR_KINDS}
        assert counts == TIDECV[overlap]["counts"]
        assert 100 * found.ap50.value == pytest.approx(TIDECV[overlap]["ap50"], abs=1e-6)
        losses = {kind: 100 * found.losses[kind].value for kind in ERROR_KINDS}
        assert losses == pytest.approx(TIDECV[overlap]["losses"], abs=1e-6)


def random_pictures():
    """Random squares of three classes and predictions around them; no ties in score."""
    rng = np.random.default_rng(0)
    truth, preds, number = {}, [], 0
    for image_id in range(1, 61):
        truth[image_id] = []
        for _ in range(rng.integers(0, 6)):
            number += 1
            box, category_id = random_box(rng), int(rng.integers(1, 4))
            truth[image_id].append(gt(number, box, category_id, image_id=image_id))
            for _ in range(rng.integers(0, 3)):
                near = np.clip(np.array(box) + rng.integers(-6, 7, 4), 0, 100)
                near[2:] = np.maximum(near[2:], near[:2] + 2).clip(max=100)
                near[:2] = np.minimum(near[:2], near[2:] - 1)
                other = int(rng.integers(1, 4)) if rng.random() < 0.3 else category_id
                place = tuple(int(v) for v in near)
                preds.append(pred(place, float(rng.random()), other, image_id=image_id))
        for _ in range(rng.integers(0, 2)):
            stray = random_box(rng)
            category_id = int(rng.integers(1, 4))
            preds.append(pred(stray, float(rng.random()), category_id, image_id=image_id))
    round_truth = {
        i: [replace(g, rle=disc(g.box_xyxy)) for g in group] for i, group in truth.items()
    }
    return round_truth, [replace(p, rle=disc(p.box_xyxy)) for p in preds]


def disc(box):
    """The ellipse in a box: its overlaps are not those of boxes."""
    x0, y0, x1, y1 = box
    rows, columns = np.mgrid[:100, :100] + 0.5
    x, y = 2 * (columns - x0) / (x1 - x0) - 1, 2 * (rows - y0) / (y1 - y0) - 1
    return rle_of_mask(x**2 + y**2 <= 1)


def random_box(rng):
    x, y = rng.integers(0, 70, 2)
    w, h = rng.integers(8, 28, 2)
    return (int(x), int(y), int(x + w), int(y + h))


TIDECV = {
    "box": {
        "ap50": 15.25522174,
        "counts": {"cls": 10, "loc": 76, "both": 12, "dupe": 7, "bkg": 20, "miss": 49},
        "losses": {
            "cls": 1.7080376,
            "loc": 33.35341576,
            "both": 1.60485324,
            "dupe": 0.30825306,
            "bkg": 1.61167059,
            "miss": 7.29535216,
        },
    },
    "mask": {
        "ap50": 15.30063645,
        "counts": {"cls": 12, "loc": 73, "both": 11, "dupe": 9, "bkg": 20, "miss": 49},
        "losses": {
            "cls": 1.87664498,
            "loc": 32.65221099,
            "both": 0.81113179,
            "dupe": 0.48860723,
            "bkg": 1.93909477,
            "miss": 7.01650843,
        },
    },
}
