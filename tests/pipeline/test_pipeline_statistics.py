"""Statistics, look-alikes and the card; the judges are numpy and pictures altered on purpose."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painting import paint_dataset, painted_manifest

from pipeline.dataset.card import card_text, write_card
from pipeline.dataset.check import check_dataset
from pipeline.dataset.duplicates import find_near_duplicates, picture_hash
from pipeline.dataset.frames import read_record
from pipeline.dataset.histograms import Histogram, summarise
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.dataset.statistics import (
    GRID,
    DatasetStatistics,
    LabelStatistics,
    StatisticsBuilder,
    label_statistics,
    read_statistics,
    write_statistics,
)
from pipeline.errors import DatasetError
from pipeline.formats.coco import read_coco
from pipeline.records.annotations import FrameRecord, InstanceLabel
from pipeline.records.audit import AuditedKind, AuditRecord
from pipeline.records.keypoints import KeypointLayout
from pipeline.specs.scene import LabelSpec, SequenceSpec

RLE = {"size": [100, 200], "counts": "0"}


def label(box_xyxy, **changes):
    entries = {
        "instance_id": 1,
        "category": "cup",
        "box_xyxy": box_xyxy,
        "area_px": 10,
        "rle": RLE,
        "iscrowd": False,
    }
    return InstanceLabel(**entries | changes)


def frame(*labels, **scene):
    return FrameRecord(
        scene=scene, labels=labels, image="a.png", image_hw=(100, 200), files={}, seconds={}
    )


# --- numbers -----------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=300), st.randoms())
def test_few_numbers_have_exact_quantiles_in_any_order(numbers, random):
    summary = summarise(numbers)
    for share, quantile in summary.quantiles.items():
        expected = np.quantile(numbers, share)
        assert quantile == pytest.approx(expected, rel=1e-5, abs=1e-5 * max(map(abs, numbers)))
    assert summary.count == len(numbers) == sum(summary.bins)
    assert len(summary.edges) == len(summary.bins) + 1
    assert summary.mean == pytest.approx(np.mean(numbers), rel=1e-4, abs=1e-3)
    shuffled = list(numbers)
    random.shuffle(shuffled)
    assert summarise(shuffled).quantiles == pytest.approx(summary.quantiles, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("draw", "tolerance"),
    [
        (lambda rng, n: rng.uniform(3, 30, n), 0.004),
        (lambda rng, n: np.exp(rng.uniform(0, np.log(1000), n)), 0.008),
        (lambda rng, n: rng.uniform(-2, -1, n), 0.004),
    ],
)
def test_many_numbers_have_quantiles_within_the_stated_error_and_bounded_memory(draw, tolerance):
    numbers = draw(np.random.default_rng(1), 200_000)
    histogram = Histogram()
    histogram.extend(numbers.tolist())
    summary = histogram.summary()
    assert histogram._keys.size <= 2048
    expected = [np.quantile(numbers, share) for share in summary.quantiles]
    np.testing.assert_allclose(list(summary.quantiles.values()), expected, rtol=tolerance)
    assert (summary.low, summary.high) == pytest.approx((numbers.min(), numbers.max()), rel=1e-5)
    assert summary.deviation == pytest.approx(numbers.std(), rel=1e-4)
    assert sum(summary.bins) == 200_000


def test_bins_suit_the_numbers():
    rng = np.random.default_rng(0)
    even = summarise(rng.uniform(0.001, 1, 2000).tolist())
    ratio = summarise(np.exp(rng.uniform(np.log(0.001), 0, 2000)).tolist())
    whole = summarise(rng.integers(1, 7, 600).tolist())
    assert not even.logarithmic
    assert ratio.logarithmic
    for summary in (even, ratio):  # what was drawn evenly looks even
        assert min(summary.bins) > 0.5 * max(summary.bins)
    assert whole.edges == (0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5)
    assert summarise([0.25, 0.25]).bins == (2,)
    assert summarise([]) is None


# --- labels ------------------------------------------------------------------------------------


def test_labels_are_counted_by_hand():
    builder = StatisticsBuilder(
        ["cup", "lid"], keypoints={"cup": KeypointLayout(names=("rim", "foot"), sigmas=(0.1, 0.1))}
    )
    builder.add(
        frame(
            label(
                (0, 0, 40, 10),
                visible_fraction=0.5,
                truncation=0.25,
                keypoints=((1.0, 1.0, 2), (0.0, 0.0, 0)),
            ),
            label(
                (150, 50, 170, 70),
                visible_fraction=1.0,
                truncation=0.0,
                keypoints=((160.0, 60.0, 2), (161.0, 69.0, 1)),
            ),
            label((10, 10, 12, 12), category="lid", iscrowd=True, visible_fraction=0.01),
            factors={"lighting": {"strength": 2.0, "kind": "sun"}, "camera": {"tele": True}},
            sensor={"grey": True, "full_well_e": 0.0},
            lens={"aperture_m": 0.01},
            camera={"dist": [0.0] * 5},
        )
    )
    builder.add(frame(factors={"lighting": {"strength": 4.0, "kind": "lamp"}}))
    found = builder.statistics()
    assert (found.images, found.empty_images, found.instances, found.crowds) == (2, 1, 2, 1)
    assert found.per_category == {"cup": 2, "lid": 0}
    assert found.image_sizes == {"200x100": 2}
    assert (found.per_image.low, found.per_image.high) == (0, 2)
    assert (found.box_side_px.low, found.box_side_px.high) == (20, 20)
    assert (found.aspect_ratio.low, found.aspect_ratio.high) == (1, 4)
    assert (found.visible_fraction.low, found.visible_fraction.count) == (0.5, 2)
    assert found.truncation.high == 0.25
    assert found.truncated == 1
    assert found.keypoints == {"cup": {"rim": (0, 0, 2), "foot": (1, 1, 0)}}
    assert found.factors["lighting.strength"].mean == 3
    assert found.factor_words == {
        "lighting.kind": {"sun": 1, "lamp": 1},
        "camera.tele": {"yes": 1},
    }
    assert found.effects == {"depth of field": 1, "greyscale": 1}


def test_maps_say_where_boxes_are():
    builder = StatisticsBuilder(["cup"])
    builder.add(frame(label((0, 0, 100, 50))))
    builder.add(frame())
    found = builder.statistics()
    centres, coverage = np.array(found.centres), np.array(found.coverage)
    assert centres.shape == coverage.shape == (GRID, GRID)
    assert np.argwhere(centres).tolist() == [[GRID // 4, GRID // 4]]
    half = GRID // 2
    assert (coverage[:half, :half] == 0.5).all()  # of the two pictures one
    assert coverage.sum() == 0.5 * half * half


def test_coverage_adds_up_to_the_area_of_the_boxes():
    rng = np.random.default_rng(0)
    corners = np.sort(rng.uniform(0, [[200], [100]], (50, 2, 2)), axis=2)
    builder = StatisticsBuilder(["cup"])
    builder.add(frame(*(label((x0, y0, x1, y1)) for (x0, x1), (y0, y1) in corners)))
    areas = np.prod(corners[..., 1] - corners[..., 0], axis=1)
    coverage = np.array(builder.statistics().coverage)
    assert coverage.mean() * 200 * 100 == pytest.approx(areas.sum(), rel=1e-5)


def test_words_without_end_do_not_fill_the_memory():
    builder = StatisticsBuilder([])
    for i in range(1000):
        builder.add(frame(factors={"material": {"name": f"wood {i}"}}))
    words = builder.statistics().factor_words["material.name"]
    assert len(words) == 257
    assert sum(words.values()) == 1000


def test_a_coco_dataset_and_its_frames_agree(painted_dataset):
    layout = DatasetLayout(painted_dataset)
    manifest = read_manifest(painted_dataset)
    builder = StatisticsBuilder(manifest.categories, keypoints=manifest.keypoints)
    for number in range(4):
        builder.add(read_record(layout, number))
    of_frames, of_coco = builder.statistics(), label_statistics(read_coco(layout.annotations))
    assert of_coco == of_frames.model_copy(update={"factors": {}, "effects": of_coco.effects})
    assert read_statistics(layout.statistics).labels == of_frames  # what assembly wrote
    assert check_dataset(painted_dataset).statistics == of_frames


def test_statistics_survive_the_file_and_damage_is_told(tmp_path, painted_dataset):
    layout = DatasetLayout(painted_dataset)
    report = check_dataset(painted_dataset)
    statistics = DatasetStatistics(labels=report.statistics, pictures=report.pictures)
    layout.statistics_picture.write_bytes(b"of other numbers")
    write_statistics(layout, statistics)
    assert read_statistics(layout.statistics) == statistics
    assert not layout.statistics_picture.exists()
    assert read_statistics(tmp_path / "statistics.json") is None
    layout.statistics.write_text("{}")
    with pytest.raises(DatasetError, match="blendgap check"):
        read_statistics(layout.statistics)


# --- look-alikes -------------------------------------------------------------------------------


def scene_picture(seed, shape=(96, 128, 3)):
    """Discs of any grey on cloudy ground."""
    rng = np.random.default_rng(seed)
    clouds = cv2.resize(rng.uniform(20, 90, (4, 5, 3)).astype(np.float32), shape[1::-1])
    for _ in range(8):
        x, y, radius = (int(v) for v in rng.integers([0, 0, 6], [shape[1], shape[0], 18]))
        cv2.circle(clouds, (x, y), radius, rng.uniform(60, 250, 3).tolist(), -1, cv2.LINE_AA)
    return clouds.astype(np.uint8)


def altered(picture, how):
    rng = np.random.default_rng(5)
    if how == "same":
        return picture
    if how == "compressed":
        return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 1)
    if how == "noisy":
        return np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8)
    if how == "brighter":
        return np.clip(picture * 1.08, 0, 255).astype(np.uint8)
    if how == "smaller":
        return cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    return picture.mean(axis=2).astype(np.uint8)  # grey


@pytest.mark.parametrize("how", ["same", "compressed", "noisy", "brighter", "smaller", "grey"])
def test_altered_copies_are_found_and_nothing_else(how):
    pictures = [scene_picture(seed) for seed in range(60)]
    pictures += [altered(pictures[seed], how) for seed in (3, 40)]
    found = find_near_duplicates([picture_hash(p) for p in pictures], range(62))
    assert {pair[:2] for pair in found.closest} == {(3, 60), (40, 61)}
    assert (found.pairs, found.pictures) == (2, 4)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 40))
def test_the_search_finds_what_comparing_all_pairs_finds(seed, most_flipped):
    rng = np.random.default_rng(seed)
    hashes = rng.random((40, 255)) < 0.5
    for copy in range(20, 40):
        hashes[copy] = hashes[copy - 20]
        hashes[copy, rng.choice(255, rng.integers(0, most_flipped + 1), replace=False)] ^= True
    found = find_near_duplicates(list(hashes), range(100, 140))
    distances = (hashes[:, None] != hashes[None]).sum(2)
    expected = {
        (100 + i, 100 + j, int(distances[i, j]))
        for i in range(40)
        for j in range(i + 1, 40)
        if distances[i, j] <= 16
    }
    assert set(found.closest) == expected
    assert found.pairs == len(expected)


def test_pictures_of_one_sequence_are_no_duplicates_but_those_of_two_are():
    one, other = picture_hash(scene_picture(0)), picture_hash(scene_picture(1))
    found = find_near_duplicates([one, one, other, one], range(4), sequence_frames=2)
    assert {pair[:2] for pair in found.closest} == {(0, 3), (1, 3)}
    assert not found.within_sequences


def test_thousands_of_equal_pictures_are_all_told_of():
    found = find_near_duplicates([picture_hash(scene_picture(0))] * 3000, range(3000))
    assert found.pictures == 3000
    assert len(found.closest) == 50


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_pictures_have_no_duplicates(count):
    found = find_near_duplicates([picture_hash(scene_picture(0))] * count, range(count))
    assert (found.pairs, found.pictures, found.closest) == (0, 0, ())


# --- card --------------------------------------------------------------------------------------


def audit_of(sha256, *, passed=True):
    kind = AuditedKind(
        unit="IoU",
        compared=120,
        agreeing=119,
        mean=0.9987,
        worst=0.9,
        limit="IoU >= 0.97",
        required_share=1.0,
        required_mean=0.995,
        passed=passed,
    )
    return AuditRecord(
        annotations_sha256=sha256,
        versions={},
        frames=(0, 2),
        kinds={"masks": kind},
        disagreements={2: ("instance 1: mask",)},
    )


def test_the_card_says_what_is_in_it_and_that_there_was_no_audit(painted_dataset):
    card = (painted_dataset / "card.md").read_text()
    counts = read_manifest(painted_dataset).counts
    assert f"**4** rendered pictures (96 x 64 px) with **{counts['instances'] - counts['crowds']}**"
    assert "| disc |" in card
    assert "have not been audited" in card
    assert "--audit" in card
    assert "Not looked for yet" in card
    assert "statistics.png" not in card
    assert str(painted_dataset) not in card


def test_the_card_tells_the_audit_the_picture_and_the_look_alikes(painted_dataset):
    layout = DatasetLayout(painted_dataset)
    manifest = read_manifest(painted_dataset)
    report = check_dataset(painted_dataset)
    write_statistics(layout, DatasetStatistics(labels=report.statistics, pictures=report.pictures))
    layout.statistics_picture.write_bytes(b"a picture")
    audit = audit_of(manifest.files["annotations/instances.json"])
    layout.audit.write_text(audit.model_dump_json())
    write_card(painted_dataset, manifest)
    card = layout.card.read_text()
    assert "(statistics.png)" in card
    assert "| masks | 120 | 119 | 0.9987 | 0.9 | IoU >= 0.97 | good |" in card
    assert "2 pictures labelled again" in card
    assert "- 2: instance 1: mask" in card
    assert "audit again" not in card
    assert "No two pictures are nearly the same" in card
    layout.audit.write_text(audit_of("of older labels", passed=False).model_dump_json())
    write_card(painted_dataset, manifest)
    assert "audit again" in layout.card.read_text()
    assert "**Failed**" in layout.card.read_text()


def test_the_card_of_a_sequence_with_all_labels_and_missing_pictures():
    manifest = painted_manifest(6)
    spec = manifest.spec.model_copy(
        update={
            "labels": LabelSpec(amodal=True, keypoints=True, depth=True),
            "sequence": SequenceSpec(frames=3, fps=10),
            "factors": {"lighting": {"strength": [0.5, 2]}, "distractors": "off"},
        }
    )
    manifest = manifest.model_copy(update={"spec": spec, "quarantined": {4: "crashed | twice"}})
    labels = LabelStatistics(images=5, instances=0, crowds=0, per_category={"disc": 0})
    card = card_text(manifest, labels)
    assert "in sequences of 3 at 10 per second" in card
    assert "`passes/*.depth.npy`" in card
    assert "Switched off: semantic, poses, models, normals, flow." in card
    assert "- `lighting`: strength 0.5 to 2" in card
    assert "- `distractors`: off" in card
    assert "- 4: crashed | twice" in card
    assert "less than 5 % visible" in card


def test_two_renders_have_the_same_card(tmp_path, painted_dataset):
    other = paint_dataset(tmp_path / "elsewhere")
    for name in ("card.md", "statistics.json"):
        assert (other / name).read_bytes() == (painted_dataset / name).read_bytes()
