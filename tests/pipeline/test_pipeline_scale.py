"""The files of a whole dataset are written and read in pieces: memory stays where it is."""

from __future__ import annotations

import json
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from painting import EVERY_LABEL, paint_dataset

from pipeline.dataset.assembly import assemble
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import find_done
from pipeline.dataset.hashes import is_intact
from pipeline.dataset.instances import open_instances, read_head, read_pictures
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError
from pipeline.specs.scene import SequenceSpec


def regrouped(path: Path) -> list[tuple[dict, list[dict]]]:
    """What is in a COCO file, by Python's own reader."""
    document = json.loads(path.read_text())
    return [
        (image, [a for a in document["annotations"] if a["image_id"] == image["id"]])
        for image in document["images"]
    ]


def streamed(path: Path) -> list[tuple[dict, list[dict]]]:
    return [(picture.image, list(picture.annotations)) for picture in read_pictures(path)]


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    folder = paint_dataset(
        tmp_path / "painted", labels=EVERY_LABEL, sequence=SequenceSpec(frames=2)
    )
    return DatasetLayout(folder).annotations


def test_reading_in_pieces_gives_what_json_gives(annotations: Path) -> None:
    expected = regrouped(annotations)
    document = json.loads(annotations.read_text())
    assert streamed(annotations) == expected
    head = {key: value for key, value in document.items() if key not in ("images", "annotations")}
    assert read_head(annotations) == head
    for change in ({}, {"indent": 1}, {"sort_keys": True}):
        annotations.write_text(json.dumps(document, **change))
        assert streamed(annotations) == expected
        assert read_head(annotations) == head
    document["annotations"].reverse()
    document["images"].reverse()
    annotations.write_text(json.dumps(document))
    assert [image for image, _ in streamed(annotations)] == [image for image, _ in expected]


@pytest.mark.parametrize("groups", [[], [[]], [[], [{"id": 1, "image_id": 2}], []]])
def test_pictures_without_objects_and_files_without_pictures(tmp_path: Path, groups) -> None:
    path = tmp_path / "instances.json"
    with open_instances(path, {"info": {}, "categories": []}) as instances:
        for image_id, group in enumerate(groups, start=1):
            instances.add({"id": image_id}, group)
    assert [group for _, group in streamed(path)] == groups
    assert [group for _, group in regrouped(path)] == groups


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: text[: len(text) // 2], "render again"),
        (lambda text: "[]", "not a COCO file"),
        (lambda text: text.replace('"image_id": 1,', '"image_id": 77,'), "image 77 is not listed"),
        (lambda text: text.replace('"image_id": 1,', ""), "'image_id'"),
        (lambda text: text.replace('"images"', '"pictures"'), "'images'"),
    ],
)
def test_a_damaged_file_is_told(annotations: Path, damage: Callable[[str], str], said: str) -> None:
    annotations.write_text(damage(annotations.read_text()))
    with pytest.raises(DatasetError, match=said):
        check_dataset(annotations.parents[1])


def test_sha256sum_agrees(annotations: Path) -> None:
    folder = annotations.parents[1]
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "files.sha256"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    listed = {line.split("  ")[1] for line in (folder / "files.sha256").read_text().splitlines()}
    written = {
        path.relative_to(folder).as_posix()
        for name in ("images", "passes", "frames", "models")
        for path in (folder / name).iterdir()
    }
    assert listed == written


def peaks_bytes(folder: Path, frames: int) -> list[int]:
    """Largest memory that each step takes beyond what there was."""
    paint_dataset(folder, frames=frames)
    layout, manifest = DatasetLayout(folder), read_manifest(folder)
    steps: list[Callable[[], object]] = [
        lambda: assemble(folder, manifest, wall_seconds=1.0),
        lambda: sum(1 for _ in find_done(layout, frames)),
        lambda: is_intact(layout, manifest),
        lambda: sum(1 for _ in read_pictures(layout.annotations)),
    ]

    def peak_bytes(step: Callable[[], object]) -> int:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        step()
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        # The least of three: what else goes on in the process only ever adds.
        return [min(peak_bytes(step) for _ in range(3)) for step in steps]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_frames(tmp_path: Path) -> None:
    peaks_bytes(tmp_path / "first", 5)  # fills caches
    few, many = (peaks_bytes(tmp_path / str(frames), frames) for frames in (20, 300))
    for at_20, at_300 in zip(few, many, strict=True):
        assert at_300 < 1.5 * at_20 + 2**18  # a buffer, where the clock's tick makes files hashed
