"""Bodies of the commands about scores: benchmark, evaluate, report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table

from evaluation.analysis.records import read_analysis
from evaluation.benchmarks import EMBEDDED, SplitSummary, describe_benchmark
from evaluation.drawing import dataset_sheet
from evaluation.report.effects import effect_words
from evaluation.report.findings import experiment_words, power_words
from evaluation.report.markdown_page import write_markdown
from evaluation.report.page import write_report
from evaluation.scores import Score, ScoreContext, evaluate, tuned_thresholds, write_scores
from flows.benchmarks import find_benchmark, user_cache
from flows.datasets import statistics_table
from flows.record import read_record
from flows.report_inputs import report_inputs
from flows.scenes import check_sheet, write_sheet
from flows.steps import report_step
from flows.terminal import Outcome

__all__ = [
    "Headline",
    "benchmark",
    "find_target",
    "findings",
    "headline_table",
    "headlines",
    "report",
    "score",
    "score_table",
]


_HEADLINES = (
    *("box_ap50", "mask_ap50", "keypoint_ap50", "pck@0.02", "dice", "miou"),
    *("accuracy", "macro_f1", "mcc", "add_s_recall@0.1d", "mota", "hota"),
)
_MOST_ROWS = 60
_SHEET_PICTURES = 24


def find_target(name_or_dir: str, *, benchmarks: Path | None) -> Path:
    """A benchmark by name, else a dataset, a folder of pictures or one picture by path.

    Raises:
        DatasetError: If there is no such thing.
    """
    path = Path(name_or_dir)
    if name_or_dir not in EMBEDDED and path.is_file():
        return path
    search = [] if benchmarks is None else [benchmarks]
    return find_benchmark(name_or_dir, cache=user_cache() / "benchmarks", search=search)


def benchmark(
    name_or_dir: str,
    *,
    benchmarks: Path | None,
    out: Path | None = None,
    split: str | None = None,
) -> Outcome:
    """Say what a benchmark holds, and show some of it."""
    if out is not None:
        check_sheet(out)
    folder = find_target(name_or_dir, benchmarks=benchmarks)
    summary = describe_benchmark(folder)
    columns = [(split.split or "whole", split.labels) for split in summary.splits]
    if out is not None:
        # The first split there is: train, so that nobody looks at test pictures by accident.
        shown = split or summary.splits[0].split
        write_sheet(out, dataset_sheet(folder, pictures=_SHEET_PICTURES, split=shown))
    return Outcome(
        shown=(
            f"{folder} ({summary.kind})",
            statistics_table("", columns),
            *(_picture_line(split) for split in summary.splits),
            *([f"{out}: {shown or 'the whole'}, labels drawn"] if out is not None else []),
        ),
        summary={
            "benchmark": str(folder),
            "kind": summary.kind,
            **({"sheet": str(out)} if out is not None else {}),
            "splits": {
                split.split or "whole": {
                    "images": split.labels.images,
                    "instances": split.labels.instances,
                    "per_category": split.labels.per_category,
                    "has_masks": split.has_masks,
                }
                for split in summary.splits
            },
        },
    )


def score(
    predictions: Path,
    on: str,
    out: Path,
    *,
    split: str | None,
    benchmarks: Path | None,
    tuned_on: Path | None = None,
) -> Outcome:
    """Score a predictions file."""
    target = find_target(on, benchmarks=benchmarks)
    thresholds = None if tuned_on is None else tuned_thresholds(tuned_on)
    sheet = evaluate(
        predictions, target, split=split, context=ScoreContext(), thresholds=thresholds
    )
    written = write_scores([sheet], out)
    overall = [row for row in written.scores if row.class_name is None]
    rows = written.scores if len(written.scores) <= _MOST_ROWS else overall
    return Outcome(
        shown=(score_table(rows), *written.notes, str(out)),
        summary={
            "scores": str(out),
            "results": [asdict(headline) for headline in headlines(written.scores)],
        },
    )


def score_table(scores: Iterable[Score]) -> Table:
    """Rows of a score file as a table."""
    table = Table()
    for heading in ("score", "value", "95 % interval", "of", "trained on", "tested on"):
        table.add_column(heading, overflow="fold")
    for row in scores:
        table.add_row(
            _name(row),
            _number(row.value),
            _interval(row.low, row.high),
            f"{row.count} {row.unit_of_count}",
            row.trained_on or row.regime or "",
            row.tested_on or "",
        )
    return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The main scores of one predictions file, or their means over seeds.

    Attributes:
        scores: Value, low and high by metric.
    """

    regime: str | None
    real_fraction: float | None
    seed: int | None
    trained_on: str | None
    tested_on: str | None
    split: str | None
    scores: dict[str, tuple[float | None, float | None, float | None]]


