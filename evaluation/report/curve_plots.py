"""Curves behind the scores: what a threshold trades, and whether confidence can be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from evaluation.report.cases import ClassificationCase, DetectionCase
from evaluation.report.line_chart import Line, Point, Rule, line_chart
from evaluation.report.sections import Plot
from evaluation.sheet import Curve, Score, ScoreFile

__all__ = ["best_threshold", "curve_plots", "reliability_plot"]

_KINDS = ("mask", "box", "keypoint")
_NAMED = 3  # classes with the smallest areas under their curves
_Z = 1.96  # of a 95 % interval


def curve_plots(
    cases: Sequence[DetectionCase | ClassificationCase], document: ScoreFile
) -> list[Plot]:
    """What there is to draw of the first model, with the others of the report beside it.

    Args:
        cases: The first is the main one.
        document: Where their curves are.
    """
    if not cases:
        return []
    if isinstance(cases[0], ClassificationCase):
        return list(_class_plots(cases[0], document))
    return list(_object_plots(cases, document))


def best_threshold(case: DetectionCase, document: ScoreFile, of: str) -> float | None:
    """The score threshold with the best F1 on ``val`` of the same training; None without one."""
    scored = [s for s in document.scores if s.predictions_sha256 == case.predictions_sha256]

    def training(score: Score) -> tuple[object, ...]:
        return (score.regime, score.real_fraction, score.seed, score.trained_on)

    for score in document.scores:
        is_it = score.metric == f"{of}_best_threshold" and score.class_name is None
        if is_it and score.split == "val" and scored and training(score) == training(scored[0]):
            return score.value
    return None


def _object_plots(
    cases: Sequence[DetectionCase | ClassificationCase], document: ScoreFile
) -> Iterator[Plot]:
    first = cases[0]
    assert isinstance(first, DetectionCase)
    named = {case.predictions_sha256: _name(case, first) for case in cases}
    for of in _KINDS:
        overlap = "OKS" if of == "keypoint" else "IoU"
        drawn = _overall(document, "precision_recall", of, named)
        if first.predictions_sha256 not in drawn:
            continue
        lines, legend = _lines(drawn, named)
        title = f"Precision and recall of {of}{'es' if of == 'box' else 's'}, {overlap} 0.5"
        yield Plot(
            title=title,
            svg=line_chart(lines, title=title, xlabel="recall", ylabel="precision"),
            legend=legend,
        )
        drawn = _overall(document, "f1", of, named)
        if first.predictions_sha256 in drawn:
            lines, legend = _lines(drawn, named)
            best = best_threshold(first, document, of)
            title = f"F1 of {of}{'es' if of == 'box' else 's'} by score threshold, {overlap} 0.5"
            yield Plot(
                title=title,
                svg=line_chart(
                    lines,
                    title=title,
                    xlabel="detections count from this score on",
                    ylabel="F1",
                    rules=() if best is None else (Rule(x=best, words=f"best on val: {best:.2f}"),),
                ),
                legend=legend,
            )
    for curve in document.curves:
        if curve.kind == "pck" and curve.predictions_sha256 == first.predictions_sha256:
            title = "Keypoints within a distance (PCK)"
            yield Plot(
                title=title,
                svg=line_chart(
                    [Line(x=curve.x, y=curve.y, color=0)],
                    title=title,
                    xlabel="distance, as a share of the box's diagonal",
                    ylabel="keypoints within it",
                    x_span=(0.0, max(curve.x)),
                ),
            )


def _class_plots(case: ClassificationCase, document: ScoreFile) -> Iterator[Plot]:
    own = [c for c in document.curves if c.predictions_sha256 == case.predictions_sha256]
    for kind, title, xlabel, ylabel in (
        ("roc", "ROC, each class against the rest", "false positive rate", "true positive rate"),
        ("precision_recall", "Precision and recall, each class", "recall", "precision"),
    ):
        curves = sorted((c for c in own if c.kind == kind), key=_area)
        if curves:
            lines = [
                Line(x=c.x, y=c.y, color=number if number < _NAMED else None)
                for number, c in enumerate(curves)
            ]
            shown = curves[:_NAMED]
            legend = [(number, c.class_name or "all") for number, c in enumerate(shown)]
            others = [(5, "all other classes")] if len(curves) > _NAMED else []
            yield Plot(
                title=title,
                svg=line_chart(
                    lines, title=title, xlabel=xlabel, ylabel=ylabel, diagonal=kind == "roc"
                ),
                legend=(*legend, *others),
            )
    for curve in own:
        if curve.kind == "reliability":
            yield reliability_plot(curve)


def reliability_plot(curve: Curve) -> Plot:
    """Accuracy against confidence, each bin with its interval."""
    most = max(curve.counts, default=1)
    points = []
    for confidence, accuracy, count in zip(curve.x, curve.y, curve.counts, strict=True):
        if accuracy is not None:
            low, high = _wilson(accuracy, count)
            words = f"{count:,} pictures: confidence {confidence:.2f}, accuracy {accuracy:.2f}"
            points.append(
                Point(
                    x=confidence, y=accuracy, low=low, high=high, weight=count / most, words=words
                )
            )
    title = "Is its confidence to be believed?"
    return Plot(
        title=title,
        svg=line_chart(
            [],
            title=f"{title} Accuracy by confidence",
            xlabel="mean confidence in a bin",
            ylabel="accuracy in it",
            points=points,
            diagonal=True,
        ),
        sentences=(
            "On the dashed line it is right as often as it claims; below, it claims too much. "
            "The area of a dot is the number of pictures, the bar a 95\N{NO-BREAK SPACE}% interval "
            "(Wilson).",
        ),
    )


def _overall(document: ScoreFile, kind: str, of: str, named: dict[str, str]) -> dict[str, Curve]:
    """Over all classes, by predictions file."""
    return {
        curve.predictions_sha256: curve
        for curve in document.curves
        if (curve.kind, curve.of, curve.class_name) == (kind, of, None)
        and curve.predictions_sha256 in named
    }


def _lines(
    drawn: dict[str, Curve], named: dict[str, str]
) -> tuple[list[Line], tuple[tuple[int, str], ...]]:
    lines, legend = [], []
    for number, (sha256, name) in enumerate(named.items()):
        if sha256 in drawn:
            lines.append(Line(x=drawn[sha256].x, y=drawn[sha256].y, color=number % 6))
            legend.append((number % 6, name))
    return lines, tuple(legend)


def _name(case: DetectionCase | ClassificationCase, first: DetectionCase) -> str:
    return case.name if case.test_set == first.test_set else f"{case.name}, rendered frames"


def _area(curve: Curve) -> float:
    """Under the curve by trapezoids, to order curves by."""
    points = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if y is not None]
    return sum(abs(x2 - x1) * (y1 + y2) / 2 for (x1, y1), (x2, y2) in pairwise(points))


def _wilson(share: float, count: int) -> tuple[float, float]:
    """95 % interval of a share. Source: Wilson, JASA 1927."""
    if count == 0:
        return (0.0, 1.0)
    weight = _Z**2 / count
    centre = (share + weight / 2) / (1 + weight)
    half = _Z * math.sqrt(share * (1 - share) / count + weight / (4 * count)) / (1 + weight)
    return (max(0.0, centre - half), min(1.0, centre + half))
