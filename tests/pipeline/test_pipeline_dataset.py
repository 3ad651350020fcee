"""Labels, assembly and the check, on painted frames; the judge is pycocotools."""

import json

import cv2
import numpy as np
import pytest
from painting import paint_frame, painted_manifest
from pycocotools.coco import COCO

from pipeline.dataset.assembly import assemble
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import find_done, read_ids, remove_leftovers
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.lock import writer_lock
from pipeline.dataset.manifest import check_same_dataset, read_manifest, write_manifest
from pipeline.errors import DatasetError


def edit_annotations(folder, edit):
    """Change instances.json and its hash in the manifest: the labels must speak for themselves."""
    path = DatasetLayout(folder).annotations
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def test_pycocotools_reads_what_was_painted(painted_dataset):
    layout = DatasetLayout(painted_dataset)
    coco = COCO(str(layout.annotations))
    assert len(coco.imgs) == 4
    for image_id in coco.imgs:
        ids = read_ids(layout.ids(image_id - 1))
        annotations = coco.imgToAnns[image_id]
        assert len(annotations) == len(set(ids[ids > 0].tolist()))
        for annotation in annotations:
            mask = coco.annToMask(annotation).astype(bool)
            instance_id = annotation["id"] % 2**15
            np.testing.assert_array_equal(mask, ids == instance_id)
            rows, columns = np.nonzero(mask)
            assert annotation["bbox"] == [
                columns.min(),
                rows.min(),
                columns.max() - columns.min() + 1,
                rows.max() - rows.min() + 1,
            ]
            assert annotation["area"] == mask.sum()
            assert annotation["iscrowd"] == (mask.sum() < 16)


def test_an_untouched_dataset_passes_the_check(painted_dataset):
    report = check_dataset(painted_dataset)
    assert report.problems == ()
    assert report.statistics.images == 4
    pictures = np.stack([cv2.imread(str(p)) for p in (painted_dataset / "images").iterdir()])
    assert report.pictures.brightness.mean == pytest.approx(pictures.mean() / 255, rel=1e-5)


def test_a_broken_mask_is_caught(painted_dataset):
    def erode(document):
        coco_rle = document["annotations"][0]["segmentation"]
        other = document["annotations"][1]["segmentation"]
        coco_rle["counts"] = other["counts"]

    edit_annotations(painted_dataset, erode)
    assert any("mask differs" in problem for problem in check_dataset(painted_dataset).problems)


def test_a_shifted_box_is_caught(painted_dataset):
    def shift(document):
        document["annotations"][0]["bbox"][0] += 1

    edit_annotations(painted_dataset, shift)
    assert any("box differs" in problem for problem in check_dataset(painted_dataset).problems)


def test_a_wrong_category_is_caught(painted_dataset):
    def swap(document):
        entry = document["annotations"][0]
        entry["category_id"] = 3 - entry["category_id"]

    edit_annotations(painted_dataset, swap)
    assert any("category differs" in p for p in check_dataset(painted_dataset).problems)


def test_a_lost_frame_is_caught(painted_dataset):
    def lose(document):
        document["images"] = [i for i in document["images"] if i["id"] != 2]
        document["annotations"] = [a for a in document["annotations"] if a["image_id"] != 2]

    edit_annotations(painted_dataset, lose)
    problems = check_dataset(painted_dataset).problems
    assert any("frame 1: lost" in problem for problem in problems)
    assert any("3 images" in problem for problem in problems)


def test_a_changed_picture_and_a_missing_pass_are_caught(painted_dataset):
    layout = DatasetLayout(painted_dataset)
    layout.image(0, "png").write_bytes(b"not a picture")
    layout.ids(2).unlink()
    problems = " ".join(check_dataset(painted_dataset).problems)
    assert "images/000000.png has changed" in problems
    assert "cannot be read as a picture" in problems
    assert "passes/000002.ids.png is missing" in problems


def test_assembly_is_the_same_bytes_whatever_the_order(tmp_path, painted_dataset):
    manifest = painted_manifest(4)
    other = tmp_path / "other"
    DatasetLayout(other).create()
    for frame in (3, 1, 0, 2):
        paint_frame(other, manifest, frame)
    assemble(other, manifest, wall_seconds=9.0)
    first, second = (DatasetLayout(f).annotations.read_bytes() for f in (painted_dataset, other))
    assert first == second


def test_a_frame_without_record_is_not_done(painted_dataset):
    layout = DatasetLayout(painted_dataset)
    layout.record(1).unlink()
    layout.record(2).write_text("{")
    layout.image(3, "png").unlink()
    assert list(find_done(layout, 4)) == [0]


def test_leftovers_of_killed_writers_are_removed(painted_dataset):
    leftover = painted_dataset / "images" / ".000001.png.123.tmp"
    leftover.write_bytes(b"half")
    remove_leftovers(DatasetLayout(painted_dataset))
    assert not leftover.exists()
    assert len(list((painted_dataset / "images").iterdir())) == 4


def test_another_spec_in_the_same_folder_is_refused_with_the_difference(painted_dataset):
    with pytest.raises(DatasetError, match=r"spec\.seed 0 -> 1"):
        check_same_dataset(painted_dataset, painted_manifest(4, seed=1))
    with pytest.raises(DatasetError, match=r"spec\.image\.width 96 -> 32"):
        check_same_dataset(painted_dataset, painted_manifest(4, width=32))
    with pytest.raises(DatasetError, match="at least 4"):
        check_same_dataset(painted_dataset, painted_manifest(3))
    check_same_dataset(painted_dataset, painted_manifest(40))
    newer = painted_manifest(4).model_copy(update={"versions": {"blendgap": "0.2.0", "bpy": "5"}})
    with pytest.raises(DatasetError, match=r"versions\.blendgap"):
        check_same_dataset(painted_dataset, newer)


def test_an_unfinished_dataset_is_named_as_such(painted_dataset):
    write_manifest(painted_dataset, painted_manifest(4))
    with pytest.raises(DatasetError, match="has not finished"):
        check_dataset(painted_dataset)
    assert not read_manifest(painted_dataset).complete


def test_a_second_writer_is_refused_with_the_first_ones_process_id(tmp_path):
    import os

    with (
        writer_lock(tmp_path),
        pytest.raises(DatasetError, match=f"process {os.getpid()}"),
        writer_lock(tmp_path),
    ):
        pass
    with writer_lock(tmp_path):
        pass
