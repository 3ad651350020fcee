"""The minute a busy reader gives to a report: figures and sentences, from the scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.report.cases import ClassificationCase, DetectionCase
from evaluation.report.names import metric_name
from evaluation.report.operating_points import OperatingPoint
from evaluation.report.score_tables import cell_of, headline_score, is_network
from evaluation.report.tables import Cell
from evaluation.sheet import Score, ScoreFile

__all__ = ["Figure", "found_rule", "headline_figures", "summary"]

_DECIMALS = 3  # that scores are written with


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number in large type and what it counts."""

    value: str
    label: str
    note: str = ""


def headline_figures(case: DetectionCase | ClassificationCase, document: ScoreFile) -> list[Figure]:
    """Up to four numbers about the first model."""
    own = _own(case, document)
    if isinstance(case, DetectionCase):
        found, objects, alarms = _totals(case)
        figures = [
            Figure(value=f"{found:,} of {objects:,}", label="objects found"),
            Figure(value=f"{alarms:,}", label=_plural(alarms, "false alarm")),
        ]
        main = headline_score(own)
        shown = [main] if main is not None else []
        shown += [s for s in own if s.metric == "dice"]
    else:
        right, total = len(case.answered) - len(case.mistakes), len(case.answered)
        figures = [Figure(value=f"{right:,} of {total:,}", label="pictures answered rightly")]
        shown = [s for name in ("accuracy", "macro_f1", "mcc") for s in own if s.metric == name]
        shown = [s for s in shown if s.class_name is None]
    for score in shown[: 4 - len(figures)]:
        cell = cell_of(score)
        label = metric_name(score.metric)
        if score.class_name is not None:
            label = f"{label}, {score.class_name}"
        figures.append(Figure(value=cell.value, label=label, note=cell.interval))
    return figures


def summary(cases: Sequence[DetectionCase | ClassificationCase], document: ScoreFile) -> list[str]:
    """Sentences that need no other part of the report, the one that says most first."""
    if not cases:
        return []
    first = cases[0]
    sentences = [_result(first, document, subject=_subject(first, document))]
    drops = [s for s in document.scores if s.metric == "domain_drop" and s.value is not None]
    drop = headline_score(drops)
    sentences += [] if drop is None else _drop_words(drop)
    for rival in cases[1:]:
        is_baseline = any(score.regime == "baseline" for score in _own(rival, document))
        if is_baseline and rival.test_set == first.test_set:
            sentences.append(_result(rival, document, subject=f"For comparison, {rival.name}"))
    return sentences


def found_rule(case: DetectionCase | ClassificationCase, point: OperatingPoint) -> str:
    """When an object counts as found in pictures and sentences."""
    if isinstance(case, ClassificationCase):
        return ""
    why = f" ({point.why})" if point.why else ""
    return (
        "An object counts as found here when a detection with a score of at least "
        f"{point.min_score:.2g}{why} overlaps it by half (IoU 0.5). Scores weigh all thresholds."
    )


def _drop_words(drop: Score) -> list[str]:
    """What the step from rendered to real costs the same network."""
    if drop.value is None:
        return []
    name = metric_name(drop.of or "")
    change = cell_of(drop)
    interval = f" ({_interval_words(change)})" if change.interval else ""
    if drop.low is not None and drop.high is not None and drop.low <= 0 <= drop.high:
        return [
            "Between rendered frames that it has not seen and real pictures no difference can be "
            f"told from chance: the drop in {name} is {change.value}{interval}."
        ]
    if round(drop.value, _DECIMALS) == 0:
        return [f"On real pictures its {name} is that on rendered frames that it has not seen."]
    verb = "lower" if drop.value > 0 else "higher"
    return [
        f"On real pictures its {name} is {verb} than on rendered frames that it has not seen: the "
        f"drop is {change.value}{interval}."
    ]


def _subject(case: DetectionCase | ClassificationCase, document: ScoreFile) -> str:
    own = _own(case, document)
    trained_on = next((s.trained_on for s in own if s.trained_on and is_network(s)), None)
    if not trained_on:
        return case.name
    name, _, domain = trained_on.rpartition("/")
    if domain == "synthetic" and "/" not in name:
        trained_on = f"rendered {name} only"
    return f"{case.name}, trained on {trained_on},"


def _result(case: DetectionCase | ClassificationCase, document: ScoreFile, *, subject: str) -> str:
    where = _where(case, document)
    if isinstance(case, ClassificationCase):
        right, total = len(case.answered) - len(case.mistakes), len(case.answered)
        share = f" ({100 * right / total:.1f} %)" if total else ""
        return f"{subject} recognised {right:,} of {total:,} {where}{share}."
    found, objects, alarms = _totals(case)
    quality = headline_score(_own(case, document))
    text = (
        f"{subject} found {found:,} of {objects:,} objects on {where}, "
        f"with {f'{alarms:,}' if alarms else 'no'} {_plural(alarms, 'false alarm')}"
    )
    if quality is None or quality.value is None:
        return f"{text}."
    cell = cell_of(quality)
    spread = any(character.isdigit() for character in cell.interval)
    interval = f", {_interval_words(cell)}" if spread else ""
    return f"{text} ({metric_name(quality.metric)} {cell.value}{interval})."


def _interval_words(cell: Cell) -> str:
    spread = any(character.isdigit() for character in cell.interval)
    return f"95\N{NO-BREAK SPACE}% interval {cell.interval}" if spread else cell.interval


def _where(case: DetectionCase | ClassificationCase, document: ScoreFile) -> str:
    real = not any((s.tested_on or "").endswith("/synthetic") for s in _own(case, document))
    if isinstance(case, ClassificationCase):
        return "real pictures" if real else "rendered pictures"
    count = len(case.finds)
    kind = "photograph" if real else "rendered frame"
    number = "one" if count == 1 else f"{count:,}"
    return f"{number} {'real ' if real else ''}{_plural(count, kind)}"


def _own(case: DetectionCase | ClassificationCase, document: ScoreFile) -> list[Score]:
    return [s for s in document.scores if s.predictions_sha256 == case.predictions_sha256]


def _totals(case: DetectionCase) -> tuple[int, int, int]:
    finds = case.finds.values()
    return (
        sum(len(f.found) for f in finds),
        sum(f.n_objects for f in finds),
        sum(len(f.false_alarms) for f in finds),
    )


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
