"""One frame's instance labels against what the second method sees."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from blender_scenes.audit.findings import Findings
from blender_scenes.audit.job import FrameLabels
from blender_scenes.audit.labels import FrameFiles, Instance, decoded, instance_id_of
from blender_scenes.audit.limits import LIMITS
from blender_scenes.audit.placement import compare_keypoints, compare_pose
from blender_scenes.audit.sight import Sight
from pipeline.specs.scene import LabelSpec

__all__ = ["compare_instances"]

_Array = npt.NDArray[np.float64]
_BoolArray = npt.NDArray[np.bool_]

_UNCERTAIN = "hidden by or made of what rays cannot decide"


def compare_instances(
    labels: FrameLabels,
    *,
    files: FrameFiles,
    scene: dict[str, Any],
    sight: Sight,
    spec: LabelSpec,
    found: Findings,
) -> None:
    """Compare every label of every instance of a frame.

    Args:
        labels: As in ``instances.json``.
        files: What else there is of the frame.
        scene: The sampled scene.
        sight: What the second method sees.
        spec: Which labels there should be.
        found: Is told.
    """
    if labels.image is None:
        found.value("instances", 1, what="the whole image is missing")
        return
    sampled = {entry["instance_id"]: entry for entry in scene["instances"]}
    annotations: dict[int, dict[str, Any]] = {}
    for entry in labels.annotations:
        if annotations.setdefault(instance_id_of(entry), entry) is not entry:
            found.value("instances", 1, what=f"instance {instance_id_of(entry)} is doubled")
    slack_px = LIMITS["masks"].slack_px
    for instance_id in sorted(annotations.keys() | set(np.unique(sight.ids)) - {0}):
        name = f"instance {instance_id}"
        annotation = annotations.get(instance_id)
        seen = sight.ids == instance_id
        mask = np.zeros_like(seen) if annotation is None else decoded(annotation["segmentation"])
        unsure = int(((mask | seen) & sight.undecided).sum())
        if 2 * unsure > int((mask | seen).sum()):
            found.left_out(_UNCERTAIN)
        elif annotation is None or instance_id not in sampled or not seen.any():
            if max((seen & ~sight.undecided).sum(), mask.sum()) > slack_px:
                why = "missing" if annotation is None else "labelled but not there"
                found.value("instances", 1, what=f"{name} is {why}")
        else:
            found.value("instances", 0, what=name)
            instance = Instance(
                name=name,
                annotation=annotation,
                sampled=sampled[instance_id],
                image=labels.image,
            )
            category = labels.categories.get(annotation["category_id"])
            found.value("categories", category != instance.sampled["category"], what=name)
            if "track_id" in annotation:
                found.value("tracks", annotation["track_id"] != instance_id, what=name)
            agreed = _compare_masks(instance, mask, seen, sight, found)
            fraction = _compare_amodal(instance, agreed, sight, spec, found)
            _compare_crowd(instance, int(agreed.sum()), fraction, spec, found)
            compare_keypoints(instance, sight, spec, found)
            compare_pose(instance, files, sight, spec, found)


def _compare_masks(
    instance: Instance, mask: _BoolArray, seen: _BoolArray, sight: Sight, found: Findings
) -> _BoolArray:
    # Returns the mask to which box and area must fit: where masks agree, the label's own.
    agrees = _compare_silhouettes(
        "masks", instance.name, mask & ~sight.undecided, seen & ~sight.undecided, found
    )
    agreed = mask if agrees else seen
    x, y, width, height = instance.annotation["bbox"]
    label_box = np.array([x, y, x + width, y + height])
    found.value("boxes", _farthest(label_box, _box(agreed)), what=instance.name)
    area = abs(instance.annotation["area"] - int(agreed.sum()))
    found.value("areas", area, what=instance.name)
    return agreed


def _compare_silhouettes(
    kind: str, name: str, mask: _BoolArray, seen: _BoolArray, found: Findings
) -> bool:
    union, differing = int((mask | seen).sum()), int((mask ^ seen).sum())
    iou = 1 - differing / union if union else 1.0
    agrees = iou >= LIMITS[kind].value or differing <= LIMITS[kind].slack_px
    found.value(kind, iou, what=f"{name} ({differing} px differ)", agrees=agrees)
    return agrees


def _compare_amodal(
    instance: Instance, agreed: _BoolArray, sight: Sight, spec: LabelSpec, found: Findings
) -> float | None:
    # Returns the visible fraction.
    silhouette = sight.silhouettes.get(instance.sampled["instance_id"])
    if not spec.amodal or silhouette is None:
        return None
    annotation, name = instance.annotation, instance.name
    whole_px = int(silhouette.mask.sum())
    inside = _in_picture(silhouette.mask, silhouette.origin, sight.ids.shape)
    clear = ~sight.undecided
    mask = decoded(annotation["amodal_segmentation"])
    _compare_silhouettes("amodal_masks", name, mask & clear, inside & clear, found)
    x, y, width, height = annotation["amodal_bbox"]
    box = _box(silhouette.mask) + np.array([*silhouette.origin, *silhouette.origin])
    label_box = np.array([x, y, x + width, y + height])
    found.value("amodal_boxes", _farthest(label_box, box), what=name)
    fraction = min(int(agreed.sum()) / whole_px, 1.0)
    shares = {
        "visible_fractions": abs(annotation["visible_fraction"] - fraction),
        "truncations": abs(annotation["truncation"] - (1 - int(inside.sum()) / whole_px)),
    }
    for kind, difference in shares.items():
        limit = LIMITS[kind]
        agrees = difference <= max(limit.value, limit.slack_px / whole_px)
        found.value(kind, difference, what=name, agrees=agrees)
    return fraction


def _compare_crowd(
    instance: Instance, area_px: int, fraction: float | None, spec: LabelSpec, found: Findings
) -> None:
    margin = LIMITS["visible_fractions"].value
    if fraction is not None and abs(fraction - spec.min_visible_fraction) < margin:
        return  # on the threshold either is right
    crowd = area_px < spec.min_visible_px or (
        fraction is not None and fraction < spec.min_visible_fraction
    )
    found.value("crowds", bool(instance.annotation["iscrowd"]) != crowd, what=instance.name)


def _in_picture(mask: _BoolArray, origin: tuple[int, int], image_hw: tuple[int, ...]) -> _BoolArray:
    picture = np.zeros(image_hw, bool)
    rows, columns = np.nonzero(mask)
    rows, columns = rows + origin[1], columns + origin[0]
    kept = (rows >= 0) & (rows < image_hw[0]) & (columns >= 0) & (columns < image_hw[1])
    picture[rows[kept], columns[kept]] = True
    return picture


def _box(mask: _BoolArray) -> _Array:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], float)


def _farthest(a: _Array, b: _Array) -> float:
    return float(np.abs(a - b).max())
