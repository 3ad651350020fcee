"""Whatever classes, files, notes and models are called, the report shows it as text."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_inputs import EVIL, detection_inputs

from evaluation.report.cases import PredictedSet
from evaluation.report.inputs import ReportInputs
from evaluation.report.markdown_page import write_markdown
from evaluation.report.page import write_report
from pipeline.formats.coco import find_annotations

PIECES = (
    "<img src=x onerror=alert(1)>", "</script>", "<!--", "-->", "]]>", '"', "'", "&lt;", "&#60;",
    "{{ 7 * 7 }}", "{% raw %}", "](https://x.example)", "![", "`", "```", "|", "**", "_", "~~~",
    "# ", "- ", "1. ", "\\", "$x$", "javascript:", "\N{RIGHT-TO-LEFT OVERRIDE}", "</title>", "ä",
)  # fmt: skip
CHARACTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="/")
NAMES = st.lists(st.one_of(st.sampled_from(PIECES), st.text(CHARACTERS, max_size=4)), min_size=1)
NAME = NAMES.map("".join).map(str.strip).filter(lambda name: name and len(name) < 60)
PLAIN = "ordinary-name"
EXAMPLES = 3  # each writes two reports


class Tags(HTMLParser):
    """Every tag with the names of its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def painted(tmp_path_factory) -> ReportInputs:
    found = detection_inputs(tmp_path_factory.mktemp("inputs"), frames=3)
    return replace(found, predicted=found.predicted[:1], datasets=())


@pytest.fixture(scope="module")
def ordinary(painted, tmp_path_factory) -> tuple[Tags, Tags]:
    return written(renamed(painted, tmp_path_factory.mktemp("ordinary") / "set", PLAIN))


def written(inputs: ReportInputs) -> tuple[Tags, Tags]:
    """The page, and the Markdown as another program shows it."""
    html = write_report(inputs, inputs.scores.with_name("report.html")).read_text()
    text = write_markdown(inputs, inputs.scores.parent / "md").read_text()
    return Tags(html), Tags(MarkdownIt("commonmark").enable("table").render(text))


def renamed(painted: ReportInputs, folder: Path, name: str) -> ReportInputs:
    """The same report where everything that can be named is called so."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    inside = json.dumps(name)[1:-1]
    shown = painted.predicted[0]
    shutil.copytree(shown.benchmark, folder / "set")
    annotations = find_annotations(folder / "set")
    document = json.loads(annotations.read_text().replace(EVIL, inside))
    picture = document["images"][0]
    renamed_file = f"{name.replace('/', '_')}.png"
    (folder / "set/images" / picture["file_name"]).rename(folder / "set/images" / renamed_file)
    picture["file_name"] = renamed_file
    annotations.write_text(json.dumps(document))
    scores = folder / "scores.json"
    scores.write_text(painted.scores.read_text().replace(EVIL, inside))
    return ReportInputs(
        title=name,
        scores=scores,
        predicted=(
            PredictedSet(name=name, predictions=shown.predictions, benchmark=folder / "set"),
        ),
        runs={name: next(iter(painted.runs.values()))},
        notes=(name.replace("`", "'"),),  # two of them mean code there
        command=shlex.join(["blendgap", "demo", "-o", name]),
        settings={name: name},
    )


@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.generate],  # to shrink would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(name="".join(PIECES[:8]))
@example(name="x](https://y.example) **z** | `c` _d_ # $m$ </details>")
@example(name="-")
@example(name="1. x")
@given(name=NAME)
def test_names_stay_text(painted, ordinary, tmp_path: Path, name: str):
    for before, after in zip(
        ordinary, written(renamed(painted, tmp_path / "odd", name)), strict=True
    ):
        assert before.tags == after.tags
        times = before.text.count(PLAIN)
        assert times >= 8
        shown = after.text.replace("/", "_").count(name.replace("/", "_"))
        assert shown >= times - 1 - ("`" in name), (
            "all but the command, which is quoted as a shell wants it"
        )
