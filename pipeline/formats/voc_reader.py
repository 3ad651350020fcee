"""Pascal VOC folders, read."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.coco import safe_path
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance
from pipeline.formats.pictures import PICTURE_SUFFIXES, picture_hw
from pipeline.geometry.masks import BoolArray, Rle, rle_area_px, rle_of_mask
from pipeline.records.annotations import Box

__all__ = ["read_voc", "voc_splits"]


def voc_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits of a VOC folder: its lists, without those that put others together.

    None stands for one without lists; empty where there is no ``Annotations`` with XML.
    """
    root = _root(folder)
    if root is None:
        return ()
    lists = {path.stem for path in (root / "ImageSets" / "Main").glob("*.txt")}
    # Lists of one class are called class_split, and mark every line with 1, 0 or -1.
    whole = {
        name for name in lists if not any(name.endswith(f"_{other}") for other in lists - {name})
    }
    if whole & {"train", "val"}:
        whole.discard("trainval")
    return tuple(sorted(whole)) or (None,)


def read_voc(folder: Path, split: str | None) -> CocoDataset:
    """Read one split; ``difficult`` objects become crowds, as they count for nothing either.

    Raises:
        DatasetError: Naming the file, what was got and what was expected.
    """
    root = _root(folder)
    if root is None:
        raise DatasetError(f"{folder}: no Annotations/*.xml; expected a Pascal VOC folder.")
    documents = [(_xml_path(root, stem), stem) for stem in _stems(root, split)]
    parsed = [(_parse(path), path, stem) for path, stem in documents]
    names = sorted({_text(o, "name", path) for xml, path, _ in parsed for o in xml.iter("object")})
    listed = root / "labels.txt"
    if listed.is_file():
        known = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        names = [*known, *(name for name in names if name not in known)]
    ids = {name: i for i, name in enumerate(names, start=1)}
    images: list[CocoImage] = []
    instances: dict[int, tuple[CocoInstance, ...]] = {}
    annotation_id = 0
    for image_id, (xml, path, stem) in enumerate(parsed, start=1):
        image = _image(root, xml, path, stem, image_id)
        objects = xml.findall("object")
        masks = _masks(root, stem, image, len(objects))
        images.append(image)
        instances[image_id] = tuple(
            _instance(o, path, ids, image_id, annotation_id + i, masks[i - 1])
            for i, o in enumerate(objects, start=1)
        )
        annotation_id += len(objects)
    return CocoDataset(
        annotations_path=root / "Annotations",
        images_dir=root / "JPEGImages",
        categories=tuple(Category(category_id=i, name=name) for name, i in ids.items()),
        images=tuple(images),
        instances=instances,
    )


def _root(folder: Path) -> Path | None:
    for root in (folder, *sorted(folder.glob("VOC*/VOC*")), *sorted(folder.glob("VOC*"))):
        if next(iter((root / "Annotations").glob("*.xml")), None) is not None:
            return root
    return None


def _stems(root: Path, split: str | None) -> list[str]:
    if split is None:
        return sorted(path.stem for path in (root / "Annotations").glob("*.xml"))
    path = root / "ImageSets" / "Main" / f"{split}.txt"
    if not path.is_file():
        raise DatasetError(f"{path}: no such split; expected one of {voc_splits(root)}.")
    return [
        line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.split()
    ]


def _xml_path(root: Path, stem: str) -> Path:
    return safe_path(root / "Annotations", f"{stem}.xml", source=root / "ImageSets")


def _parse(path: Path) -> ET.Element:
    try:
        text = path.read_text(encoding="utf-8")
        # Entities can blow up or read other files, and VOC has no use for them.
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise DatasetError(f"{path}: has a document type; expected plain VOC XML.")
        return ET.fromstring(text)
    except (OSError, UnicodeDecodeError, ET.ParseError) as error:
        raise DatasetError(f"{path}: cannot be read as XML ({error}).") from error


def _image(root: Path, xml: ET.Element, path: Path, stem: str, image_id: int) -> CocoImage:
    pictures = root / "JPEGImages"
    named = xml.findtext("filename") or ""
    candidates = [named, *(f"{stem}{suffix}" for suffix in sorted(PICTURE_SUFFIXES))]
    for name in candidates:
        if name and (picture := safe_path(pictures, name, source=path)).is_file():
            break
    else:
        raise DatasetError(f"{path}: picture {named!r} is not in {pictures}; restore it.")
    sizes = [xml.findtext(f"size/{key}") or "" for key in ("width", "height")]
    if all(size.isdecimal() and int(size) > 0 for size in sizes):
        width, height = int(sizes[0]), int(sizes[1])
    else:
        height, width = picture_hw(picture)
    return CocoImage(image_id=image_id, file_name=name, path=picture, width=width, height=height)


def _instance(
    element: ET.Element,
    path: Path,
    ids: dict[str, int],
    image_id: int,
    annotation_id: int,
    mask: BoolArray | None,
) -> CocoInstance:
    x0, y0, x1, y1 = box_xyxy = _box(element, path)
    rle: Rle | None = None if mask is None else rle_of_mask(mask)
    return CocoInstance(
        annotation_id=annotation_id,
        image_id=image_id,
        category_id=ids[_text(element, "name", path)],
        box_xyxy=box_xyxy,
        area_px=float((x1 - x0) * (y1 - y0) if rle is None else rle_area_px(rle)),
        rle=rle,
        iscrowd=element.findtext("difficult", "0").strip() == "1",
    )


def _box(element: ET.Element, path: Path) -> Box:
    words = [element.findtext(f"bndbox/{key}") or "" for key in ("xmin", "ymin", "xmax", "ymax")]
    try:
        x0, y0, x1, y1 = (float(word) for word in words)
    except ValueError:
        x0 = y0 = x1 = y1 = float("nan")
    # VOC counts pixels from 1, and its largest coordinates lie inside the box.
    box = (x0 - 1, y0 - 1, x1, y1)
    if not all(isfinite(value) for value in box) or box[2] <= box[0] or box[3] <= box[1]:
        raise DatasetError(f"{path}: bndbox {' '.join(words)}; expected xmin ymin xmax ymax.")
    return box


def _masks(root: Path, stem: str, image: CocoImage, count: int) -> list[BoolArray | None]:
    path = root / "SegmentationObject" / f"{stem}.png"
    if not path.is_file():
        return [None] * count
    values = _palette_values(path)
    if values.shape != (image.height, image.width):
        raise DatasetError(f"{path}: {values.shape}; expected {image.height} x {image.width} px.")
    masks = [np.asarray(values == number) for number in range(1, count + 1)]
    return [mask if mask.any() else None for mask in masks]


def _palette_values(path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype != np.uint8:
        raise DatasetError(f"{path}: not an 8-bit PNG; restore or remove it.")
    if picture.ndim == 2:
        return np.asarray(picture)
    # OpenCV gives colours for a palette. VOC's deals the bits of a number out to red, green and
    # blue in turn, the lowest to the highest bit of each.
    values = np.zeros(picture.shape[:2], np.int64)
    red_green_blue = np.asarray(picture, dtype=np.int64)[..., ::-1]
    for channel in range(3):
        colours = red_green_blue[..., channel]
        for turn in range(3 if channel < 2 else 2):
            values += ((colours >> (7 - turn)) & 1) << (3 * turn + channel)
    return values.astype(np.uint8)


def _text(element: ET.Element, key: str, path: Path) -> str:
    text = (element.findtext(key) or "").strip()
    if not text:
        raise DatasetError(f"{path}: an object without <{key}>.")
    return text
