"""What all batches can do: move, and lie in pinned memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["TensorBatch"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TensorBatch:
    """Base of dataclasses of tensors, of tuples and dicts of tensors, or of None."""

    __slots__ = ()

    def to(self, device: torch.device) -> Any:  # noqa: ANN401
        """The same batch on another device; from pinned memory while others compute."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> Any:  # noqa: ANN401
        """The same batch in memory that a GPU can read by itself; loaders call this."""
        return self._map(Tensor.pin_memory)

    def _map(self, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401
        fields = dataclasses.fields(self)
        return type(self)(**{f.name: _mapped(getattr(self, f.name), change) for f in fields})


def _mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:  # noqa: ANN401
    if isinstance(value, Tensor):
        return change(value)
    if value is None:
        return None
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    return tuple(_mapped(inner, change) for inner in value)
