"""Pictures with a class map each, in folders beside each other: read as masks of classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.formats.pictures import find_pictures, picture_hw
from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.masks import BoolArray, rle_area_px, rle_of_mask

__all__ = ["class_regions", "mask_splits", "read_class_masks", "read_indices"]

_PAIRS = (("images", "masks"), ("JPEGImages", "SegmentationClass"))
_SPLITS = ("train", "val", "test")
_LISTS = (Path("ImageSets/Segmentation"), Path())
_NAMES = ("classes.txt", "labels.txt", "class_dict.csv")
_VOID = 255
_VOID_WORDS = frozenset({"void", "ignore", "unlabelled", "unlabeled"})
_HEADER = ["name", "r", "g", "b"]
_VOC = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"),
    *("train", "tvmonitor"),
)

IndexMap = npt.NDArray[np.int64]
"""(H, W) class of every pixel: 0 background, ``_VOID`` not labelled."""


def mask_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits of a folder with pictures and class maps; None for one without, empty for neither.

    ``images/`` beside ``masks/`` or ``JPEGImages/`` beside ``SegmentationClass/``: in a folder of
    each split, with a folder of each split in them, or with ``ImageSets/Segmentation/train.txt``
    or ``train.txt``, which list names.
    """
    inside = [split for split in _SPLITS if _pair(folder / split) is not None]
    if inside:
        return tuple(inside)
    pair = _pair(folder)
    if pair is None:
        return ()
    below = [s for s in _SPLITS if all((part / s).is_dir() for part in pair)]
    listed = [s for s in _SPLITS if _list(folder, s) is not None]
    return tuple(below or listed) or (None,)


def read_class_masks(folder: Path, split: str | None) -> CocoDataset:
    """Read one split: in every picture all pixels of a class are one object.

    Maps are PNGs named as their picture: 8 or 16 bits of class numbers, a palette whose positions
    are the class numbers, or colours. ``classes.txt``, ``labels.txt`` or ``class_dict.csv`` names
    them: a line each from class 0, the background, on; ``name,r,g,b`` where maps are in colour.
    Class 255, and one that is called void or ignore, is not labelled: it becomes a crowd.

    Raises:
        DatasetError: Naming the file, what was got and what was expected.
    """
    if split not in mask_splits(folder):
        raise DatasetError(f"{folder}: no split {split!r}; found {mask_splits(folder)}.")
    classes = _read_classes(folder) or _found_classes(folder, split)
    images: list[CocoImage] = []
    instances: dict[int, tuple[CocoInstance, ...]] = {}
    next_id = 1
    for image_id, (picture, mask, name) in enumerate(_files(folder, split), start=1):
        height, width = picture_hw(picture)
        indices = read_indices(mask, classes.colours)
        if indices.shape != (height, width):
            raise DatasetError(
                f"{mask}: got {indices.shape[1]} x {indices.shape[0]} px; expected {width} x "
                f"{height}, as {picture.name}."
            )
        void = classes.not_labelled(indices, mask)
        images.append(
            CocoImage(image_id=image_id, file_name=name, path=picture, width=width, height=height)
        )
        found = tuple(class_regions(indices, list(classes.names), void, image_id, next_id))
        instances[image_id] = found
        next_id += len(found)
    if not images:
        raise DatasetError(f"{folder}: no pictures in split {split!r}; expected at least one.")
    return CocoDataset(
        annotations_path=folder,
        images_dir=folder,
        categories=tuple(Category(category_id=i, name=name) for i, name in classes.names.items()),
        images=tuple(images),
        instances=instances,
    )


def class_regions(
    indices: IndexMap, classes: Sequence[int], void: BoolArray, image_id: int, next_id: int
) -> Iterator[CocoInstance]:
    """All pixels of each class as one object; what is not labelled as a crowd of the first class.

    Args:
        indices: (H, W) class of every pixel.
        classes: Those that are objects; their category ids as well.
        void: (H, W) not labelled.
        image_id: Of the picture.
        next_id: Of the first annotation.
    """
    regions = [(number, (indices == number) & ~void, False) for number in classes]
    for category_id, mask, iscrowd in (*regions, (classes[0], void, True)):
        if not mask.any():
            continue
        x0, y0, x1, y1 = box_of_mask(mask).tolist()
        rle = rle_of_mask(mask)
        yield CocoInstance(
            annotation_id=next_id,
            image_id=image_id,
            category_id=category_id,
            box_xyxy=(x0, y0, x1, y1),
            area_px=float(rle_area_px(rle)),
            rle=rle,
            iscrowd=iscrowd,
        )
        next_id += 1


