"""Cells: units of work that are done once, named by what goes into them.

A cell's key is the SHA-256 of its resolved configuration, the fingerprints of its inputs and
the version of the code behind its step. Its folder is ``cells/<first 12 digits of the key>/``:

    cell.json     what the cell is, readable
    ...           what the step writes
    done.json     the key and the wall time; written last, so a cell with it is finished
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.dataset.layout import DatasetLayout
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_json_atomic
from pipeline.records.predictions import sha256_of

__all__ = ["Cell", "cell_of", "fingerprint", "finish"]

_KEY_DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a unit of work is made from.

    Attributes:
        step: As ``train``.
        version: Of the code behind the step; raised when its results change.
        config: Everything that decides the result, as JSON values; no paths.
        inputs: Fingerprints of the files that go in, by role.
    """

    step: str
    version: int
    config: Mapping[str, object]
    inputs: Mapping[str, str]

    def description(self) -> dict[str, object]:
        """What the key is made of."""
        return {
            "step": self.step,
            "version": self.version,
            "config": dict(self.config),
            "inputs": dict(self.inputs),
        }

    @property
    def key(self) -> str:
        """SHA-256 of the description, in hex; the order of keys does not matter."""
        text = json.dumps(self.description(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def folder(self, cells: Path) -> Path:
        """Where the cell lies."""
        return cells / self.key[:_KEY_DIGITS]

    def is_done(self, cells: Path) -> bool:
        """Whether it is finished."""
        return _finished_key(self.folder(cells)) == self.key


def cell_of(
    step: str, version: int, config: Mapping[str, object], inputs: Mapping[str, Path]
) -> Cell:
    """A cell that is made from files, by role.

    Raises:
        DatasetError: If one of them is missing.
    """
    return Cell(
        step=step,
        version=version,
        config=config,
        inputs={role: fingerprint(path) for role, path in inputs.items()},
    )


def finish(cell: Cell, cells: Path, work: Callable[[Path], object]) -> Path:
    """Do a cell's work unless it is done.

    Args:
        cell: What to do.
        cells: Folder of all cells.
        work: Called with the cell's folder; must bear to find its own half-done work there.

    Returns:
        The cell's folder.
    """
    folder = cell.folder(cells)
    if cell.is_done(cells):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    write_json_atomic(folder / "cell.json", cell.description())
    started_s = time.monotonic()
    work(folder)
    seconds = round(time.monotonic() - started_s, 3)
    write_json_atomic(folder / "done.json", {"key": cell.key, "seconds": seconds})
    return folder


def fingerprint(path: Path) -> str:
    """SHA-256 that stands for the content of a file, dataset or benchmark folder.

    A dataset of ours is its manifest, which holds the hash of the list of its files' hashes. A
    finished cell is its key. Another folder is the names and hashes of all files in it, hidden
    ones left out.

    Raises:
        DatasetError: If there is nothing.
    """
    if path.is_file():
        return sha256_of(path)
    if not path.is_dir():
        raise DatasetError(f"{path}: no such file or folder.")
    manifest = DatasetLayout(path).manifest
    if manifest.is_file():
        return sha256_of(manifest)
    if (key := _finished_key(path)) is not None:
        return key
    total = hashlib.sha256()
    for name in sorted(_visible_files(path)):
        total.update(f"{name}\0{sha256_of(path / name)}\n".encode())
    return total.hexdigest()


def _finished_key(folder: Path) -> str | None:
    try:
        done = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(done["key"]) if isinstance(done, dict) and "key" in done else None


def _visible_files(folder: Path) -> list[str]:
    names = [file.relative_to(folder) for file in folder.rglob("*") if file.is_file()]
    return [
        name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)
    ]
