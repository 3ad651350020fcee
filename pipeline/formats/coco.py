"""COCO instance files, read with every claim checked."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from pipeline.errors import DatasetError
from pipeline.formats.boards import with_boards
from pipeline.formats.claims import Claims, Entry, load_json
from pipeline.formats.conventions import intrinsics_from_opencv
from pipeline.formats.labelled import (
    Category,
    CocoDataset,
    CocoImage,
    CocoInstance,
    DepthFile,
    ModelFile,
    Video,
)
from pipeline.geometry.camera import Distortion, Matrix3
from pipeline.geometry.masks import rle_area_px
from pipeline.records.annotations import KeypointLabel
from pipeline.records.scene import Vector3

__all__ = [
    "Category",
    "CocoDataset",
    "CocoImage",
    "CocoInstance",
    "coco_splits",
    "find_annotations",
    "read_coco",
    "safe_path",
]

_PREFIX = "instances_"


def coco_splits(folder: Path) -> tuple[str | None, ...]:
    """Splits that have a COCO file; None stands for ``instances.json``, which has none."""
    names = {
        path.stem.removeprefix(_PREFIX)
        for parent in (folder, folder / "annotations")
        for path in parent.glob(f"{_PREFIX}*.json")
    }
    return (*sorted(names), *((None,) if _without_splits(folder) else ()))


def find_annotations(folder: Path, split: str | None = None) -> Path:
    """The annotation file of a dataset or benchmark folder.

    Looks for ``instances_{split}.json``, then ``annotations/instances_{split}.json``, then
    ``annotations/instances.json`` (our own datasets, which have no splits) or
    ``instances.json``. Without a split: ``test`` if there is one, else ``val``, else whatever
    single file there is.

    Raises:
        DatasetError: If the folder holds no such file.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; expected a dataset or benchmark.")
    for name in [split] if split else ["test", "val", "train"]:
        for parent in (folder, folder / "annotations"):
            candidate = parent / f"{_PREFIX}{name}.json"
            if candidate.is_file():
                return candidate
    if whole := _without_splits(folder):
        return whole
    found = sorted(path.name for path in folder.glob("**/instances*.json"))
    wanted = f"{_PREFIX}{split}.json" if split else f"{_PREFIX}*.json"
    raise DatasetError(
        f"{folder}: got {', '.join(found) or 'no annotation file'}; "
        f"expected {wanted} or annotations/instances.json. "
        "`blendgap export FOLDER --to coco` turns other layouts into that."
    )


def _without_splits(folder: Path) -> Path | None:
    places = (folder / "annotations" / "instances.json", folder / "instances.json")
    return next((path for path in places if path.is_file()), None)


def safe_path(folder: Path, name: str, *, source: Path) -> Path:
    """``folder / name``, refused where it would leave the folder.

    Raises:
        DatasetError: For absolute names and names that climb out, symlinks followed.
    """
    path = folder / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(folder.resolve()):
        raise DatasetError(f"{source}: file_name {name!r} leaves {folder}; expected a path inside.")
    return path


def read_coco(
    annotations_path: Path, *, images_dir: Path | None = None, labels: bool = True
) -> CocoDataset:
    """Read and validate a COCO file, with the optional keys of docs/formats.md.

    Args:
        annotations_path: The JSON file.
        images_dir: Where its images lie; by default the ``images`` folder beside the file or
            beside its folder, COCO's own folder named after the split, or the file's folder.
        labels: False leaves ``annotations`` unread, as a prediction must; all images are then
            without instances.

    Raises:
        DatasetError: Naming the file, the entry, what was got and what was expected.
    """
    document = load_json(annotations_path)
    reader = _Reader(annotations_path, document, images_dir)
    at = reader.at
    categories = tuple(reader.category(entry) for entry in at.entries(document, "categories"))
    at.unique("category id", (category.category_id for category in categories))
    at.unique("category name", (category.name for category in categories))
    images = tuple(reader.image(entry) for entry in at.entries(document, "images"))
    at.unique("image id", (image.image_id for image in images))
    groups: dict[int, list[CocoInstance]] = {image.image_id: [] for image in images}
    by_id = {image.image_id: image for image in images}
    category_by_id = {category.category_id: category for category in categories}
    annotation_ids = []
    for entry in at.entries(document, "annotations") if labels else ():
        instance = reader.instance(entry, by_id, category_by_id)
        annotation_ids.append(instance.annotation_id)
        groups[instance.image_id].append(instance)
    at.unique("annotation id", annotation_ids)
    videos = document.get("videos") and at.entries(document, "videos")
    dataset = CocoDataset(
        annotations_path=annotations_path,
        images_dir=reader.images_dir,
        categories=categories,
        images=images,
        instances={image_id: tuple(group) for image_id, group in groups.items()},
        videos=tuple(reader.video(entry) for entry in videos or ()),
        models=_models(reader.images_dir.parent / "models"),
    )
    return with_boards(dataset)


