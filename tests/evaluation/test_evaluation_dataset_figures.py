"""The page of statistics: that it is drawn, of everything, of nothing, and always the same."""

import cv2
import numpy as np
import pytest
from painting import paint_dataset

from evaluation.dataset_figures import _factor_title, _merged, describe_dataset, statistics_page
from pipeline.dataset.check import check_dataset
from pipeline.dataset.duplicates import NearDuplicates
from pipeline.dataset.histograms import summarise
from pipeline.dataset.layout import DatasetLayout
from pipeline.dataset.manifest import read_manifest
from pipeline.dataset.pictures import PictureStatistics
from pipeline.dataset.statistics import DatasetStatistics, LabelStatistics, read_statistics
from pipeline.errors import DatasetError


def decoded(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def page_of(folder, **labels):
    report = check_dataset(folder)
    statistics = DatasetStatistics(labels=report.statistics.model_copy(update=labels))
    return decoded(statistics_page(folder, report.manifest, statistics))


def test_describing_a_dataset_writes_picture_numbers_and_card_the_same_every_time(painted_dataset):
    layout, report = DatasetLayout(painted_dataset), check_dataset(painted_dataset)
    statistics = DatasetStatistics(labels=report.statistics, pictures=report.pictures)
    describe_dataset(painted_dataset, report.manifest, statistics)
    first = layout.statistics_picture.read_bytes()
    page = decoded(first)
    assert page.shape[1] == 1728
    assert (page[:5] == 255).all()
    assert page.std() > 10
    assert read_statistics(layout.statistics) == statistics
    assert "(statistics.png)" in layout.card.read_text()
    assert check_dataset(painted_dataset).problems == ()
    describe_dataset(painted_dataset, report.manifest, statistics)
    assert layout.statistics_picture.read_bytes() == first


def test_factors_visibility_and_look_alikes_each_take_their_place(painted_dataset):
    rng = np.random.default_rng(0)
    plain = page_of(painted_dataset)
    numbers = {
        f"lighting.strength_{i}": summarise(np.exp(rng.normal(0, 2, 50)).tolist()) for i in range(7)
    }
    rows = page_of(painted_dataset, factors=numbers)
    assert rows.shape[0] > plain.shape[0]
    words = {"material.kind": {f"wood number {i}": i + 1 for i in range(14)}}
    assert page_of(painted_dataset, factor_words=words).shape[0] > plain.shape[0]
    same = {"lighting.strength": summarise([1.0, 1.0])}  # nothing to see in what is fixed
    assert page_of(painted_dataset, factors=same).shape == plain.shape
    seen = summarise(rng.uniform(0, 1, 30).tolist())
    page = page_of(painted_dataset, visible_fraction=seen, truncation=seen, truncated=30)
    assert page.shape[0] >= plain.shape[0]


def test_near_duplicates_are_shown_side_by_side(painted_dataset):
    report = check_dataset(painted_dataset)
    pair = NearDuplicates(pictures=2, pairs=1, closest=((1, 3, 4),))
    pictures = PictureStatistics(brightness=None, contrast=None, near_duplicates=pair)
    statistics = DatasetStatistics(labels=report.statistics, pictures=pictures)
    page = decoded(statistics_page(painted_dataset, report.manifest, statistics))
    shown = cv2.imread(str(DatasetLayout(painted_dataset).image(3, "png")))
    width = 260
    tile = cv2.resize(shown, (width, round(width * 64 / 96)), interpolation=cv2.INTER_CUBIC)
    best = cv2.matchTemplate(page[-300:], tile[20:-20, 20:-20], cv2.TM_CCOEFF_NORMED).max()
    assert best > 0.8


def test_a_dataset_without_objects_or_without_any_picture_is_drawn(tmp_path):
    folder = paint_dataset(tmp_path / "few", frames=1)
    manifest = read_manifest(folder)
    nothing = LabelStatistics(images=0, instances=0, crowds=0, per_category={"disc": 0})
    gone = manifest.model_copy(update={"quarantined": {0: "crashed"}})
    page = decoded(statistics_page(folder, gone, DatasetStatistics(labels=nothing)))
    assert page.shape[1] == 1728


def test_a_picture_that_is_missing_is_named(painted_dataset):
    report = check_dataset(painted_dataset)
    DatasetLayout(painted_dataset).image(0, "png").unlink()
    with pytest.raises(DatasetError, match=r"000000\.png"):
        statistics_page(
            painted_dataset, report.manifest, DatasetStatistics(labels=report.statistics)
        )


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("sensor.grain_size_px", "sensor · grain size, px"),
        ("shape.m", "shape · m"),
        ("lighting.strength", "lighting · strength"),
    ],
)
def test_units_are_written_behind_the_name(name, title):
    assert _factor_title(name) == title


def test_merging_cells_keeps_the_count():
    cells = np.random.default_rng(0).poisson(0.4, (32, 32)).astype(float)
    merged = _merged(cells)
    assert merged.sum() == cells.sum()
    assert merged.mean() >= 3 or len(merged) == 8
