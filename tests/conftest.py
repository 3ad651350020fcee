"""Fixtures that tests of several packages use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from painting import paint_dataset

# Tests are not timed: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _workers_beside_the_tests_can_be_imported() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        yield


@pytest.fixture
def painted_dataset(tmp_path: Path) -> Path:
    """A finished dataset of 4 painted frames."""
    return paint_dataset(tmp_path / "painted")


@pytest.fixture
def make_painted_dataset() -> Callable[..., Path]:
    """``make_painted_dataset(folder, frames=4, seed=0)``."""
    return paint_dataset
