"""WebDataset shards, written with the standard library's tar."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from io import BytesIO
from itertools import chain, islice
from pathlib import Path

from pipeline.formats.claims import Entry
from pipeline.formats.coco_writer import annotation_entry, category_entry, image_entry, video_entry
from pipeline.formats.export import Export, npy_bytes, unique_stems
from pipeline.formats.labelled import CocoImage, CocoInstance
from pipeline.formats.storage import write_json_atomic

__all__ = ["write_webdataset"]

_SAMPLES_PER_SHARD = 1000


def write_webdataset(export: Export, folder: Path) -> None:
    """Write ``{split}-000000.tar``, ... and ``dataset.json``.

    A sample is a picture as ``{key}.png`` or ``.jpg``, ``{key}.json`` with its COCO entries
    (``image``, ``annotations``), and where there is one the depth in metres, ``{key}.depth.npy``.
    What has no split goes to ``train``. ``dataset.json`` has categories, videos and the shards of
    every split.
    """
    splits: Entry = {}
    for split, dataset in export.splits.items():
        part = split or "train"
        stems = unique_stems(dataset)
        pictures = export.pictures(dataset)
        shards: list[str] = []
        while samples := list(islice(pictures, 1)):
            shards.append(f"{part}-{len(shards):06d}.tar")
            with tarfile.open(folder / shards[-1], "w") as shard:
                for image, instances in chain(samples, islice(pictures, _SAMPLES_PER_SHARD - 1)):
                    for suffix, content in _members(image, instances):
                        _add(shard, f"{stems[image.image_id]}{suffix}", content)
        splits[part] = {
            "shards": shards,
            "categories": [category_entry(category) for category in dataset.categories],
            "videos": [video_entry(video) for video in dataset.videos],
        }
    write_json_atomic(folder / "dataset.json", splits)


def _members(image: CocoImage, instances: tuple[CocoInstance, ...]) -> Iterator[tuple[str, bytes]]:
    yield image.path.suffix.lower(), image.path.read_bytes()
    annotations = [annotation_entry(instance) for instance in instances]
    document = {"image": image_entry(image), "annotations": annotations}
    yield ".json", json.dumps(document).encode()
    if image.depth is not None:
        yield ".depth.npy", npy_bytes(image.depth.read_m())


def _add(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    # No time and no owner: the same dataset gives the same bytes.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, BytesIO(content))
