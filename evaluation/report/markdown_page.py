"""The report as a folder to commit: text, plots as SVG, rendered frames as JPEG, scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.drawing import dataset_sheet
from evaluation.report.gallery import Picture
from evaluation.report.inputs import ReportInputs
from evaluation.report.markdown_text import (
    code_block,
    code_spans_kept,
    markdown_text,
    plain_markdown_table,
    portable_command,
    score_markdown,
)
from evaluation.report.page import TEMPLATES, Contents, report_contents
from evaluation.scores import write_summary
from evaluation.sheet import ConfusionTable
from pipeline.drawing import encode_image
from pipeline.formats.storage import write_bytes_atomic, write_text_atomic

__all__ = ["standalone_svg", "write_markdown"]

_FRAMES, _COLUMNS, _TILE_PX = 8, 4, 300
_QUALITY = 82
_OF_TEST_SET = ("headline", "answers", "worst", "best", "mistakes")
_COLOR_WORDS = ("blue", "orange", "green", "purple", "ochre", "grey")


def write_markdown(inputs: ReportInputs, out: Path, *, photographs: bool = False) -> Path:
    """Write the report as Markdown beside its figures; the same files for the same inputs.

    Folders of the machine that ran the experiment do not appear in it.

    Args:
        inputs: What to show.
        out: Folder; ``report.md``, ``figures/``, ``scores.json`` (of all classes together, without
            curves) and, where there is one, ``analysis.json`` come into it.
        photographs: Show pictures of real test and training sets too, not only rendered frames.

    Returns:
        ``report.md``.

    Raises:
        DatasetError: If a dataset, the test set or ``scores.json`` is wrong.
        PredictionsError: If predictions are wrong or do not fit their test set.
        CheckpointError: If a run folder is none.
    """
    contents = report_contents(inputs)
    figures = _Figures(out, inputs.datasets)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=markdown_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "scores": score_markdown,
        "plain": plain_markdown_table,
        "confusion_table": _confusion,
        "portable": portable_command,
        "code": code_block,
        "code_spans": code_spans_kept,
        "written": Markup,  # Markdown of the experiment's author
    }
    text = environment.get_template("report.md").render(
        _shown(contents, photographs=photographs),
        photographs=photographs,
        color_word=lambda number: Markup(_COLOR_WORDS[number]),
        save_plot=figures.save_plot,
        save_picture=figures.save_picture,
        save_sheet=figures.save_sheet,
    )
    if out.resolve() != inputs.scores.resolve().parent:  # they lie there, whole
        write_summary(contents.shown["scores"], out / inputs.scores.name)
        if inputs.analysis is not None:
            write_bytes_atomic(out / inputs.analysis.name, inputs.analysis.read_bytes())
    path = out / "report.md"
    write_text_atomic(path, re.sub(r"\n{3,}", "\n\n", text).strip() + "\n")
    return path


def standalone_svg(svg: str) -> str:
    """A chart of the page as a file of its own: light, on white, for any program.

    Colours are written out, since few programs but browsers know variables.
    """
    tokens, style = ((TEMPLATES / name).read_text("utf-8") for name in ("tokens.css", "plot.css"))
    light = dict(re.findall(r"--([\w-]+): light-dark\((#\w+),", tokens))
    style = re.sub(r"var\(--([\w-]+)\)", lambda name: light[name[1]], style)
    found = re.match(r'<svg class="chart" viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found is not None, "every chart begins like this"
    width, height = found.groups()
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
    ground = f'<style>{style}</style><rect width="100%" height="100%" fill="{light["paper"]}"/>'
    opening, rest = svg.split(">", 1)
    return f"{opening.replace('<svg', head, 1)}>{ground}{rest}\n"


class _Figures:
    """Writes figures; each call answers with the address that Markdown needs."""

    def __init__(self, out: Path, datasets: Sequence[Path]) -> None:
        self._folder = out / "figures"
        self._datasets = datasets
        self._folder.mkdir(parents=True, exist_ok=True)

    def save_plot(self, svg: Markup, name: str) -> Markup:
        return self._save(f"{name}.svg", standalone_svg(str(svg)).encode())

    def save_picture(self, picture: Picture, name: str) -> Markup:
        return self._save(f"{name}{picture.suffix}", picture.data)

    def save_sheet(self, index: int) -> Markup:
        """Of a training set."""
        sheet = dataset_sheet(
            self._datasets[index], pictures=_FRAMES, columns=_COLUMNS, tile_px=_TILE_PX
        )
        data = encode_image(sheet, suffix=".jpg", quality=_QUALITY)
        return self._save(f"dataset-{index + 1}.jpg", data)

    def _save(self, name: str, data: bytes) -> Markup:
        write_bytes_atomic(self._folder / name, data)
        return Markup(f"figures/{name}")


def _shown(contents: Contents, *, photographs: bool) -> dict[str, Any]:
    """Without pictures of real sets, unless they are asked for."""
    shown = dict(contents.shown)
    shown["pinned_rows"] = [(f.name, f.seed, f.sha256) for f in shown["pinned"]]
    shown["reads"] = [
        (read.file, read.split or "none", read.sha256, read.predictions_sha256)
        for read in shown["scores"].test_reads
    ]
    shown["pictured"] = photographs or (bool(contents.cases) and contents.cases[0].is_rendered)
    if not shown["pictured"]:
        shown |= dict.fromkeys(_OF_TEST_SET, ())
    if not photographs:
        shown["beside"] = [group for group in shown["beside"] if group.is_rendered]
    return shown


def _confusion(table: ConfusionTable) -> Markup:
    rows = (
        (name, *(f"{count:,}" if count else "" for count in counts))
        for name, counts in zip(table.classes, table.counts, strict=True)
    )
    return plain_markdown_table(["", *table.classes], rows)
