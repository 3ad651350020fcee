"""Curves, outlines and names: drawn numbers are those of the files."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import report_inputs
from scipy.stats import binomtest

from evaluation.report.cases import open_case
from evaluation.report.curve_plots import best_threshold, curve_plots, reliability_plot
from evaluation.report.line_chart import Line, line_chart
from evaluation.report.names import metric_hint, metric_name
from evaluation.report.overlays import find_outlines
from evaluation.scores import read_scores
from evaluation.sheet import Curve
from pipeline.geometry.masks import mask_of_rle, rle_of_polygons


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return report_inputs.detection_inputs(tmp_path_factory.mktemp("inputs"), frames=4)


@pytest.fixture(scope="module")
def case(inputs):
    return open_case(inputs.predicted[0], min_score=0.5)


def test_the_threshold_is_the_one_of_validation(inputs, case):
    document = read_scores(inputs.scores)
    assert best_threshold(case, document, "mask") is None, "chosen on test it would flatter"
    own = next(s for s in document.scores if s.predictions_sha256 == case.predictions_sha256)
    chosen = {"metric": "mask_best_threshold", "class_name": None, "split": "val"}
    right = own.model_copy(update={**chosen, "value": 0.37, "predictions_sha256": "other"})
    wrong = right.model_copy(update={"seed": 5, "value": 0.91})
    told = document.model_copy(update={"scores": (*document.scores, wrong, right)})
    assert best_threshold(case, told, "mask") == 0.37
    plots = {plot.title: plot.svg for plot in curve_plots([case], told)}
    f1 = next(svg for title, svg in plots.items() if title.startswith("F1 of masks"))
    assert "best on val: 0.37" in f1


def test_curves_are_drawn_where_the_numbers_are(inputs, case):
    plots = curve_plots([case], read_scores(inputs.scores))
    assert [plot.title.split(",")[0] for plot in plots] == [
        "Precision and recall of masks", "F1 of masks by score threshold",
        "Precision and recall of boxes", "F1 of boxes by score threshold",
    ]  # fmt: skip
    gap = line_chart(
        [Line(x=(0, 0.25, 0.5, 1), y=(0.0, None, 1.0, 0.5), color=0)],
        title="t", xlabel="x", ylabel="y",
    )  # fmt: skip
    lines = [e for e in ElementTree.fromstring(str(gap)) if e.tag == "polyline"]
    (only_start, rest) = [line.get("points") for line in lines]
    assert len(only_start.split()) == 1
    (x1, y1), (x2, y2) = (map(float, point.split(",")) for point in rest.split())
    assert x2 > x1
    assert y2 > y1, "0.5 lies under 1.0"


def test_reliability_has_wilson_intervals():
    curve = Curve(
        predictions_sha256="p", kind="reliability", of="class", x=(0.3, 0.9), y=(0.25, 1.0),
        counts=(8, 40),
    )  # fmt: skip
    svg = reliability_plot(curve).svg
    heights = [
        (float(e.get("y1")), float(e.get("y2")))
        for e in ElementTree.fromstring(str(svg))
        if e.tag == "line" and "whisker" in e.get("class")
    ]
    grid = [float(y) for y in re.findall(r'class="grid" x1="62.0" y1="([\d.]+)"', svg)]
    bottom, top = grid[0], grid[-1]
    for (low, high), (hits, count) in zip(heights, ((2, 8), (40, 40)), strict=True):
        expected = binomtest(hits, count).proportion_ci(method="wilson")
        drawn = [(bottom - y) / (bottom - top) for y in (low, high)]
        assert drawn == pytest.approx([expected.low, expected.high], abs=1e-3)


@pytest.mark.parametrize("scale", [2, 5])
def test_outlines_enclose_their_masks(case, scale):
    names = {c.category_id: c.name for c in case.dataset.categories}
    finds = case.finds[case.dataset.images[0].image_id]
    truth, predictions = find_outlines(finds, names, scale=scale)
    assert len(truth) == finds.n_objects
    assert len(predictions) == len(finds.found) + len(finds.false_alarms)
    assert {outline.kind for outline in truth} <= {"truth", "missed"}
    for outline, find in zip(truth, finds.found, strict=False):
        mask = mask_of_rle(find.truth.rle).repeat(scale, axis=0).repeat(scale, axis=1)
        rings = [
            np.array(re.findall(r"(-?\d+) (-?\d+)", ring), float).cumsum(axis=0).ravel().tolist()
            for ring in outline.path.split("z")[:-1]
        ]
        drawn = mask_of_rle(rle_of_polygons(rings, image_hw=mask.shape))
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.94


@pytest.mark.parametrize(
    ("metric", "name", "hint"),
    [
        ("mssd_ar", "MSSD AR", "largest distance in space"),
        ("add_s_recall@0.1d", "ADD-S recall", "a tenth of the object's diameter"),
        ("mspd_median_px", "MSPD median, px", "less is better"),
        ("pck_span@0.02", "PCK of the object's span at 0.02", ""),
        ("det_a", "Detection accuracy", "HOTA"),
        ("id_switches", "Identity switches", "less is better"),
        ("ece", "ECE", "less is better"),
        ("macro_recall", "Macro recall", "every class counts the same"),
        ("keypoint_best_threshold", "Keypoint best threshold", "F1 is highest"),
    ],
)
def test_metrics_have_names_for_people(metric, name, hint):
    assert metric_name(metric) == name
    assert hint in metric_hint(metric)
