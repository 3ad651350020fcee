"""Published test sets by name, downloaded by torchvision's own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from torchvision.datasets import OxfordIIITPet, VOCDetection, VOCSegmentation

from pipeline.errors import DatasetError

__all__ = ["PUBLISHED", "PublishedSet", "fetch_published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSet:
    """A set that torchvision can download.

    Attributes:
        load: Opens a part in a folder, downloading the set first if told to.
        folder: Where it then lies, inside that folder.
        layout: One of ``pipeline.formats.annotated.LAYOUTS``.
    """

    load: tuple[Callable[[Path, bool], object], ...]
    folder: str
    layout: str


def _voc(
    kind: type[VOCDetection] | type[VOCSegmentation], year: str, part: str
) -> Callable[[Path, bool], object]:
    return lambda root, download: kind(root, year=year, image_set=part, download=download)


def _pet(root: Path, download: bool) -> object:
    return OxfordIIITPet(root, download=download)


PUBLISHED: Mapping[str, PublishedSet] = {
    "voc2007": PublishedSet(
        load=(_voc(VOCDetection, "2007", "train"), _voc(VOCDetection, "2007", "test")),
        folder="VOCdevkit/VOC2007",
        layout="voc",
    ),
    "voc2012": PublishedSet(
        load=(_voc(VOCDetection, "2012", "train"),), folder="VOCdevkit/VOC2012", layout="voc"
    ),
    "voc2012-segmentation": PublishedSet(
        load=(_voc(VOCSegmentation, "2012", "train"),), folder="VOCdevkit/VOC2012", layout="masks"
    ),
    "oxford-iiit-pet": PublishedSet(load=(_pet,), folder="oxford-iiit-pet", layout="pet"),
}
"""By name; of Pascal VOC 2012 the test labels are not published."""


def fetch_published(name: str, root: Path) -> Path:
    """The folder of a published set, downloaded unless it is there.

    Args:
        name: One of ``PUBLISHED``.
        root: torchvision's ``root``: a copy made by torchvision elsewhere can be put here.

    Raises:
        DatasetError: If it cannot be downloaded, or the download is damaged.
    """
    known = PUBLISHED[name]
    folder = root / known.folder
    root.mkdir(parents=True, exist_ok=True)
    for load in known.load:
        try:
            load(root, False)
        except (RuntimeError, OSError):  # not there, or not whole
            try:
                load(root, True)
            except (RuntimeError, OSError, URLError) as error:
                raise DatasetError(
                    f"benchmark {name!r}: cannot be downloaded ({error}). Download it with "
                    f"torchvision on a machine with a network and copy it to {folder}."
                ) from error
    return folder
