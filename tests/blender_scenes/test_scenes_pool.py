"""The renderer under disturbance: real Blender, small frames."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blender_scenes.generate import render_dataset
from blender_scenes.job import Job, Reply
from blender_scenes.pool import RenderPool
from pipeline.dataset.check import check_dataset
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError, RenderError, SpecError
from pipeline.specs.scene import SceneSpec

pytestmark = pytest.mark.blender

SPEC = SceneSpec.model_validate(
    {
        "scene": "coins",
        "frames": 6,
        "seed": 5,
        "image": {"width": 96, "height": 64},
        "render": {"samples": 1, "device": "cpu"},
    }
)
SOURCE = Path("spec.yaml")

RENDER = """
import sys
from pathlib import Path
from blender_scenes.generate import render_dataset
from pipeline.specs.scene import SceneSpec
spec = SceneSpec.model_validate_json(sys.argv[1])
render_dataset(spec, Path(sys.argv[2]), source=Path("spec.yaml"), workers=2)
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset rendered in one go by one worker."""
    return render_dataset(
        SPEC, tmp_path_factory.mktemp("undisturbed") / "dataset", source=SOURCE, workers=1
    )


def labels_of(folder: Path) -> bytes:
    return DatasetLayout(folder).annotations.read_bytes()


def start_render(out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", RENDER, SPEC.model_dump_json(), str(out)])


def wait_for_frames(out: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while len(list((out / "frames").glob("0*.json"))) < count:
        assert process.poll() is None, "ended before it could be disturbed"
        assert time.monotonic() < deadline, "no frames in two minutes"
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def own_workers() -> list[int]:
    """Renderer processes of this very process, which may have other children."""
    return [
        pid
        for pid in children_of(os.getpid())
        if b"blender_scenes.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def wait_until_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 30
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_labels_agree_with_the_passes_and_the_files_with_the_manifest(undisturbed: Path) -> None:
    report = check_dataset(undisturbed)
    assert report.problems == ()
    assert report.statistics.images == SPEC.frames
    assert report.statistics.instances > SPEC.frames


def test_nothing_in_the_labels_tells_when_or_where(undisturbed: Path, tmp_path: Path) -> None:
    again = render_dataset(SPEC, tmp_path / "again", source=SOURCE, workers=2)
    assert labels_of(again) == labels_of(undisturbed)
    text = labels_of(undisturbed).decode()
    assert str(undisturbed) not in text
    assert os.uname().nodename not in text


def test_a_killed_worker_is_replaced_and_leaves_no_trace(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    process = start_render(out)
    wait_for_frames(out, 1, process)
    os.kill(children_of(process.pid)[0], signal.SIGKILL)
    assert process.wait(timeout=180) == 0
    assert labels_of(out) == labels_of(undisturbed)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_parent_takes_its_workers_along_and_can_go_on(
    undisturbed: Path, tmp_path: Path, how: signal.Signals
) -> None:
    out = tmp_path / "dataset"
    process = start_render(out)
    wait_for_frames(out, 1, process)
    workers = children_of(process.pid)
    process.send_signal(how)
    process.wait(timeout=60)
    wait_until_gone(workers)
    assert not DatasetLayout(out).annotations.exists()
    with pytest.raises(DatasetError, match="has not finished"):
        check_dataset(out)
    render_dataset(SPEC, out, source=SOURCE, workers=2)
    assert labels_of(out) == labels_of(undisturbed)
    assert check_dataset(out).problems == ()


def test_more_frames_extend_a_dataset(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    render_dataset(SPEC.model_copy(update={"frames": 2}), out, source=SOURCE, workers=2)
    first = DatasetLayout(out).image(1, "png").stat().st_mtime_ns
    render_dataset(SPEC, out, source=SOURCE, workers=2)
    assert DatasetLayout(out).image(1, "png").stat().st_mtime_ns == first
    assert labels_of(out) == labels_of(undisturbed)
    with pytest.raises(DatasetError, match=r"spec\.seed"):
        render_dataset(SPEC.model_copy(update={"seed": 6}), out, source=SOURCE)


def test_a_frame_that_fails_three_times_is_quarantined_and_tried_again_by_the_next_run(
    tmp_path: Path,
) -> None:
    out = tmp_path / "dataset"
    spec = SPEC.model_copy(update={"frames": 3})
    layout = DatasetLayout(out)
    layout.create()
    layout.image(1, "png").mkdir()  # the frame's picture cannot be written
    with pytest.raises(RenderError, match=r"1 of 3 frames failed three times \(frame 1: "):
        render_dataset(spec, out, source=SOURCE, workers=2)
    render_dataset(spec, out, source=SOURCE, workers=2, allow_quarantined=True)
    manifest = read_manifest(out)
    assert list(manifest.quarantined) == [1]
    assert manifest.counts["frames"] == 2
    layout.image(1, "png").rmdir()
    render_dataset(spec, out, source=SOURCE, workers=2)
    assert read_manifest(out).quarantined == {}
    assert check_dataset(out).problems == ()


def render_with_pool(folder: Path, frames: int, done, **limits: float) -> dict[int, str]:
    DatasetLayout(folder).create()
    job = Job(spec=SPEC, source=SOURCE, dataset=folder, cpu=None)
    return RenderPool(job, workers=1, **limits).run(range(frames), done)


def test_a_worker_that_outgrew_its_memory_is_replaced(tmp_path: Path) -> None:
    workers = []
    quarantined = render_with_pool(
        tmp_path, 2, lambda _: workers.extend(own_workers()), recycle_growth_mib=-1.0
    )
    assert quarantined == {}
    assert len(set(workers)) == 2


def test_a_worker_that_hangs_is_replaced(tmp_path: Path) -> None:
    done: list[int] = []

    def hang_once(reply: Reply) -> None:
        if not done:
            os.kill(own_workers()[0], signal.SIGSTOP)
        done.append(reply.frame)

    assert render_with_pool(tmp_path, 2, hang_once, frame_timeout_s=3.0) == {}
    assert done == [0, 1]


def test_a_finished_dataset_costs_nothing(undisturbed: Path) -> None:
    heard: list[tuple[int, int, str]] = []

    def listen(done: int, total: int, note: str = "") -> None:
        heard.append((done, total, note))

    before = DatasetLayout(undisturbed).manifest.read_text()
    render_dataset(SPEC, undisturbed, source=SOURCE, progress=listen)
    assert heard == [(6, 6, "already done")]
    assert DatasetLayout(undisturbed).manifest.read_text() == before


def test_a_blender_that_does_not_start_says_so(tmp_path: Path) -> None:
    job = Job(
        spec=SPEC.model_copy(update={"scene": "nothing"}),
        source=SOURCE,
        dataset=tmp_path,
        cpu=None,
    )
    with pytest.raises(RenderError, match=r"does not start.*nothing"):
        RenderPool(job, workers=1).run(range(3), lambda _: None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scene": "moon"}, "'moon'; expected one of"),
        ({"factors": {"lighting": {"stength": 1}}}, "stength"),
    ],
)
def test_a_wrong_spec_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    spec = SceneSpec.model_validate(SPEC.model_dump() | change)
    with pytest.raises(SpecError, match=words):
        render_dataset(spec, tmp_path / "dataset", source=SOURCE)
    assert not (tmp_path / "dataset").exists()


def test_the_parent_never_loads_blender() -> None:
    code = "import sys, blender_scenes.generate; sys.exit('bpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_records_hold_every_number_of_the_scene(undisturbed: Path) -> None:
    record = json.loads(DatasetLayout(undisturbed).record(0).read_text())
    assert record["scene"]["frame"] == 0
    assert set(record["scene"]["factors"]) >= {"lighting", "background", "count"}
    assert record["seconds"].keys() >= {"build", "render", "labels"}