def read_indices(path: Path, colours: Mapping[tuple[int, int, int], int] | None = None) -> IndexMap:
    """The class numbers of a map.

    Args:
        path: A PNG.
        colours: Class by red, green, blue, for maps in colour.

    Raises:
        DatasetError: If it is no such picture, or holds colours that are not known.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
    if pixels is None or pixels.dtype not in (np.uint8, np.uint16):
        raise DatasetError(f"{path}: missing or no PNG of 8 or 16 bits; restore it.")
    if pixels.ndim == 2:
        return np.asarray(pixels, dtype=np.int64)
    lookup = _palette(path) or colours
    if lookup is None:
        raise DatasetError(
            f"{path}: a map in colour; expected class numbers, or classes.txt with lines "
            "'name,r,g,b'."
        )
    red_green_blue = np.asarray(pixels[..., 2::-1], dtype=np.int64)
    keys = red_green_blue @ [65536, 256, 1]
    found, inverse = np.unique(keys, return_inverse=True)
    classes = np.empty(len(found), np.int64)
    for i, key in enumerate(found.tolist()):
        colour = (key >> 16, key >> 8 & 255, key & 255)
        if colour not in lookup:
            known = ", ".join(str(each) for each in list(lookup)[:8])
            raise DatasetError(f"{path}: colour {colour} stands for no class; known: {known}.")
        classes[i] = lookup[colour]
    return classes[inverse].reshape(keys.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Classes:
    """Names by class, classes by colour, and classes that stand for "not labelled"."""

    names: Mapping[int, str]
    colours: Mapping[tuple[int, int, int], int] | None = None
    void: frozenset[int] = frozenset()

    def not_labelled(self, indices: IndexMap, path: Path) -> BoolArray:
        """(H, W); refuses classes without a name."""
        void = self.void if _VOID in self.names else self.void | {_VOID}
        unknown = set(np.unique(indices).tolist()) - {0, *void, *self.names}
        if unknown:
            raise DatasetError(
                f"{path}: got class {min(unknown)}; expected 0 for the background, one of "
                f"{', '.join(f'{i} ({name})' for i, name in self.names.items())}, or {_VOID} for "
                "what is not labelled."
            )
        return np.isin(indices, list(void))


def _read_classes(folder: Path) -> _Classes | None:
    path = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = [[part.strip() for part in line.split(",")] for line in lines if line.strip()]
    names: dict[int, str] = {}
    colours: dict[tuple[int, int, int], int] = {}
    void = set()
    for number, row in enumerate(rows[1:] if rows[:1] == [_HEADER] else rows):
        name, *channels = row
        if channels:
            if len(channels) != 3 or not all(c.isdecimal() and int(c) < 256 for c in channels):
                raise DatasetError(f"{path}: {','.join(row)!r}: expected 'name' or 'name,r,g,b'.")
            colours[int(channels[0]), int(channels[1]), int(channels[2])] = number
        if name.lower() in _VOID_WORDS:
            void.add(number)
        elif number > 0:
            names[number] = name
    if not names or len(set(names.values())) < len(names):
        raise DatasetError(
            f"{path}: got {', '.join(names.values()) or 'no class'}; expected the background, "
            "then a class a line, none twice."
        )
    return _Classes(names=names, colours=colours or None, void=frozenset(void))


def _found_classes(folder: Path, split: str | None) -> _Classes:
    """Where no file names them: Pascal VOC's in its own layout, else as they are numbered."""
    if (folder / _PAIRS[1][1]).is_dir():
        return _Classes(names=dict(enumerate(_VOC, start=1)))
    found = {v for _, mask, _ in _files(folder, split) for v in np.unique(read_indices(mask))}
    numbers = sorted(int(v) for v in found - {0, _VOID})
    return _Classes(names={number: f"class {number}" for number in numbers or [1]})


def _pair(folder: Path) -> tuple[Path, Path] | None:
    pairs = ((folder / pictures, folder / masks) for pictures, masks in _PAIRS)
    return next((p for p in pairs if p[0].is_dir() and p[1].is_dir()), None)


def _list(folder: Path, split: str) -> Path | None:
    paths = (folder / parent / f"{split}.txt" for parent in _LISTS)
    return next((path for path in paths if path.is_file()), None)


def _files(folder: Path, split: str | None) -> Iterator[tuple[Path, Path, str]]:
    """Picture, map and name of every pair."""
    root = folder / split if split and _pair(folder / split) is not None else folder
    pair = _pair(root)
    assert pair is not None
    pictures, masks = pair
    wanted: set[str] | None = None
    if split and root == folder:
        if (pictures / split).is_dir():
            pictures, masks = pictures / split, masks / split
        elif (listed := _list(folder, split)) is not None:
            wanted = {
                line.split()[0] for line in listed.read_text("utf-8").splitlines() if line.split()
            }
    found = {
        path.relative_to(pictures).with_suffix("").as_posix(): path
        for path in find_pictures(pictures)
    }
    if wanted is not None and (missing := sorted(wanted - set(found))):
        raise DatasetError(f"{pictures}: no picture {missing[0]!r}, which split {split!r} lists.")
    for stem in sorted(found if wanted is None else wanted):
        picture = found[stem]
        yield picture, masks / f"{stem}.png", picture.relative_to(pictures).as_posix()


def _palette(path: Path) -> dict[tuple[int, int, int], int] | None:
    """Positions in a PNG's palette by colour, the first of equal ones; None without a palette."""
    data = path.read_bytes()
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"PLTE":
            triples = data[place + 8 : place + 8 + length]
            entries = [tuple(triples[i : i + 3]) for i in range(0, length, 3)]
            return {(r, g, b): i for i, (r, g, b) in reversed(list(enumerate(entries)))}
        if kind == b"IDAT":
            break
        place += 12 + length
    return None
