"""Files that are no checkpoints, or more than that."""

import pickle

import pytest
import torch

from pipeline.errors import CheckpointError
from pipeline.specs.training import ModelSpec
from trainers.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from trainers.networks.registry import open_network

MODEL = ModelSpec(name="compact_classifier", width=0.25)


def state_of(class_count):
    network = open_network(MODEL, task="classification", class_count=class_count, input_px=16)
    return network.build().state_dict()


def checkpoint(**changes):
    fields = {
        "model": MODEL,
        "categories": ("a", "b"),
        "task": "classification",
        "state": state_of(2),
        "has_masks": False,
        "input_px": 16,
        "spec_sha256": "0" * 64,
        "step": 7,
        "seed": 3,
    }
    return Checkpoint(**fields | changes)


class Bomb:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the checkpoint ran')",))


def test_round_trip(tmp_path):
    write_checkpoint(tmp_path / "model.pt", checkpoint())
    found = read_checkpoint(tmp_path)
    assert (found.model, found.categories, found.step) == (MODEL, ("a", "b"), 7)
    assert set(torch.load(tmp_path / "model.pt", weights_only=True)) >= {"state", "model"}
    assert not found.module(torch.device("cpu")).training


@pytest.mark.parametrize("as_torch", [True, False])
def test_code_is_refused_and_not_run(tmp_path, as_torch):
    path = tmp_path / "model.pt"
    if as_torch:
        torch.save({"state": Bomb()}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match="refused") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)


def test_other_files_are_refused_in_one_line(tmp_path):
    contents = {
        "text": b"hello",
        "empty": b"",
        "list": [1, 2],
        "strange keys": {"weights": torch.zeros(2)},
    }
    for name, content in contents.items():
        path = tmp_path / f"{name}.pt"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(CheckpointError) as error:
            read_checkpoint(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    write_checkpoint(tmp_path / "model.pt", checkpoint(state=state_of(5)))
    with pytest.raises(CheckpointError, match="not a checkpoint of blendgap"):
        read_checkpoint(tmp_path)


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        read_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"junk\n", b"0.", b"PK\x03\x04", b"V\xff\n."])
def test_bytes_of_another_kind_are_refused_in_one_line(tmp_path, content):
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.pth: (not a checkpoint|refused)") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)
