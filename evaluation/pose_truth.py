"""True 6D poses: of a BOP folder, or of a COCO file with ``cam_R_m2c`` and models or keypoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from pipeline.errors import DatasetError
from pipeline.formats.bop_reader import bop_splits
from pipeline.formats.claims import Claims, load_json
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.conventions import intrinsics_from_opencv
from pipeline.formats.labelled import ModelFile
from pipeline.formats.pictures import picture_hw
from pipeline.formats.ply import ply_vertices
from pipeline.geometry.boxes import FloatArray
from pipeline.geometry.camera import Matrix3, Matrix4
from pipeline.geometry.symmetries import symmetry_transforms
from pipeline.records.scene import Vector3

__all__ = ["PoseObject", "PoseTarget", "PoseTruth", "has_poses", "read_pose_truth"]

_MM_M = 0.001
_MIN_VISIBLE = 0.1  # of the silhouette, as in the BOP challenge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseObject:
    """What poses of an object are measured with.

    Attributes:
        points_m: (N, 3) vertices; of an object without a model its keypoints.
        diameter_m: Greatest distance between two of them.
        symmetries: (S, 4, 4).
    """

    points_m: FloatArray
    diameter_m: float
    symmetries: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseTarget:
    """One object that is to be found.

    Attributes:
        scene_id: BOP's; of a COCO file the ``video_id``, else 0.
        im_id: BOP's; of a COCO file the image id.
        obj_id: BOP's; of a COCO file the category id.
        name: Of the class in a score.
        width_px: Of the picture.
    """

    scene_id: int
    im_id: int
    obj_id: int
    name: str
    cam_from_obj: Matrix4
    K: Matrix3
    width_px: int
    shape: PoseObject


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseTruth:
    """All targets of a split.

    Attributes:
        source: The file or folder that was read, relative to the benchmark.
        files: What the truth stands in.
        images: (scene_id, im_id) of every picture, also those without a target.
        has_scenes: Whether ``scene_id`` says which pictures belong together.
    """

    split: str | None
    source: str
    files: tuple[Path, ...]
    images: tuple[tuple[int, int], ...]
    targets: tuple[PoseTarget, ...]
    has_scenes: bool


def read_pose_truth(folder: Path, split: str | None) -> PoseTruth:
    """Read poses; objects of which less than a tenth is visible are no targets.

    A folder that is both BOP and COCO is read as BOP.

    Args:
        folder: Of the benchmark or dataset.
        split: By default ``test``, else ``val``, else the first.

    Raises:
        DatasetError: If there are no poses, models are missing, or an entry is wrong.
    """
    splits = [name for name in bop_splits(folder) if name is not None]
    if not splits or (split is not None and split not in splits):
        return _coco_truth(folder, split)
    chosen = split or next((name for name in ("test", "val") if name in splits), splits[0])
    return _bop_truth(folder, chosen)


def has_poses(folder: Path, split: str | None) -> bool:
    """Whether a COCO folder tells of any object its pose, its points and the camera.

    Raises:
        DatasetError: If it is wrong.
    """
    dataset = read_coco(find_annotations(folder, split))
    pointed = {category.category_id for category in dataset.categories if category.points_m}
    return any(
        instance.cam_from_obj is not None
        and (instance.model in dataset.models or instance.category_id in pointed)
        for image in dataset.images
        if image.K is not None
        for instance in dataset.instances[image.image_id]
    )


def _bop_truth(folder: Path, split: str) -> PoseTruth:
    models = next((m for m in (folder / "models_eval", folder / "models") if m.is_dir()), None)
    if models is None:
        raise DatasetError(f"{folder}: no models_eval or models; poses are measured on them.")
    facts = load_json(models / "models_info.json")
    shapes: dict[int, PoseObject] = {}
    targets, images, files = [], [], []
    for path in sorted((folder / split).glob("*/scene_gt.json")):
        scene = path.parent
        scene_id = int(scene.name)
        at, camera_at = Claims(path), Claims(scene / "scene_camera.json")
        document, cameras = load_json(path), load_json(scene / "scene_camera.json")
        info_path = scene / "scene_gt_info.json"
        infos = load_json(info_path) if info_path.is_file() else {}
        files += [path, scene / "scene_camera.json"]
        for key in sorted(document, key=int):
            what, camera = f"image {key}", camera_at.entry(cameras, key)
            images.append((scene_id, int(key)))
            entries = at.entries(document, key)
            info = Claims(info_path).entries(infos, key) if infos else [{} for _ in entries]
            width_px = _width_px(scene, int(key))
            for entry, about in zip(entries, info, strict=True):
                pose = at.pose(entry, "m2c", what)
                obj_id = at.integer(entry, "obj_id", what)
                if pose is None:
                    raise at.refusal(what, "an object without cam_R_m2c; expected its pose")
                if float(about.get("visib_fract", 1.0)) < _MIN_VISIBLE:
                    continue
                if obj_id not in shapes:
                    file = ModelFile(
                        path=models / f"obj_{obj_id:06d}.ply",
                        unit_m=_MM_M,
                        info=facts.get(str(obj_id), {}),
                    )
                    shapes[obj_id] = _shape(file)
                targets.append(
                    PoseTarget(
                        scene_id=scene_id,
                        im_id=int(key),
                        obj_id=obj_id,
                        name=f"obj_{obj_id:06d}",
                        cam_from_obj=pose,
                        K=intrinsics_from_opencv(camera_at.numbers(camera, "cam_K", what, count=9)),
                        width_px=width_px,
                        shape=shapes[obj_id],
                    )
                )
    return PoseTruth(
        split=split,
        source=split,
        files=tuple(files),
        images=tuple(images),
        targets=tuple(targets),
        has_scenes=True,
    )


def _coco_truth(folder: Path, split: str | None) -> PoseTruth:
    path = find_annotations(folder, split)
    dataset = read_coco(path)
    categories = {category.category_id: category for category in dataset.categories}
    shapes: dict[str, PoseObject] = {}
    targets = []
    for image in dataset.images:
        for instance in dataset.instances[image.image_id]:
            seen = 1.0 if instance.visible_fraction is None else instance.visible_fraction
            if instance.cam_from_obj is None or instance.iscrowd or seen < _MIN_VISIBLE:
                continue
            category = categories[instance.category_id]
            name = instance.model or ""
            if image.K is None or not (name in dataset.models or category.points_m):
                raise DatasetError(
                    f"{path}: annotation {instance.annotation_id}: a pose without a model or "
                    "keypoints_3d, or a picture without cam_K; expected both. Render with labels: "
                    "{poses: true, models: true}."
                )
            name = name if name in dataset.models else f"keypoints of {category.name}"
            if name not in shapes:
                model = dataset.models.get(name)
                shapes[name] = _shape(model) if model else _points_alone(category.points_m)
            targets.append(
                PoseTarget(
                    scene_id=image.video_id or 0,
                    im_id=image.image_id,
                    obj_id=instance.category_id,
                    name=category.name,
                    cam_from_obj=instance.cam_from_obj,
                    K=image.K,
                    width_px=image.width,
                    shape=shapes[name],
                )
            )
    if not targets:
        raise DatasetError(
            f"{path}: no annotation has cam_R_m2c and cam_t_m2c; expected poses to score a CSV on."
        )
    return PoseTruth(
        split=path.stem.removeprefix("instances").removeprefix("_") or None,
        source=path.relative_to(folder).as_posix(),
        files=(path,),
        images=tuple((image.video_id or 0, image.image_id) for image in dataset.images),
        targets=tuple(targets),
        has_scenes=all(image.video_id is not None for image in dataset.images),
    )


def _shape(file: ModelFile) -> PoseObject:
    try:
        points_m = ply_vertices(file.path.read_bytes()) * file.unit_m
    except (OSError, ValueError) as error:
        raise DatasetError(f"{file.path}: {error}; restore the model.") from error
    diameter = file.info.get("diameter")
    return PoseObject(
        points_m=points_m,
        diameter_m=float(diameter) * _MM_M
        if isinstance(diameter, int | float)
        else _diameter_m(points_m),
        symmetries=symmetry_transforms(file.info, unit_m=_MM_M),
    )


def _points_alone(points_m: Sequence[Vector3]) -> PoseObject:
    points = np.array(points_m)
    return PoseObject(
        points_m=points, diameter_m=_diameter_m(points), symmetries=np.eye(4)[np.newaxis]
    )


def _diameter_m(points_m: FloatArray) -> float:
    """Of the convex hull, where the two farthest points are."""
    try:
        outer: Sequence[int] = ConvexHull(points_m).vertices
    except (QhullError, ValueError):  # flat, or too few points
        outer = range(len(points_m))
    return float(pdist(points_m[outer]).max()) if len(outer) > 1 else 0.0


def _width_px(scene: Path, number: int) -> int:
    found: Mapping[str, Path] = {
        path.parent.name: path for path in scene.glob(f"*/{number:06d}.*") if path.is_file()
    }
    path = found.get("rgb") or found.get("gray")
    if path is None:
        raise DatasetError(f"{scene}: no picture {number:06d} in rgb or gray.")
    return picture_hw(path)[1]
