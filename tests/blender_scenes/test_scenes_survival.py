"""Killed, out of room, damaged, misled by clocks: run again, and the dataset is the same.

A painter takes Blender's place, so that only the machinery around it is under test;
``test_scenes_pool.py`` does some of it with Blender.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import cv2
import numpy as np
import pytest
from disturbance import PAINTER, disturbed_renders, start_render
from painting import VERSIONS, paint_frame

from blender_scenes.generate import render_dataset
from blender_scenes.pool import WORKER_MODULE
from pipeline.dataset.check import check_dataset
from pipeline.dataset.frames import find_done
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest, read_manifest, write_manifest
from pipeline.errors import DatasetError, RenderError
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")
FRAMES = 8
SPEC = SceneSpec.model_validate(
    {"scene": "coins", "frames": FRAMES, "image": {"width": 32, "height": 32}}
)
LONG = SPEC.model_copy(update={"frames": 50})


def render(out: Path, spec: SceneSpec = SPEC) -> Path:
    return render_dataset(spec, out, source=SOURCE, workers=2, worker_module=PAINTER)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("undisturbed") / "dataset")


@pytest.fixture(scope="module")
def long_undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("undisturbed") / "dataset", LONG)


@pytest.fixture
def finished(undisturbed: Path, tmp_path: Path) -> Path:
    """A copy to be damaged; its files are as old as the original's."""
    return shutil.copytree(undisturbed, tmp_path / "dataset")


@pytest.fixture
def unfinished(finished: Path) -> Path:
    """All frames are done, nothing is assembled."""
    layout = DatasetLayout(finished)
    for path in (layout.annotations, layout.hashes, layout.card, layout.statistics):
        path.unlink()
    manifest = read_manifest(finished)
    write_manifest(finished, manifest.model_copy(update={"complete": False, "files": {}}))
    return finished


def assert_same_dataset(out: Path, expected: Path) -> None:
    """The labels byte for byte, every other file by its hash; records tell times of day's work."""
    assert (
        DatasetLayout(out).annotations.read_bytes()
        == DatasetLayout(expected).annotations.read_bytes()
    )
    assert pictures_and_passes(out) == pictures_and_passes(expected)
    assert check_dataset(out).problems == ()


def labels_of(folder: Path) -> bytes:
    return DatasetLayout(folder).annotations.read_bytes()


def pictures_and_passes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for name in ("images", "passes")
        for path in (folder / name).iterdir()
    }


