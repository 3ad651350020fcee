"""BOP folders (6D pose), written; millimetres and pixel centres at integers, as BOP has them.

Source: github.com/thodan/bop_toolkit, docs/bop_datasets_format.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import DatasetError
from pipeline.formats.claims import Entry
from pipeline.formats.conventions import bop_from_pose, opencv_from_intrinsics
from pipeline.formats.export import Export, place_file, png_bytes, write_file
from pipeline.formats.labelled import CocoDataset, CocoImage, CocoInstance, ModelFile
from pipeline.formats.ply import ply_vertices
from pipeline.formats.storage import write_json_atomic
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.masks import BoolArray, Rle, mask_of_rle, rle_area_px
from pipeline.records.annotations import Box
from pipeline.records.passes import NO_DEPTH_M

__all__ = ["BOX_SHORT_PX", "OBJECTS_FILE", "write_bop"]

BOX_SHORT_PX = 1
"""BOP's boxes go from the centre of the first pixel to that of the last (``calc_2d_bbox``)."""

OBJECTS_FILE = Path("models") / "objects.json"
"""Which category and which of our models an ``obj_id`` is."""

_MM_M = 0.001
_SCENE_IMAGES = 1000  # of pictures that are no sequence, as in BOP's own rendered sets
_DEPTH_SCALES_MM = (0.1, 1.0, 10.0)
_BLOCK = 2048  # vertices whose distances are held at once


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    obj_id: int
    category: str
    model: str
    file: ModelFile


def write_bop(export: Export, folder: Path) -> None:
    """Write ``{split}/{scene:06d}/`` with rgb, depth and masks, and ``models/``.

    What has no split goes to ``train_pbr``. A sequence is a scene; pictures that are none make
    scenes of 1,000.

    Raises:
        DatasetError: If a picture lacks its camera, or an object its pose, model or amodal box.
    """
    objects: dict[tuple[str, str], _Object] = {}
    for split, dataset in export.splits.items():
        names = {category.category_id: category.name for category in dataset.categories}
        scenes: dict[int, _Scene] = {}
        for order, (image, instances) in enumerate(export.pictures(dataset)):
            scene_id, image_id = _place(image, order)
            scene = scenes.setdefault(
                scene_id, _Scene(folder / (split or "train_pbr") / f"{scene_id:06d}")
            )
            obj_ids = []
            for instance in instances:
                key = (names[instance.category_id], instance.model or "")
                if key not in objects:
                    file = _model_of(dataset, instance)
                    objects[key] = _Object(
                        obj_id=len(objects) + 1, category=key[0], model=key[1], file=file
                    )
                obj_ids.append(objects[key].obj_id)
                if instance.iscrowd:
                    export.leave_out("marks of crowds")
            if image.dist is not None and any(image.dist):
                export.leave_out("lens distortion")
            scene.add(dataset, image_id, image, instances, obj_ids)
        for scene in scenes.values():
            scene.finish()
    _write_models(folder / "models", list(objects.values()))


def _place(image: CocoImage, order: int) -> tuple[int, int]:
    if image.video_id is not None and image.frame_index is not None:
        return image.video_id, image.frame_index
    return divmod(order, _SCENE_IMAGES)


def _model_of(dataset: CocoDataset, instance: CocoInstance) -> ModelFile:
    file = dataset.models.get(instance.model or "")
    if file is None:
        raise _lacking(dataset, instance, "model", "{poses: true, models: true}")
    return file


def _lacking(dataset: CocoDataset, instance: CocoInstance, what: str, labels: str) -> DatasetError:
    return DatasetError(
        f"{dataset.annotations_path}: annotation {instance.annotation_id}: has no {what}, which "
        f"BOP needs; render with labels: {labels}."
    )


