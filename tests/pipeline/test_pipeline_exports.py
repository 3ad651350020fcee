"""Every format written and read back, and the promises about how an export is written."""

from __future__ import annotations

import json
import tarfile
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from painting import EVERY_LABEL, paint_dataset

from pipeline.dataset.lock import writer_lock
from pipeline.errors import DatasetError
from pipeline.formats.annotated import read_annotated, read_splits, recognise
from pipeline.formats.exports import FORMATS, convert_to_coco, export_pictures
from pipeline.formats.labelled import CocoDataset, CocoInstance
from pipeline.formats.ply import ply_vertices
from pipeline.geometry.masks import mask_of_rle
from pipeline.specs.scene import SequenceSpec

STILL = EVERY_LABEL.model_copy(update={"flow": False})


@pytest.fixture(scope="module", params=[0, 1, 2])
def stills(request, tmp_path_factory) -> Path:
    """Painted datasets with all labels; their pictures differ with the seed."""
    folder = tmp_path_factory.mktemp("stills") / "painted"
    return paint_dataset(folder, frames=4, seed=request.param, labels=STILL)


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("video") / "painted"
    return paint_dataset(folder, frames=5, labels=EVERY_LABEL, sequence=SequenceSpec(frames=3))


def there_and_back(source: Path, out: Path, to: str) -> tuple[CocoDataset, CocoDataset]:
    (before,) = (splits := read_splits(source)).values()
    export_pictures(splits, out, to=to)
    assert recognise(out) == to.split("-")[0]
    (after,) = read_splits(out).values()
    return before, after


def pairs(before: CocoDataset, after: CocoDataset, *, crowds: bool = True):
    """Instances before and after, picture by picture, in the order of the files."""
    names = {c.category_id: c.name for c in before.categories}
    names_after = {c.category_id: c.name for c in after.categories}
    assert len(before.images) == len(after.images)
    for image, image_after in zip(before.images, after.images, strict=True):
        assert (image.width, image.height) == (image_after.width, image_after.height)
        kept = [i for i in before.instances[image.image_id] if crowds or not i.iscrowd]
        found = after.instances[image_after.image_id]
        for one, other in zip(kept, found, strict=True):
            assert names[one.category_id] == names_after[other.category_id]
            yield one, other


def same(one: CocoInstance, other: CocoInstance, *fields: str, atol: float = 1e-9) -> None:
    for name in fields:
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None), name
        if a is not None and not isinstance(a, dict | str):
            assert np.allclose(a, b, rtol=0, atol=atol), name
        else:
            assert a == b, name


ALL = tuple(CocoInstance.__slots__)


def test_coco_keeps_everything(stills, tmp_path):
    check_coco(stills, tmp_path / "out")


def test_coco_keeps_everything_of_a_video(video, tmp_path):
    check_coco(video, tmp_path / "out")


def check_coco(source: Path, out: Path) -> None:
    before, after = there_and_back(source, out, "coco")
    assert sum(1 for one, other in pairs(before, after) if not same(one, other, *ALL)) > 10
    assert before.categories == after.categories
    assert before.videos == after.videos
    assert before.models.keys() == after.models.keys() != set()
    for image, image_after in zip(before.images, after.images, strict=True):
        paths = {"path": image.path, "depth": image.depth}
        assert image == replace(image_after, **paths)
        assert image.path.samefile(image_after.path)
        assert np.array_equal(image.depth.read_m(), image_after.depth.read_m())


def test_yolo_keeps_boxes(stills, tmp_path):
    before, after = there_and_back(stills, tmp_path / "out", "yolo")
    for one, other in pairs(before, after, crowds=False):
        same(one, other, "box_xyxy", atol=1e-6)


def test_yolo_keeps_masks_with_all_their_parts_and_holes(stills, tmp_path):
    before, after = there_and_back(stills, tmp_path / "out", "yolo-segment")
    for one, other in pairs(before, after, crowds=False):
        same(one, other, "rle", "area_px")
        same(one, other, "box_xyxy", atol=0.01)  # polygons run 1/256 px inside


def test_yolo_keeps_keypoints(stills, tmp_path):
    before, after = there_and_back(stills, tmp_path / "out", "yolo-pose")
    assert [c.keypoints for c in before.categories] == [c.keypoints for c in after.categories]
    for one, other in pairs(before, after, crowds=False):
        same(one, other, "box_xyxy", "keypoints", atol=1e-6)


def test_voc_keeps_boxes_masks_and_crowds(stills, tmp_path):
    before, after = there_and_back(stills, tmp_path / "out", "voc")
    assert [c.name for c in before.categories] == [c.name for c in after.categories]
    for one, other in pairs(before, after):
        same(one, other, "box_xyxy", "rle", "area_px", "iscrowd")


