"""Learning keypoints."""

from __future__ import annotations

from typing import ClassVar, cast

import numpy as np

from pipeline.drawing import draw_instances, draw_keypoints
from pipeline.errors import DatasetError, SpecError
from pipeline.records.predictions import Task
from trainers.examples import ByteImage, DetectionExample
from trainers.keypoints.crops import crop_object
from trainers.networks.network import Detector
from trainers.networks.sizes import ObjectSizes, measure_objects
from trainers.sampling import Slot
from trainers.tasks import CropTask, KeypointNames, KeypointPlaces

__all__ = ["KeypointTask"]

_PLACED = frozenset({"upper", "lower", "top", "bottom"})
"""Words of names that say where a keypoint is in the picture, not on the object."""


class KeypointTask(CropTask):
    """Keypoints of objects; hidden ones that are labelled are learned like visible ones."""

    name: ClassVar[Task] = "keypoints"

    def _list_keypoints(self) -> tuple[KeypointNames, KeypointPlaces]:
        names: dict[str, tuple[str, ...]] = {}
        for source, spec in zip(self._sources, self._spec.data, strict=True):
            if not source.keypoints or not source.has_keypoints:
                raise DatasetError(
                    f"{spec.path}: no keypoint is labelled; expected categories with 'keypoints' "
                    "and annotations with theirs. Render with labels: {keypoints: true}."
                )
            for category, own in source.keypoints.items():
                if names.setdefault(category, own) != own:
                    raise DatasetError(
                        f"{spec.path}: {category} has the keypoints {_shown(own)}; those of "
                        f"{self._spec.data[0].path} are {_shown(names[category])}."
                    )
        ways = self._spec.augmentations
        crowded = any(augment.mosaic or augment.copy_paste for augment in ways)
        if self._spec.model.name == "heatmap" and crowded:
            raise SpecError(
                "key 'augment': mosaic and copy_paste put several objects into a picture; heatmap "
                "learns one. Leave them out, or choose keypoint_rcnn or compact_detector."
            )
        if any(augment.flip for augment in ways):
            self._check_mirrors(names)
        places = {
            category: points
            for source in reversed(self._sources)
            for category, points in source.rigid_points().items()
        }
        return (
            tuple(names.get(category, ()) for category in self.categories),
            tuple(places.get(category) for category in self.categories),
        )

    def _check_mirrors(self, names: dict[str, tuple[str, ...]]) -> None:
        mirrors = {c: m for source in self._sources for c, m in source.mirrors.items()}
        for category, own in names.items():
            words = {word for name in own for word in name.lower().replace("-", "_").split("_")}
            if mirrors.get(category) is None or words & _PLACED:
                raise SpecError(
                    f"key 'augment.flip': which keypoints of {category} change places in a mirror "
                    f"is not said by their names ({_shown(own)}: no left and right of the object's "
                    "own); set it to false."
                )

    def _measure(self) -> ObjectSizes | None:
        return measure_objects(np.concatenate([source.boxes_xyxy() for source in self._sources]))

    def _learns_masks(self) -> bool:
        network = cast("Detector", self.network)
        with_keypoints = [
            c for c, names in zip(self.categories, self.keypoints, strict=True) if names
        ]
        if network.shows_objects and len(self.categories) > 1:
            raise DatasetError(
                f"{self._spec.data[0].path}: has the categories {_shown(self.categories)}; "
                f"{network.model.name} learns one. Choose keypoint_rcnn or compact_detector."
            )
        if len(with_keypoints) < len(self.categories):
            without = sorted(set(self.categories) - set(with_keypoints))
            raise DatasetError(
                f"{self._spec.data[0].path}: {_shown(without)} have no keypoints; leave these "
                "categories out."
            )
        return network.makes_masks and any(source.has_masks for source in self._sources)

    def _example(self, slot: Slot) -> DetectionExample:
        if not cast("Detector", self.network).shows_objects:
            return super()._example(slot)
        return crop_object(
            self._decoded(slot.source, slot.index),
            self._spec.augmentations[slot.source],
            side_px=self._spec.input_px,
            rng=slot.rng,
        )

    def _drawn(self, example: DetectionExample) -> ByteImage:
        boxes = np.array([item.box_xyxy for item in example.objects]).reshape(-1, 4)
        canvas = draw_instances(example.image, boxes_xyxy=boxes)
        for item in example.objects:
            if item.keypoints is not None:
                canvas = draw_keypoints(canvas, item.keypoints)
        return canvas


def _shown(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
