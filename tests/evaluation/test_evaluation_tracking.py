from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from evaluation.metrics.tracking import (
    TRACKING_METRICS,
    TrackedFrame,
    sequence_counts,
    tracking_statistic,
)
from evaluation.scores import evaluate
from evaluation.tracks import read_mot
from pipeline.errors import DatasetError, PredictionsError

# TrackEval 1.3.0 (HOTA and its parts) and motmetrics 1.4.0 (the rest) on `random_tracks(seed)`.
# In an environment of its own: pip install trackeval motmetrics, then per frame
# MOTAccumulator.update(gt, preds, where(iou >= 0.5, 1 - iou, nan)) and
# trackeval.metrics.HOTA().eval_sequence with the same ids and IoUs as similarity_scores.
JUDGED = {
    0: {
        "mota": 0.0,
        "motp": 0.3126840186643649,
        "idf1": 0.4419475655430712,
        "hota": 0.3078117269548459,
        "det_a": 0.3462669826465051,
        "ass_a": 0.2779850131301151,
        "loc_a": 0.7392442009278767,
        "id_switches": 24,
        "fragmentations": 24,
        "false_positives": 58,
        "misses": 45,
    },
    3: {
        "mota": 0.1048951048951049,
        "motp": 0.3139900682681224,
        "idf1": 0.4879725085910653,
        "hota": 0.35987254170889554,
        "det_a": 0.40377895687423215,
        "ass_a": 0.3226050959542083,
        "loc_a": 0.7337452537437009,
        "id_switches": 27,
        "fragmentations": 29,
        "false_positives": 53,
        "misses": 48,
    },
}
# The same two judges on TUD-Campus with the tracker that py-motmetrics brings along.
TUD_CAMPUS = {
    "mota": 0.526462,
    "motp": 0.277201,
    "idf1": 0.557659,
    "idp": 0.729730,
    "idr": 0.451253,
    "hota": 0.391397,
    "det_a": 0.418047,
    "ass_a": 0.369121,
    "loc_a": 0.770052,
    "id_switches": 7,
    "fragmentations": 7,
    "false_positives": 13,
    "misses": 150,
}


def random_tracks(seed):
    """Five objects on straight ways, a tracker that loses and renames them, strays."""
    rng = np.random.default_rng(seed)
    truth, found = [], []
    for track in range(1, 6):
        place = rng.integers(0, 200, 2).astype(float)
        step, side = rng.integers(-6, 7, 2), rng.integers(20, 60, 2)
        for frame in range(1, 31):
            place = place + step
            if rng.random() < 0.9:
                truth.append([frame, track, *place, *side])
            if rng.random() < 0.8:
                off = rng.integers(-8, 9, 2)
                name = track + 10 if frame < rng.integers(8, 40) else track % 5 + 20
                found.append([frame, name, *(place + off), *side])
    for stray in range(25):
        found.append(
            [int(rng.integers(1, 31)), 50 + stray, *rng.integers(0, 250, 2).tolist(), 30, 30]
        )
    once = {(row[0], row[1]): row for row in reversed(found)}
    return truth, [row for row in found if once[row[0], row[1]] is row]


def write(path: Path, rows) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(",".join(f"{v:g}" for v in [*row, 1, -1, -1]) + "\n" for row in rows))
    return path


def values(sheet):
    return {metric: estimate.value for (metric, _), estimate in sheet.estimates.items()}


@pytest.mark.parametrize("seed", JUDGED)
def test_agrees_with_trackeval_and_motmetrics(tmp_path: Path, seed):
    truth, found = random_tracks(seed)
    write(tmp_path / "mot" / "walk" / "gt.txt", truth)
    predictions = write(tmp_path / "walk.txt", found)
    scored = values(evaluate(predictions, tmp_path / "mot"))
    for metric, expected in JUDGED[seed].items():
        assert scored[metric] == pytest.approx(expected, abs=1e-9), metric


def test_published_numbers_of_tud_campus(request: pytest.FixtureRequest):
    beside = request.config.rootpath.parent / "shared" / "benchmarks"
    folder = Path(os.environ.get("BLENDGAP_BENCHMARKS", beside)) / "mot_tud"
    if not folder.is_dir():
        pytest.skip("mot_tud is not at hand")
    scored = values(evaluate(folder / "TUD-Campus" / "test.txt", folder))
    for metric, expected in TUD_CAMPUS.items():
        assert scored[metric] == pytest.approx(expected, abs=5e-7), metric


def frames(*rows):
    """Frames of (true tracks, predicted tracks, IoU)."""
    return [
        TrackedFrame(
            gt=np.array(gt, dtype=np.int64),
            preds=np.array(preds, dtype=np.int64),
            iou=np.array(iou, dtype=float).reshape(len(gt), len(preds)),
        )
        for gt, preds, iou in rows
    ]


