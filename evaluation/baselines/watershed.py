"""Otsu's threshold and the watershed, as a detector."""

# scikit-image ships no types.
# mypy: untyped-calls-exclude=skimage

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from evaluation.baselines.writing import write_predictions
from pipeline.drawing import read_rgb
from pipeline.errors import DatasetError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.storage import write_bytes_atomic
from pipeline.geometry.boxes import FloatArray, box_of_mask, xywh_from_xyxy
from pipeline.geometry.masks import BoolArray, rle_of_mask
from pipeline.records.predictions import PredictionsMeta, sha256_of

__all__ = ["segment_by_watershed", "watershed_baseline"]

_BACKGROUND_SIGMA = 1 / 6  # of the shorter side: wider than an object, narrower than the picture
_SMALLEST = 0.1  # of the median region; what is smaller is dirt
_PEAK_DISTANCE = 0.5  # of the largest radius; nearer peaks of one blob are bumps of one object


def watershed_baseline(benchmark: Path, out: Path, *, split: str | None = None) -> Path:
    """Otsu threshold and watershed on a detection benchmark with one category.

    Args:
        benchmark: COCO folder.
        out: ``predictions.json``; its meta file and ``<stem>_semantic/`` are written beside it.
        split: By default ``test``, else ``val``.

    Returns:
        ``out``. The score of an instance is its solidity (area over that of its convex hull).

    Raises:
        DatasetError: If the benchmark is wrong or has several categories, which grey levels
            cannot tell apart.
    """
    dataset = read_coco(find_annotations(benchmark, split))
    names = [category.name for category in dataset.categories]
    if len(names) != 1:
        raise DatasetError(
            f"{dataset.annotations_path}: got {len(names)} categories ({', '.join(names)}); "
            "the watershed baseline expects one. Leave the key `baseline` out of the experiment."
        )
    category_id = dataset.categories[0].category_id
    semantic_dir = out.with_name(f"{out.stem}_semantic")
    semantic_dir.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    seconds = 0.0
    for image in dataset.images:
        picture = read_rgb(image.path)
        start = time.perf_counter()
        masks, scores = segment_by_watershed(picture)
        seconds += time.perf_counter() - start
        results.extend(
            {
                "image_id": image.image_id,
                "category_id": category_id,
                "bbox": xywh_from_xyxy(box_of_mask(mask)).tolist(),
                "score": float(score),
                "segmentation": rle_of_mask(mask),
            }
            for mask, score in zip(masks, scores, strict=True)
        )
        semantic = np.where(masks.any(axis=0), category_id, 0)
        png = cv2.imencode(".png", semantic.astype(np.min_scalar_type(category_id)))[1]
        write_bytes_atomic(semantic_dir / f"{image.image_id}.png", bytes(png.tobytes()))
    meta = PredictionsMeta(
        annotations_sha256=sha256_of(dataset.annotations_path),
        categories={category_id: names[0]},
        image_ids=[image.image_id for image in dataset.images],
        model="otsu_watershed",
        semantic_dir=semantic_dir.name,
        seconds_per_image=seconds / len(dataset.images) if dataset.images else None,
    )
    return write_predictions(out, results, meta)


def segment_by_watershed(picture: npt.NDArray[np.uint8]) -> tuple[BoolArray, FloatArray]:
    """Separate roundish objects from a background of slowly changing brightness.

    The picture less its own wide blur is split by Otsu's threshold; the side that covers most
    of the picture's border is background. Every peak of the smoothed distance to the
    background floods one region; touching objects part at the saddle between their peaks.

    Args:
        picture: (H, W, 3) RGB.

    Returns:
        (N, H, W) masks that do not overlap and (N,) solidities in [0, 1]; regions much smaller
        than the median one are left out.

    Source: Otsu 1979; Beucher & Lantuejoul 1979, as in the textbooks.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 1)
    level = grey - cv2.GaussianBlur(grey, (0, 0), _BACKGROUND_SIGMA * min(grey.shape))
    if np.ptp(level) < 1:  # one tone: what is left is rounding
        return np.zeros((0, *grey.shape), dtype=bool), np.zeros(0)
    objects = level > threshold_otsu(level)
    border = np.concatenate([objects[0], objects[-1], objects[:, 0], objects[:, -1]])
    if border.mean() > 0.5:
        objects = ~objects
    objects = _filled(cv2.morphologyEx(_filled(objects), cv2.MORPH_OPEN, _disk(5)))
    distance_px = cv2.distanceTransform(objects, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    smooth_px = cv2.GaussianBlur(distance_px, (0, 0), 2)
    peaks = peak_local_max(
        smooth_px,
        min_distance=max(1, round(_PEAK_DISTANCE * smooth_px.max())),
        exclude_border=False,
        labels=label(objects),
    )
    markers = np.zeros(grey.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-smooth_px, markers, mask=objects > 0)
    regions = regionprops(labels)
    enough_px = _SMALLEST * np.median([region.area for region in regions]) if regions else 0
    kept = [region for region in regions if region.area >= enough_px]
    masks = np.array([labels == region.label for region in kept], dtype=bool)
    return masks.reshape(-1, *grey.shape), np.array([region.solidity for region in kept])


def _filled(objects: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The objects without holes, as 0 and 1."""
    filled = objects.astype(np.uint8)
    contours, _ = cv2.findContours(filled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(filled, contours, -1, (1,), cv2.FILLED))


def _disk(diameter_px: int) -> npt.NDArray[np.uint8]:
    shape = (diameter_px, diameter_px)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, shape))
