"""Prediction: run folder and pictures in, predictions file out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import DatasetError
from pipeline.formats.storage import write_bytes_atomic, write_json_atomic
from pipeline.progress import Progress, silent
from pipeline.records.poses import write_poses
from pipeline.records.predictions import PredictionsMeta, meta_path, poses_path
from trainers.checkpoints import Checkpoint, read_checkpoint
from trainers.devices import open_device, use_all_cores
from trainers.networks.registry import check_turns
from trainers.pictures import open_pictures
from trainers.predictors import open_predictor
from trainers.turning import OverTurns

__all__ = ["predict"]


def predict(
    run_dir: Path,
    target: Path,
    out: Path,
    *,
    split: str | None = None,
    quarter_turns: bool = False,
    progress: Progress = silent,
) -> Path:
    """Predict with a trained network, at the pictures' own scale.

    Writes a COCO results file and ``*.meta.json`` beside it (pipeline/records/predictions.py);
    class maps, where the network makes them, go into ``{stem of out}_semantic``, and poses, where
    keypoints have known places on an object and the camera is known, into ``{stem}_poses.csv``.

    Args:
        run_dir: A finished run, or its checkpoint.
        target: Our dataset, a COCO or ImageFolder benchmark, a folder of pictures, one picture.
            Pictures without labels get ids from 1 in the order of their names, and the ids of
            the categories count from 1 in the network's order.
        out: The predictions file to write.
        split: Of a benchmark.
        quarter_turns: Take the mean over the picture and its quarter turns, of networks that
            can, see :class:`trainers.turning.OverTurns`.
        progress: Told of every picture.

    Returns:
        ``out``.

    Raises:
        CheckpointError: If ``run_dir`` holds no finished run.
        SpecError: If the network cannot take quarter turns.
        DatasetError: If a picture cannot be read, no category is one that the network knows, or
            one has other keypoints.
    """
    checkpoint = read_checkpoint(run_dir)
    if quarter_turns:
        check_turns(checkpoint.network(), source=run_dir)
    pictures = open_pictures(target, task=checkpoint.task, split=split)
    categories = pictures.categories or dict(enumerate(checkpoint.categories, start=1))
    ids = _category_ids(checkpoint, categories, target)
    checkpoint.check_keypoints(pictures.keypoints, target)
    out.parent.mkdir(parents=True, exist_ok=True)
    module = checkpoint.module(open_device("auto"))
    if quarter_turns:
        module = OverTurns(module)
    predictor = open_predictor(checkpoint, module, ids=ids, out=out)
    with use_all_cores():
        entries = list(predictor.entries(pictures, progress))
    write_json_atomic(out, entries)
    if predictor.poses:
        write_poses(poses_path(out), predictor.poses)
    meta = PredictionsMeta(
        annotations_sha256=pictures.sha256,
        categories=categories,
        image_ids=[picture.image_id for picture in pictures.pictures],
        task=checkpoint.task,
        model=checkpoint.model.name,
        run=(run_dir if run_dir.is_dir() else run_dir.parent).name,
        seed=checkpoint.seed,
        poses=poses_path(out).name if predictor.poses else None,
        semantic_dir=predictor.semantic_dir.name if predictor.semantic_dir else None,
        seconds_per_image=predictor.seconds / len(pictures.pictures),
        unknown_categories=_without(categories.values(), checkpoint.categories),
        dropped_classes=_without(checkpoint.categories, categories.values()),
    )
    write_bytes_atomic(meta_path(out), meta.model_dump_json(indent=1).encode() + b"\n")
    return out


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    """Names that are not among the others."""
    known = set(others)
    return [name for name in names if name not in known]


def _category_ids(
    checkpoint: Checkpoint, categories: dict[int, str], target: Path
) -> dict[int, int]:
    """Class index to category id, matched by name; classes that the target lacks are left out."""
    id_of = {name: category_id for category_id, name in categories.items()}
    ids = {i: id_of[name] for i, name in enumerate(checkpoint.categories) if name in id_of}
    if not ids:
        raise DatasetError(
            f"{target}: its categories are {', '.join(categories.values())}; "
            f"the network knows {', '.join(checkpoint.categories)}. They are matched by name."
        )
    return ids