def in_child(work: Callable[[], object]) -> int:
    """Run in a forked process; returns the signal that ended it, 0 for none."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def disk_calls(do: Callable[[int], None]) -> None:
    """Call ``do(n)`` before the n-th fsync, rename or removal, and after it."""
    steps = iter(range(10**6))

    def watched(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            do(next(steps))
            result = function(*args, **kwargs)
            do(next(steps))
            return result

        return call

    os.fsync = watched(os.fsync)
    Path.replace = watched(Path.replace)
    Path.unlink = watched(Path.unlink)


def killed_at_every_step(work: Callable[[], object], again: Callable[[], None]) -> int:
    """Kill ``work`` at its first step on the disk, then ``again``; at its second, and so on."""
    for step in range(1000):

        def doomed(step: int = step) -> None:
            disk_calls(lambda now: os.kill(os.getpid(), signal.SIGKILL) if now == step else None)
            work()

        if in_child(doomed) == 0:
            return step
        again()
    raise AssertionError("never got to its end")


def test_an_assembly_killed_at_any_step_can_go_on(unfinished: Path, undisturbed: Path) -> None:
    before = unfinished.with_name("before")
    unfinished.rename(before)
    out = unfinished

    def start() -> None:
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(before, out)

    def again() -> None:
        render(out)
        assert labels_of(out) == labels_of(undisturbed)
        assert read_manifest(out).complete
        assert not list(out.rglob("*.tmp"))
        start()

    start()
    assert killed_at_every_step(lambda: render(out), again) > 20


def test_a_frame_killed_at_any_step_is_whole_or_not_done(tmp_path: Path) -> None:
    layout = DatasetLayout(tmp_path / "dataset")
    layout.create()
    manifest = Manifest(spec=SPEC, categories=("coin",), versions=VERSIONS)
    seen = set()

    def look() -> None:
        done = list(find_done(layout, 1))
        seen.add(len(done))
        if done:
            assert len(cv2.imread(str(layout.image(0, "png")))) == 32
            layout.record(0).unlink()

    steps = killed_at_every_step(lambda: paint_frame(layout.folder, manifest, 0), look)
    assert steps >= 12  # picture, ids, record: fsync and rename each, before and after
    assert seen == {0, 1}


def disturb(tmp_path: Path, expected: Path, *, kills: int, seed: int) -> None:
    for out in disturbed_renders(LONG, tmp_path, PAINTER, kills=kills, seed=seed, pause_s=0.1):
        assert_same_dataset(out, expected)


def test_random_kills_leave_no_trace(tmp_path: Path, long_undisturbed: Path) -> None:
    disturb(tmp_path, long_undisturbed, kills=4, seed=1)


@pytest.mark.slow
def test_fifty_random_kills_leave_no_trace(tmp_path: Path, long_undisturbed: Path) -> None:
    disturb(tmp_path, long_undisturbed, kills=50, seed=2)


@pytest.mark.slow
@pytest.mark.blender
def test_fifty_random_kills_of_blender_leave_no_trace(tmp_path: Path) -> None:
    spec = SceneSpec.model_validate(
        {
            "scene": "coins",
            "frames": 24,
            "image": {"width": 64, "height": 48},
            "render": {"samples": 1, "device": "cpu"},
        }
    )
    expected = render_dataset(spec, tmp_path / "undisturbed", source=SOURCE, workers=2)
    for out in disturbed_renders(spec, tmp_path, WORKER_MODULE, kills=50, seed=3, pause_s=0.3):
        assert labels_of(out) == labels_of(expected)
        assert check_dataset(out).problems == ()
        for frame in range(spec.frames):
            pictures = [
                cv2.imread(str(DatasetLayout(folder).image(frame, "png"))).astype(int)
                for folder in (out, expected)
            ]
            assert np.abs(pictures[0] - pictures[1]).max() <= 1


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def change_a_digit(path: Path) -> None:
    text = path.read_text()
    place = text.index('"area_px":') + len('"area_px":')
    path.write_text(text[:place] + ("1" if text[place] != "1" else "2") + text[place + 1 :])


# One of each kind a frame.
DAMAGES = [
    ("image", flip_a_byte),
    ("image", cut_off),
    ("image", Path.unlink),
    ("ids", flip_a_byte),
    ("ids", cut_off),
    ("record", cut_off),
    ("record", change_a_digit),
]


def damage_frames(folder: Path) -> None:
    layout = DatasetLayout(folder)
    for frame, (what, damage) in enumerate(DAMAGES):
        paths = {
            "image": layout.image(frame, "png"),
            "ids": layout.ids(frame),
            "record": layout.record(frame),
        }
        damage(paths[what])


def test_damaged_frames_are_made_anew(unfinished: Path, undisturbed: Path) -> None:
    damage_frames(unfinished)
    assert list(find_done(DatasetLayout(unfinished), FRAMES)) == [FRAMES - 1]
    render(unfinished)
    assert_same_dataset(unfinished, undisturbed)


def test_so_they_are_in_a_finished_dataset(finished: Path, undisturbed: Path) -> None:
    damage_frames(finished)
    problems = check_dataset(finished).problems
    for frame in range(len(DAMAGES)):
        assert any(f"{frame:06d}" in problem for problem in problems)
    render(finished)
    assert_same_dataset(finished, undisturbed)


@pytest.mark.parametrize("what", ["annotations", "hashes"])
@pytest.mark.parametrize("damage", [flip_a_byte, cut_off, Path.unlink])
def test_so_are_files_of_the_whole_dataset(
    finished: Path, undisturbed: Path, what: str, damage: Callable[[Path], None]
) -> None:
    damage(getattr(DatasetLayout(finished), what))
    try:
        assert check_dataset(finished).problems != ()
    except DatasetError as error:
        assert "render again" in str(error)  # noqa: PT017 - either way it is told
    render(finished)
    assert_same_dataset(finished, undisturbed)


def test_a_clock_that_jumps_costs_nothing(
    finished: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    monkeypatch.setattr(time, "time", lambda: float(rng.uniform(0, 4e9)))
    for path in finished.rglob("*.*"):
        moment_s = int(rng.integers(0, 2**32))
        os.utime(path, (moment_s, moment_s))
    heard = []
    render_dataset(
        SPEC, finished, source=SOURCE, progress=lambda *told: heard.append(told), workers=2
    )
    assert heard == [(FRAMES, FRAMES, "already done")]
    longer = SPEC.model_copy(update={"frames": FRAMES + 2})
    images = {path: path.stat().st_mtime_ns for path in (finished / "images").iterdir()}
    render(finished, longer)
    assert {path: path.stat().st_mtime_ns for path in images} == images
    assert pictures_and_passes(finished).items() > pictures_and_passes(undisturbed).items()
    assert check_dataset(finished).problems == ()


def test_a_full_disk_ends_the_run_at_once(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match="the disk is full"):
        render_dataset(SPEC, tmp_path, source=SOURCE, workers=2, worker_module="full_disk_worker")


def test_a_disk_that_fills_up_at_any_step_loses_nothing(
    unfinished: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, failures = os.fsync, 0
    for step in range(100):
        calls = iter(range(1000))

        def fail(descriptor: int, step: int = step, calls: Iterator[int] = calls) -> None:
            if next(calls) == step:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", fail)
        try:
            render(unfinished)
        except RenderError as error:
            assert "the disk is full; make room and run again" in str(error)  # noqa: PT017
            failures += 1
            assert list(find_done(DatasetLayout(unfinished), FRAMES)) == list(range(FRAMES))
            assert not list(unfinished.rglob("*.tmp"))
        else:
            break
    monkeypatch.undo()
    assert failures >= 5
    assert_same_dataset(unfinished, undisturbed)


def test_a_real_full_disk(tmp_path: Path, long_undisturbed: Path) -> None:
    mounted = tmp_path / "small"
    mounted.mkdir()

    def mount(*options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(mounted)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if not mount("size=300k"):
        pytest.skip("needs the right to mount a small file system")
    try:
        out = mounted / "dataset"
        with pytest.raises(RenderError, match="the disk is full"):
            render(out, LONG)
        kept = list(find_done(DatasetLayout(out), LONG.frames))
        assert kept
        assert mount("remount", "size=20m")
        render(out, LONG)
        assert labels_of(out) == labels_of(long_undisturbed)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


def test_a_second_parent_is_refused(tmp_path: Path, undisturbed: Path) -> None:
    out = tmp_path / "dataset"
    first = start_render(SPEC, out, PAINTER)
    while not (out / ".lock").is_file() or not (out / ".lock").read_text():
        assert first.poll() is None
        time.sleep(0.002)
    with pytest.raises(DatasetError, match=f"process {first.pid} is writing"):
        render(out)
    assert first.wait(timeout=60) == 0
    assert_same_dataset(out, undisturbed)


@pytest.fixture
def no_blender(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine that only trains."""
    installed = metadata.version

    def version(name: str) -> str:
        if name in ("bpy", "embreex"):
            raise metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(metadata, "version", version)


@pytest.mark.usefixtures("no_blender")
def test_a_finished_dataset_needs_no_blender(finished: Path):
    written = finished.joinpath("manifest.json").stat().st_mtime_ns
    assert render(finished) == finished
    assert finished.joinpath("manifest.json").stat().st_mtime_ns == written
    with pytest.raises(DatasetError, match="seed 0 -> 1"):
        render(finished, SPEC.model_copy(update={"seed": 1}))


@pytest.mark.usefixtures("no_blender")
def test_what_is_missing_needs_blender(unfinished: Path, undisturbed: Path, tmp_path: Path):
    more = SPEC.model_copy(update={"frames": FRAMES + 1})
    for out, spec in ((unfinished, SPEC), (undisturbed, more), (tmp_path / "new", SPEC)):
        with pytest.raises(RenderError, match=r"Blender is not installed.*another machine"):
            render(out, spec)
    assert list(find_done(DatasetLayout(unfinished), FRAMES)) == list(range(FRAMES))
