"""Cells: keys follow content, work is done once, failures leave nothing that looks done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.cells import Cell, fingerprint, finish
from pipeline.errors import DatasetError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def a_cell(**changes: object) -> Cell:
    settings = {
        "step": "train",
        "version": 1,
        "config": {"steps": 4, "model": {"name": "m", "width": 1.0}},
        "inputs": {"data 0": "aa", "data 1": "bb"},
    }
    return Cell(**(settings | changes))


@given(config=st.dictionaries(st.text(max_size=5), json_values, min_size=2))
def test_key_does_not_depend_on_the_order_of_keys(config):
    backwards = dict(reversed(config.items()))
    assert a_cell(config=config).key == a_cell(config=backwards).key


@pytest.mark.parametrize(
    "changes",
    [
        {"step": "predict"},
        {"version": 2},
        {"config": {"steps": 5, "model": {"name": "m", "width": 1.0}}},
        {"config": {"steps": 4, "model": {"name": "m", "width": 2.0}}},
        {"inputs": {"data 0": "aa", "data 1": "cc"}},
        {"inputs": {"data 0": "bb", "data 1": "aa"}},
        {"inputs": {"data 0": "aa"}},
    ],
)
def test_key_changes_with_everything_that_counts(changes):
    assert a_cell(**changes).key != a_cell().key


def test_work_is_done_once(tmp_path):
    calls = []
    cell = a_cell()
    for _ in range(2):
        folder = finish(cell, tmp_path, calls.append)
    assert calls == [folder]
    assert folder.name == cell.key[:12]
    assert json.loads((folder / "done.json").read_text())["key"] == cell.key
    assert json.loads((folder / "cell.json").read_text()) == cell.description()


def test_failed_work_is_done_again_on_what_it_left(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        finish(a_cell(), tmp_path, fail)
    assert not a_cell().is_done(tmp_path)
    finish(a_cell(), tmp_path, lambda folder: (folder / "half").unlink())
    assert a_cell().is_done(tmp_path)


def test_damaged_mark_counts_as_not_done(tmp_path):
    folder = finish(a_cell(), tmp_path, lambda folder: None)
    (folder / "done.json").write_text("{")
    assert not a_cell().is_done(tmp_path)


def test_fingerprint_of_a_folder_follows_names_and_bytes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"x")
    (tmp_path / "2.png").write_bytes(b"y")
    before = fingerprint(tmp_path)
    (tmp_path / ".lock").touch()
    assert fingerprint(tmp_path) == before
    (tmp_path / "2.png").write_bytes(b"z")
    changed = fingerprint(tmp_path)
    (tmp_path / "2.png").write_bytes(b"y")
    (tmp_path / "2.png").rename(tmp_path / "3.png")
    assert len({before, changed, fingerprint(tmp_path)}) == 3


def test_fingerprint_of_a_dataset_is_its_manifest(painted_dataset):
    before = fingerprint(painted_dataset)
    (painted_dataset / "card.md").write_text("other words")
    assert fingerprint(painted_dataset) == before
    manifest = painted_dataset / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert fingerprint(painted_dataset) != before


def test_fingerprint_of_a_cell_is_its_key_wherever_it_lies(tmp_path):
    one = finish(a_cell(), tmp_path / "one", lambda folder: (folder / "x").write_text("one"))
    two = finish(a_cell(), tmp_path / "two", lambda folder: (folder / "x").write_text("two"))
    assert fingerprint(one) == fingerprint(two) == a_cell().key


def test_fingerprint_of_nothing_is_an_error(tmp_path):
    with pytest.raises(DatasetError, match="no such file or folder"):
        fingerprint(tmp_path / "gone")