def _models(folder: Path) -> dict[str, ModelFile]:
    facts_path = folder / "models_info.json"
    facts = load_json(facts_path) if facts_path.is_file() else {}
    return {
        path.stem: ModelFile(path=path, info=facts.get(path.stem, {}))
        for path in sorted(folder.glob("*.ply"))
    }


class _Reader:
    """Turns the entries of one COCO file into records."""

    def __init__(self, path: Path, document: Entry, images_dir: Path | None) -> None:
        self._path = path
        self.at = Claims(path)
        self.images_dir = images_dir or self._find_images(document)
        passes = self.images_dir.parent / "passes"
        self._passes = passes if passes.is_dir() else None

    def _find_images(self, document: Entry) -> Path:
        beside, above = self._path.parent, self._path.parent.parent
        split = self._path.stem.removeprefix(_PREFIX)
        folders = [beside / "images", above / "images", beside / split, above / split, beside]
        there = [folder for folder in folders if folder.is_dir()]
        entries = self.at.entries(document, "images")
        first = str(entries[0].get("file_name")) if entries else ""
        return next((folder for folder in there if (folder / first).is_file()), there[0])

    def category(self, entry: Entry) -> Category:
        category_id = self.at.integer(entry, "id", "category")
        what = f"category {category_id}"
        keypoints = self.at.words(entry, "keypoints", what)
        skeleton = entry.get("skeleton") or []
        if not isinstance(skeleton, list) or not all(
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(end, int) and 1 <= end <= len(keypoints) for end in pair)
            for pair in skeleton
        ):
            raise self.at.refusal(
                what, f"'skeleton' is not a list of pairs of numbers from 1 to {len(keypoints)}"
            )
        sigmas: tuple[float, ...] = ()
        if entry.get("sigmas"):
            sigmas = self.at.numbers(entry, "sigmas", what, count=len(keypoints))
        parent = entry.get("supercategory")
        return Category(
            category_id=category_id,
            name=self.at.text(entry, "name"),
            supercategory=parent if isinstance(parent, str) else None,
            keypoints=keypoints,
            skeleton=tuple((start - 1, end - 1) for start, end in skeleton),
            sigmas=sigmas,
            points_m=self._points_m(entry, len(keypoints), what),
        )

    def _points_m(self, entry: Entry, count: int, what: str) -> tuple[Vector3, ...]:
        if entry.get("keypoints_3d") is None:
            return ()
        metres = (v / 1000 for v in self.at.numbers(entry, "keypoints_3d", what, count=3 * count))
        return tuple(zip(metres, metres, metres, strict=True))

    def image(self, entry: Entry) -> CocoImage:
        name = self.at.text(entry, "file_name")
        what = f"image {name!r}"
        path = safe_path(self.images_dir, name, source=self._path)
        if not path.is_file():
            raise DatasetError(
                f"{self._path}: {what} is not in {self.images_dir}; restore it or remove its entry."
            )
        K: Matrix3 | None = None
        if entry.get("cam_K") is not None:
            K = intrinsics_from_opencv(self.at.numbers(entry, "cam_K", what, count=9))
        dist: Distortion | None = None
        if entry.get("dist_coeffs") is not None:
            dist = cast(Distortion, self.at.numbers(entry, "dist_coeffs", what, count=5))
        return CocoImage(
            image_id=self.at.integer(entry, "id", "image"),
            file_name=name,
            path=path,
            width=self.at.integer(entry, "width", what, minimum=1),
            height=self.at.integer(entry, "height", what, minimum=1),
            video_id=self.at.optional_integer(entry, "video_id", what),
            frame_index=self.at.optional_integer(entry, "frame_index", what, minimum=0),
            K=K,
            dist=dist,
            cam_from_world=self.at.pose(entry, "w2c", what),
            depth=self._depth(name),
        )

    def _depth(self, file_name: str) -> DepthFile | None:
        if self._passes is None:
            return None
        path = self._passes / Path(file_name).with_suffix(".depth.npy")
        return DepthFile(path=path) if path.is_file() else None

    def video(self, entry: Entry) -> Video:
        video_id = self.at.integer(entry, "id", "video")
        return Video(
            video_id=video_id,
            name=self.at.text(entry, "name"),
            fps=self.at.optional_number(entry, "fps", f"video {video_id}"),
        )

    def instance(
        self, entry: Entry, images: dict[int, CocoImage], categories: dict[int, Category]
    ) -> CocoInstance:
        at = self.at
        annotation_id = at.integer(entry, "id", "annotation", minimum=1)
        what = f"annotation {annotation_id}"
        image_id = at.integer(entry, "image_id", what)
        category_id = at.integer(entry, "category_id", what)
        if image_id not in images:
            raise at.refusal(what, f"no image has id {image_id}")
        if category_id not in categories:
            raise at.refusal(what, f"no category has id {category_id}")
        image_hw = (images[image_id].height, images[image_id].width)
        box_xyxy = x0, y0, x1, y1 = at.box_xyxy(entry, "bbox", what)
        rle = at.rle(entry, "segmentation", what, image_hw=image_hw)
        area_px = at.optional_number(entry, "area", what)
        if area_px is None:
            area_px = float((x1 - x0) * (y1 - y0) if rle is None else rle_area_px(rle))
        amodal = entry.get("amodal_bbox") is not None
        box_3d = entry.get("bbox_3d") is not None
        return CocoInstance(
            annotation_id=annotation_id,
            image_id=image_id,
            category_id=category_id,
            box_xyxy=box_xyxy,
            area_px=area_px,
            rle=rle,
            iscrowd=bool(entry.get("iscrowd", 0)),
            visible_fraction=at.fraction(entry, "visible_fraction", what),
            truncation=at.fraction(entry, "truncation", what),
            amodal_box_xyxy=at.box_xyxy(entry, "amodal_bbox", what) if amodal else None,
            amodal_rle=at.rle(entry, "amodal_segmentation", what, image_hw=image_hw),
            keypoints=self._keypoints(entry, categories[category_id], what),
            cam_from_obj=at.pose(entry, "m2c", what),
            box_3d_m=self._box_3d_m(entry, what) if box_3d else None,
            model=at.text(entry, "model") if entry.get("model") is not None else None,
            track_id=at.optional_integer(entry, "track_id", what),
        )

    def _keypoints(
        self, entry: Entry, category: Category, what: str
    ) -> tuple[KeypointLabel, ...] | None:
        if not entry.get("keypoints"):
            return None
        count = len(category.keypoints) or len(entry["keypoints"]) // 3
        values = self.at.numbers(entry, "keypoints", what, count=3 * count)
        if any(v not in (0, 1, 2) for v in values[2::3]):
            raise self.at.refusal(what, "'keypoints' has a visibility other than 0, 1, 2")
        # COCO's keypoints have pixel centres at whole numbers.
        return tuple(
            (x + 0.5, y + 0.5, int(v)) if v else (0.0, 0.0, 0)
            for x, y, v in zip(values[::3], values[1::3], values[2::3], strict=True)
        )

    def _box_3d_m(self, entry: Entry, what: str) -> tuple[float, float, float, float, float, float]:
        a, b, c, d, e, f = (v / 1000 for v in self.at.numbers(entry, "bbox_3d", what, count=6))
        if a > d or b > e or c > f:
            raise self.at.refusal(what, "'bbox_3d' has its smallest corner last")
        return (a, b, c, d, e, f)
