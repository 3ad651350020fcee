"""The webdataset library on our shards."""

import json

import numpy as np
import webdataset


def test_webdataset_reads_the_samples(exports, stills):
    shards = json.loads((exports / "webdataset" / "dataset.json").read_text())["train"]["shards"]
    urls = [str(exports / "webdataset" / name) for name in shards]
    dataset = webdataset.WebDataset(urls, shardshuffle=False).decode("rgb8")
    samples = {sample["__key__"]: sample for sample in dataset}
    assert len(samples) == len(stills.images)
    for image in stills.images:
        sample = samples[image["file_name"].removesuffix(".png")]
        assert sample["png"].shape == (image["height"], image["width"], 3)
        found = sample["json"]["annotations"]
        true = stills.objects(image)
        assert [entry["bbox"] for entry in found] == [entry["bbox"] for entry in true]
        assert [e["segmentation"] for e in found] == [e["segmentation"] for e in true]
        stem = image["file_name"].removesuffix(".png")
        depth_m = np.load(exports / "dataset" / "passes" / f"{stem}.depth.npy")
        assert np.array_equal(sample["depth.npy"], depth_m)
