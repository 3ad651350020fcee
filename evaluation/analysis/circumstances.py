"""The circumstances of every labelled object: measured in the picture, and as they were drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evaluation.analysis.slices import ObjectRow, ObjectValue
from evaluation.matching import Finds
from evaluation.realism import measure_picture
from pipeline.dataset.frames import read_record
from pipeline.dataset.layout import DatasetLayout
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.coco import CocoDataset, CocoInstance

__all__ = ["MEASURED", "covered_share", "drawn_names", "object_rows"]

MEASURED: Mapping[str, str] = {
    "size": "object, square root of the box's area, px",
    "hidden by neighbours": "share of the box inside other boxes, %",
    "cut off": "touches the picture's border",
    "objects": "in the picture",
    "brightness": "of the picture, mean, %",
    "contrast": "of the picture, standard deviation of the greys, %",
    "saturation": "of the picture, mean, %",
    "sharpness": "of the picture, variance of the Laplacian",
    "noise": "of the picture, grey levels",
}
"""What is measured in any picture, and its unit; proxies of what was drawn."""

_BORDER_PX = 1.5


def object_rows(
    dataset: CocoDataset, finds: Mapping[int, Finds], *, side_px: int
) -> list[ObjectRow]:
    """Every object that counts, with what is known of it.

    Args:
        dataset: Real or rendered; of a rendered one what was drawn is read from its records.
        finds: Which objects were found, by image id.
        side_px: Longer side to which larger pictures are shrunk before they are measured.

    Raises:
        DatasetError: If a picture cannot be read.
    """
    rows = []
    for image in dataset.images:
        if image.image_id not in finds:
            continue
        objects = [g for g in dataset.instances[image.image_id] if not g.iscrowd]
        found = {find.truth.annotation_id for find in finds[image.image_id].found}
        common: dict[str, ObjectValue] = {
            "objects": float(len(objects)),
            **measure_picture(read_rgb(image.path), side_px=side_px),
            **_drawn(dataset, image.path),
        }
        for g in objects:
            own: dict[str, ObjectValue] = {
                "size": _side_px(g),
                "hidden by neighbours": 100 * covered_share(g, objects),
                "cut off": _cut_off(g, image.width, image.height),
            }
            if g.visible_fraction is not None:
                own["drawn: visible share"] = g.visible_fraction
            rows.append(
                ObjectRow(
                    image_id=image.image_id,
                    found=g.annotation_id in found,
                    values=common | own,
                )
            )
    return rows


def drawn_names(rows: list[ObjectRow]) -> list[str]:
    """Circumstances that were drawn, in order."""
    names = dict.fromkeys(name for row in rows for name in row.values)
    return [name for name in names if name.startswith("drawn: ")]


def _drawn(dataset: CocoDataset, picture: Path) -> dict[str, ObjectValue]:
    """What the factors drew for a frame; nothing for other pictures."""
    layout = DatasetLayout(dataset.annotations_path.parent.parent)
    if not layout.manifest.is_file() or not picture.stem.isdigit():
        return {}
    try:
        record = read_record(layout, int(picture.stem))
    except DatasetError:
        return {}  # a report of a dataset whose records were left behind
    factors = record.scene.get("factors")
    values: dict[str, ObjectValue] = {}
    for factor, parameters in factors.items() if isinstance(factors, dict) else ():
        for parameter, value in parameters.items():
            if isinstance(value, bool):
                value = "yes" if value else "no"
            values[f"drawn: {factor} {parameter.replace('_', ' ')}"] = value
    return values


def _side_px(g: CocoInstance) -> float:
    x0, y0, x1, y1 = g.box_xyxy
    return float(np.sqrt(max(0.0, x1 - x0) * max(0.0, y1 - y0)))


def covered_share(g: CocoInstance, objects: Sequence[CocoInstance]) -> float:
    """Largest share of an object's box that lies inside another one's."""
    x0, y0, x1, y1 = g.box_xyxy
    area = (x1 - x0) * (y1 - y0)
    shares = [0.0]
    for other in objects:
        if other is not g and area > 0:
            a0, b0, a1, b1 = other.box_xyxy
            wide, high = min(x1, a1) - max(x0, a0), min(y1, b1) - max(y0, b0)
            shares.append(max(0.0, wide) * max(0.0, high) / area)
    return max(shares)


def _cut_off(g: CocoInstance, width: int, height: int) -> str:
    x0, y0, x1, y1 = g.box_xyxy
    edge = min(x0, y0, width - x1, height - y1)
    return "yes" if edge < _BORDER_PX else "no"
