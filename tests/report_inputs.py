"""What a report is made of, painted in moments: two test sets, a network, a baseline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from painting import paint_dataset

from evaluation.report.cases import PredictedSet
from evaluation.report.inputs import ReportInputs
from evaluation.scores import ScoreContext, evaluate, write_scores
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.geometry.boxes import xywh_from_xyxy

EVIL = "<script>alert(1)</script>"


def write_curve(folder: Path) -> Path:
    folder.mkdir(parents=True)
    steps = list(range(1, 61))
    curve = {"step": steps, "loss": [9 / s for s in steps], "heat": [5 / s for s in steps]}
    (folder / "curve.json").write_text(json.dumps(curve))
    train = {"model": {"name": "compact_detector"}, "steps": 60, "seed": 4, "batch_size": 8}
    (folder / "train.json").write_text(json.dumps(train))
    (folder / "stats.json").write_text(json.dumps({"parameters": 912345, "seconds": 65.0}))
    return folder


def write_predictions(path: Path, folder: Path, *, lost: int = 1, scored: float = 0.9) -> Path:
    """The truth without some objects, with a false alarm."""
    entries = [
        {
            "image_id": g.image_id,
            "category_id": g.category_id,
            "bbox": xywh_from_xyxy(np.array(g.box_xyxy)).tolist(),
            "segmentation": dict(g.rle),
            "score": scored,
        }
        for group in read_coco(find_annotations(folder)).instances.values()
        for g in group
        if not g.iscrowd
    ]
    entries[0] = entries[0] | {"category_id": 3 - entries[0]["category_id"]}
    path.write_text(json.dumps(entries[: len(entries) - lost]))
    return path


def detection_inputs(folder: Path, *, frames: int = 9, scored: float = 0.9) -> ReportInputs:
    """Two test sets, a network and a baseline; one class has a hostile name."""
    folders = [
        paint_dataset(folder / name, frames=count, seed=seed)
        for name, count, seed in (("real set", frames, 0), ("synthetic", 3, 1))
    ]
    for painted in folders:
        path = find_annotations(painted)
        path.write_text(path.read_text().replace('"disc"', json.dumps(EVIL)))
    real, synthetic = folders
    (real / "manifest.json").unlink()
    network = write_predictions(folder / "n.json", real, scored=scored)
    baseline = write_predictions(folder / "b.json", real, lost=4, scored=0.7)
    at_home = write_predictions(folder / "s.json", synthetic, scored=scored)
    ours = {"regime": "synthetic", "seed": 0, "trained_on": f"rendered {EVIL}"}
    theirs = ScoreContext(regime="baseline", trained_on="Otsu", tested_on="painted/real")
    write_scores(
        [
            evaluate(network, real, context=ScoreContext(**ours, tested_on="painted/real")),
            evaluate(baseline, real, context=theirs),
            evaluate(at_home, synthetic, context=ScoreContext(**ours, tested_on="p/synthetic")),
        ],
        folder / "out" / "scores.json",
        notes=[f"note {EVIL}"],
    )
    return ReportInputs(
        title=f"Title {EVIL}",
        scores=folder / "out" / "scores.json",
        predicted=(
            PredictedSet(name=f"net {EVIL}", predictions=network, benchmark=real),
            PredictedSet(name="Otsu + watershed", predictions=baseline, benchmark=real),
            PredictedSet(name="At home", predictions=at_home, benchmark=synthetic),
        ),
        datasets=(synthetic,),
        runs={f"run {EVIL}": write_curve(folder / "run")},
        notes=(f"fair {EVIL}",),
        command=f"blendgap demo -o '{EVIL}'",
    )
