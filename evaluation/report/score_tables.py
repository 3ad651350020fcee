"""Score rows arranged as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from evaluation.report.names import HEADLINES, METRICS, REGIMES, metric_hint, metric_name, set_name
from evaluation.report.tables import Cell, Header, ScoreTable
from evaluation.sheet import Score, ScoreFile

__all__ = [
    "cell_of",
    "class_tables",
    "domain_table",
    "gap_table",
    "headline_score",
    "is_network",
    "more_tables",
    "score_tables",
]

_DIFFERENCES = ("sim_to_real_gap", "domain_drop")
_COMPARISONS = (*_DIFFERENCES, "transfer_ratio")
_COMPARED = (*HEADLINES, "mask_ap", "box_ap", "keypoint_ap", "macro_f1", "dice")
_COUNTS = ("id_switches", "fragmentations", "false_positives", "misses")
_MOST_COLUMNS = 4
_MOST_CLASS_COLUMNS = 6


def is_network(score: Score) -> bool:
    """Whether a score is of a training of ours, not of a baseline or an outside model."""
    return score.regime in REGIMES


def _arm_header(score: Score) -> Header:
    """What to call the training behind a score."""
    if score.regime == "baseline":
        return Header(title=score.trained_on or "Baseline", hint="classical baseline")
    if not is_network(score):
        return Header(title=score.trained_on or score.regime or "Model", hint=_share(score))
    seeds = _seeds(score) if score.seed is None else f"seed {score.seed}"
    hints = ("network", _share(score), seeds)
    return Header(title=REGIMES[score.regime or ""], hint=", ".join(h for h in hints if h))


def cell_of(score: Score) -> Cell:
    """A score as text; differences carry a sign."""
    if score.value is None:
        return Cell(value="n/a")
    form = "+.3f" if score.metric in _DIFFERENCES else ",.0f" if score.metric in _COUNTS else ".3f"
    text = _minus(f"{score.value:{form}}")
    if score.low is None or score.high is None:
        return Cell(value=text)
    interval = _minus(f"{score.low:{form}} to {score.high:{form}}")
    if score.low == score.high:
        interval = "no spread"  # an interval would look like certainty
    if score.metric not in METRICS:
        return Cell(value=text, interval=interval)
    low, value, high = (100 * min(max(v, 0.0), 1.0) for v in (score.low, score.value, score.high))
    return Cell(value=text, interval=interval, strip=(low, value, high))


def headline_score(scores: Iterable[Score]) -> Score | None:
    """The one number of a predictions file, or comparison of two, that says most."""
    by_metric = {score.of or score.metric: score for score in scores if score.class_name is None}
    return next((by_metric[name] for name in HEADLINES if name in by_metric), None)


def score_tables(document: ScoreFile) -> list[ScoreTable]:
    """One table per test set: metrics by training, seeds pooled.

    With more trainings than fit beside each other they become rows, of the main metrics.
    Synthetic test sets are left out where :func:`domain_table` shows them.
    """
    tables = []
    arm = _namer(document.scores)
    plain = [s for s in _pooled(document.scores) if s.metric not in _COMPARISONS]
    if domain_table(document) is not None:
        plain = [s for s in plain if not _is_synthetic(s)]
    for test in dict.fromkeys(_test(score) for score in plain):
        here = [s for s in plain if _test(s) == test and _is_main(s)]
        if len(set(map(arm, here))) > _MOST_COLUMNS:
            here = [s for s in here if s.metric in ("dice", *HEADLINES)]
            table = _arrange(here, title=set_name(*test), rows=arm, columns=_metric)
        else:
            table = _arrange(here, title=set_name(*test), rows=_metric, columns=arm)
        tables.append(table)
    return tables


def more_tables(document: ScoreFile) -> list[ScoreTable]:
    """Metrics that are not in METRICS, one table per test set; none with many trainings."""
    arm = _namer(document.scores)
    plain = [
        s
        for s in _pooled(document.scores)
        if s.metric not in (*_COMPARISONS, *METRICS)
        and s.class_name is None
        and s.value is not None  # as of sizes that no object has
    ]
    tables = []
    for test in dict.fromkeys(_test(score) for score in plain):
        here = [s for s in plain if _test(s) == test]
        if len(set(map(arm, here))) <= _MOST_COLUMNS:
            tables.append(_arrange(here, title=set_name(*test), rows=_metric, columns=arm))
    return tables


def class_tables(document: ScoreFile) -> list[ScoreTable]:
    """Main scores within each class, one table per training and test set.

    With many trainings only on the test set that comes first.
    """
    arm = _namer(document.scores)
    per_class = [
        s for s in _pooled(document.scores) if s.class_name is not None and s.metric in METRICS
    ]
    if len(set(map(arm, per_class))) > _MOST_COLUMNS:
        per_class = [s for s in per_class if _test(s) == _test(per_class[0])]
    metrics = [m for m in METRICS if any(s.metric == m for s in per_class)]
    shown = sorted(metrics, key=lambda m: m not in HEADLINES)[:_MOST_CLASS_COLUMNS]
    per_class = [s for s in per_class if s.metric in shown]
    tables = []
    for key in dict.fromkeys((_test(s), arm(s)) for s in per_class):
        here = [s for s in per_class if (_test(s), arm(s)) == key]
        header = key[1]
        title = ", ".join(word for word in (header.title, header.hint, set_name(*key[0])) if word)
        tables.append(_arrange(here, title=title, rows=_class, columns=_metric_only))
    return tables


def domain_table(document: ScoreFile) -> ScoreTable | None:
    """The synthetic test set beside the real one, and the drop between them."""
    drops = [
        s
        for s in document.scores
        if s.metric == "domain_drop" and s.value is not None and s.of in _COMPARED
    ]
    if not drops:
        return None
    pooled = [s for s in _pooled(document.scores) if s.regime == "synthetic"]
    drops = _of_one_pair(drops)
    trained_on, real = drops[0].trained_on, _test(drops[0])
    own = [s for s in pooled if s.trained_on == trained_on]
    by_key = {(s.metric, s.class_name, _test(s)): s for s in own}
    home = next(_test(s) for s in own if _is_synthetic(s))
    rows, cells = [], []
    for drop in _in_order(drops, lambda s: s.of or ""):
        sides = [by_key.get((drop.of or "", drop.class_name, t)) for t in (home, real)]
        rows.append(_metric(drop))
        cells.append(
            (*(cell_of(s) if s else None for s in sides), cell_of(drop)),
        )
    columns = (
        Header(title=set_name(*home), hint="frames the network has not seen"),
        Header(title=set_name(*real), hint="the same network"),
        Header(title="Drop", hint="domain_drop"),
    )
    return ScoreTable(
        title="From rendered to real",
        units="",
        columns=columns,
        rows=tuple(rows),
        cells=tuple(cells),
    )


def gap_table(document: ScoreFile) -> ScoreTable | None:
    """What training on rendered frames lacks against training on real pictures."""
    rows = [
        s
        for s in document.scores
        if s.metric in ("sim_to_real_gap", "transfer_ratio")
        and s.value is not None
        and s.of in _COMPARED
    ]
    if not rows:
        return None
    rows = _of_one_pair(rows)

    def column(score: Score) -> Header:
        gap = score.metric == "sim_to_real_gap"
        return Header(title="Gap" if gap else "Ratio", hint=_share(score))

    return _arrange(rows, title="Against real training", rows=_metric, columns=column)


def _arrange(
    scores: Sequence[Score],
    *,
    title: str,
    rows: Callable[[Score], Header],
    columns: Callable[[Score], Header],
) -> ScoreTable:
    ordered = list(_in_order(scores, lambda s: s.of or s.metric))
    cells = {(rows(s), columns(s)): cell_of(s) for s in ordered}
    row_headers = tuple(dict.fromkeys(rows(s) for s in ordered))
    # Trainings stay in the order of the file.
    by_file = scores if columns is not _metric_only and columns is not _metric else ordered
    column_headers = tuple(dict.fromkeys(columns(s) for s in by_file))
    units = {s.unit_of_count.partition("; ")[0]: s.count for s in scores if s.count}
    return ScoreTable(
        title=title,
        units="; ".join(f"{count} {unit}" for unit, count in units.items()),
        columns=column_headers,
        rows=row_headers,
        cells=tuple(tuple(cells.get((r, c)) for c in column_headers) for r in row_headers),
    )


def _pooled(scores: Sequence[Score]) -> list[Score]:
    """Means over seeds where there are any, in place of the single seeds; baselines last."""
    means = {_pool_key(s) for s in scores if s.seed is None and _seeds(s)}
    pooled = [s for s in scores if s.seed is None or _pool_key(s) not in means]
    return sorted(pooled, key=lambda s: s.regime == "baseline")


def _pool_key(s: Score) -> tuple[object, ...]:
    where = (s.trained_on, s.tested_on, s.split)
    return (s.metric, s.of, s.class_name, s.regime, s.real_fraction, *where)


def _share(score: Score) -> str:
    if not score.real_fraction:
        return ""
    return f"{100 * score.real_fraction:g}\N{NO-BREAK SPACE}% of the real pictures"


def _seeds(score: Score) -> str:
    _, _, seeds = score.unit_of_count.rpartition("; ")
    return f"mean of {seeds}" if seeds.endswith("seeds") else ""


def _is_synthetic(score: Score) -> bool:
    return (score.tested_on or "").endswith("/synthetic")


def _is_main(score: Score) -> bool:
    main = score.class_name is None and score.metric in METRICS
    return main or score.metric == "dice"


def _namer(scores: Iterable[Score]) -> Callable[[Score], Header]:
    """What to call each training, so that no two have one name.

    Of an ablation and of several numbers of frames the regime leaves open which it was.
    """
    known: dict[tuple[str | None, float | None], set[str | None]] = {}
    for score in scores:
        known.setdefault((score.regime, score.real_fraction), set()).add(score.trained_on)

    def name(score: Score) -> Header:
        header = _arm_header(score)
        if is_network(score) and len(known[score.regime, score.real_fraction]) > 1:
            return replace(header, hint=f"{score.trained_on}, {header.hint}")
        return header

    return name


def _metric(score: Score) -> Header:
    metric = score.of or score.metric
    label = metric_name(metric)
    title = f"{label}, {score.class_name}" if score.class_name else label
    return Header(title=title, hint=metric_hint(metric))


def _metric_only(score: Score) -> Header:
    return Header(title=metric_name(score.metric))


def _class(score: Score) -> Header:
    return Header(title=score.class_name or "all")


def _in_order(scores: Iterable[Score], metric: Callable[[Score], str]) -> list[Score]:
    order = list(METRICS)
    return sorted(
        scores, key=lambda s: order.index(metric(s)) if metric(s) in METRICS else len(order)
    )


def _test(score: Score) -> tuple[str | None, str | None]:
    return (score.tested_on, score.split)


def _of_one_pair(comparisons: Sequence[Score]) -> list[Score]:
    """Those on the test set that counts, which comes first, of the last synthetic training."""
    chosen = [s for s in comparisons if _test(s) == _test(comparisons[0])]
    return [s for s in chosen if s.trained_on == chosen[-1].trained_on]


def _minus(text: str) -> str:
    return text.replace("-", "−")  # noqa: RUF001  # the sign, as wide as a plus
