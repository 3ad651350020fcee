"""Pascal VOC 2012 folders, written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.export import Export, place_file, png_bytes, unique_stems, write_file
from pipeline.formats.labelled import CocoImage, CocoInstance
from pipeline.geometry.masks import mask_of_rle

__all__ = ["VOC_FOLDER", "write_voc"]

VOC_FOLDER = Path("VOCdevkit") / "VOC2012"
"""Where torchvision and others look for it."""

_JPEG_QUALITY = 95
_MOST_OBJECTS = 254  # in 8 bits, and 255 is VOC's "void"
_OCCLUDED_FROM = 0.05  # VOC's guidelines for annotators: more than 5 % is hidden


def write_voc(export: Export, folder: Path) -> None:
    """Write ``VOCdevkit/VOC2012``: pictures as JPEG, XML, splits, and masks where all have some.

    What has no split goes to ``train``. Crowds become ``difficult``. ``labels.txt`` names the
    classes of ``SegmentationClass``, from 1.
    """
    root = folder / VOC_FOLDER
    numbers = {category.name: i for i, category in enumerate(export.categories, start=1)}
    lists: dict[str, list[str]] = {"Main/trainval": []}
    taken: set[str] = set()
    for split, dataset in export.splits.items():
        part = split or "train"
        stems = unique_stems(dataset, taken)
        names = {category.category_id: category.name for category in dataset.categories}
        lists[f"Main/{part}"] = list(stems.values())
        if part != "test":
            lists["Main/trainval"].extend(stems.values())
        for image, instances in export.pictures(dataset):
            stem = stems[image.image_id]
            has_masks = bool(instances) and all(i.rle is not None for i in instances)
            if has_masks and max(len(instances), len(numbers)) > _MOST_OBJECTS:
                export.leave_out(f"masks of a picture with more than {_MOST_OBJECTS} objects")
                has_masks = False
            channels = _place_jpeg(image.path, root / "JPEGImages" / f"{stem}.jpg")
            xml = _annotation(image, f"{stem}.jpg", channels, instances, names, has_masks)
            write_file(root / "Annotations" / f"{stem}.xml", xml)
            if has_masks:
                lists.setdefault(f"Segmentation/{part}", []).append(stem)
                objects, hidden_px = _objects(image, instances)
                if hidden_px:
                    export.leave_out("pixels in a second mask", hidden_px)
                classes = [numbers[names[instance.category_id]] for instance in instances]
                table = np.array([0, *classes], np.uint8)
                write_file(root / "SegmentationObject" / f"{stem}.png", png_bytes(objects))
                write_file(root / "SegmentationClass" / f"{stem}.png", png_bytes(table[objects]))
    for name, stems_of_list in lists.items():
        text = "".join(f"{stem}\n" for stem in stems_of_list)
        write_file(root / "ImageSets" / f"{name}.txt", text.encode())
    write_file(root / "labels.txt", "".join(f"{name}\n" for name in numbers).encode())


def _place_jpeg(source: Path, target: Path) -> int:
    """Put a picture in its place, encoded anew where it is no JPEG; returns its channels."""
    picture = cv2.imread(str(source), cv2.IMREAD_ANYCOLOR)
    if picture is None:
        raise DatasetError(f"{source}: not a picture that OpenCV can read.")
    if source.suffix.lower() in (".jpg", ".jpeg"):
        place_file(source, target)
    else:
        encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        write_file(target, encoded.tobytes())
    return 1 if picture.ndim == 2 else 3


def _annotation(
    image: CocoImage,
    file_name: str,
    channels: int,
    instances: Sequence[CocoInstance],
    names: Mapping[int, str],
    segmented: bool,
) -> bytes:
    root = ET.Element("annotation")
    _add(root, {"folder": VOC_FOLDER.name, "filename": file_name})
    size = ET.SubElement(root, "size")
    _add(size, {"width": image.width, "height": image.height, "depth": channels})
    _add(root, {"segmented": int(segmented)})
    for instance in instances:
        entry = ET.SubElement(root, "object")
        _add(
            entry,
            {
                "name": names[instance.category_id],
                "pose": "Unspecified",
                "truncated": int((instance.truncation or 0) > 0),
                "occluded": int(_is_occluded(instance)),
                "difficult": int(instance.iscrowd),
            },
        )
        x0, y0, x1, y1 = instance.box_xyxy
        # VOC counts pixels from 1, and its largest coordinates lie inside the box.
        corners = {"xmin": x0 + 1, "ymin": y0 + 1, "xmax": x1, "ymax": y1}
        box = ET.SubElement(entry, "bndbox")
        _add(box, {key: f"{value:.10g}" for key, value in corners.items()})
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8")) + b"\n"


def _is_occluded(instance: CocoInstance) -> bool:
    if instance.visible_fraction is None:
        return False
    inside = 1 - (instance.truncation or 0)
    return instance.visible_fraction < (1 - _OCCLUDED_FROM) * inside


def _add(parent: ET.Element, values: Mapping[str, object]) -> None:
    for key, value in values.items():
        ET.SubElement(parent, key).text = str(value)


def _objects(
    image: CocoImage, instances: Sequence[CocoInstance]
) -> tuple[npt.NDArray[np.uint8], int]:
    """Every pixel's object, from 1, and how many pixels are another's as well."""
    picture = np.zeros((image.height, image.width), np.uint8)
    hidden_px = 0
    for number, instance in enumerate(instances, start=1):
        if instance.rle is not None:
            mask = mask_of_rle(instance.rle)
            hidden_px += int(np.count_nonzero(picture[mask]))
            picture[mask] = number
    return picture, hidden_px
