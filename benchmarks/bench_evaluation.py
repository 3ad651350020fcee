"""Seconds for AP, AP50 and AP75 of a test set of COCO's size, and for their intervals.

    python benchmarks/bench_evaluation.py [--rival OTHER_VENV/bin/python] [--per-image 30]

The rival is faster-coco-eval, in an environment of its own. Both start from objects in memory and
look at all sizes together (``area = all``); the better of several runs counts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluation.bootstrap import unit_weights
from evaluation.metrics.average_precision import ap_statistic
from evaluation.metrics.detection import Detection
from evaluation.metrics.detection_matching import match_detections
from pipeline.formats.coco import CocoInstance

Columns = Sequence[npt.NDArray[Any]]

IMAGES, CLASSES, OBJECTS = 5000, 80, 36_781  # COCO's val2017
SIDE_PX = 640
RIVAL = """
import contextlib, io, json, sys, time
from faster_coco_eval import COCO, COCOeval_faster
document, results = (json.load(open(path)) for path in sys.argv[1:3])
seconds = []
for _ in range(int(sys.argv[3])):
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(document)
        judge = COCOeval_faster(truth, truth.loadRes(results), "bbox")
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.params.maxDets = [100]
        judge.evaluate()
        judge.accumulate()
    seconds.append(time.perf_counter() - start)
precision = judge.eval["precision"][..., 0, 0]
values = [float(p[p > -1].mean()) for p in (precision, precision[:1], precision[5:6])]
print(json.dumps([min(seconds), values]))
"""


def simulate(*, per_image: float, seed: int = 0) -> tuple[Columns, Columns]:
    """Objects (image, class, xywh, crowd) and detections (image, class, xywh, score).

    Classes are as uneven as COCO's (one has a third of the boxes) and sizes log-normal. Every
    object is seen up to four times, more or less well; the other detections lie anywhere and
    score lower.
    """
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, CLASSES + 1)
    share[0] = share[1:].sum() / 2
    image = rng.integers(IMAGES, size=OBJECTS)
    category = rng.choice(CLASSES, p=share / share.sum(), size=OBJECTS)
    boxes = _anywhere(rng, OBJECTS)
    crowd = rng.random(OBJECTS) < 0.012
    seen = np.repeat(
        np.arange(OBJECTS), rng.choice(5, p=[0.15, 0.35, 0.25, 0.15, 0.1], size=OBJECTS)
    )
    error_px = rng.normal(0, 0.12, size=(len(seen), 4)) * np.tile(boxes[seen, 2:], 2)
    near = np.round(boxes[seen] + error_px, 2)
    near[:, 2:] = near[:, 2:].clip(2)
    n_far = max(0, round(per_image * IMAGES) - len(seen))
    beside = rng.integers(OBJECTS, size=n_far)  # its class is likely in that image
    score = np.concatenate([rng.beta(3, 2, size=len(seen)), rng.beta(1, 5, size=n_far)])
    detections = (
        np.concatenate([image[seen], image[beside]]),
        np.concatenate([category[seen], category[beside]]),
        np.concatenate([near, _anywhere(rng, n_far)]),
        score.round(4),
    )
    return (image, category, boxes, crowd), detections


def time_ours(objects: Columns, detections: Columns, repeats: int, resamples: int) -> float:
    """Seconds for the scores; prints those for the intervals as well."""
    truth: dict[int, list[CocoInstance]] = {i + 1: [] for i in range(IMAGES)}
    for number, (i, c, (x, y, w, h), crowd) in enumerate(_rows(objects), start=1):
        instance = CocoInstance(
            annotation_id=number,
            image_id=i + 1,
            category_id=c + 1,
            box_xyxy=(x, y, x + w, y + h),
            area_px=w * h,
            rle=None,
            iscrowd=crowd,
        )
        truth[i + 1].append(instance)
    found = [
        Detection(image_id=i + 1, category_id=c + 1, score=s, box_xyxy=(x, y, x + w, y + h))
        for i, c, (x, y, w, h), s in _rows(detections)
    ]
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        matches = match_detections(
            detections=found,
            truth=truth,
            category_ids=range(1, CLASSES + 1),
            kind="bbox",
            areas=["all"],
        )
        statistic = ap_statistic(matches)
        values = statistic(np.ones((1, IMAGES)))[0, :3]
        seconds.append(time.perf_counter() - start)
    _say(f"ours: {min(seconds):.2f} s; AP, AP50, AP75 = {values.tolist()}")
    start = time.perf_counter()
    for weights in unit_weights(matches.units, resamples=resamples):
        statistic(weights)
    _say(f"{resamples} resamples: {time.perf_counter() - start:.1f} s")
    return min(seconds)


def time_rival(objects: Columns, detections: Columns, repeats: int, python: Path) -> float:
    """Seconds that faster-coco-eval takes."""
    document = {
        "images": [{"id": i + 1, "width": SIDE_PX, "height": SIDE_PX} for i in range(IMAGES)],
        "categories": [{"id": c + 1, "name": str(c)} for c in range(CLASSES)],
        "annotations": [
            {
                "id": number,
                "image_id": i + 1,
                "category_id": c + 1,
                "bbox": bbox,
                "area": bbox[2] * bbox[3],
                "iscrowd": int(crowd),
            }
            for number, (i, c, bbox, crowd) in enumerate(_rows(objects), start=1)
        ],
    }
    results = [
        {"image_id": i + 1, "category_id": c + 1, "bbox": bbox, "score": score}
        for i, c, bbox, score in _rows(detections)
    ]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("truth.json", "results.json")]
        for path, content in zip(paths, (document, results), strict=True):
            path.write_text(json.dumps(content))
        command = [str(python), "-c", RIVAL, *map(str, paths), str(repeats)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, values = json.loads(done.stdout.splitlines()[-1])
    _say(f"faster-coco-eval: {seconds:.2f} s; AP, AP50, AP75 = {values}")
    return float(seconds)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rival", type=Path, help="a python that can import faster_coco_eval")
    parser.add_argument("--per-image", type=float, default=30.0, help="detections per image")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--resamples", type=int, default=1000)
    args = parser.parse_args()
    objects, detections = simulate(per_image=args.per_image)
    _say(f"{IMAGES} images, {CLASSES} classes, {OBJECTS} boxes, {len(detections[0])} detections")
    ours = time_ours(objects, detections, args.repeats, args.resamples)
    if args.rival is not None:
        theirs = time_rival(objects, detections, args.repeats, args.rival)
        _say(f"ours / theirs: {ours / theirs:.2f}")


def _anywhere(rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """(N, 4) xywh, px."""
    side = np.exp(rng.normal(4.1, 1.0, size=(count, 2))).clip(4, 400)
    return np.hstack([rng.random((count, 2)) * (SIDE_PX - side), side]).round(2)


def _rows(columns: Columns) -> Any:  # noqa: ANN401  # rows of mixed types
    return zip(*(column.tolist() for column in columns), strict=True)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
