"""Decoded examples kept in memory."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from torch.utils.data import get_worker_info

__all__ = ["ExampleCache"]

_CACHE_BYTES = 2 * 2**30

ExampleT = TypeVar("ExampleT")


class ExampleCache(Generic[ExampleT]):
    """Keeps decoded examples until a budget is full; the rest is decoded every time.

    The budget is shared by the loader workers, each of which keeps what it has decoded itself.
    """

    def __init__(self, budget_bytes: int = _CACHE_BYTES) -> None:
        self._budget_bytes, self._used_bytes = budget_bytes, 0
        self._examples: dict[Hashable, ExampleT] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Copies begin empty: a worker is not sent what it would rather decode."""
        return {"_budget_bytes": self._budget_bytes, "_used_bytes": 0, "_examples": {}}

    def get(self, key: Hashable) -> ExampleT | None:
        """The example, if it is kept."""
        return self._examples.get(key)

    def put(self, key: Hashable, example: ExampleT, size_bytes: int) -> ExampleT:
        """Keep the example if there is room; returns it."""
        worker = get_worker_info()
        budget_bytes = self._budget_bytes // (worker.num_workers if worker else 1)
        if self._used_bytes + size_bytes <= budget_bytes:
            self._used_bytes += size_bytes
            self._examples[key] = example
        return example
