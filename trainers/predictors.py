"""How the networks of each task are asked, and how their answers are written down."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from torch import nn

from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.storage import write_bytes_atomic
from pipeline.geometry.boxes import xywh_from_xyxy
from pipeline.geometry.masks import rle_of_mask
from pipeline.progress import Progress
from pipeline.records.poses import PosePrediction
from pipeline.records.predictions import Task
from trainers.augmentation.geometry import fit_square
from trainers.checkpoints import Checkpoint
from trainers.examples import ByteImage
from trainers.keypoints.posing import pose_of
from trainers.networks.network import Classifier, Detector, Segmenter
from trainers.pictures import Picture, PictureSet
from trainers.results import ClassMap, DetectedObject, PictureResult
from trainers.tiling import detect_in_tiles, map_in_tiles

__all__ = ["Predictor", "open_predictor"]

_CLASSIFY_PX = 256 * 64**2  # at once


@dataclass(kw_only=True)
class Predictor(ABC):
    """Asks a network about pictures.

    Attributes:
        checkpoint: The network.
        module: The same, with its weights.
        ids: Category id by class index; classes that are not there are not asked for.
        semantic_dir: Where class maps go; None if there are none.
        seconds: Spent in the network and its post-processing.
        poses: Of the objects whose keypoints say them, by then.
    """

    checkpoint: Checkpoint
    module: nn.Module
    ids: dict[int, int]
    semantic_dir: Path | None
    seconds: float = field(default=0.0, init=False)
    poses: list[PosePrediction] = field(default_factory=list, init=False)

    @staticmethod
    @abstractmethod
    def makes_class_maps(checkpoint: Checkpoint) -> bool:
        """Whether it writes semantic PNGs."""

    @abstractmethod
    def entries(self, pictures: PictureSet, progress: Progress) -> Iterator[dict[str, Any]]:
        """Entries of the results file; class maps are written on the way."""

    def _write_class_map(self, class_map: ClassMap, picture: Picture) -> None:
        assert self.semantic_dir is not None
        depth = np.uint8 if max(self.ids.values()) < 256 else np.uint16
        pixel_of = np.zeros(1 + len(self.checkpoint.categories), depth)
        for class_index, category_id in self.ids.items():
            pixel_of[1 + class_index] = category_id
        self.semantic_dir.mkdir(exist_ok=True)
        _, data = cv2.imencode(".png", np.take(pixel_of, class_map))
        write_bytes_atomic(self.semantic_dir / f"{picture.image_id}.png", data.tobytes())


class DetectionPredictor(Predictor):
    """Boxes and masks; the compact detector's class maps as well."""

    @staticmethod
    def makes_class_maps(checkpoint: Checkpoint) -> bool:
        """See Predictor."""
        return checkpoint.has_masks and cast("Detector", checkpoint.network()).makes_class_maps

    def entries(self, pictures: PictureSet, progress: Progress) -> Iterator[dict[str, Any]]:
        """See Predictor."""
        network = cast("Detector", self.checkpoint.network())
        for count, picture in enumerate(pictures.pictures, start=1):
            image = _read(picture)
            started = time.perf_counter()
            result = self._detect(network, image)
            seconds = time.perf_counter() - started
            self.seconds += seconds
            known = [item for item in result.objects if item.class_index in self.ids]
            for item in known:
                yield self._entry(item, picture, image)
            self._add_poses(known, picture, pictures, seconds)
            if self.semantic_dir is not None and result.class_map is not None:
                self._write_class_map(result.class_map, picture)
            progress(count, len(pictures.pictures))

    def _add_poses(
        self,
        objects: Sequence[DetectedObject],
        picture: Picture,
        pictures: PictureSet,
        seconds: float,
    ) -> None:
        """Poses follow from keypoints alone."""

    def _detect(self, network: Detector, image: ByteImage) -> PictureResult:
        detect = partial(network.detect, self.module, with_masks=self.checkpoint.has_masks)
        model = self.checkpoint.model
        if model.tile is None:
            return detect(image)
        return detect_in_tiles(detect, image, side_px=model.tile, overlap=model.tile_overlap)

    def _entry(self, item: DetectedObject, picture: Picture, image: ByteImage) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "image_id": picture.image_id,
            "category_id": self.ids[item.class_index],
            "bbox": [round(float(v), 3) for v in xywh_from_xyxy(item.box_xyxy)],
            "score": round(item.score, 6),
        }
        if item.mask is not None:
            entry["segmentation"] = rle_of_mask(item.mask.whole((image.shape[0], image.shape[1])))
        return entry


