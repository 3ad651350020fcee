"""The report in a real browser: nothing complains, pictures load, switches switch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from browser import CHROMIUM, started_browser
from report_inputs import detection_inputs

from evaluation.report.page import write_report

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: apt-get install chromium; `blendgap doctor` says so"
)
FRAMES = 30  # more than a gallery shows at first
SHOWN = "[...document.querySelectorAll('.shots li')].filter(e => !e.hidden)"
FEW = 24


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    return write_report(detection_inputs(folder, frames=FRAMES), folder / "report.html")


@pytest.fixture(scope="module")
def browser():
    with started_browser() as found:
        yield found


@pytest.fixture
def page(browser, report):
    """The report, freshly loaded; what it complains of fails the test."""
    browser.complaints.clear()
    browser.open(report)
    yield browser
    assert browser.complaints == []


def test_every_picture_loads_and_has_words(page):
    page.click("[data-more]")
    pictures = page.ask(
        """Promise.all([...document.querySelectorAll('main img')].map(async (image) => {
            image.loading = 'eager';
            await image.decode();
            return [image.naturalWidth, image.alt.trim().length];
        }))"""
    )
    assert len(pictures) > FRAMES + 10
    assert all(width > 0 and words > 0 for width, words in pictures)


def test_headings_are_in_order(page):
    levels = page.ask("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    links = page.ask(
        "[...document.querySelectorAll('#contents a')].map(a => [a.textContent, "
        "document.querySelector(a.getAttribute('href') + ' > h2').textContent])"
    )
    assert len(links) >= 8
    assert all(name == heading for name, heading in links)


def test_truth_and_predictions_are_switched_apart(page):
    visible = (
        "['truth', 'predictions'].map(name => getComputedStyle(document.querySelector("
        "`.shots .${name}-layer`)).display !== 'none')"
    )
    assert page.ask(visible) == [True, True]
    page.click(".gallery input[data-layer=truth]")
    assert page.ask(visible) == [False, True]
    page.click(".gallery input[data-layer=predictions]")
    assert page.ask(visible) == [False, False]
    page.click(".gallery input[data-layer=truth]")
    assert page.ask(visible) == [True, False]


def test_gallery_is_sorted_and_shortened(page):
    def choose(order: str) -> list[list[float]]:
        page.ask(
            f"(() => {{ const s = document.querySelector('[data-sort]'); s.value = '{order}';"
            "s.dispatchEvent(new Event('change')); })()"
        )
        columns = "[+e.dataset.error, +e.dataset.order, +e.dataset.alarms]"
        return page.ask(f"{SHOWN}.map(e => {columns})")

    errors = [row[0] for row in page.ask(f"{SHOWN}.map(e => [+e.dataset.error])")]
    assert len(errors) == FEW
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > errors[-1]
    best = [row[0] for row in choose("best")]
    assert best == sorted(best)
    alarms = [row[2] for row in choose("alarms")]
    assert alarms == sorted(alarms, reverse=True)
    assert [row[1] for row in choose("order")] == list(range(FEW))
    page.click("[data-more]")
    assert len(page.ask(f"{SHOWN}.map(e => 1)")) == FRAMES
    page.click("[data-only]")
    mistakes = page.ask(f"{SHOWN}.map(e => +e.dataset.mistakes)")
    assert mistakes
    assert len(mistakes) < FRAMES
    assert all(mistakes)


def test_pictures_are_looked_at_closely(page):
    title = "document.querySelector('#viewer .title').textContent"
    width = "document.querySelector('#viewer .stage').getBoundingClientRect().width"
    page.click(".shots li:not([hidden]) .stage")
    assert page.ask("document.querySelector('#viewer').open")
    first, narrow = page.ask(title), page.ask(width)
    assert page.ask("document.querySelectorAll('#viewer path').length") > 0
    page.press("ArrowRight")
    assert page.ask(title) != first
    page.press("ArrowLeft")
    assert page.ask(title) == first
    page.click("#viewer .scene img")
    assert page.ask(width) == pytest.approx(2 * narrow)
    page.click("#viewer [data-action=out]")
    assert page.ask(width) == pytest.approx(narrow)
    page.press("t")
    assert page.ask("document.documentElement.classList.contains('without-truth')")
    page.click("#viewer [data-action=close]")
    assert not page.ask("document.querySelector('#viewer').open")
    page.ask("document.querySelector('.pair img').focus()")
    page.press("Enter")
    assert page.ask("document.querySelector('#viewer').open")
    assert "outlined" in page.ask(title)


def test_light_and_dark(page, report):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.ask(ground)
    page.open(report, dark=True)
    dark = page.ask(ground)
    assert light == "rgb(255, 255, 255)"
    assert dark != light
    page.click("#theme")
    assert page.ask(ground) == light, "chosen against the system"
    page.click("#theme")
    assert page.ask(ground) == dark
    page.click("#theme")


def test_phones_scroll_in_one_direction(page, report):
    page.open(report, width=375, height=812)
    page.ask("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.ask("document.documentElement.scrollWidth") == 375
    sizes_px = page.ask(
        "[...document.querySelectorAll('main p, main td, figcaption')]"
        ".filter(e => e.offsetParent).map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes_px) >= 12


def test_paper_shows_everything_but_controls(page, tmp_path: Path):
    page.call("Emulation.setEmulatedMedia", media="print")
    hidden = "['.gallery .controls', '#theme', '#contents', '#viewer', '[data-more]']"
    assert not any(page.ask(f"{hidden}.map(s => document.querySelector(s).offsetHeight)"))
    page.call("Emulation.setEmulatedMedia", media="")
    printed = "[...document.querySelectorAll('.shots li:not(.later) img')]"
    assert page.ask(f"{printed}.every(image => image.complete && image.naturalWidth > 0)")
    text = page.pdf(tmp_path / "report.pdf").read_bytes()
    assert text.startswith(b"%PDF")
    assert text.count(b"/Type /Page\n") > 5


@pytest.mark.slow  # a minute: 500 pictures are painted and drawn
def test_five_hundred_pictures_are_fast(browser, tmp_path: Path):
    page = write_report(detection_inputs(tmp_path, frames=500), tmp_path / "report.html")
    browser.open(page)
    assert browser.ask("performance.getEntriesByType('navigation')[0].loadEventEnd") < 4000
    assert browser.ask("document.querySelectorAll('.shots li').length") == 500
    assert page.stat().st_size < 25e6
