"""Predictions files of methods without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.formats.storage import write_json_atomic
from pipeline.records.predictions import PredictionsMeta, meta_path

__all__ = ["write_predictions"]


def write_predictions(out: Path, results: list[dict[str, Any]], meta: PredictionsMeta) -> Path:
    """Write ``out`` and its meta file; ``out`` is returned."""
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json_atomic(meta_path(out), meta.model_dump(mode="json"))
    write_json_atomic(out, results)
    return out
