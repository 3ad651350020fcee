"""motmetrics and TrackEval on our MOTChallenge export."""

import motmetrics
import numpy as np
import trackeval


def rows_by_sequence(video):
    rows = {}
    for image in video.images:
        name = f"train-{image['video_id']:06d}"
        for entry in video.objects(image):
            key = (image["frame_index"] + 1, entry["track_id"])
            rows.setdefault(name, {})[key] = entry
    return rows


def test_motmetrics_reads_the_tracks(exports, video):
    for name, rows in rows_by_sequence(video).items():
        path = exports / "mot" / "train" / name / "gt" / "gt.txt"
        table = motmetrics.io.loadtxt(str(path), fmt="mot16")
        assert len(table) == len(rows)
        for (frame, track), entry in rows.items():
            row = table.loc[frame, track]
            # motmetrics takes MOTChallenge's 1 off.
            assert np.allclose(row[["X", "Y", "Width", "Height"]].astype(float), entry["bbox"])
            assert row["Confidence"] == 1 - entry["iscrowd"]
            assert row["ClassId"] == entry["category_id"]
            assert np.isclose(row["Visibility"], entry["visible_fraction"])


def test_trackeval_reads_the_folder(exports, video, tmp_path):
    rows = rows_by_sequence(video)
    tracker = tmp_path / "itself" / "data"
    tracker.mkdir(parents=True)
    gt = exports / "mot" / "train"
    for name in rows:
        # As a tracker's result: what is marked to be considered, without classes.
        lines = (gt / name / "gt" / "gt.txt").read_text().splitlines()
        fields = [line.split(",") for line in lines]
        counted = [",".join(f[:7]) for f in fields if f[6] == "1"]
        (tracker / f"{name}.txt").write_text("".join(f"{line},-1,-1,-1\n" for line in counted))
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            "GT_FOLDER": str(gt),
            "TRACKERS_FOLDER": str(tmp_path),
            "SEQMAP_FILE": str(exports / "mot" / "seqmaps" / "train.txt"),
            "SKIP_SPLIT_FOL": True,
            "DO_PREPROC": False,
            "PRINT_CONFIG": False,
        }
    )
    trackers, sequences, _ = dataset.get_eval_info()
    assert trackers == ["itself"]
    assert set(sequences) == set(rows)
    for name in sequences:
        raw = dataset.get_raw_seq_data("itself", name)
        for frame in range(raw["num_timesteps"]):
            true = {
                track: [e["bbox"][0] + 1, e["bbox"][1] + 1, *e["bbox"][2:]]
                for (number, track), e in rows[name].items()
                if number == frame + 1
            }
            found = dict(zip(raw["gt_ids"][frame], raw["gt_dets"][frame].tolist(), strict=True))
            assert found.keys() == true.keys()
            assert all(np.allclose(found[track], box) for track, box in true.items())
    data = dataset.get_preprocessed_seq_data(
        dataset.get_raw_seq_data("itself", sequences[0]), "pedestrian"
    )
    assert trackeval.metrics.HOTA().eval_sequence(data)["HOTA"].min() > 0.999
