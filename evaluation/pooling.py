"""Predictions of the networks of a cross-validation, put together."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import PredictionsError
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic
from pipeline.records.predictions import meta_path, read_meta, read_results, sha256_of

__all__ = ["pool_predictions"]


def pool_predictions(parts: Sequence[Path], truth: Path, out: Path) -> Path:
    """Write what all folds predict into one file, as if one network had predicted it.

    Args:
        parts: Predictions files on the folds of ``evaluation.divisions.write_folds``.
        truth: Annotation file of all their pictures.
        out: The predictions file to write; class maps go into a folder beside it.

    Returns:
        ``out``.

    Raises:
        PredictionsError: If a part is wrong, or lacks its meta file.
    """
    maps = out.with_name(f"{out.stem}_semantic")
    entries, image_ids, seconds = [], [], []
    first = None
    for part in parts:
        meta = read_meta(part)
        if meta is None:
            raise PredictionsError(f"{meta_path(part)}: no such file; predict again.")
        first = first or meta
        entries += read_results(part)
        image_ids += meta.image_ids
        seconds += [meta.seconds_per_image] * len(meta.image_ids)
        if meta.semantic_dir is not None:
            maps.mkdir(exist_ok=True)
            for image_id in meta.image_ids:
                name = f"{image_id}.png"
                shutil.copyfile(part.parent / meta.semantic_dir / name, maps / name)
    if first is None:
        raise ValueError("Nothing to pool.")
    known = [each for each in seconds if each is not None]
    pooled = first.model_copy(
        update={
            "annotations_sha256": sha256_of(truth),
            "image_ids": sorted(image_ids),
            "semantic_dir": maps.name if first.semantic_dir is not None else None,
            "seconds_per_image": sum(known) / len(known) if known else None,
        }
    )
    write_json_atomic(out, entries)
    write_bytes_atomic(meta_path(out), pooled.model_dump_json(indent=1).encode() + b"\n")
    return out
