"""The report of an experiment with many trainings: words, plots and tables from its analysis."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from simulated import SimulatedTest

from evaluation.analysis.analysis import analyse
from evaluation.analysis.records import (
    BreakEven,
    ExchangeRate,
    PhotoCount,
    Power,
    SizeStep,
    write_analysis,
)
from evaluation.report.claim import claim_words, plateaus_words
from evaluation.report.effects import ablation_words, effect_words
from evaluation.report.findings import experiment_figures, experiment_words, power_words
from evaluation.report.inputs import ReportInputs
from evaluation.report.markdown_page import write_markdown
from evaluation.report.page import write_report
from evaluation.report.plots import Bar, Mark, bar_chart, mark_chart
from evaluation.report.score_tables import score_tables
from evaluation.report.sections import (
    ablation_plots,
    efficiency_plots,
    plateau_part,
    transfer_part,
)
from evaluation.report.worth import break_even_words, exchange_words
from evaluation.scores import write_scores

EVIL = "<script>alert(1)</script>"
QUIET = {"seed_sd": 1e-6, "image_sd": 1e-6}


def sheets_of_an_experiment():
    """Real photographs: 0.2 at 10, 0.4 at 40, 0.6 at 160; 1,000 frames are worth 20 of them."""
    rng = np.random.default_rng(0)
    real = SimulatedTest(rng, images=50, name=f"{EVIL}/real")
    home = SimulatedTest(rng, images=50, name="scene/synthetic")
    sheets = []
    for photographs, score in ((10, 0.2), (40, 0.4), (160, 0.6)):
        share = {"real_images": photographs, "real_fraction": photographs / 160}
        sheets += real.sheets(score, regime="real", trained_on="photos", **share, **QUIET)
        both = {"trained_on": "both", "synthetic_images": 1000, **share, **QUIET}
        sheets += real.sheets(score + 0.05, regime="mixed", **both)
    frames = {"regime": "synthetic", "real_images": 0, "synthetic_images": 1000}
    sheets += real.sheets(0.3, trained_on="frames", **frames, **QUIET)
    sheets += home.sheets(0.9, trained_on="frames", **frames, **QUIET)
    for part, loss in (("lighting", 0.1), (f"pose {EVIL}", 0.0)):
        named = {"trained_on": f"frames without {part}", "without": part}
        sheets += real.sheets(0.3 - loss, **named, **frames)
    return sheets


@pytest.fixture(scope="module")
def analysis():
    return analyse(sheets_of_an_experiment())


def test_the_minute_in_words(analysis):
    worth, first, *others = experiment_words(analysis)
    words = " ".join(others)
    assert worth == "1,000 rendered frames are worth 20 \N{PLUS-MINUS SIGN} 0 real photographs."
    assert first.startswith("Box AP50 on 50 real pictures: trained on 160 real photographs, 0.")
    assert "1,000 rendered frames mixed with 160 real photographs" in first
    assert "bring +5.0 points [5.0, 5.0]" in words
    assert "what matters is lighting (+" in words
    assert "cannot be seen" not in words, "that stands beside the scores"


def test_figures_are_those_of_the_matrix(analysis):
    figures = experiment_figures(analysis)
    assert [figure.label for figure in figures] == [
        "Box AP50, 160 real photographs alone",
        "Box AP50, rendered frames alone",
        "Box AP50, rendered frames and 160 real",
        "photographs that 1,000 rendered frames are worth",
    ]
    assert figures[-1].value == "20"


def test_worth_is_told_by_the_main_metric_first_and_then_by_the_others(analysis):
    (main,) = analysis.efficiency
    strict = main.model_copy(update={"metric": "box_ap"})
    for order in ([main, strict], [main, strict, main.model_copy(update={"test": ("b", None)})]):
        titles = [
            p.title for p in efficiency_plots(analysis.model_copy(update={"efficiency": order}))
        ]
        assert [t.split(" on ")[0] for t in titles] == ["Box AP50"] * (len(order) - 1) + ["Box AP"]


def test_tables_and_plots(analysis):
    part = transfer_part(analysis)
    assert part is not None
    assert [column.title for column in part.matrix.columns] == ["scene, rendered", f"{EVIL}, real"]
    assert len(part.matrix.rows) == 7
    (efficiency,) = efficiency_plots(analysis)
    (ablation,) = ablation_plots(analysis)
    for drawn in (efficiency, ablation):
        root = ElementTree.fromstring(str(drawn.svg))
        assert root.get("aria-label") == drawn.title
        assert not any(word in drawn.svg for word in ("nan", "inf", EVIL))
    assert efficiency.svg.count("<polyline") == 2
    assert "20</text>" in efficiency.svg, "the drop line"
    assert efficiency.table is not None
    assert [row.title for row in efficiency.table.rows] == ["Rendered frames"] + ["Both, mixed"] * 3
    assert ablation.sentences[0].startswith("lighting: +")
    assert ablation.sentences[0].endswith("], helps")
    assert ablation.sentences[1].endswith("], undecided")


def test_every_recipe_of_an_ablation_has_scores_of_its_own(tmp_path: Path):
    sheets = [s for s in sheets_of_an_experiment() if s.context.regime == "synthetic"]
    photographed = [s for s in sheets if s.context.tested_on != "scene/synthetic"]
    (table,) = score_tables(write_scores(photographed, tmp_path / "scores.json"))
    full, lit, posed = ("frames", "frames without lighting", f"frames without pose {EVIL}")
    assert [column.hint for column in table.columns] == [
        f"{recipe}, network, mean of 3 seeds" for recipe in (full, lit, posed)
    ]
    scores = dict(zip((full, lit, posed), (float(c.value) for c in table.cells[0]), strict=True))
    assert scores[full] - scores[lit] == pytest.approx(0.1, abs=0.03)
    assert scores[full] - scores[posed] == pytest.approx(0.0, abs=0.03)


def test_the_report_shows_all_of_it_escaped(analysis, tmp_path: Path):
    whole = [s for s in sheets_of_an_experiment() if s.context.without is None]
    write_scores(whole, tmp_path / "scores.json")
    write_analysis(analysis, tmp_path / "analysis.json")
    inputs = ReportInputs(
        title="Signs", scores=tmp_path / "scores.json", analysis=tmp_path / "analysis.json"
    )
    html = write_report(inputs, tmp_path / "report.html").read_text()
    for section in ("transfer", "efficiency", "ablation", "scores", "domain"):
        assert f'id="{section}"' in html
    assert html.count("<script") == 1
    assert "With 50 test images and 3 training seeds, differences between two trainings" in html
    assert "&lt;script&gt;alert(1)" in html
    assert "n/a" in html, "real photographs were not scored on rendered frames"
    assert "seeds ±" in html
    assert not any(f"{mark}nan" in html for mark in (">", '"', " "))


def rate(equals, low, high, **more):
    ends = [
        PhotoCount(photographs=end) if isinstance(end, float) else PhotoCount(off=end)
        for end in (equals, low, high)
    ]
    told = {"regime": "synthetic", "synthetic_images": 1000, "beside": 0} | more
    return ExchangeRate(
        equals=ends[0], low=ends[1], high=ends[2], measured_from=10, measured_to=160, **told
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (rate(37.0, 28.0, 46.0), "1,000 rendered frames are worth 37 ± 9 real photographs."),
        (rate(37.0, 30.0, 90.0), "worth 37 (30 to 90) real photographs."),
        (rate(37.0, 28.0, "above"), "worth about 37 (28 to more than 160) real"),
        (rate(37.0, "below", 46.0), "worth about 37 (fewer than 10 to 46) real"),
        (
            rate("above", 90.0, "above"),
            "than 160 real photographs (the 95\xa0% interval begins at 90)",
        ),
        (rate("above", "above", "above"), "worth more than 160 real photographs."),
        (
            rate("below", "below", 11.0),
            "than 10 real photographs (the 95\xa0% interval ends at 11)",
        ),
        (
            rate(37.0, 28.0, 46.0, regime="mixed", beside=12),
            "12 real photographs with 1,000 rendered frames beside them are worth 37 ± 9 real "
            "photographs alone.",
        ),
    ],
)
def test_exchange_rates_in_words(told, words):
    assert words in exchange_words(told, "box_ap50")


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((80.0, 60.0, 95.0), "help up to about 80 real photographs (95\xa0% interval 60 to 95)"),
        (("above", "above", "above"), "still help beside 160 real photographs, the most"),
        (("above", 60.0, "above"), "cannot be told: the 95\xa0% interval is 60 to more than 160"),
        (("below", "below", 12.0), "did not help beside any number"),
        (("below", "below", "above"), "cannot be told beside any number of real photographs from"),
    ],
)
def test_break_even_in_words(ends, words):
    at, low, high = (
        PhotoCount(photographs=end) if isinstance(end, float) else PhotoCount(off=end)
        for end in ends
    )
    point = BreakEven(regime="mixed", at=at, low=low, high=high, measured_from=10, measured_to=160)
    assert words in break_even_words(point)


def test_a_lead_that_chance_can_bring_is_not_called_help(analysis):
    above = PhotoCount(off="above")
    point = BreakEven(
        regime="mixed", at=above, low=above, high=above, measured_from=10, measured_to=160
    )
    gain = analysis.ablations[0].effects[0].measured
    unsure = gain.model_copy(update={"low": -0.03})
    assert "not by more than chance can bring" in break_even_words(point, unsure)
    assert "still help" in break_even_words(point, gain.model_copy(update={"low": 0.01}))


def test_power_in_words():
    power = Power(
        metric="box_ap50", test=("b/real", "test"), smallest=0.083, count=50,
        unit_of_count="images", seeds=1, paired=False,
    )  # fmt: skip
    assert power_words(power) == (
        "With 50 test images and one training seed, differences under 8.3 points of Box AP50 "
        "cannot be seen (an upper bound: there is one training only)."
    )


def test_two_seeds_are_called_too_few():
    power = Power(
        metric="box_ap50", test=("b/real", "test"), smallest=0.9, count=50,
        unit_of_count="images", seeds=2, paired=True,
    )  # fmt: skip
    assert "two training seeds hardly any difference" in power_words(power)
    assert "Train with three or more" in power_words(power)
    enough = power.model_copy(update={"smallest": 0.04})
    assert "differences between two trainings under 4.0 points" in power_words(enough)


def test_effects_in_words(analysis):
    ablation = analysis.ablations[0]
    assert effect_words(ablation.effects[0], "box_ap50").startswith("lighting: +")
    assert "lighting" in ablation_words(ablation)
    setting = ablation.effects[0].model_copy(update={"name": "model.width=0.5"})
    assert effect_words(setting, "box_ap50").startswith("model.width, not 0.5: +")
    others = ablation.model_copy(update={"effects": (setting, *ablation.effects[1:])})
    assert "what matters is model.width, not 0.5 (+" in ablation_words(others)
    undecided = ablation.model_copy(update={"effects": ablation.effects[1:]})
    assert "the one part makes no difference that can be seen" in ablation_words(undecided)


@pytest.mark.parametrize(
    ("adjusted", "values", "words"),
    [
        ((0.001, 0.9), (0.2, 0.01), "From 400 rendered frames on, more bring nothing"),
        ((0.001, 0.001), (0.2, 0.1), "still help at 1,600, the most that were tried"),
        ((0.9, 0.9), (0.02, 0.01), "From 100 rendered frames on, more bring nothing"),
    ],
)
def test_sizes_in_words(analysis, adjusted, values, words):
    gain = analysis.ablations[0].effects[0].measured
    steps = tuple(
        SizeStep(
            smaller=smaller,
            larger=1600,
            gain=gain.model_copy(update={"value": value}),
            p_adjusted=p,
        )
        for smaller, value, p in zip((100, 400), values, adjusted, strict=True)
    )
    efficiency = analysis.efficiency[0].model_copy(update={"sizes": steps})
    told = analysis.model_copy(update={"efficiency": (efficiency,)})
    assert words in " ".join(experiment_words(told))


def test_charts_of_odd_numbers_are_drawings():
    marks = [
        Mark(name=EVIL, value=0.0, low=None, high=None, text="0"),
        Mark(name="a" * 60, value=-3.0, low=-4.0, high=1.0, text="x", strong=False),
    ]
    bars = [Bar(name="b", values=(None, 0.0), texts=("", "0"))]
    for svg in (
        mark_chart(marks, title=EVIL, unit="points"),
        mark_chart(marks[:1], title="t", unit="u", zero=True),
        bar_chart(bars, title="t", unit="u", colors=(0, 1)),
    ):
        ElementTree.fromstring(str(svg))
        assert EVIL not in svg
    assert mark_chart([], title="", unit="") == ""


@pytest.fixture(scope="module")
def fair():
    """Photographs alone reach 0.5, with twice the steps 0.51; with frames mixed in 0.6."""
    test = SimulatedTest(np.random.default_rng(2), images=50)
    alone = {"trained_on": "photos", "real_images": 40, "real_fraction": 1.0, **QUIET}
    both = {**alone, "trained_on": "both", "synthetic_images": 900}
    frames = {**both, "real_images": 0, "real_fraction": 0.0}
    return analyse(
        [
            *test.sheets(0.5, regime="real", steps=300, **alone),
            *test.sheets(0.51, regime="plateau", steps=600, **alone),
            *test.sheets(0.6, regime="mixed", steps=300, **both),
            *test.sheets(0.3, regime="synthetic", steps=300, **frames),
        ]
    )


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ("mixed", "Against 40 real photographs it does: +10.0 points of Box AP50 [10.0, 10.0]."),
        ("synthetic", "Against 40 real photographs it does worse: \N{MINUS SIGN}20.0 points of"),
    ],
)
def test_what_was_named_beforehand_is_told_first(fair, claim, verdict):
    first, *others = experiment_words(fair, claim=claim)
    assert first.startswith("Claimed before the final runs: training on rendered frames ")
    assert verdict in first
    told_again = any("rendered frames mixed in bring +10.0" in words for words in others)
    assert told_again == (claim != "mixed"), "the same gain is not told twice"
    assert not any("Claimed before" in words for words in experiment_words(fair))


def test_claims_and_plateaus_that_come_out_alike_share_a_sentence(fair):
    """Two more numbers of photographs: one as undecided as the first, one that gains."""
    [efficiency], [plateau] = fair.efficiency[:1], fair.plateaus[:1]
    mixed = next(c for c in efficiency.curves if c.regime == "mixed")
    update = {"value": 0.05, "low": -0.1, "high": 0.2, "p_value": 0.4, "seeds": 2}
    unsure = mixed.gains[0].model_copy(update=update)
    points = tuple(
        mixed.points[0].model_copy(update={"real_images": images}) for images in (10, 20, 40)
    )
    curve = mixed.model_copy(update={"points": points, "gains": (unsure, unsure, mixed.gains[0])})
    told = fair.model_copy(
        update={"efficiency": (efficiency.model_copy(update={"curves": (curve,)}),)}
    )
    [words] = claim_words(told, "mixed")
    assert (
        "Against 10 and 20 real photographs no difference can be told from chance: +5.0 points of "
        "Box AP50 [\N{MINUS SIGN}10.0, 20.0] and +5.0 [\N{MINUS SIGN}10.0, 20.0]. Two "
        "training seeds cannot tell"
    ) in words
    assert words.endswith(
        "Against 40 real photographs it does: +10.0 points of Box AP50 [10.0, 10.0]."
    )
    few, fewer = (
        plateau.model_copy(update={"real_images": images, "gain": gain})
        for images, gain in ((20, plateau.gain), (10, unsure))
    )
    most, other = plateaus_words([fewer, few, plateau])
    assert most.endswith("over 300 steps. So it is with 20 photographs.")
    assert other.startswith("As far as can be seen")
    assert "10 real photographs alone" in other


def test_metrics_by_which_alone_photographs_gain_from_more_steps_are_told(fair):
    plateau = fair.plateaus[0]
    unsure = plateau.gain.model_copy(update={"p_value": 0.4})
    level = plateau.model_copy(update={"gain": unsure})
    finer = plateau.model_copy(update={"metric": "box_ap"})
    elsewhere = finer.model_copy(update={"test": ("other/real", None)})
    [words] = plateaus_words([level, finer, elsewhere])
    assert words.endswith("from chance. Yet more steps bring +1.0 points of Box AP [1.0, 1.0].")
    [words] = plateaus_words([level, level.model_copy(update={"metric": "box_ap"}), elsewhere])
    assert "Yet more" not in words
    [words] = plateaus_words([plateau, finer])
    assert "Yet more" not in words, "the first metric says so already"
    part = plateau_part(fair.model_copy(update={"plateaus": (level, elsewhere, finer)}))
    assert [plot.title.split(" on ")[0] for plot in part.main] == ["Box AP50"]
    assert [plot.title.split(" on ")[0] for plot in part.others] == ["Box AP", "Box AP"]


def test_one_number_of_photographs_gives_no_exchange_rate(fair):
    [plot] = efficiency_plots(fair)
    assert [column.title for column in plot.table.columns] == ["Score", "Gain"]
    assert {len(cells) for cells in plot.table.cells} == {2}
    gains = [cells[1] for cells in plot.table.cells if cells[1] is not None]
    assert {(cell.value, cell.interval) for cell in gains} == {("+10.0", "10.0 to 10.0")}
    assert any("(real_fractions)" in sentence for sentence in plot.sentences)


def test_twice_the_steps_are_told_and_drawn(fair, tmp_path):
    [words] = [words for words in experiment_words(fair) if "twice the steps" in words]
    assert words.startswith("Photographs were not trained on to the end: with twice the steps, ")
    assert "40 real photographs alone reach 0.5" in words
    assert "+1.0 points [1.0, 1.0] over 300 steps" in words
    [plot] = plateau_part(fair).main
    texts = [t.text for t in ElementTree.fromstring(str(plot.svg)).iter() if t.text]
    assert texts.index("300 steps") < texts.index("600 steps")
    scores, found = tmp_path / "scores.json", tmp_path / "analysis.json"
    write_scores([], scores)
    write_analysis(fair, found)
    log = f"# Tries\n\n- *Hue* was off. {EVIL} ![x](http://far/x.png) [y](javascript:y)\n\n"
    log += "| a |\n|--|\n| 1 |"
    inputs = ReportInputs(
        title="Fair", scores=scores, analysis=found, claim="mixed", log=log,
        notes=(f"Tuned on `train`, not *here*. {EVIL}",),
    )  # fmt: skip
    html = write_report(inputs, tmp_path / "report.html").read_text()
    assert 'id="plateau"' in html
    assert "Claimed before the final runs" in html
    assert "<li><em>Hue</em> was off. &lt;script&gt;" in html
    assert "<h3>Tries</h3>" in html, "under the section's heading"
    assert "<td>1</td>" in html
    assert '<img src="http' not in html
    assert 'href="javascript' not in html
    assert "Tuned on <code>train</code>, not *here*. &lt;script&gt;" in html
    markdown = write_markdown(inputs, tmp_path / "page").read_text()
    assert "- *Hue* was off." in markdown
    assert "- Tuned on `train`, not \\*here\\*. &lt;script&gt;" in markdown
    assert (tmp_path / "page" / "figures" / "plateau-1.svg").is_file()
    assert words in markdown.replace("\\", "")
