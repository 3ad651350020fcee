"""The report as a folder to commit: complete, the same every time, without photographs."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_inputs import detection_inputs

from evaluation.report.line_chart import Line, line_chart
from evaluation.report.markdown_page import standalone_svg, write_markdown


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    found = detection_inputs(tmp_path_factory.mktemp("inputs"), frames=4)
    return replace(found, command=f"blendgap demo -o {found.scores.parent} --seed 3")


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
    assert {name for _, name in shown} == files_of(folder).keys() - {"report.md"}
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