def test_bop_keeps_poses_masks_depth_and_models(stills, tmp_path):
    before, after = there_and_back(stills, tmp_path / "out", "bop")
    for one, other in pairs(before, after):
        same(one, other, "box_xyxy", "rle", "area_px", "amodal_box_xyxy", "amodal_rle", "model")
        same(one, other, "visible_fraction", "cam_from_obj", atol=1e-12)
        same(one, other, "box_3d_m", atol=1e-8)  # of float32 vertices
    for image, image_after in zip(before.images, after.images, strict=True):
        assert np.allclose(image.K, image_after.K, rtol=0, atol=1e-9)
        # In steps of 0.1 mm.
        depth, found = image.depth.read_m(), image_after.depth.read_m()
        assert np.allclose(depth, found, rtol=0, atol=5.01e-5)
    for name, model in before.models.items():
        found = after.models[name]
        scaled = found.unit_m * ply_vertices(found.path.read_bytes())
        assert np.allclose(scaled, ply_vertices(model.path.read_bytes()), atol=1e-7)


def test_formats_can_be_chained(stills, tmp_path):
    """COCO -> VOC -> COCO -> YOLO keeps what all three hold."""
    before = read_annotated(stills)
    export_pictures(read_splits(stills), tmp_path / "voc", to="voc")
    coco = convert_to_coco(tmp_path / "voc", cache=tmp_path / "cache")
    assert convert_to_coco(tmp_path / "voc", cache=tmp_path / "cache") == coco
    _, after = there_and_back(coco, tmp_path / "yolo", "yolo-segment")
    for one, other in pairs(before, after, crowds=False):
        same(one, other, "rle")


def test_mot_counted_by_hand(video, tmp_path):
    export_pictures(read_splits(video), tmp_path / "out", to="mot")
    dataset = read_annotated(video)
    folders = sorted((tmp_path / "out" / "train").iterdir())
    assert [folder.name for folder in folders] == ["train-000001", "train-000002"]
    rows = [
        tuple(map(float, line.split(",")))
        for folder in folders
        for line in (folder / "gt" / "gt.txt").read_text().splitlines()
    ]
    expected = [
        (
            image.frame_index + 1,
            i.track_id,
            i.box_xyxy[0] + 1,
            i.box_xyxy[1] + 1,
            i.box_xyxy[2] - i.box_xyxy[0],
            i.box_xyxy[3] - i.box_xyxy[1],
            0 if i.iscrowd else 1,
            i.category_id,
            pytest.approx(i.visible_fraction, rel=1e-9),
        )
        for image in dataset.images
        for i in dataset.instances[image.image_id]
    ]
    assert rows == expected
    info = ConfigParser()
    info.read(folders[1] / "seqinfo.ini")
    assert dict(info["Sequence"]) == {
        "name": "train-000002",
        "imdir": "img1",
        "framerate": "15",
        "seqlength": "2",
        "imwidth": "96",
        "imheight": "64",
        "imext": ".png",
    }
    assert [p.name for p in sorted((folders[1] / "img1").iterdir())] == ["000001.png", "000002.png"]


def test_webdataset_samples_are_whole(stills, tmp_path):
    export_pictures(read_splits(stills), tmp_path / "out", to="webdataset")
    dataset = read_annotated(stills)
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as shard:
        names = shard.getnames()
        assert names[:3] == ["000000.png", "000000.json", "000000.depth.npy"]
        assert len(names) == 3 * len(dataset.images)
        assert {member.mtime for member in shard.getmembers()} == {0}
        for image in dataset.images:
            stem = image.path.stem
            assert shard.extractfile(f"{stem}.png").read() == image.path.read_bytes()
            entries = json.load(shard.extractfile(f"{stem}.json"))["annotations"]
            assert len(entries) == len(dataset.instances[image.image_id])


def test_imagefolder_holds_whole_objects(stills, tmp_path):
    report = export_pictures(read_splits(stills), tmp_path / "out", to="imagefolder")
    crops = read_annotated(tmp_path / "out")
    assert {c.name for c in crops.categories} <= {"disc", "square"}
    assert len(crops.images) == report.instances - sum(report.left_out.values())


def test_every_split_is_written(stills, tmp_path):
    one = read_annotated(stills)
    for to in ("coco", "yolo", "voc", "imagefolder", "bop"):
        export_pictures({"train": one, "val": one}, tmp_path / to, to=to)
        found = read_splits(tmp_path / to)
        assert list(found) == ["train", "val"], to
        for dataset in found.values():
            assert len(dataset.images) >= len(one.images), to


def test_what_is_no_longer_the_same_picture_is_kept_apart(tmp_path):
    first = read_annotated(paint_dataset(tmp_path / "a", frames=1, seed=0))
    second = read_annotated(paint_dataset(tmp_path / "b", frames=1, seed=1))
    for to in ("coco", "yolo", "voc"):
        export_pictures({"train": first, "val": second}, tmp_path / to, to=to)
        found = read_splits(tmp_path / to)
        for split, dataset in (("train", first), ("val", second)):
            for one, other in pairs(dataset, found[split], crowds=False):
                same(one, other, "box_xyxy", atol=1e-6)
    assert found["train"].images[0].path.read_bytes() != found["val"].images[0].path.read_bytes()


