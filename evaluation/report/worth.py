"""What synthetic frames are worth, in words."""

from __future__ import annotations

from evaluation.analysis.records import BreakEven, Efficiency, ExchangeRate, Measured, PhotoCount
from evaluation.report.measured_cells import measured_cell
from evaluation.report.names import metric_name, set_name
from evaluation.report.phrases import REGIME_TITLES, points, points_interval, rendered
from evaluation.report.tables import Cell, Header, ScoreTable

__all__ = [
    "best_gain_words",
    "break_even_words",
    "efficiency_table",
    "efficiency_words",
    "exchange_words",
    "size_words",
    "worth_figure",
]

_MATTERS = 0.05
_NO_WORTH = (
    "How many real photographs the frames are worth is not told: that takes trainings on several "
    "numbers of photographs (real_fractions)."
)
_TWO_SEEDS = 2  # leave Student's t a single degree of freedom, a factor of 12.7


def efficiency_words(efficiency: Efficiency) -> list[str]:
    """What frames alone are worth, up to where they help, and how many are enough."""
    return [
        *(exchange_words(r, efficiency.metric) for r in efficiency.exchange if not r.beside),
        *(
            break_even_words(point, _last_gain(efficiency, point))
            for point in efficiency.break_even
        ),
        *size_words(efficiency),
        *([] if efficiency.exchange else [_NO_WORTH]),
    ]


def efficiency_table(efficiency: Efficiency) -> ScoreTable | None:
    """Every training with frames: its score, its gain, what it is worth; None without any."""
    worth = {(rate.regime, rate.beside): rate for rate in efficiency.exchange}
    columns: tuple[Header, ...] = (
        Header(title="Score"),
        Header(title="Gain", hint="points, over as many photographs alone"),
        Header(title="Worth", hint="photographs alone"),
    )
    if not worth:
        columns = columns[:-1]
    rows, cells = [], []
    for curve in efficiency.curves:
        for point, gain in zip(curve.points, curve.gains, strict=True):
            rate = worth.get((curve.regime, point.real_images))
            if curve.regime == "real":
                continue
            counts = f"{curve.synthetic_images or 0:,} rendered"
            if point.real_images:
                counts += f" + {point.real_images:,} real"
            rows.append(Header(title=REGIME_TITLES[curve.regime], hint=counts))
            cells.append(
                (
                    measured_cell(point.measured),
                    None if gain is None else measured_cell(gain, points_of=True),
                    None if rate is None else _worth_cell(rate),
                )[: len(columns)]
            )
    if not rows:
        return None
    return ScoreTable(
        title=f"{metric_name(efficiency.metric)} on {set_name(*efficiency.test)}",
        units="",
        columns=columns,
        rows=tuple(rows),
        cells=tuple(cells),
    )


def exchange_words(rate: ExchangeRate, metric: str) -> str:
    """As ``1,000 rendered frames are worth 37 ± 9 real photographs``."""
    frames = rendered(rate.synthetic_images, metric)
    how = " before them" if rate.regime == "pretrain_finetune" else " beside them"
    subject = (
        f"{frames} are worth"
        if not rate.beside
        else f"{rate.beside:,} real photographs with {frames}{how} are worth"
    )
    if _is_open(rate):
        return (
            f"Whether {subject} few or many real photographs cannot be told: the "
            f"95\N{NO-BREAK SPACE}% interval is {_range(rate.low, rate.high, rate)}."
        )
    alone = "" if not rate.beside else " alone"
    return f"{subject} {_worth(rate)} real photographs{alone}{_open_end(rate)}."


def break_even_words(point: BreakEven, last_gain: Measured | None = None) -> str:
    """From how many photographs on the frames no longer help.

    Args:
        point: The break-even point.
        last_gain: Of the frames beside the most photographs that were measured.
    """
    how = {"mixed": "mixed in", "pretrain_finetune": "seen first"}[point.regime]
    if _is_open(point):
        return (
            f"Whether rendered frames {how} help cannot be told beside any number of real "
            f"photographs from {point.measured_from:,} to {point.measured_to:,}."
        )
    if point.at.off == "above" and point.low.off != "above":
        return (
            f"Rendered frames {how} are ahead up to {point.measured_to:,} real photographs, the "
            "most that were measured; where their lead ends cannot be told: the "
            f"95\N{NO-BREAK SPACE}% interval is {_range(point.low, point.high, point)}."
        )
    sure = last_gain is None or (last_gain.low is not None and last_gain.low > 0)
    if point.at.off == "above" and not sure:
        return (
            f"Rendered frames {how} are ahead up to {point.measured_to:,} real photographs, the "
            "most that were measured, but beside these not by more than chance can bring."
        )
    if point.at.off == "above":
        return (
            f"Rendered frames {how} still help beside {point.measured_to:,} real photographs, the "
            "most that were measured."
        )
    if point.at.off == "below" or point.at.photographs is None:
        return (
            f"Rendered frames {how} did not help beside any number of real photographs, from "
            f"{point.measured_from:,} on."
        )
    return (
        f"Rendered frames {how} help up to about {point.at.photographs:,.0f} real photographs "
        f"(95\N{NO-BREAK SPACE}% interval {_range(point.low, point.high, point)})."
    )


