"""Objects found by circumstance: groups, intervals by picture, what no training frame has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.analysis.circumstances import MEASURED, drawn_names, object_rows
from evaluation.analysis.slices import ObjectRow, coverage_gaps, slice_objects
from evaluation.matching import find_objects
from evaluation.metrics.detection import Detection
from pipeline.dataset.frames import read_record, write_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.formats.coco import find_annotations, read_coco


def rows_of(rng, *, images=60, small=0.2, large=0.9):
    """Objects of sizes 1 to 90; the lowest third is found less often than the others."""
    rows = []
    for image_id in range(images):
        for size in rng.uniform(1, 90, 5):
            chance = small if size < 30 else large
            found = bool(rng.random() < chance)
            rows.append(ObjectRow(image_id=image_id, found=found, values={"size": float(size)}))
    return rows


def test_the_group_that_fails_is_found():
    rng = np.random.default_rng(0)
    (size,) = slice_objects({"real": rows_of(rng)}, ["size"], edges_of="real")
    low, middle, high = size.groups
    assert low.label.startswith("under ")
    assert high.label.startswith("from ")
    assert low.share["real"].value == pytest.approx(0.2, abs=0.12)
    assert low.share["real"].interval[1] < middle.share["real"].interval[0]
    assert sum(group.objects["real"] for group in size.groups) == 300
    assert size.span("real") > 0.5


def test_both_sets_are_cut_at_the_real_thirds():
    rng = np.random.default_rng(1)
    real, rendered = rows_of(rng), rows_of(rng, small=0.9)
    (size,) = slice_objects({"rendered": rendered, "real": real}, ["size"], edges_of="real")
    counts = [group.objects["real"] for group in size.groups]
    assert max(counts) - min(counts) <= 1
    assert size.groups[0].share["rendered"].value > size.groups[0].share["real"].value


def test_intervals_resample_pictures_not_objects():
    """Ten objects of a picture that are found or lost together are as good as one."""
    rng = np.random.default_rng(2)
    together, apart = [], []
    for image_id in range(40):
        luck = bool(rng.random() < 0.5)
        for k in range(10):
            values = {"kind": "a" if k % 2 else "b"}
            together.append(ObjectRow(image_id=image_id, found=luck, values=values))
            single = bool(rng.random() < 0.5)
            apart.append(ObjectRow(image_id=image_id, found=single, values=values))

    def width(rows):
        (kind,) = slice_objects({"real": rows}, ["kind"], edges_of="real")
        low, high = kind.groups[0].share["real"].interval
        return high - low

    assert width(together) > 1.8 * width(apart)


def test_few_objects_and_lone_groups_are_not_told():
    rows = [ObjectRow(image_id=i, found=True, values={"kind": "a"}) for i in range(20)]
    rows += [ObjectRow(image_id=i, found=False, values={"kind": "b"}) for i in range(5)]
    assert slice_objects({"real": rows}, ["kind"], edges_of="real") == []
    assert slice_objects({"real": []}, ["kind"], edges_of="real") == []
    flat = [ObjectRow(image_id=i, found=True, values={"size": 3.0}) for i in range(20)]
    assert slice_objects({"real": flat}, ["size"], edges_of="real") == []


def test_what_no_training_frame_has():
    gaps = coverage_gaps(
        real={"box size": [1, 2, 3, 10], "noise": [5, 5]},
        training={"box size": [4, 20], "noise": [1, 4]},
    )
    told = [(gap.name, gap.limit, gap.below, gap.share) for gap in gaps]
    assert told == [("noise", 4, False, 1.0), ("box size", 4, True, 0.75)]
    assert coverage_gaps(real={"noise": [1]}, training={}) == []


def test_circumstances_of_a_painted_dataset(painted_dataset: Path):
    dataset = read_coco(find_annotations(painted_dataset))
    finds = {}
    for image in dataset.images:
        truth = dataset.instances[image.image_id]
        first = [
            Detection(
                image_id=image.image_id,
                category_id=g.category_id,
                score=1.0,
                box_xyxy=g.box_xyxy,
                rle=g.rle,
            )
            for g in truth[:1]
        ]
        finds[image.image_id] = find_objects(first, truth, min_score=0.5)
    rows = object_rows(dataset, finds, side_px=64)
    objects = [g for group in dataset.instances.values() for g in group if not g.iscrowd]
    assert len(rows) == len(objects)
    assert sum(row.found for row in rows) == sum(len(f.found) for f in finds.values())
    assert all(set(MEASURED) <= set(row.values) for row in rows)
    x0, y0, x1, y1 = objects[0].box_xyxy
    assert rows[0].values["size"] == pytest.approx(((x1 - x0) * (y1 - y0)) ** 0.5)
    assert drawn_names(rows) == [], "painted frames draw no factors"


def test_what_was_drawn_comes_from_the_records(painted_dataset: Path):
    layout = DatasetLayout(painted_dataset)
    for frame in range(4):
        record = read_record(layout, frame)
        factors = {"lighting": {"strength_w": 1.5 + frame, "soft": frame > 1}}
        changed = record.model_copy(update={"scene": record.scene | {"factors": factors}})
        write_record(layout, frame, changed)
    dataset = read_coco(find_annotations(painted_dataset))
    finds = {i: find_objects([], group, min_score=0.5) for i, group in dataset.instances.items()}
    rows = object_rows(dataset, finds, side_px=64)
    assert drawn_names(rows) == ["drawn: lighting strength w", "drawn: lighting soft"]
    assert {row.values["drawn: lighting strength w"] for row in rows} == {1.5, 2.5, 3.5, 4.5}
    assert {row.values["drawn: lighting soft"] for row in rows} == {"yes", "no"}