@pytest.mark.parametrize("to", FORMATS)
def test_an_interrupted_export_leaves_nothing_and_is_made_up_for(video, tmp_path, to):
    splits, out = read_splits(video), tmp_path / "out"

    def interrupt(done: int, total: int, note: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_pictures(splits, out, to=to, progress=interrupt)
    assert not out.exists()
    report = export_pictures(splits, out, to=to)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert export_pictures(splits, out, to=to) == report
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    other = "yolo" if to == "coco" else "coco"
    with pytest.raises(DatasetError, match="holds something else"):
        export_pictures(splits, out, to=other)


def test_two_exports_at_once_into_one_folder_are_refused(stills, tmp_path):
    with (
        writer_lock(tmp_path / ".out.part"),
        pytest.raises(DatasetError, match="is writing here"),
    ):
        export_pictures(read_splits(stills), tmp_path / "out", to="yolo")


def test_the_same_dataset_under_another_path_is_the_same(painted_dataset, tmp_path):
    report = export_pictures(read_splits(painted_dataset), tmp_path / "out", to="coco")
    moved = painted_dataset.rename(tmp_path / "moved")
    assert export_pictures(read_splits(moved), tmp_path / "out", to="coco") == report
    annotations = moved / "annotations" / "instances.json"
    annotations.write_text(annotations.read_text().replace('"disc"', '"coin"'))
    with pytest.raises(DatasetError, match="holds something else"):
        export_pictures(read_splits(moved), tmp_path / "out", to="coco")


def test_a_foreign_folder_is_refused_and_stays(stills, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    export_pictures(read_splits(stills), out, to="yolo")  # an empty one is no one's
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("x")
    with pytest.raises(DatasetError, match="holds something else"):
        export_pictures(read_splits(stills), tmp_path / "other", to="yolo")
    assert (tmp_path / "other" / "thesis.tex").read_text() == "x"


def test_what_a_format_needs_is_said_with_the_way_out(painted_dataset, tmp_path):
    splits = read_splits(painted_dataset)
    for to, words in (
        ("yolo-pose", "keypoints: true"),
        ("bop", "poses: true"),
        ("mot", "sequence:"),
    ):
        with pytest.raises(DatasetError, match=words) as caught:
            export_pictures(splits, tmp_path / "out", to=to)
        assert "\n" not in str(caught.value)
    with pytest.raises(DatasetError, match="expected one of coco"):
        export_pictures(splits, tmp_path / "out", to="pdf")


def test_an_unfinished_dataset_is_refused(painted_dataset):
    manifest = json.loads((painted_dataset / "manifest.json").read_text())
    (painted_dataset / "manifest.json").write_text(json.dumps(manifest | {"complete": False}))
    with pytest.raises(DatasetError, match="not finished"):
        read_splits(painted_dataset)


STRANGE = "<a> & \"b\" 'c' ]]> ü: #1"


@pytest.mark.parametrize("to", ["coco", "yolo", "yolo-segment", "voc", "webdataset"])
def test_strange_names_are_escaped(painted_dataset, tmp_path, to):
    dataset = read_annotated(painted_dataset)
    strange = replace(
        dataset,
        categories=(replace(dataset.categories[0], name=STRANGE), dataset.categories[1]),
        images=tuple(
            replace(image, file_name=f"a b/../ö{image.image_id}.v2.png") for image in dataset.images
        ),
    )
    export_pictures({None: strange}, tmp_path / "out", to=to)
    escaped = [p for p in tmp_path.rglob("*") if not p.is_relative_to(painted_dataset)]
    assert all(path.is_relative_to(tmp_path / "out") for path in escaped)
    if to != "webdataset":
        assert STRANGE in [c.name for c in read_annotated(tmp_path / "out").categories]


@pytest.mark.parametrize("name", ["line\nbreak", "bell\a", " space", ""])
def test_names_that_no_file_holds_are_refused(painted_dataset, tmp_path, name):
    dataset = read_annotated(painted_dataset)
    first, second = dataset.categories
    wrong = replace(dataset, categories=(replace(first, name=name), second))
    with pytest.raises(DatasetError, match="printable"):
        export_pictures({None: wrong}, tmp_path / "out", to="yolo")


def test_masks_of_crowds_survive(stills, tmp_path):
    """In COCO and VOC a crowd keeps its mask."""
    dataset = read_annotated(stills)
    crowds = replace(
        dataset,
        instances={
            k: tuple(replace(i, iscrowd=True) for i in group)
            for k, group in dataset.instances.items()
        },
    )
    for to in ("coco", "voc"):
        export_pictures({None: crowds}, tmp_path / to, to=to)
        after = read_annotated(tmp_path / to)
        for one, other in pairs(crowds, after):
            assert other.iscrowd
            assert np.array_equal(mask_of_rle(one.rle), mask_of_rle(other.rle))
