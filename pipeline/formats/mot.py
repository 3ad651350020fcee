"""MOTChallenge folders, written: one per sequence."""

from __future__ import annotations

from configparser import ConfigParser
from io import StringIO
from pathlib import Path

from pipeline.errors import DatasetError
from pipeline.formats.export import Export, place_file, safe_word, write_file
from pipeline.formats.labelled import CocoDataset, CocoImage, CocoInstance, Video

__all__ = ["write_mot"]

_UNKNOWN = -1


def write_mot(export: Export, folder: Path) -> None:
    """Write ``{split}/{sequence}/`` with ``img1/``, ``gt/gt.txt`` and ``seqinfo.ini``.

    What has no split goes to ``train``. ``seqmaps/{split}.txt`` lists the sequences and
    ``classes.txt`` the classes, numbered from 1.

    Raises:
        DatasetError: If a picture is in no sequence, or an object has no ``track_id``.
    """
    numbers = {category.name: i for i, category in enumerate(export.categories, start=1)}
    for split, dataset in export.splits.items():
        part = split or "train"
        names = {category.category_id: category.name for category in dataset.categories}
        sequences = _sequences(dataset, part)
        lines: dict[str, list[str]] = {name: [] for name in sequences.values()}
        last: dict[str, CocoImage] = {}
        for image, instances in export.pictures(dataset):
            if image.video_id not in sequences or image.frame_index is None:
                raise DatasetError(
                    f"{dataset.annotations_path}: image {image.file_name!r} is in no sequence; "
                    "render with sequence: {frames: 30, fps: 15}."
                )
            name, number = sequences[image.video_id], image.frame_index + 1
            suffix = image.path.suffix.lower()
            place_file(image.path, folder / part / name / "img1" / f"{number:06d}{suffix}")
            if name not in last or number > (last[name].frame_index or 0):
                last[name] = image
            for instance in instances:
                line = _line(dataset, instance, number, numbers[names[instance.category_id]])
                lines[name].append(line)
        for video in dataset.videos:
            name = sequences[video.video_id]
            if name in last:
                write_file(folder / part / name / "gt" / "gt.txt", "".join(lines[name]).encode())
                info = _seqinfo(name, video, last[name])
                write_file(folder / part / name / "seqinfo.ini", info.encode())
        listed = "".join(f"{name}\n" for name in ("name", *sorted(last)))
        write_file(folder / "seqmaps" / f"{part}.txt", listed.encode())
    write_file(folder / "classes.txt", "".join(f"{name}\n" for name in numbers).encode())


def _sequences(dataset: CocoDataset, part: str) -> dict[int | None, str]:
    names: dict[int | None, str] = {}
    for video in dataset.videos:
        name = safe_word(f"{part}-{video.name}")
        names[video.video_id] = name if name not in names.values() else f"{name}-{video.video_id}"
    return names


def _line(dataset: CocoDataset, instance: CocoInstance, frame: int, number: int) -> str:
    if instance.track_id is None:
        raise DatasetError(
            f"{dataset.annotations_path}: annotation {instance.annotation_id}: has no track_id, "
            "which MOTChallenge needs; render with sequence: {frames: 30, fps: 15}."
        )
    x0, y0, x1, y1 = instance.box_xyxy
    seen = _UNKNOWN if instance.visible_fraction is None else instance.visible_fraction
    # MOTChallenge counts pixels from 1; what is not to be considered has 0 for a confidence.
    numbers = (x0 + 1, y0 + 1, x1 - x0, y1 - y0, int(not instance.iscrowd), number, seen)
    return f"{frame},{instance.track_id},{','.join(f'{value:.10g}' for value in numbers)}\n"


def _seqinfo(name: str, video: Video, last: CocoImage) -> str:
    config = ConfigParser(interpolation=None)
    config.optionxform = str  # type: ignore[assignment,method-assign]  # keeps capital letters
    fps = video.fps or 0
    config["Sequence"] = {
        "name": name,
        "imDir": "img1",
        "frameRate": f"{fps:g}",
        "seqLength": str((last.frame_index or 0) + 1),
        "imWidth": str(last.width),
        "imHeight": str(last.height),
        "imExt": last.path.suffix.lower(),
    }
    text = StringIO()
    config.write(text, space_around_delimiters=False)
    return text.getvalue()
