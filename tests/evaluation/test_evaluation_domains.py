"""Rendered against real pictures, on sets that differ in known ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from evaluation.analysis.domains import compare_domains, read_domains, write_domains
from evaluation.analysis.feature_space import FeatureSpace
from evaluation.analysis.records import Analysis, Gap, Measured, Training
from evaluation.appearance import OCTAVES, measure_labels, measure_looks
from evaluation.report.domains import domain_part
from pipeline.drawing import read_rgb
from pipeline.errors import CheckpointError, DatasetError
from pipeline.formats.labelled import Category, CocoDataset, CocoImage, CocoInstance

HW = (48, 64)


def instance(number, box, *, iscrowd=False):
    x0, y0, x1, y1 = box
    return CocoInstance(
        annotation_id=number,
        image_id=1,
        category_id=1,
        box_xyxy=box,
        area_px=(x1 - x0) * (y1 - y0),
        rle=None,
        iscrowd=iscrowd,
    )


def picture_set(folder: Path, pixels, boxes) -> CocoDataset:
    folder.mkdir()
    images, instances = [], {}
    for number, (each, own) in enumerate(zip(pixels, boxes, strict=True), start=1):
        path = folder / f"{number:03d}.png"
        cv2.imwrite(str(path), each)
        images.append(
            CocoImage(image_id=number, file_name=path.name, path=path, width=HW[1], height=HW[0])
        )
        instances[number] = tuple(instance(i, box) for i, box in enumerate(own, start=1))
    return CocoDataset(
        annotations_path=folder,
        images_dir=folder,
        categories=(Category(category_id=1, name="thing"),),
        images=tuple(images),
        instances=instances,
    )


def noisy(rng, *, brightness, count):
    return [
        np.clip(rng.normal(brightness, 20, (*HW, 3)), 0, 255).astype(np.uint8) for _ in range(count)
    ]


def coarse(paths):
    """Mean colours of 4 x 4 parts: features that anyone can check."""
    return np.array(
        [
            cv2.resize(read_rgb(p), (4, 4), interpolation=cv2.INTER_AREA).ravel() / 255.0
            for p in paths
        ]
    )


SPACE = FeatureSpace(network="mean colours", extract=coarse)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    rng = np.random.default_rng(0)
    frames = noisy(rng, brightness=100, count=30)
    photographs = noisy(rng, brightness=160, count=20)
    photographs[3] = frames[11]
    few = [[(10.0, 10.0, 20.0, 20.0)] for _ in frames]
    many = [[(10.0, 10.0, 20.0, 20.0), (30.0, 30.0, 34.0, 34.0)] for _ in photographs]
    synthetic = picture_set(folder / "frames", frames, few)
    real = picture_set(folder / "real", photographs, many)
    found = compare_domains(
        synthetic=synthetic, real=real, real_name="mine/train", scored=real, boxes=True, space=SPACE
    )
    return synthetic, real, found


def finding(found, name):
    return next(f for f in (*found.looks, *found.labels) if f.name == name)


def test_what_differs_lies_beyond_and_what_does_not_is_covered(compared):
    _, _, found = compared
    brightness = finding(found, "brightness")
    assert brightness.beyond == pytest.approx(19 / 20)
    assert brightness.real[1] == pytest.approx(100 * 160 / 255, rel=0.02)
    assert brightness.synthetic[1] == pytest.approx(100 * 100 / 255, rel=0.02)
    assert finding(found, "objects").beyond == 1.0
    # The square root of the boxes' areas: half of them as in the frames, half of them 4 px.
    size = finding(found, "box size")
    assert size.beyond == pytest.approx(0.5)
    assert size.reach == pytest.approx((100 * 10 / np.sqrt(48 * 64),) * 2)
    assert finding(found, "hidden by neighbours").beyond == 0


def test_features_tell_them_apart_with_the_copy_as_nearest_frame(compared):
    _, _, found = compared
    features = found.features
    assert features.told_apart > 0.9
    assert features.frechet > 5 * features.frechet_within
    assert features.kernel_low > 0
    assert features.frechet_pictures == 10
    nearest = {each.image_id: each.frames for each in features.nearest}
    assert nearest[4][0] == 12, "the same pixels"
    assert len(nearest) == 20
    assert (len(features.real_map), len(features.synthetic_map)) == (20, 30)
    assert sum(features.map_explains) > 0.5
    real_x, ours_x = (
        np.mean([x for x, _ in m]) for m in (features.real_map, features.synthetic_map)
    )
    assert abs(real_x - ours_x) > 0.5, "brightness is what varies most"
    assert features.perplexity == pytest.approx(49 / 3)
    real, ours = (np.array(m) for m in (features.real_neighbours, features.synthetic_neighbours))
    beside = np.linalg.norm(ours - real[3], axis=1)
    assert beside.argmin() == 11, "the same pixels lie side by side"


def test_alike_sets_are_not_told_apart(tmp_path):
    rng = np.random.default_rng(1)
    boxes = [[(5.0, 5.0, 9.0, 9.0)]] * 40
    a, b = (
        picture_set(tmp_path / name, noisy(rng, brightness=120, count=40), boxes) for name in "ab"
    )
    found = compare_domains(
        synthetic=a, real=b, real_name="b", scored=b, boxes=True, space=SPACE
    ).features
    assert found.told_low < 0.5 < found.told_high
    assert found.kernel_low < 0 < found.kernel_high


def test_a_network_that_cannot_be_had_is_said(compared, tmp_path):
    synthetic, real, _ = compared

    def missing(_):
        raise CheckpointError("weights of some: cannot be downloaded")

    space = replace(SPACE, extract=missing)
    found = compare_domains(
        synthetic=synthetic, real=real, real_name="x", scored=real, boxes=False, space=space
    )
    assert found.features is None
    assert "weights of some" in found.missing
    assert found.labels == ()
    assert "weights of some" in domain_part(found, Analysis()).missing
    write_domains(found, tmp_path / "domains.json")
    assert read_domains(tmp_path / "domains.json") == found
    (tmp_path / "domains.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"domains\.json"):
        read_domains(tmp_path / "domains.json")


def test_one_photograph_gets_a_map_and_no_distance(compared):
    synthetic, real, _ = compared
    one = replace(real, images=real.images[:1])
    found = compare_domains(
        synthetic=synthetic, real=one, real_name="x", scored=one, boxes=True, space=SPACE
    )
    assert found.features.kernel is None
    assert found.features.told_apart is None
    part = domain_part(found, Analysis())
    assert [plot.title.split(":")[0] for plot in part.plots] == [
        "Every picture as the network sees it",
        "The same pictures by who is like whom",
    ]
    assert part.facts[0].value == "not computed: there are too few real pictures"


def test_distances_stand_beside_the_measured_transfer(compared):
    _, _, found = compared
    training = Training(
        regime="synthetic", real_fraction=0, real_images=0, synthetic_images=30,
        trained_on="x", without=None,
    )  # fmt: skip
    measured = Measured(
        value=0.123, low=0.1, high=0.15, images_sd=0.01, seeds_sd=None, seeds=1, count=20,
        unit_of_count="images",
    )  # fmt: skip
    gap = Gap(
        name="domain_drop", metric="box_ap50", training=training, against=training,
        test=("mine/real", "test"), measured=measured,
    )  # fmt: skip
    smaller = training.model_copy(update={"synthetic_images": 5})
    few = gap.model_copy(
        update={"training": smaller, "measured": measured.model_copy(update={"value": 0.5})}
    )
    part = domain_part(found, Analysis(gaps=(few, gap)))
    text = " ".join(part.sentences)
    assert "12.3 points of Box AP50 [10.0, 15.0]" in text
    assert "Objects: 100 % of the real numbers lie beyond" in text
    assert part.network == "mean colours"
    assert [fact.name.split()[0] for fact in part.facts] == ["A", "Kernel", "Fréchet"]


@pytest.mark.parametrize(("period", "band"), [(3, 0), (5, 1), (11, 2), (24, 3)])
def test_a_grating_has_its_power_where_it_repeats(tmp_path, period, band):
    x = np.arange(256)
    wave = np.tile(128 + 100 * np.sin(2 * np.pi * x / period), (192, 1)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), wave)
    looks = measure_looks([tmp_path / "a.png"], side_px=256)
    powers = [looks[name][0] for name in OCTAVES]
    assert np.argmax(powers) == band
    assert powers[band] > -0.2, "nearly all of it"
    np.testing.assert_allclose(np.sum(10 ** (np.array(powers) / 10)), 1, atol=1e-6)


def test_a_plain_picture_has_no_detail(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 40, 3), 90, np.uint8))
    looks = measure_looks([tmp_path / "a.png"], side_px=40)
    assert {looks[name][0] for name in OCTAVES if name in looks} == {-90}


def test_octaves_wider_than_the_picture_are_left_out(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    looks = measure_looks([tmp_path / "a.png"], side_px=8)
    assert [name for name in OCTAVES if name in looks] == ["2 to 4 px", "4 to 8 px"]


def test_labels_are_counted_by_hand():
    image = CocoImage(image_id=1, file_name="a", path=Path("a"), width=100, height=50)
    boxes = [(0.0, 0.0, 20.0, 10.0), (10.0, 0.0, 50.0, 10.0)]
    group = (
        *(instance(i, box) for i, box in enumerate(boxes)),
        instance(9, (0, 0, 9, 9), iscrowd=True),
    )
    dataset = CocoDataset(
        annotations_path=Path("a"), images_dir=Path("a"), categories=(), images=(image,),
        instances={1: group},
    )  # fmt: skip
    found = measure_labels(dataset, [1])
    assert found["objects"] == [2]
    assert found["box shape"] == [2.0, 4.0]
    assert found["place across"] == [10.0, 30.0]
    assert found["place down"] == [10.0, 10.0]
    assert found["hidden by neighbours"] == [50.0, 25.0]
    np.testing.assert_allclose(found["box size"], [100 * np.sqrt(0.04), 100 * np.sqrt(0.08)])
