"""BOP folders (6D pose), read.

Source: github.com/thodan/bop_toolkit, docs/bop_datasets_format.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.errors import DatasetError
from pipeline.formats.bop import BOX_SHORT_PX, OBJECTS_FILE
from pipeline.formats.claims import Claims, Entry, load_json
from pipeline.formats.conventions import intrinsics_from_opencv
from pipeline.formats.labelled import (
    Category,
    CocoDataset,
    CocoImage,
    CocoInstance,
    DepthFile,
    ModelFile,
)
from pipeline.formats.pictures import picture_hw
from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.masks import Rle, mask_of_rle, rle_area_px, rle_of_mask
from pipeline.records.annotations import Box

__all__ = ["bop_splits", "read_bop"]

_MM_M = 0.001
_PICTURES = [
    f"{kind}/{{:06d}}{suffix}" for kind in ("rgb", "gray") for suffix in (".png", ".jpg", ".tif")
]


def bop_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits of a BOP folder: those of its folders that hold scenes; empty where none does."""
    return tuple(
        sorted(path.name for path in folder.iterdir() if any(path.glob("*/scene_gt.json")))
    )


def read_bop(folder: Path, split: str | None) -> CocoDataset:
    """Read all scenes of one split.

    Objects without a visible pixel are left out: a record is of something visible.

    Raises:
        DatasetError: Naming the file, the entry, what was got and what was expected.
    """
    scenes = sorted((folder / (split or "")).glob("*/scene_gt.json")) if split else []
    if not scenes:
        raise DatasetError(f"{folder}: no split {split!r}; expected one of {bop_splits(folder)}.")
    objects = _objects(folder)
    images: list[CocoImage] = []
    instances: dict[int, tuple[CocoInstance, ...]] = {}
    next_id = 1
    for scene_gt in scenes:
        scene = _Scene(scene_gt.parent, folder / str(split))
        for number in scene.numbers:
            image = scene.image(number, len(images) + 1)
            found = tuple(scene.instances(number, image, objects, next_id))
            next_id += len(found)
            images.append(image)
            instances[image.image_id] = found
    names = list(dict.fromkeys(each.category for each in objects.values()))
    return CocoDataset(
        annotations_path=folder / str(split),
        images_dir=folder / str(split),
        categories=tuple(Category(category_id=i, name=n) for i, n in enumerate(names, start=1)),
        images=tuple(images),
        instances=instances,
        models={each.model: each.file for each in objects.values() if each.file is not None},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    category_id: int
    category: str
    model: str
    file: ModelFile | None


def _objects(folder: Path) -> Mapping[int, _Object]:
    """By obj_id; without our side file every object is a category of its own."""
    models = folder / "models"
    facts_path, side_path = models / "models_info.json", folder / OBJECTS_FILE
    facts = load_json(facts_path) if facts_path.is_file() else {}
    side = load_json(side_path) if side_path.is_file() else {}
    ids = {int(key) for key in (*facts, *side) if key.isdecimal()}
    ids |= {int(path.stem[4:]) for path in models.glob("obj_*.ply") if path.stem[4:].isdecimal()}
    category_ids: dict[str, int] = {}
    found = {}
    for obj_id in sorted(ids):
        own = side.get(str(obj_id), {})
        category = str(own.get("category", f"obj_{obj_id:06d}"))
        path = models / f"obj_{obj_id:06d}.ply"
        info = facts.get(str(obj_id), {})
        found[obj_id] = _Object(
            category_id=category_ids.setdefault(category, len(category_ids) + 1),
            category=category,
            model=str(own.get("model", path.stem)),
            file=ModelFile(path=path, unit_m=_MM_M, info=info) if path.is_file() else None,
        )
    return found


class _Scene:
    """One scene folder."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._folder, self._root = folder, root
        self._gt = load_json(folder / "scene_gt.json")
        self._camera = load_json(folder / "scene_camera.json")
        info = folder / "scene_gt_info.json"
        self._info = load_json(info) if info.is_file() else {}
        self._at_gt = Claims(folder / "scene_gt.json")
        self._at_camera = Claims(folder / "scene_camera.json")
        self._at_info = Claims(info)

    @property
    def numbers(self) -> list[int]:
        """Of the pictures, ascending."""
        if not all(key.isdecimal() for key in self._gt):
            raise DatasetError(f"{self._folder / 'scene_gt.json'}: keys must be image numbers.")
        return sorted(int(key) for key in self._gt)

    def image(self, number: int, image_id: int) -> CocoImage:
        candidates = (self._folder / pattern.format(number) for pattern in _PICTURES)
        path = next((path for path in candidates if path.is_file()), None)
        if path is None:
            raise DatasetError(f"{self._folder}: no picture {number:06d} in rgb or gray.")
        what = f"image {number}"
        camera = self._at_camera.entry(self._camera, str(number))
        height, width = picture_hw(path)
        scale = self._at_camera.optional_number(camera, "depth_scale", what) or 1.0
        depth = self._folder / "depth" / f"{number:06d}.png"
        return CocoImage(
            image_id=image_id,
            file_name=path.relative_to(self._root).as_posix(),
            path=path,
            width=width,
            height=height,
            K=intrinsics_from_opencv(self._at_camera.numbers(camera, "cam_K", what, count=9)),
            cam_from_world=self._at_camera.pose(camera, "w2c", what),
            depth=DepthFile(path=depth, unit_m=scale * _MM_M) if depth.is_file() else None,
        )

    def instances(
        self, number: int, image: CocoImage, objects: Mapping[int, _Object], first_id: int
    ) -> Iterable[CocoInstance]:
        key = str(number)
        entries = self._at_gt.entries(self._gt, key)
        infos = self._at_info.entries(self._info, key) if self._info else [{} for _ in entries]
        if len(infos) != len(entries):
            raise self._at_info.refusal(
                f"image {key}", f"{len(infos)} entries; expected {len(entries)}"
            )
        for position, (entry, info) in enumerate(zip(entries, infos, strict=True)):
            what = f"image {key}, object {position}"
            obj_id = self._at_gt.integer(entry, "obj_id", what)
            if obj_id not in objects:
                raise self._at_gt.refusal(what, f"obj_id {obj_id} is not in models")
            stem = f"{number:06d}_{position:06d}.png"
            visible = self._mask("mask_visib", stem, image)
            box, area_px = self._visible(info, visible, what)
            if box is None:
                continue
            yield CocoInstance(
                annotation_id=first_id,
                image_id=image.image_id,
                category_id=objects[obj_id].category_id,
                box_xyxy=box,
                area_px=area_px,
                rle=visible,
                iscrowd=False,
                visible_fraction=self._at_info.fraction(info, "visib_fract", what),
                amodal_box_xyxy=self._box(info, "bbox_obj", what),
                amodal_rle=self._mask("mask", stem, image),
                cam_from_obj=self._at_gt.pose(entry, "m2c", what),
                box_3d_m=_box_3d_m(objects[obj_id]),
                model=objects[obj_id].model if objects[obj_id].file is not None else None,
            )
            first_id += 1

    def _visible(self, info: Entry, mask: Rle | None, what: str) -> tuple[Box | None, float]:
        """Box and area of the visible part, of the mask where there is one; None if hidden."""
        box = self._box(info, "bbox_visib", what)
        if mask is not None:
            tight = box_of_mask(mask_of_rle(mask))
            x0, y0, x1, y1 = tight.tolist()
            return (None if np.isnan(x0) else (x0, y0, x1, y1)), float(rle_area_px(mask))
        if box is None:
            raise self._at_info.refusal(
                what, "neither bbox_visib nor a mask in mask_visib; expected one of them"
            )
        area_px = self._at_info.optional_number(info, "px_count_visib", what)
        if area_px == 0 or box[2] <= box[0] or box[3] <= box[1] or box[0] < 0:
            return None, 0.0
        return box, (box[2] - box[0]) * (box[3] - box[1]) if area_px is None else area_px

    def _box(self, info: Entry, key: str, what: str) -> Box | None:
        if info.get(key) is None:
            return None
        x, y, width, height = self._at_info.numbers(info, key, what, count=4)
        return (x, y, x + width + BOX_SHORT_PX, y + height + BOX_SHORT_PX)

    def _mask(self, kind: str, name: str, image: CocoImage) -> Rle | None:
        path = self._folder / kind / name
        if not path.is_file():
            return None
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if mask is None or mask.shape != (image.height, image.width):
            raise DatasetError(
                f"{path}: not a mask of {image.width} x {image.height} px; restore or remove it."
            )
        return rle_of_mask(np.asarray(mask) > 0)


def _box_3d_m(each: _Object) -> tuple[float, float, float, float, float, float] | None:
    info = each.file.info if each.file is not None else {}
    values = [info.get(f"{end}_{axis}") for end in ("min", "size") for axis in "xyz"]
    if not all(isinstance(value, int | float) for value in values):
        return None
    x, y, z, dx, dy, dz = (float(str(value)) * _MM_M for value in values)
    return (x, y, z, x + dx, y + dy, z + dz)