class KeypointPredictor(DetectionPredictor):
    """Boxes, masks and keypoints."""

    def _entry(self, item: DetectedObject, picture: Picture, image: ByteImage) -> dict[str, Any]:
        assert item.keypoints is not None
        entry = super()._entry(item, picture, image)
        count = len(self.checkpoint.keypoints[item.class_index])
        # COCO's keypoints have pixel centres at whole numbers.
        points = item.keypoints[:count] - [0.5, 0.5, 0]
        entry["keypoints"] = [round(float(v), 4) for v in points.ravel()]
        return entry

    def _add_poses(
        self,
        objects: Sequence[DetectedObject],
        picture: Picture,
        pictures: PictureSet,
        seconds: float,
    ) -> None:
        for item in objects:
            name = self.checkpoint.categories[item.class_index]
            points = pictures.rigid_points.get(name, self.checkpoint.rigid_points[item.class_index])
            if points is None or picture.K is None:
                continue
            pose = pose_of(item, points, K=picture.K, dist=picture.dist)
            if pose is not None:
                self.poses.append(
                    PosePrediction(
                        scene_id=picture.scene_id,
                        im_id=picture.image_id,
                        obj_id=self.ids[item.class_index],
                        score=item.score,
                        cam_from_obj=pose,
                        seconds=seconds,
                    )
                )


class SemanticPredictor(Predictor):
    """Class maps alone."""

    @staticmethod
    def makes_class_maps(checkpoint: Checkpoint) -> bool:
        """See Predictor."""
        return True

    def entries(self, pictures: PictureSet, progress: Progress) -> Iterator[dict[str, Any]]:
        """See Predictor; there are none."""
        for picture, class_map in self.class_maps(pictures, progress):
            self._write_class_map(class_map, picture)
        yield from ()

    def class_maps(
        self, pictures: PictureSet, progress: Progress
    ) -> Iterator[tuple[Picture, ClassMap]]:
        """Pictures and their class maps, unwritten."""
        network = cast("Segmenter", self.checkpoint.network())
        for count, picture in enumerate(pictures.pictures, start=1):
            image = _read(picture)
            started = time.perf_counter()
            class_map = self._class_map(network, image)
            self.seconds += time.perf_counter() - started
            yield picture, class_map
            progress(count, len(pictures.pictures))

    def _class_map(self, network: Segmenter, image: ByteImage) -> ClassMap:
        class_map = partial(network.class_map, self.module)
        model = self.checkpoint.model
        if model.tile is None:
            return class_map(image)
        return map_in_tiles(class_map, image, side_px=model.tile, overlap=model.tile_overlap)


class ClassificationPredictor(Predictor):
    """One class per picture."""

    @staticmethod
    def makes_class_maps(checkpoint: Checkpoint) -> bool:
        """See Predictor."""
        return False

    def entries(self, pictures: PictureSet, progress: Progress) -> Iterator[dict[str, Any]]:
        """See Predictor."""
        network = cast("Classifier", self.checkpoint.network())
        side_px = self.checkpoint.input_px
        total, done = len(pictures.pictures), 0
        for chunk in _chunks(pictures.pictures, max(1, _CLASSIFY_PX // max(64, side_px) ** 2)):
            images = np.stack([fit_square(_read(picture), side_px=side_px) for picture in chunk])
            started = time.perf_counter()
            probabilities = network.probabilities(self.module, images)
            self.seconds += time.perf_counter() - started
            for picture, values in zip(chunk, probabilities.tolist(), strict=True):
                scores = {category_id: round(values[i], 6) for i, category_id in self.ids.items()}
                best = max(scores, key=lambda category_id: scores[category_id])
                yield {
                    "image_id": picture.image_id,
                    "category_id": best,
                    "score": scores[best],
                    "scores": scores,
                }
            done += len(chunk)
            progress(done, total)


_PREDICTORS: dict[Task, type[Predictor]] = {
    "detection": DetectionPredictor,
    "keypoints": KeypointPredictor,
    "semantic": SemanticPredictor,
    "classification": ClassificationPredictor,
}


def open_predictor(
    checkpoint: Checkpoint, module: nn.Module, *, ids: dict[int, int], out: Path | None
) -> Predictor:
    """The predictor of a network's task.

    Args:
        checkpoint: The network.
        module: The same, with its weights.
        ids: Category id by class index.
        out: The predictions file; class maps go into ``{stem}_semantic`` beside it. None if
            nothing is written.
    """
    kind = _PREDICTORS[checkpoint.task]
    writes_maps = out is not None and kind.makes_class_maps(checkpoint)
    maps = out.with_name(f"{out.stem}_semantic") if out is not None and writes_maps else None
    return kind(checkpoint=checkpoint, module=module, ids=ids, semantic_dir=maps)


def _chunks(pictures: Sequence[Picture], size: int) -> Iterator[Sequence[Picture]]:
    for start in range(0, len(pictures), size):
        yield pictures[start : start + size]


def _read(picture: Picture) -> ByteImage:
    image = read_rgb(picture.path)
    if picture.image_hw not in (None, image.shape[:2]):
        raise DatasetError(
            f"{picture.path}: got {image.shape[1]} x {image.shape[0]} px; its COCO entry says "
            f"{picture.image_hw[1]} x {picture.image_hw[0]}. Correct one of them."
        )
    return image
