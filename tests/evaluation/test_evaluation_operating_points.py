"""Which score a report counts detections from."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_inputs import detection_inputs

from evaluation.report.narrative import found_rule
from evaluation.report.operating_points import operating_point
from evaluation.report.page import report_contents
from evaluation.scores import read_scores


@pytest.fixture
def inputs(tmp_path: Path):
    return detection_inputs(tmp_path)


def test_a_network_from_frames_counts_where_rendered_frames_say(inputs):
    network, baseline, at_home = inputs.predicted
    document = read_scores(inputs.scores)
    point = operating_point(network, document, otherwise=0.5)
    assert (point.min_score, point.why) == (0.9, "the best for F1 on rendered frames")
    assert operating_point(at_home, document, otherwise=0.5) == point
    assert operating_point(baseline, document, otherwise=0.5).min_score == 0.5


def test_faint_detections_count_if_rendered_ones_are_as_faint(tmp_path, inputs):
    """At the report's default of 0.5 the network would have found nothing."""
    sure = report_contents(inputs).shown["summary"][0]
    faint = report_contents(detection_inputs(tmp_path / "faint", scored=0.3)).shown["summary"][0]
    assert " found 0 of" not in sure
    assert faint == sure


def test_val_is_for_networks_that_saw_photographs(inputs):
    network = inputs.predicted[0]
    whole, rows = read_scores(inputs.scores), []

    def replace(scores):
        return whole.model_copy(update={"scores": tuple(scores)})

    for row in whole.scores:
        mixed = row.model_copy(update={"regime": "mixed"}) if row.seed == 0 else row
        val = {"split": "val"} if (row.tested_on or "").endswith("/synthetic") else {}
        rows.append(mixed.model_copy(update=val))
    document = replace(rows)
    point = operating_point(network, document, otherwise=0.5)
    assert (point.min_score, point.why) == (0.9, "the best for F1 on photographs of val")
    measured = [r.model_copy(update={"split": "val"}) for r in rows if r.split != "val"]
    assert operating_point(network, replace(measured), otherwise=0.4).min_score == 0.4


def test_the_page_says_where_the_threshold_comes_from(inputs):
    case = report_contents(inputs).cases[0]
    point = operating_point(inputs.predicted[0], read_scores(inputs.scores), otherwise=0.5)
    assert "at least 0.9 (the best for F1 on rendered frames) overlaps" in found_rule(case, point)