def best_gain_words(efficiency: Efficiency, *, claimed: str | None = None) -> list[str]:
    """The most that frames brought beside photographs; the claimed regime is told elsewhere."""
    found = [
        (curve, point, gain)
        for curve in efficiency.curves
        for point, gain in zip(curve.points, curve.gains, strict=True)
        if gain is not None and gain.value is not None
    ]
    if not found:
        return []
    curve, point, gain = max(found, key=lambda each: each[2].value or 0.0)
    if curve.regime == claimed:
        return []
    how = "first" if curve.regime == "pretrain_finetune" else "mixed in"
    brought = (
        f"Beside {point.real_images:,} real photographs, rendered frames {how} bring "
        f"{points(gain.value, sign=True)} points"
    )
    interval = points_interval(gain)
    if gain.p_value is not None and gain.p_value < _MATTERS:
        return [f"{brought} {interval}."]
    if gain.seeds == _TWO_SEEDS:
        return [
            f"{brought} with these two training seeds. Two seeds cannot tell how much of it is "
            f"their luck, so the interval is wide, {interval}: train with three or more."
        ]
    return [f"{brought} {interval}, a difference that cannot be told from chance."]


def size_words(efficiency: Efficiency) -> list[str]:
    """Where more frames stop helping."""
    if not efficiency.sizes:
        return []
    largest = efficiency.sizes[-1].larger
    noun = rendered(largest, efficiency.metric).partition(" ")[2]
    helpful = [step for step in efficiency.sizes if step.p_adjusted < _MATTERS]
    gaining = [step for step in helpful if (step.gain.value or 0.0) > 0]
    last = efficiency.sizes[-1]
    if gaining and gaining[-1] is last:
        return [
            f"More {noun} still help at {largest:,}, the most that were tried: "
            f"{points(last.gain.value, sign=True)} points {points_interval(last.gain)} over "
            f"{last.smaller:,}."
        ]
    enough = next(
        step for step in efficiency.sizes if not gaining or step.smaller > gaining[-1].smaller
    )
    return [
        f"From {enough.smaller:,} {noun} on, more bring nothing that can be seen: "
        f"{largest:,} bring {points(enough.gain.value, sign=True)} points "
        f"{points_interval(enough.gain)} over {enough.smaller:,}."
    ]


def _last_gain(efficiency: Efficiency, point: BreakEven) -> Measured | None:
    gains = [
        gain
        for curve in efficiency.curves
        for at, gain in zip(curve.points, curve.gains, strict=True)
        if (curve.regime, at.real_images) == (point.regime, point.measured_to)
    ]
    return gains[0] if gains else None


def _worth_cell(rate: ExchangeRate) -> Cell:
    value, note = worth_figure(rate)
    return Cell(value=value, interval=note)


def worth_figure(rate: ExchangeRate) -> tuple[str, str]:
    """A number of photographs in large type, and its interval."""
    if _is_open(rate):
        return ("n/a", _range(rate.low, rate.high, rate))
    if rate.equals.photographs is None:
        side = {"above": f"> {rate.measured_to:,}", "below": f"< {rate.measured_from:,}"}
        return (side.get(rate.equals.off or "", "n/a"), "off the measured range")
    return (f"{rate.equals.photographs:,.0f}", _range(rate.low, rate.high, rate))


def _worth(rate: ExchangeRate) -> str:
    most, fewest = f"{rate.measured_to:,}", f"{rate.measured_from:,}"
    if rate.equals.off == "above":
        return f"more than {most}"
    if rate.equals.off == "below":
        return f"fewer than {fewest}"
    if rate.equals.photographs is None:
        return "an unknown number of"
    value = f"{rate.equals.photographs:,.0f}"
    low, high = rate.low.photographs, rate.high.photographs
    if low is None or high is None:
        return f"about {value} ({_range(rate.low, rate.high, rate)})"
    down, up = rate.equals.photographs - low, high - rate.equals.photographs
    if max(down, up) < 1.5 * min(down, up) + 1:
        return f"{value} \N{PLUS-MINUS SIGN} {(high - low) / 2:,.0f}"
    return f"{value} ({low:,.0f} to {high:,.0f})"


def _is_open(found: ExchangeRate | BreakEven) -> bool:
    """Whether an interval leaves out nothing: more photographs do not lift the score either."""
    return found.low.off == "below" and found.high.off == "above"


def _open_end(rate: ExchangeRate) -> str:
    """Where the interval of what lies off the measured range reaches into it."""
    inside = {"above": ("begins", rate.low), "below": ("ends", rate.high)}
    verb, end = inside.get(rate.equals.off or "", ("", PhotoCount()))
    if end.photographs is None:
        return ""
    return f" (the 95\N{NO-BREAK SPACE}% interval {verb} at {end.photographs:,.0f})"


def _range(low: PhotoCount, high: PhotoCount, measured: ExchangeRate | BreakEven) -> str:
    """An interval whose ends may lie where nothing was measured."""
    ends = []
    for end in (low, high):
        if end.photographs is not None:
            ends.append(f"{end.photographs:,.0f}")
        elif end.off == "below":
            ends.append(f"fewer than {measured.measured_from:,}")
        elif end.off == "above":
            ends.append(f"more than {measured.measured_to:,}")
        else:
            return "no interval can be told"
    return f"{ends[0]} to {ends[1]}"
