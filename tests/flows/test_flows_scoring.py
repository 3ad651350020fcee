"""What a score file says in short."""

from __future__ import annotations

from evaluation.scores import Score
from flows.scoring import headline_table, headlines, score_table
from flows.terminal import show


def row(metric: str, value: float | None = 0.5, **changes: object) -> Score:
    settings = {
        "metric": metric,
        "value": value,
        "low": None if value is None else value - 0.1,
        "high": None if value is None else value + 0.1,
        "count": 0 if value is None else 7,
        "unit_of_count": "images",
        "task": "detection",
        "regime": "synthetic",
        "trained_on": "coins/synthetic",
        "tested_on": "coins/real",
        "seed": 0,
    }
    return Score(**(settings | changes))


def test_one_headline_for_each_training_and_test_set():
    found = headlines(
        [
            row("box_ap50"),
            row("box_ap75"),
            row("miou", None),
            row("box_ap50", seed=1),
            row("box_ap50", tested_on="coins/synthetic"),
            row("domain_drop", of="box_ap50"),
        ]
    )
    assert [(headline.seed, headline.tested_on) for headline in found] == [
        (0, "coins/real"),
        (1, "coins/real"),
        (0, "coins/synthetic"),
    ]
    assert found[0].scores == {"box_ap50": (0.5, 0.4, 0.6), "miou": (None, None, None)}


def test_classes_are_left_out_but_for_the_dice_of_a_single_one():
    one = [row("dice", class_name="coin"), row("accuracy", class_name="coin")]
    assert list(headlines(one)[0].scores) == ["dice (coin)"]
    assert headlines([*one, row("dice", class_name="pin")]) == []


def test_table_shows_intervals_and_what_is_missing(capsys):
    found = headlines([row("box_ap50", real_fraction=0.25), row("miou", None)])
    show(headline_table(found))
    shown = capsys.readouterr().out
    assert "0.500 [0.400, 0.600]" in shown
    assert "25% of it" in shown


def test_a_score_of_a_single_unit_is_shown_without_an_interval(capsys):
    lone = row("box_ap50", 1.0, low=None, high=None, count=1)
    show(headline_table(headlines([lone])), score_table([lone]))
    shown = capsys.readouterr().out
    assert shown.count("1.000") == 2
    assert "None" not in shown