def scores(*rows):
    counts = sequence_counts(frames(*rows))
    found = tracking_statistic(counts[None])(np.ones((1, 1)))[0]
    return dict(zip(TRACKING_METRICS, found, strict=True))


def test_counted_by_hand():
    # One object in four frames: found, missed, found under another name, found.
    found = scores(([0], [0], [1]), ([0], [], []), ([0], [1], [1]), ([0], [1, 2], [1, 0]))
    assert (found["id_switches"], found["fragmentations"]) == (1, 1)
    assert (found["misses"], found["false_positives"]) == (1, 1)
    assert found["mota"] == pytest.approx(1 - 3 / 4)
    assert found["idf1"] == pytest.approx(2 * 2 / (4 + 4))
    assert found["motp"] == 0
    # HOTA: TP 3, FN 1, FP 1 at every alpha; names have 1 and 2 of 4 + 1 and 4 + 2 boxes.
    assert found["det_a"] == pytest.approx(3 / 5)
    assert found["ass_a"] == pytest.approx((1 / 4 + 2 * 2 / 4) / 3)
    assert found["hota"] == pytest.approx(np.sqrt(3 / 5 * (1 / 4 + 1) / 3))
    assert found["loc_a"] == 1


def test_a_match_is_kept_while_it_is_allowed():
    # In the second frame the other track is nearer; CLEAR MOT stays with the first.
    found = scores(([0], [0], [0.9]), ([0], [0, 1], [0.6, 0.9]))
    assert found["id_switches"] == 0
    assert found["motp"] == pytest.approx((0.1 + 0.4) / 2)
    found = scores(([0], [0], [0.9]), ([0], [0, 1], [0.4, 0.9]))
    assert found["id_switches"] == 1


def test_perfect_empty_and_nothing():
    perfect = scores(([0, 1], [0, 1], np.eye(2)), ([0, 1], [1, 0], np.eye(2)[::-1]))
    assert all(perfect[m] == 1 for m in ("mota", "idf1", "hota", "det_a", "ass_a", "loc_a"))
    nothing = scores(([0, 1], [], []))
    assert (nothing["mota"], nothing["hota"], nothing["misses"]) == (0, 0, 2)
    assert np.isnan(nothing["motp"])
    no_truth = scores(([], [0], []))
    assert np.isnan(list(no_truth.values())).all()


def test_sequences_are_added_and_resampled(tmp_path: Path):
    for seed, name in enumerate(("a", "b", "c")):
        truth, found = random_tracks(seed)
        write(tmp_path / "mot" / "test" / name / "gt" / "gt.txt", truth)
        write(tmp_path / "found" / f"{name}.txt", found)
    sheet = evaluate(tmp_path / "found", tmp_path / "mot")
    single = [values(evaluate(tmp_path / "found" / f"{n}.txt", tmp_path / "mot")) for n in "abc"]
    for metric in ("misses", "id_switches"):
        assert values(sheet)[metric] == sum(each[metric] for each in single)
    low, high = sheet.estimates["hota", None].interval
    assert low < values(sheet)["hota"] < high
    assert (sheet.split, sheet.task) == ("test", "tracking")
    assert sheet.estimates["hota", None].unit_of_count == "sequences"
    (tmp_path / "found" / "b.txt").unlink()
    with pytest.raises(PredictionsError, match=r"expected b\.txt"):
        evaluate(tmp_path / "found", tmp_path / "mot")


def test_ignored_objects_count_neither_way(tmp_path: Path):
    gt = tmp_path / "mot" / "s" / "gt.txt"
    gt.parent.mkdir(parents=True)
    gt.write_text("1,1,0,0,10,10,1,1,1\n1,2,50,50,10,10,0,1,1\n")
    predictions = write(tmp_path / "p.txt", [[1, 7, 0, 0, 10, 10], [1, 8, 50, 51, 10, 10]])
    found = values(evaluate(predictions, tmp_path / "mot"))
    assert (found["mota"], found["false_positives"], found["misses"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,1,0,0,10\n", "line 1: got '1,1,0,0,10'"),
        ("1,1,0,0,10,10\n1,one,0,0,10,10\n", "line 2"),
        ("0,1,0,0,10,10\n", "frames from 1"),
        ("1,1,0,0,10,10\n1,1,5,5,10,10\n", "track 1 is in frame 1 more than once"),
    ],
)
def test_wrong_lines_get_one_line(tmp_path: Path, text, message):
    path = tmp_path / "p.txt"
    path.write_text(text)
    with pytest.raises(PredictionsError, match=message):
        read_mot(path, error=PredictionsError)
    with pytest.raises(DatasetError, match=message):
        read_mot(path)