class _Scene:
    """One scene's files; pictures are written as they come, the JSON files at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._camera: Entry = {}
        self._gt: Entry = {}
        self._info: Entry = {}

    def add(
        self,
        dataset: CocoDataset,
        image_id: int,
        image: CocoImage,
        instances: tuple[CocoInstance, ...],
        obj_ids: list[int],
    ) -> None:
        if image.K is None:
            raise DatasetError(
                f"{dataset.annotations_path}: image {image.file_name!r}: has no cam_K, which BOP "
                "needs; render with labels: {poses: true}."
            )
        stem = f"{image_id:06d}"
        place_file(image.path, self._folder / "rgb" / f"{stem}{image.path.suffix.lower()}")
        camera: Entry = {"cam_K": opencv_from_intrinsics(image.K), "depth_scale": 1.0}
        if image.cam_from_world is not None:
            camera["cam_R_w2c"], camera["cam_t_w2c"] = bop_from_pose(image.cam_from_world)
        has_depth: BoolArray | None = None
        if image.depth is not None:
            counts, camera["depth_scale"] = _quantised(image.depth.read_m())
            has_depth = counts > 0
            write_file(self._folder / "depth" / f"{stem}.png", png_bytes(counts))
        self._camera[str(image_id)] = camera
        self._gt[str(image_id)] = [
            _gt(dataset, instance, obj_id)
            for instance, obj_id in zip(instances, obj_ids, strict=True)
        ]
        self._info[str(image_id)] = [_gt_info(dataset, i, has_depth) for i in instances]
        for number, instance in enumerate(instances):
            for kind, rle in (("mask", instance.amodal_rle), ("mask_visib", instance.rle)):
                if rle is not None:
                    path = self._folder / kind / f"{stem}_{number:06d}.png"
                    write_file(path, png_bytes(np.uint8(255) * mask_of_rle(rle)))

    def finish(self) -> None:
        for name, document in (
            ("scene_camera", self._camera),
            ("scene_gt", self._gt),
            ("scene_gt_info", self._info),
        ):
            write_json_atomic(self._folder / f"{name}.json", document)


def _gt(dataset: CocoDataset, instance: CocoInstance, obj_id: int) -> Entry:
    if instance.cam_from_obj is None:
        raise _lacking(dataset, instance, "pose", "{poses: true, models: true}")
    rotation, translation_mm = bop_from_pose(instance.cam_from_obj)
    return {"cam_R_m2c": rotation, "cam_t_m2c": translation_mm, "obj_id": obj_id}


def _gt_info(dataset: CocoDataset, instance: CocoInstance, has_depth: BoolArray | None) -> Entry:
    if instance.amodal_box_xyxy is None or not instance.visible_fraction:
        raise _lacking(dataset, instance, "amodal box and visible fraction", "{amodal: true}")
    visible = round(instance.area_px) if instance.rle is None else rle_area_px(instance.rle)
    whole = round(visible / instance.visible_fraction)
    return {
        "bbox_obj": _bbox(instance.amodal_box_xyxy),
        "bbox_visib": _bbox(instance.box_xyxy),
        "px_count_all": whole,
        "px_count_valid": _valid_px(instance.amodal_rle, has_depth, whole),
        "px_count_visib": visible,
        "visib_fract": instance.visible_fraction,
    }


def _valid_px(silhouette: Rle | None, has_depth: BoolArray | None, whole: int) -> int:
    """Pixels of the silhouette where depth was measured: rendered depth is everywhere."""
    if silhouette is None:
        return whole
    if has_depth is None:
        return rle_area_px(silhouette)
    return int((mask_of_rle(silhouette) & has_depth).sum())


def _bbox(box_xyxy: Box) -> list[int]:
    x0, y0, x1, y1 = (round(value) for value in box_xyxy)
    return [x0, y0, x1 - x0 - BOX_SHORT_PX, y1 - y0 - BOX_SHORT_PX]


def _quantised(depth_m: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.uint16], float]:
    """16-bit counts, 0 where nothing is, and the millimetres in one: the finest that reaches."""
    depth_mm = np.where(depth_m < NO_DEPTH_M, depth_m, 0) / _MM_M
    deepest = float(depth_mm.max(initial=0))
    scale = next((s for s in _DEPTH_SCALES_MM if deepest / s <= 65535), _DEPTH_SCALES_MM[-1])
    counts = np.rint(depth_mm / scale)
    return np.where(counts <= 65535, counts, 0).astype(np.uint16), scale


def _write_models(folder: Path, objects: list[_Object]) -> None:
    facts: Entry = {}
    folder.mkdir()
    for each in objects:
        content = each.file.content(unit_m=_MM_M)
        write_file(folder / f"obj_{each.obj_id:06d}.ply", content)
        known = dict(each.file.info)
        measured = {} if "diameter" in known else _model_facts(ply_vertices(content))
        facts[str(each.obj_id)] = measured | known
    write_json_atomic(folder / "models_info.json", facts)
    write_json_atomic(
        folder / OBJECTS_FILE.name,
        {str(each.obj_id): {"category": each.category, "model": each.model} for each in objects},
    )


def _model_facts(vertices_mm: FloatArray) -> Entry:
    low, high = vertices_mm.min(axis=0), vertices_mm.max(axis=0)
    return {
        "diameter": _diameter(vertices_mm),
        **{f"min_{axis}": float(value) for axis, value in zip("xyz", low, strict=True)},
        **{f"size_{axis}": float(value) for axis, value in zip("xyz", high - low, strict=True)},
    }


def _diameter(vertices: FloatArray) -> float:
    """Largest distance between two vertices."""
    points = np.unique(vertices, axis=0)
    blocks = (points[i : i + _BLOCK] for i in range(0, len(points), _BLOCK))
    squared = (points**2).sum(axis=1)
    farthest = max(
        float(((block**2).sum(axis=1)[:, None] + squared - 2 * block @ points.T).max())
        for block in blocks
    )
    return math.sqrt(max(farthest, 0.0))
