"""What the analysis of an experiment says, in words and tables for people."""

from __future__ import annotations

from evaluation.analysis.records import Analysis, Measured, Power, Training, TransferMatrix
from evaluation.report.claim import claim_words, plateaus_words
from evaluation.report.effects import ablation_words
from evaluation.report.measured_cells import measured_cell
from evaluation.report.names import metric_name, set_name
from evaluation.report.narrative import Figure
from evaluation.report.phrases import REGIME_TITLES, number, rendered, training_words
from evaluation.report.tables import Header, ScoreTable
from evaluation.report.worth import best_gain_words, exchange_words, size_words, worth_figure
from pipeline.specs.ablation import lack_words

_FIGURES = {
    "real": "{} real photographs alone",
    "synthetic": "rendered frames alone",
    "mixed": "rendered frames and {} real",
    "pretrain_finetune": "rendered frames, then {} real",
}
_TWO_SEEDS = 2  # leave Student's t a single degree of freedom
_HARDLY_ANYTHING = 0.5

__all__ = ["experiment_figures", "experiment_words", "matrix_table", "power_words"]


def experiment_words(analysis: Analysis, *, claim: str | None = None) -> list[str]:
    """The minute: what the frames are worth, what was reached, which parts matter.

    Args:
        analysis: Of an experiment or an ablation.
        claim: The regime that was named beforehand to beat photographs alone.
    """
    sentences = [
        exchange_words(rate, efficiency.metric)
        for efficiency in analysis.efficiency[:1]
        for rate in efficiency.exchange
        if rate.regime == "synthetic"
    ][-1:]
    sentences += claim_words(analysis, claim) if claim else []
    for matrix in analysis.matrices[:1]:
        sentences += _reached(matrix)
    for efficiency in analysis.efficiency[:1]:
        sentences += best_gain_words(efficiency, claimed=claim)
        sentences += size_words(efficiency)
    sentences += plateaus_words(analysis.plateaus)
    for ablation in analysis.ablations[:1]:
        sentences.append(ablation_words(ablation))
    return sentences


def experiment_figures(analysis: Analysis) -> list[Figure]:
    """Up to four numbers of an experiment with several trainings; empty for a single one."""
    figures = []
    for matrix in analysis.matrices[:1]:
        fullest = _fullest(matrix)
        both = [regime for regime in ("mixed", "pretrain_finetune") if regime in fullest]
        better = sorted(both, key=lambda regime: -(fullest[regime][1].value or 0.0))[:1]
        shown = [regime for regime in ("real", "synthetic", *better) if regime in fullest]
        for regime in shown if len(shown) > 1 else ():
            training, cell = fullest[regime]
            words = _FIGURES[regime].format(f"{training.real_images or 0:,}")
            label = f"{metric_name(matrix.metric)}, {words}"
            figures.append(Figure(value=f"{cell.value:.3f}", label=label, note=_interval(cell)))
    rates = [r for e in analysis.efficiency[:1] for r in e.exchange if r.regime == "synthetic"]
    if figures and rates:
        value, note = worth_figure(rates[-1])
        frames = rendered(rates[-1].synthetic_images, analysis.efficiency[0].metric)
        label = f"photographs that {frames} are worth"
        figures.append(Figure(value=value, label=label, note=note))
    return figures


def matrix_table(matrix: TransferMatrix) -> ScoreTable:
    """Trainings by test sets, with both sources of chance under each score."""
    tested = any(split == "test" for _, split in matrix.columns)
    kinds = {"test": "kept for testing", "val": "to choose by" if tested else "", None: ""}
    return ScoreTable(
        title=metric_name(matrix.metric),
        units="",
        columns=tuple(
            Header(
                title=set_name(tested_on, split),
                hint="frames nothing was trained on"
                if tested_on.endswith("/synthetic")
                else kinds.get(split, ""),
            )
            for tested_on, split in matrix.columns
        ),
        rows=tuple(_training_header(row) for row in matrix.rows),
        cells=tuple(
            tuple(None if cell is None else measured_cell(cell, chance=True) for cell in row)
            for row in matrix.cells
        ),
    )


def power_words(power: Power) -> str:
    """What the test cannot show, as ``With 50 test images, differences under 4 points ...``."""
    seeds = f" and {power.seeds} training seeds" if power.seeds > 1 else " and one training seed"
    between = "between two trainings " if power.paired else ""
    units = f"{power.count:,} test {power.unit_of_count.split(',')[0]}"
    if power.seeds == _TWO_SEEDS and power.smallest > _HARDLY_ANYTHING:
        return (
            f"With {units} and two training seeds hardly any difference {between}could be told "
            "from chance: two seeds do not say how much of a score is luck. Train with three or "
            "more."
        )
    caution = "" if power.paired else " (an upper bound: there is one training only)"
    return (
        f"With {units}{seeds}, differences "
        f"{between}under {100 * power.smallest:.1f} points of {metric_name(power.metric)} cannot "
        f"be seen{caution}."
    )


def _fullest(matrix: TransferMatrix) -> dict[str, tuple[Training, Measured]]:
    """Of each regime the training on most pictures, on the real test set that counts.

    Not the one with the best score: that would be chosen by looking at the test set.
    """
    real = [i for i, (name, _) in enumerate(matrix.columns) if not name.endswith("/synthetic")]
    fullest: dict[str, tuple[Training, Measured]] = {}
    if not real:
        return fullest

    def size(row: Training) -> tuple[bool, int, int]:
        return (row.without is None, row.real_images or 0, row.synthetic_images or 0)

    column = next((i for i in real if matrix.columns[i][1] != "val"), real[0])
    for row, cells in zip(matrix.rows, matrix.cells, strict=True):
        cell = cells[column]
        if cell is not None and cell.value is not None:
            known = fullest.get(row.regime or "")
            if known is None or size(row) > size(known[0]):
                fullest[row.regime or ""] = (row, cell)
    return fullest


def _reached(matrix: TransferMatrix) -> list[str]:
    """What training on each kind reached on the real test set."""
    fullest = _fullest(matrix)
    parts = [
        f"trained on {training_words(row, matrix.metric)}, {number(cell)}"
        for row, cell in (fullest[each] for each in ("real", "synthetic") if each in fullest)
    ]
    both = [fullest[regime] for regime in ("mixed", "pretrain_finetune") if regime in fullest]
    if both:
        row, cell = max(both, key=lambda pair: pair[1].value or 0.0)
        parts.append(f"on {training_words(row, matrix.metric)}, {number(cell)}")
    if len(parts) < 2:
        return []
    count = next(iter(fullest.values()))[1].count
    text = "; ".join(parts)
    return [f"{metric_name(matrix.metric)} on {count:,} real pictures: {text}."]


def _interval(measured: Measured) -> str:
    if measured.low is None or measured.high is None:
        return ""
    return f"{measured.low:.3f} to {measured.high:.3f}"


def _training_header(training: Training) -> Header:
    title = REGIME_TITLES.get(training.regime or "", training.regime or "")
    counts = []
    if training.synthetic_images:
        counts.append(f"{training.synthetic_images:,} rendered")
    if training.real_images:
        counts.append(f"{training.real_images:,} real")
    if training.without:
        counts.append(lack_words(training.without))
    return Header(title=title, hint=" + ".join(counts))
