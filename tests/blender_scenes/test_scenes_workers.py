"""What the pool does with its children, with a painter in Blender's place."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from disturbance import PAINTER, children_of, start_render, wait_for_frames, wait_until_gone

from blender_scenes.generate import render_dataset
from blender_scenes.job import Job, Reply
from blender_scenes.pool import RenderPool
from pipeline.dataset.check import check_dataset
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.errors import DatasetError, RenderError
from pipeline.specs.scene import SceneSpec

SOURCE = Path("spec.yaml")
SPEC = SceneSpec.model_validate(
    {"scene": "coins", "frames": 6, "image": {"width": 32, "height": 32}}
)


def render(spec: SceneSpec, out: Path, **options: bool) -> Path:
    return render_dataset(spec, out, source=SOURCE, workers=2, worker_module=PAINTER, **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(SPEC, tmp_path_factory.mktemp("undisturbed") / "dataset")


def labels_of(folder: Path) -> bytes:
    return DatasetLayout(folder).annotations.read_bytes()


def own_workers() -> list[int]:
    """Painters of this very process, which may have other children."""
    return [
        pid
        for pid in children_of(os.getpid())
        if PAINTER.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_an_interrupted_parent_takes_its_workers_along_and_can_go_on(tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    spec = SPEC.model_copy(update={"frames": 200})
    process = start_render(spec, out, PAINTER)
    wait_for_frames(out, 1, process)
    workers = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) != 0
    wait_until_gone(workers)
    with pytest.raises(DatasetError, match="has not finished"):
        check_dataset(out)
    render(spec, out)
    assert check_dataset(out).problems == ()


def test_more_frames_extend_a_dataset(undisturbed: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    render(SPEC.model_copy(update={"frames": 2}), out)
    first = DatasetLayout(out).image(1, "png").stat().st_mtime_ns
    render(SPEC, out)
    assert DatasetLayout(out).image(1, "png").stat().st_mtime_ns == first
    assert labels_of(out) == labels_of(undisturbed)
    with pytest.raises(DatasetError, match=r"spec\.seed"):
        render(SPEC.model_copy(update={"seed": 6}), out)


def test_a_frame_that_fails_three_times_is_quarantined_and_tried_again_by_the_next_run(
    tmp_path: Path,
) -> None:
    out = tmp_path / "dataset"
    spec = SPEC.model_copy(update={"frames": 3})
    layout = DatasetLayout(out)
    layout.create()
    layout.image(1, "png").mkdir()  # the frame's picture cannot be written
    with pytest.raises(RenderError, match=r"1 of 3 frames failed three times \(frame 1: "):
        render(spec, out)
    render(spec, out, allow_quarantined=True)
    manifest = read_manifest(out)
    assert list(manifest.quarantined) == [1]
    assert manifest.counts["frames"] == 2
    layout.image(1, "png").rmdir()
    render(spec, out)
    assert read_manifest(out).quarantined == {}
    assert check_dataset(out).problems == ()


def render_with_pool(folder: Path, frames: int, done, **limits: float) -> dict[int, str]:
    DatasetLayout(folder).create()
    job = Job(spec=SPEC, source=SOURCE, dataset=folder, cpu=None)
    pool = RenderPool(job, workers=1, worker_module=PAINTER, **limits)
    return pool.run(range(frames), done)


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

    assert render_with_pool(tmp_path, 2, hang_once, frame_timeout_s=2.0) == {}
    assert done == [0, 1]


def test_a_finished_dataset_costs_nothing(undisturbed: Path) -> None:
    heard: list[tuple[int, int, str]] = []

    def listen(done: int, total: int, note: str = "") -> None:
        heard.append((done, total, note))

    before = DatasetLayout(undisturbed).manifest.read_text()
    render_dataset(SPEC, undisturbed, source=SOURCE, progress=listen, worker_module="nothing")
    assert heard == [(6, 6, "already done")]
    assert DatasetLayout(undisturbed).manifest.read_text() == before


def test_the_last_words_of_a_worker_that_does_not_start_are_told(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"does not start.*No module named nothing"):
        render_dataset(SPEC, tmp_path, source=SOURCE, workers=1, worker_module="nothing")
