"""Progress and results on streams that are no terminal."""

from __future__ import annotations

import pytest

from flows import terminal
from flows.terminal import Rate, progress_bar, say, show


def test_rate_leaves_out_what_was_done_before():
    rate = Rate("frames/min")
    assert rate.text(100, 10.0) == ""
    assert rate.text(130, 40.0) == "60 frames/min"
    assert Rate("steps/s").text(0, 0.0) == ""


def test_a_note_with_the_same_rate_stands_alone():
    rate = Rate("frames/min")
    assert rate.with_note(0, 0.0, "12.0 frames/min") == "12.0 frames/min"
    assert rate.with_note(1, 60.0, "loss 1.0") == "1 frames/min, loss 1.0"
    assert rate.with_note(1, 60.0, "") == "1 frames/min"


def test_plain_lines_come_at_the_start_now_and_then_and_at_the_end(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 11.0, 12.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
    with progress_bar("train", "steps/s") as progress:
        for done in (1, 2, 3, 4):
            progress(done, 4)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "train: 1/4",
        "train: 3/4, 0.182 steps/s",
        "train: 4/4, 0.25 steps/s",
    ]


def test_a_terminal_gets_one_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("render [dataset]", "frames/min") as progress:
        progress(0, 2)
        progress(2, 2, "30.0 frames/min")
    shown = capsys.readouterr().err
    assert "render [dataset]" in shown
    assert "2/2" in shown
    assert "30.0 frames/min" in shown


@pytest.mark.parametrize("text", ["/a/very/long/path" * 20, "[red]not markup[/red]", "100 %"])
def test_text_is_printed_as_it_is(capsys, text):
    show(text)
    say(text)
    captured = capsys.readouterr()
    assert captured.out == captured.err == text + "\n"
