"""Fixtures that tests of several packages use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from painting import paint_dataset


@pytest.fixture
def painted_dataset(tmp_path: Path) -> Path:
    """A finished dataset of 4 painted frames."""
    return paint_dataset(tmp_path / "painted")


@pytest.fixture
def make_painted_dataset() -> Callable[..., Path]:
    """``make_painted_dataset(folder, frames=4, seed=0)``."""
    return paint_dataset
