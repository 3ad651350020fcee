"""Whether a frame's labels agree with its passes, with its scene and with each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.annotate.instances import label_instances
from pipeline.dataset.frames import read_ids
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import Manifest
from pipeline.errors import DatasetError
from pipeline.geometry.boxes import box_of_mask
from pipeline.geometry.camera import Camera, cam_from_world
from pipeline.geometry.masks import mask_of_rle
from pipeline.records.annotations import FrameRecord, InstanceLabel
from pipeline.records.keypoints import KeypointLayout
from pipeline.records.scene import SampledInstance
from pipeline.specs.scene import LabelSpec

__all__ = ["label_problems"]

_SAME = 1e-6  # of fractions and poses: what passing through JSON and float64 may cost
_UNIT = 1e-2  # of the length of normals, which are stored in 16 bits

_Array = npt.NDArray[Any]


def label_problems(
    layout: DatasetLayout, manifest: Manifest, frame: int, record: FrameRecord
) -> Iterator[str]:
    """What is wrong with the labels of one frame, as far as it shows without Blender.

    Masks, boxes, areas and categories are derived anew from the id pass; of the other kinds
    it is asked whether they fit the scene and one another.

    Raises:
        DatasetError: If the id pass cannot be read, or the record lacks its instances.
    """
    ids = read_ids(layout.ids(frame))
    in_scene = _scene_instances(layout, frame, record)
    try:
        derived = label_instances(
            ids, in_scene.values(), min_visible_px=manifest.spec.labels.min_visible_px
        )
    except ValueError as error:
        yield str(error)
        return
    yield from _instance_problems(record.labels, derived, manifest.spec.labels)
    camera = Camera.model_validate(record.scene["camera"])
    for label in record.labels:
        what = f"instance {label.instance_id}"
        if label.instance_id not in in_scene:
            continue
        for problem in _kind_problems(
            label,
            in_scene[label.instance_id],
            camera,
            switched_on=manifest.spec.labels,
            keypoints=manifest.keypoints.get(label.category),
        ):
            yield f"{what}: {problem}"
    tracks = [label.track_id for label in record.labels]
    if manifest.spec.sequence is not None and (None in tracks or len(set(tracks)) < len(tracks)):
        yield "track ids are missing or appear twice."
    yield from _pass_problems(layout, manifest, frame, ids, in_scene)


def _scene_instances(
    layout: DatasetLayout, frame: int, record: FrameRecord
) -> dict[int, SampledInstance]:
    entries = record.scene.get("instances")
    if not isinstance(entries, list):
        raise DatasetError(f"{layout.record(frame)}: the sampled scene lists no instances.")
    keys = SampledInstance.model_fields
    # Families' instances have more keys; those that older records lack have defaults.
    instances = [
        SampledInstance.model_validate({key: entry[key] for key in keys if key in entry})
        for entry in entries
    ]
    return {instance.instance_id: instance for instance in instances}


def _instance_problems(
    labels: tuple[InstanceLabel, ...], derived: tuple[InstanceLabel, ...], spec: LabelSpec
) -> Iterator[str]:
    found = {label.instance_id: label for label in labels}
    for expected in derived:
        label = found.pop(expected.instance_id, None)
        if label is None:
            yield f"instance {expected.instance_id} has no label."
            continue
        hidden = (
            label.visible_fraction is not None
            and label.visible_fraction < spec.min_visible_fraction
        )
        pairs = {
            "category": (label.category, expected.category),
            "mask": (label.rle, expected.rle),
            "box": (label.box_xyxy, expected.box_xyxy),
            "area": (label.area_px, expected.area_px),
            "iscrowd": (label.iscrowd, expected.iscrowd or hidden),
        }
        for what, (got, wanted) in pairs.items():
            if got != wanted:
                yield f"instance {expected.instance_id}: {what} differs from the id pass."
    for extra in found:
        yield f"instance {extra} has a label and no visible pixel."


def _kind_problems(
    label: InstanceLabel,
    instance: SampledInstance,
    camera: Camera,
    *,
    switched_on: LabelSpec,
    keypoints: KeypointLayout | None,
) -> Iterator[str]:
    expected = {
        "amodal labels": (switched_on.amodal, label.amodal_rle),
        "keypoints": (switched_on.keypoints and keypoints is not None, label.keypoints),
        "pose": (switched_on.poses, label.cam_from_obj),
        "model": (switched_on.models, label.model),
    }
    for what, (wanted, value) in expected.items():
        if wanted != (value is not None):
            yield f"{what} {'missing' if wanted else 'not asked for in the spec'}."
    yield from _amodal_problems(label, camera)
    if label.keypoints is not None and keypoints is not None:
        yield from _keypoint_problems(label, camera, len(keypoints.names))
    if label.cam_from_obj is not None:
        pose = np.array(label.cam_from_obj)
        wanted_pose = cam_from_world(camera) @ np.array(instance.world_from_obj)
        if not np.allclose(pose, wanted_pose, rtol=_SAME, atol=_SAME):
            yield "pose differs from the scene's."
        if not np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-4):
            yield "pose is no rigid transform."
    if (
        label.box_3d_m is not None
        and (np.diff(np.reshape(label.box_3d_m, (2, 3)), axis=0) < 0).any()
    ):
        yield "3D box is inside out."


def _amodal_problems(label: InstanceLabel, camera: Camera) -> Iterator[str]:
    if label.amodal_rle is None or label.amodal_box_xyxy is None:
        return
    if label.visible_fraction is None or label.truncation is None:
        yield "visible fraction or truncation missing."
        return
    visible, whole = mask_of_rle(label.rle), mask_of_rle(label.amodal_rle)
    if (visible & ~whole).any():
        yield "amodal mask does not contain the visible one."
    silhouette_px = whole.sum() / max(1 - label.truncation, _SAME)
    if abs(label.visible_fraction - label.area_px / silhouette_px) > _SAME:
        yield "visible fraction does not fit mask, amodal mask and truncation."
    inside, box = box_of_mask(whole), np.array(label.amodal_box_xyxy)
    contained = (box[:2] <= inside[:2]).all() and (box[2:] >= inside[2:]).all()
    height, width = camera.image_hw
    leaves = (box[:2] < 0).any() or (box[2:] > (width, height)).any()
    if not contained or leaves != (label.truncation > 0) or not (leaves or (box == inside).all()):
        yield "amodal box does not fit the amodal mask and truncation."


def _keypoint_problems(label: InstanceLabel, camera: Camera, count: int) -> Iterator[str]:
    points = np.array(label.keypoints).reshape(-1, 3)
    height, width = camera.image_hw
    if len(points) != count:
        yield f"{len(points)} keypoints; the category has {count}."
    inside = ((points[:, :2] >= 0) & (points[:, :2] < (width, height))).all(axis=1)
    if not inside[points[:, 2] > 0].all():
        yield "a keypoint that is labelled lies outside the picture."


def _pass_problems(
    layout: DatasetLayout,
    manifest: Manifest,
    frame: int,
    ids: npt.NDArray[np.uint16],
    in_scene: dict[int, SampledInstance],
) -> Iterator[str]:
    labels, hw = manifest.spec.labels, ids.shape
    if labels.semantic:
        number = {name: i for i, name in enumerate(manifest.categories, start=1)}
        lookup = np.zeros(2**16, np.uint16)
        for instance in in_scene.values():
            lookup[instance.instance_id] = number.get(instance.category, 0)
        semantic = cv2.imread(str(layout.semantic(frame)), cv2.IMREAD_UNCHANGED)
        if semantic is None or not np.array_equal(semantic, lookup[ids]):
            yield "semantic pass differs from the id pass."
    if labels.depth:
        depth = _load(layout.depth(frame), hw, np.float32)
        if depth is None or not (depth > 0).all():
            yield f"depth pass is not {hw} float32 above 0."
    if labels.normals:
        normals = _load(layout.normals(frame), (*hw, 3), np.float16)
        length = np.zeros(1) if normals is None else np.linalg.norm(normals.astype(float), axis=2)
        if normals is None or not (np.minimum(length, abs(length - 1)) < _UNIT).all():
            yield f"normal pass is not {(*hw, 3)} float16 of unit vectors and zeros."
    if labels.flow and _load(layout.flow(frame), (*hw, 2), np.float32) is None:
        yield f"flow pass is not {(*hw, 2)} float32."


def _load(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> _Array | None:
    try:
        array: _Array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == dtype else None
