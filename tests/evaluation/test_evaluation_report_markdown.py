"""The report as a folder to commit: complete, the same every time, without photographs."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_inputs import detection_inputs

from evaluation.analysis.records import Analysis, read_analysis, write_analysis
from evaluation.report.line_chart import Line, line_chart
from evaluation.report.markdown_page import standalone_svg, write_markdown
from evaluation.scores import read_scores


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    found = detection_inputs(tmp_path_factory.mktemp("inputs"), frames=4)
    analysis = found.scores.with_name("analysis.json")
    write_analysis(Analysis(), analysis)
    command = f"blendgap demo -o {found.scores.parent} --seed 3"
    return replace(found, analysis=analysis, command=command)


@pytest.fixture(scope="module")
def folder(inputs, tmp_path_factory) -> Path:
    return write_markdown(inputs, tmp_path_factory.mktemp("written") / "report").parent


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_figure_is_there_and_named(folder):
    text = (folder / "report.md").read_text()
    shown = re.findall(r"!\[([^\n]*)\]\((figures/[\w.-]+)\)", text)
    assert all(words for words, _ in shown)
    beside = {"report.md", "scores.json", "analysis.json"}
    assert {name for _, name in shown} == files_of(folder).keys() - beside
    for heading in ("In one minute", "Scores", "Curves", "Where the score is lost"):
        assert f"## {heading}\n" in text
    assert "| Mask AP50" in text
    assert "blendgap demo -o out --seed 3" in text, "without the folders of this machine"


def test_it_can_be_committed(folder, inputs, tmp_path: Path):
    files = files_of(folder)
    assert max(len(data) for data in files.values()) < 500_000
    assert files == files_of(write_markdown(inputs, tmp_path / "again").parent)
    for name, data in files.items():
        assert str(inputs.scores.parent.parent).encode() not in data, name


def test_scores_come_along_without_curves_and_classes(folder, inputs):
    whole, written = read_scores(inputs.scores), read_scores(folder / "scores.json")
    assert whole.curves
    assert len({row.class_name for row in whole.scores}) > 1
    assert written.curves == ()
    of_all = [row for row in whole.scores if row.class_name is None and row.value is not None]
    assert [row.metric for row in written.scores] == [row.metric for row in of_all]
    assert [row.value for row in written.scores] == pytest.approx(
        [row.value for row in of_all], abs=1e-6
    )
    assert [row.seed for row in written.scores] == [row.seed for row in of_all]
    assert written.test_reads == whole.test_reads
    assert written.versions == whole.versions
    assert read_analysis(folder / "analysis.json") == read_analysis(inputs.analysis)


def test_a_page_beside_its_scores_leaves_them_whole(inputs, tmp_path: Path):
    own = tmp_path / "run"
    shutil.copytree(inputs.scores.parent, own)
    whole = (own / "scores.json").read_bytes()
    write_markdown(replace(inputs, scores=own / "scores.json"), own)
    assert (own / "scores.json").read_bytes() == whole


def test_photographs_enter_only_when_asked(folder, inputs, tmp_path: Path):
    names = {name for name in files_of(folder) if name.endswith((".jpg", ".png"))}
    assert names == {"figures/dataset-1.jpg", "figures/look-1-1.jpg", "figures/look-1-2.jpg"}
    text = (folder / "report.md").read_text()
    looks = text[text.index("## A closer look") :]
    assert "Rendered painted, seed 1: a picture of middling quality" in looks
    assert "Beside Otsu" not in looks
    asked = write_markdown(inputs, tmp_path / "asked", photographs=True)
    assert {"figures/picture-1.jpg", "figures/picture-2.jpg"} <= files_of(asked.parent).keys()
    assert "Beside Otsu" in asked.read_text()


def test_charts_become_files_for_any_program():
    chart = line_chart([Line(x=(0, 1), y=(1, 0), color=1)], title="<&>", xlabel="x", ylabel="y")
    svg = standalone_svg(str(chart))
    root = ElementTree.fromstring(svg)
    assert root.get("width") == "480"
    assert root.get("aria-label") == "<&>"
    assert "var(" not in svg
    assert ".line-1 { stroke: #d55e00; }" in svg
