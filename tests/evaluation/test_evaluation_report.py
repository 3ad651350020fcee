from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
import report_inputs
from report_inputs import EVIL

from evaluation.drawing import dataset_sheet
from evaluation.report.cases import PredictedSet
from evaluation.report.charts import curve_chart
from evaluation.report.inputs import ReportInputs
from evaluation.report.page import write_report
from evaluation.report.training_part import training_part
from evaluation.scores import evaluate, write_scores
from pipeline.errors import CheckpointError, DatasetError
from pipeline.formats.coco import find_annotations, read_coco
from pipeline.formats.imagefolder import read_image_folder

SECTIONS = {
    "summary",
    "fairness",
    "scores",
    "curves",
    "domain",
    "errors",
    "slices",
    "convention",
    "gallery",
    "examples",
    "datasets",
    "training",
    "provenance",
}
CONTROLS = {"theme", "contents", "viewer"}


class Page(HTMLParser):
    """Tags, ids, addresses and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.alts: list[str | None] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.sources += [found["src"]] if "src" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.alts += [found.get("alt")] if tag == "img" else []

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def detection_inputs(tmp_path_factory) -> ReportInputs:
    return report_inputs.detection_inputs(tmp_path_factory.mktemp("inputs"))


def test_report_is_complete_contained_and_escaped(detection_inputs):
    out = write_report(detection_inputs, detection_inputs.scores.with_name("report.html"))
    html = out.read_text()
    page = Page(html)
    assert set(page.ids) == SECTIONS | CONTROLS
    assert page.tags.count("script") == 1, "our own, which the page's policy names by its hash"
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    assert page.text.count(EVIL) >= 8, "shown as text"
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert set(page.links) == {"data:,", "scores.json"}
    assert not re.search(r"url\(|@import|https?://", html)
    assert page.alts
    assert all(page.alts)
    assert out.stat().st_size < 6e6
    for word in ("Otsu + watershed", "Mask AP50", "Dice", "domain_drop", "912,345", "1 min 5 s"):
        assert word in page.text
    assert page.tags.count("h1") == 1


def test_report_is_the_same_every_time(detection_inputs):
    first, second = (
        write_report(detection_inputs, detection_inputs.scores.with_name(name)).read_bytes()
        for name in ("a.html", "b.html")
    )
    assert first == second


def test_numbers_of_the_summary_are_those_of_the_files(detection_inputs, tmp_path: Path):
    text = Page(write_report(detection_inputs, tmp_path / "r.html").read_text()).text
    objects = sum(
        not g.iscrowd
        for group in read_coco(
            find_annotations(detection_inputs.predicted[0].benchmark)
        ).instances.values()
        for g in group
    )
    # One lost and one of another class, which is a false alarm as well.
    assert f"{objects - 2} of {objects}" in text
    assert "with 1 false alarm" in text
    assert f"found {objects - 5} of {objects} objects on 9 real photographs" in text


def test_report_of_scores_alone(detection_inputs):
    bare = ReportInputs(title="Bare", scores=detection_inputs.scores)
    deep = detection_inputs.scores.parent / "deep" / "er" / "report.html"
    page = Page(write_report(bare, deep).read_text())
    assert set(page.ids) == {"summary", "scores", "domain", "provenance"} | CONTROLS
    assert "../../scores.json" in page.links


def test_wrong_inputs_are_named(detection_inputs, tmp_path: Path):
    with pytest.raises(DatasetError, match=r"none\.json"):
        write_report(ReportInputs(title="", scores=tmp_path / "none.json"), tmp_path / "r")
    no_run = ReportInputs(title="", scores=detection_inputs.scores, runs={"x": tmp_path})
    with pytest.raises(CheckpointError, match=r"train\.json"):
        write_report(no_run, tmp_path / "r.html")


def test_classification_report(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("<b>7", "8"):
        folder = tmp_path / "digits" / "test" / name
        folder.mkdir(parents=True)
        for i in range(8):
            cv2.imwrite(str(folder / f"{i}.png"), rng.integers(0, 255, (8, 8)).astype(np.uint8))
    images = read_image_folder(tmp_path / "digits" / "test").images
    entries = [
        {"image_id": i.image_id, "category_id": 1, "score": float(rng.random())} for i in images
    ]
    predictions = tmp_path / "p.json"
    predictions.write_text(json.dumps(entries))
    scores = tmp_path / "scores.json"
    write_scores([evaluate(predictions, tmp_path / "digits")], scores)
    shown = PredictedSet(name="net", predictions=predictions, benchmark=tmp_path / "digits")
    inputs = ReportInputs(
        title="Digits", scores=scores, predicted=(shown,), datasets=(tmp_path / "digits",)
    )
    html = write_report(inputs, tmp_path / "report.html").read_text()
    page = Page(html)
    shown = {"summary", "scores", "gallery", "examples", "datasets", "provenance"}
    assert shown | CONTROLS == set(page.ids)
    assert "Confusion matrix" in page.text
    assert "8, is <b>7" in page.text
    assert "recognised 8 of 16" in page.text
    assert page.tags.count("img") == 16 + 16 + 8 + 16


def test_sheets_of_datasets(painted_dataset: Path, tmp_path: Path):
    sheet = dataset_sheet(painted_dataset, pictures=3, columns=2, tile_px=192)
    assert sheet.shape == (2 * (128 + 8) + 8, 2 * (192 + 8) + 8, 3)
    for class_name in "ab":
        (tmp_path / "f" / class_name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "f" / class_name / "1.png"), np.zeros((8, 8), np.uint8))
    assert dataset_sheet(tmp_path / "f", pictures=4, tile_px=32).shape[0] == 2 * 36 + 4


def test_charts_are_drawings_with_finite_numbers():
    steps = np.arange(1.0, 501.0)
    wild = np.where(steps % 50 == 0, np.nan, 100 / steps)
    curves = {"a & b": (steps, wild), "c": (steps, 50 / steps)}
    svg = curve_chart(curves, {"a & b": 0, "c": 1}, title="<Loss>")
    root = ElementTree.fromstring(str(svg))
    assert root.get("aria-label") == "<Loss>"
    assert len([e for e in root if e.tag == "polyline"]) == 4
    assert "nan" not in svg
    assert curve_chart({"a": (np.zeros(0), np.zeros(0))}, {"a": 0}, title="") == ""
    flat = curve_chart({"a": (steps, np.zeros(500))}, {"a": 0}, title="flat")
    assert "nan" not in flat
    assert "inf" not in flat


def test_many_trainings_are_told_once_and_then_by_what_differs(tmp_path: Path):
    runs = {}
    for regime in ("real 0.2", "real 1", "synthetic", "mixed"):
        for seed in (0, 1):
            run = report_inputs.write_curve(tmp_path / regime / str(seed))
            train = {"model": {"name": "net"}, "steps": 80, "seed": seed}
            (run / "train.json").write_text(json.dumps(train))
            runs[f"{regime} seed {seed}"] = run
    part = training_part(runs)
    assert {(fact.name, fact.value) for fact in part.facts} >= {("Network", "net")}
    assert "Seed" not in {fact.name for fact in part.facts}
    assert part.heading == ("Training", "Seed")
    assert part.rows[2] == ("real 1 seed 0", "0")
    assert len(part.rows) == 8
    loss = part.charts[0]
    assert [name for _, name in loss.legend] == [
        "Real photographs",
        "Rendered frames",
        "Both, mixed",
    ]
    assert loss.svg.count(f'class="smooth line-{loss.legend[0][0]}"') == 4
    few = training_part(dict(list(runs.items())[:2]))
    assert [name for _, name in few.charts[0].legend] == ["real 0.2 seed 0", "real 0.2 seed 1"]
    alone = training_part(dict(list(runs.items())[:1]))
    assert alone.rows == alone.heading == ()
    assert training_part({}) is None
