"""The one place where imports are late, so that ``--help`` does not wait for torch."""

from __future__ import annotations

import importlib
from typing import Any

from flows.prefect_process import quiet_prefect

__all__ = ["load"]


def load(module: str) -> Any:  # noqa: ANN401 - a module
    """Import a module by name, Prefect kept quiet if that brings it in."""
    quiet_prefect()
    return importlib.import_module(module)