def headlines(scores: Iterable[Score]) -> list[Headline]:
    """Main metrics over all classes, gathered by what was trained and tested.

    A Dice coefficient belongs to one class: it is there where a file knows one only.
    """
    rows = [row for row in scores if row.metric in _HEADLINES and row.of is None]
    single = len({row.class_name for row in rows if row.metric == "dice"}) == 1
    found: dict[tuple[object, ...], Headline] = {}
    for row in rows:
        if row.class_name is not None and not (single and row.metric == "dice"):
            continue
        trained = (row.regime, row.real_fraction, row.seed, row.trained_on)
        key = (*trained, row.tested_on, row.split)
        headline = found.setdefault(
            key,
            Headline(
                regime=row.regime,
                real_fraction=row.real_fraction,
                seed=row.seed,
                trained_on=row.trained_on,
                tested_on=row.tested_on,
                split=row.split,
                scores={},
            ),
        )
        headline.scores[_name(row)] = (row.value, row.low, row.high)
    return list(found.values())


def headline_table(found: Sequence[Headline]) -> Table:
    """One line for every headline."""
    metrics = list(dict.fromkeys(name for headline in found for name in headline.scores))
    table = Table(caption="in brackets: 95 % intervals", caption_justify="left")
    for heading in ("trained on", "tested on", "seed", *metrics):
        table.add_column(heading, overflow="fold")
    for headline in found:
        share = f", {headline.real_fraction:.0%} of it" if headline.real_fraction else ""
        table.add_row(
            f"{headline.trained_on or headline.regime or ''}{share}",
            " ".join(word for word in (headline.tested_on, headline.split) if word),
            "" if headline.seed is None else str(headline.seed),
            *(_with_interval(*headline.scores.get(name, (None,) * 3)) for name in metrics),
        )
    return table


def findings(folder: Path) -> tuple[str, ...]:
    """What an experiment says, in sentences, of an ablation a line for each part."""
    found = read_analysis(folder / "analysis.json")
    claim = read_record(folder).experiment.claim
    effects = [
        effect_words(effect, ablation.metric)
        for ablation in found.ablations[:1]
        for effect in ablation.effects
    ]
    unseen = [power_words(power) for power in found.power[:1]]
    return (*effects, *experiment_words(found, claim=claim), *unseen)


def report(
    folder: Path, *, form: Literal["html", "md"], out: Path | None, photographs: bool
) -> Outcome:
    """Write an experiment's report again, as a page or as a folder to commit."""
    if form == "md":
        target = folder / "report" if out is None else out
        path = write_markdown(report_inputs(folder), target, photographs=photographs)
    elif out is None:
        path = report_step(folder)
    else:
        path = write_report(report_inputs(folder), out)
    return Outcome(shown=(str(path),), summary={"report": str(path)})


def _picture_line(split: SplitSummary) -> str:
    sizes = ", ".join(f"{width} x {height}" for height, width in list(split.image_hw)[:3])
    more = f" and {len(split.image_hw) - 3} more sizes" if len(split.image_hw) > 3 else ""
    masks = "masks" if split.has_masks else "no masks"
    return f"{split.split or 'whole'}: {sizes}{more} px, {masks}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(low: float | None, high: float | None) -> str:
    """Empty where there is none: a single unit cannot be resampled."""
    return "" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def _with_interval(value: float | None, low: float | None, high: float | None) -> str:
    return f"{_number(value)} {_interval(low, high)}".rstrip()


def _name(row: Score) -> str:
    of = f" of {row.of}" if row.of else ""
    return f"{row.metric}{of}" + (f" ({row.class_name})" if row.class_name else "")
