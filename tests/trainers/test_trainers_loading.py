"""Loader workers, and what batches can do."""

import dataclasses

import pytest
import torch
from discs import paint
from torch import Tensor

from pipeline.specs.augmentation import AugmentSpec
from pipeline.specs.training import DataSource, ModelSpec, TrainSpec
from trainers.batches import TensorBatch
from trainers.loading import count_workers, open_loader
from trainers.loop import StepStream
from trainers.task_registry import open_task


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Nested(TensorBatch):
    images: Tensor
    targets: tuple[dict[str, Tensor], ...]
    masks: Tensor | None = None


def test_a_batch_moves_with_all_that_is_in_it():
    batch = Nested(images=torch.ones(2), targets=({"boxes": torch.ones(1)}, {}))
    moved = batch.to(torch.device("meta"))
    assert isinstance(moved, Nested)
    assert moved.images.is_meta
    assert moved.targets[0]["boxes"].is_meta
    assert moved.targets[1] == {}
    assert moved.masks is None


def test_loaders_leave_the_cores_to_a_network_on_the_cpu():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert count_workers("auto", cpu, cores=2) == 0
    assert count_workers("auto", cpu, cores=16) == 2
    assert count_workers("auto", cuda, cores=4) == 3
    assert count_workers("auto", cuda, cores=64) == 8
    assert count_workers(5, cpu, cores=1) == 5


@pytest.mark.slow  # 15 s of imports in two processes
def test_workers_load_what_the_training_process_would(tmp_path):
    """In spawned processes, in the order of the steps."""
    spec = TrainSpec(
        task="detection",
        data=(DataSource(path=paint(tmp_path / "discs"), split="test"),),
        model=ModelSpec(name="compact_detector", width=0.25),
        input_px=64,
        batch_size=2,
        steps=5,
        augment=AugmentSpec(mosaic=0.5, erasing=0.5),
    )
    task = open_task(spec)
    expected = [task.batch(step) for step in range(1, 5)]
    stream = StepStream(task, first=1, steps=5)
    loaded = list(open_loader(stream, workers=2, device=torch.device("cpu")))
    assert len(loaded) == 4
    for mine, other in zip(expected, loaded, strict=True):
        for field in dataclasses.fields(mine):
            assert torch.equal(getattr(mine, field.name), getattr(other, field.name))
