"""Tracks of MOT files and of COCO sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from evaluation.metrics.tracking import TrackedFrame
from pipeline.errors import DatasetError, InputError, PredictionsError
from pipeline.formats.coco import CocoDataset, find_annotations, read_coco
from pipeline.geometry.boxes import FloatArray, boxes_iou

__all__ = ["TrackTruth", "Tracks", "prediction_files", "read_mot", "read_track_truth", "tracked"]

_FEWEST_COLUMNS = 6
_IGNORED_IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracks:
    """Boxes of one sequence.

    Attributes:
        frame: (N,) from 1.
        track: (N,) its number.
        boxes_xyxy: (N, 4) px, as the file counts them.
        considered: (N,) false for true boxes that count neither way.
    """

    frame: npt.NDArray[np.int64]
    track: npt.NDArray[np.int64]
    boxes_xyxy: FloatArray
    considered: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackTruth:
    """True tracks by the name of the sequence.

    Attributes:
        files: What they stand in.
        source: The same, relative to the benchmark.
    """

    split: str | None
    files: tuple[Path, ...]
    source: str
    sequences: Mapping[str, Tracks]


def read_mot(path: Path, *, error: type[InputError] = DatasetError) -> Tracks:
    """Read ``frame,track,x,y,w,h[,confidence,...]``; a true box with confidence 0 is ignored.

    Args:
        path: The file.
        error: What to raise.

    Raises:
        InputError: Naming the line, what was got and what was expected.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise error(f"{path}: cannot be read ({problem}).") from problem
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = [float(word) for word in line.split(",")]
        except ValueError:
            values = []
        whole = len(values) >= _FEWEST_COLUMNS and all(v.is_integer() for v in values[:2])
        if not whole or not np.isfinite(values).all() or min(values[4:6]) < 0 or values[0] < 1:
            raise error(
                f"{path}: line {number}: got {line[:60]!r}; expected frame,track,x,y,w,h,... with "
                "frames from 1."
            )
        rows.append([*values[:6], values[6] if len(values) > _FEWEST_COLUMNS else 1.0])
    table = np.array(rows, dtype=np.float64).reshape(-1, 7)
    keys = table[:, :2].astype(np.int64)
    if len(np.unique(keys, axis=0)) < len(keys):
        pairs, counts = np.unique(keys, axis=0, return_counts=True)
        frame, track = pairs[np.argmax(counts)]
        raise error(f"{path}: track {track} is in frame {frame} more than once; expected once.")
    return Tracks(
        frame=keys[:, 0],
        track=keys[:, 1],
        boxes_xyxy=np.hstack([table[:, 2:4], table[:, 2:4] + table[:, 4:6]]),
        considered=table[:, 6] != 0,
    )


def read_track_truth(folder: Path, split: str | None) -> TrackTruth:
    """True tracks of a folder in MOTChallenge's layout, else of a COCO file with ``track_id``.

    Looks for ``{split}/{sequence}/gt/gt.txt``, ``{sequence}/gt/gt.txt``, ``{sequence}/gt.txt``.

    Args:
        folder: Of the benchmark or dataset.
        split: By default ``test``, else ``val``, else the only one, else the whole folder.

    Raises:
        DatasetError: If there are no tracks, or a file is wrong.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a dataset or benchmark.")
    for name in (split,) if split else ("test", "val", "train", None):
        parent = folder if name is None else folder / name
        files = sorted([*parent.glob("*/gt/gt.txt"), *parent.glob("*/gt.txt")])
        if files:
            by_name = {_sequence(path): path for path in files}
            return TrackTruth(
                split=name,
                files=tuple(files),
                source=parent.relative_to(folder).as_posix(),
                sequences={key: read_mot(path) for key, path in by_name.items()},
            )
    path = find_annotations(folder, split)
    dataset = read_coco(path)
    return TrackTruth(
        split=path.stem.removeprefix("instances").removeprefix("_") or None,
        files=(path,),
        source=path.relative_to(folder).as_posix(),
        sequences=_coco_sequences(dataset),
    )


def prediction_files(predictions: Path, truth: TrackTruth) -> dict[str, Path]:
    """File of every sequence: the one file of a single sequence, else ``{sequence}.txt``.

    Raises:
        PredictionsError: If files are missing.
    """
    names = list(truth.sequences)
    if predictions.is_file() and (len(names) == 1 or predictions.stem in names):
        return {names[0] if len(names) == 1 else predictions.stem: predictions}
    files = {name: predictions / f"{name}.txt" for name in names}
    missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        raise PredictionsError(
            f"{predictions}: no file for {len(missing)} of {len(names)} sequences; expected "
            f"{missing[0]}.txt in it."
        )
    return files


def tracked(truth: Tracks, preds: Tracks) -> list[TrackedFrame]:
    """Overlaps frame by frame; what lies on an ignored true box is left out.

    Boxes are given to true ones by overlap (at least 0.5), ignored ones among them; those that
    are given to ignored ones are dropped, as in MOTChallenge.
    """
    _, gt_number = np.unique(truth.track[truth.considered], return_inverse=True)
    _, pred_number = np.unique(preds.track, return_inverse=True)
    number_of_gt = np.full(len(truth.track), -1)
    number_of_gt[truth.considered] = gt_number
    frames = []
    for frame in np.union1d(truth.frame, preds.frame):
        gt, pred = np.flatnonzero(truth.frame == frame), np.flatnonzero(preds.frame == frame)
        iou = boxes_iou(truth.boxes_xyxy[gt], preds.boxes_xyxy[pred])
        counts = truth.considered[gt]
        kept = np.ones(len(pred), dtype=bool)
        if not counts.all():
            allowed = iou >= _IGNORED_IOU
            rows, columns = linear_sum_assignment(-np.where(allowed, iou, 0))
            kept[columns[~counts[rows] & allowed[rows, columns]]] = False
        frames.append(
            TrackedFrame(
                gt=number_of_gt[gt[counts]],
                preds=pred_number[pred[kept]],
                iou=iou[np.ix_(counts, kept)],
            )
        )
    return frames


def _sequence(path: Path) -> str:
    return path.parents[1].name if path.parent.name == "gt" else path.parent.name


def _coco_sequences(dataset: CocoDataset) -> dict[str, Tracks]:
    """As the MOT export writes them: frames and pixels from 1, crowds ignored."""
    names = {video.video_id: video.name for video in dataset.videos}
    rows: dict[str, list[tuple[int, int, FloatArray, bool]]] = {}
    for image in dataset.images:
        if image.video_id is None or image.frame_index is None:
            raise DatasetError(
                f"{dataset.annotations_path}: image {image.file_name!r} is in no sequence; "
                "expected video_id and frame_index to score tracks on."
            )
        own = rows.setdefault(names.get(image.video_id, str(image.video_id)), [])
        for gt in dataset.instances[image.image_id]:
            if gt.track_id is None:
                raise DatasetError(
                    f"{dataset.annotations_path}: annotation {gt.annotation_id} has no track_id; "
                    "expected one to score tracks on."
                )
            box = np.array(gt.box_xyxy, dtype=np.float64) + 1
            own.append((image.frame_index + 1, gt.track_id, box, not gt.iscrowd))
    return {
        name: Tracks(
            frame=np.array([row[0] for row in own], dtype=np.int64),
            track=np.array([row[1] for row in own], dtype=np.int64),
            boxes_xyxy=np.array([row[2] for row in own], dtype=np.float64).reshape(-1, 4),
            considered=np.array([row[3] for row in own], dtype=bool),
        )
        for name, own in rows.items()
    }
