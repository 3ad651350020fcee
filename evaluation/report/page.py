"""The report: one HTML file that holds everything it shows."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from evaluation.analysis.domains import read_domains
from evaluation.analysis.records import Analysis, read_analysis
from evaluation.report.cases import ClassificationCase, DetectionCase, open_case
from evaluation.report.curve_plots import curve_plots
from evaluation.report.dataset_part import dataset_part
from evaluation.report.domains import domain_part
from evaluation.report.drawn_parts import drawn_parts
from evaluation.report.facts import effort
from evaluation.report.findings import experiment_figures, experiment_words, power_words
from evaluation.report.inputs import ReportInputs
from evaluation.report.narrative import found_rule, headline_figures, summary
from evaluation.report.operating_points import operating_point
from evaluation.report.prose import code_spans, prose
from evaluation.report.reproduction import pinned_files
from evaluation.report.score_tables import (
    class_tables,
    domain_table,
    gap_table,
    more_tables,
    score_tables,
)
from evaluation.report.sections import analysis_parts
from evaluation.report.shots import Gallery, answer_gallery, find_gallery
from evaluation.report.training_part import training_part
from evaluation.scores import read_scores
from evaluation.sheet import ScoreFile
from pipeline.formats.storage import write_text_atomic

__all__ = [
    "TEMPLATES",
    "Contents",
    "report_contents",
    "write_report",
]

TEMPLATES = Path(__file__).with_name("templates")
_STYLES = ("tokens.css", "plot.css", "report.css")
_MOST_SHEETS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a report shows, by its name in the templates, and the predictions behind it."""

    shown: dict[str, Any]
    cases: tuple[DetectionCase | ClassificationCase, ...]


def write_report(inputs: ReportInputs, out: Path) -> Path:
    """Write the report.

    Args:
        inputs: What to show.
        out: The HTML file.

    Returns:
        ``out``.

    Raises:
        DatasetError: If a dataset, the test set or ``scores.json`` is wrong.
        PredictionsError: If predictions are wrong or do not fit their test set.
        CheckpointError: If a run folder is none.
    """
    contents = report_contents(inputs)
    script = _template("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "code_spans": code_spans}
    html = environment.get_template("report.html").render(
        contents.shown,
        gallery=_gallery(contents.cases),
        style=Markup("".join(_template(name) for name in _STYLES)),
        script=Markup(script),
        script_hash=f"sha256-{digest}",
        scores_href=quote(Path(os.path.relpath(inputs.scores, out.parent)).as_posix()),
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomic(out, html)
    return out


def report_contents(inputs: ReportInputs) -> Contents:
    """Everything a report shows, but the gallery.

    Raises:
        DatasetError: If a dataset, the test set or ``scores.json`` is wrong.
        PredictionsError: If predictions are wrong or do not fit their test set.
        CheckpointError: If a run folder is none.
    """
    document = read_scores(inputs.scores)
    analysis = Analysis() if inputs.analysis is None else read_analysis(inputs.analysis)
    domains = None if inputs.domains is None else read_domains(inputs.domains)
    points = [
        operating_point(shown, document, otherwise=inputs.min_score) for shown in inputs.predicted
    ]
    cases = [
        open_case(shown, min_score=point.min_score)
        for shown, point in zip(inputs.predicted, points, strict=True)
    ]
    shown: dict[str, Any] = {
        "title": inputs.title,
        "figures": experiment_figures(analysis)
        or (headline_figures(cases[0], document) if cases else []),
        "findings": experiment_words(analysis, claim=inputs.claim),
        "summary": summary(cases, document),
        "found_rule": found_rule(cases[0], points[0]) if cases else "",
        "effort": effort(
            inputs.datasets, inputs.runs.values(), seconds_per_image=_seconds_per_image(cases)
        ),
        "notes": inputs.notes,
        "log": inputs.log,
        "scores": document,
        "tables": score_tables(document),
        "more_tables": more_tables(document),
        "class_tables": class_tables(document),
        "curves": curve_plots(cases, document),
        **analysis_parts(analysis),
        "domains": None if domains is None else domain_part(domains, analysis),
        "domain": domain_table(document),
        "gap": gap_table(document),
        "single_photograph": _single_photograph(document),
        "unseen": [power_words(power) for power in analysis.power[:1]],
        "datasets": [dataset_part(folder) for folder in inputs.datasets[:_MOST_SHEETS]],
        "training": training_part(inputs.runs),
        "command": inputs.command,
        "settings": inputs.settings,
        "pinned": pinned_files(
            scores=inputs.scores, datasets=inputs.datasets, runs=inputs.runs, cases=cases
        ),
    }
    drawn = drawn_parts(cases, document, inputs, domains)
    return Contents(shown=shown | drawn, cases=tuple(cases))


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def _gallery(cases: Sequence[DetectionCase | ClassificationCase]) -> Gallery | None:
    if not cases:
        return None
    first = cases[0]
    return find_gallery(first) if isinstance(first, DetectionCase) else answer_gallery(first)


def _single_photograph(document: ScoreFile) -> bool:
    return any("this photograph only" in score.unit_of_count for score in document.scores)


def _seconds_per_image(cases: Sequence[DetectionCase | ClassificationCase]) -> float | None:
    meta = cases[0].alignment.meta if cases else None
    return None if meta is None else meta.seconds_per_image
