"""What changed between the pixels of compared pictures: sentence, figures and heat map, measured in the background."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Page, expect
from support.axe import violations
from support.edited import photograph
from support.form_pages import opened, spills
from support.kept_pictures import kept, png
from support.lab import Browser
from support.markup import read
from support.measuring.edits import moved, pair_of
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana import measure
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.compare import Compare, compare

TOP = (0.0, 0.0, 1.0, 0.4)
INSIDE = "Outside the region: nothing changed that can be seen; inside: the upper-right corner redrawn."


@pytest.fixture(scope="module")
def before() -> Image.Image:
    """A photograph."""
    return pair_of(photograph("astronaut")).before


@pytest.fixture(scope="module")
def edits(tmp_path_factory: pytest.TempPathFactory, before: Image.Image) -> Iterator[list[nb.EditResult]]:
    """Two edits that were asked with one region, and in the second of which a patch was pasted there."""
    after = before.copy()
    size = (round(before.width * 0.28), round(before.height * 0.28))
    after.paste(photograph("coffee").resize(size), (before.width - size[0], 0))
    with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("pixels")) as session:
        rain = kept(session, "Make it rain.", before, main=before, region=TOP)
        yield [rain, kept(session, "Make it snow.", after, main=before, region=TOP)]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, list[str]]]:
    """What lets a measuring go on, and the names of the threads that measured."""
    go, threads = threading.Event(), []
    real = measure.drift

    def waiting(*args: Any, **options: Any) -> measure.Drift:
        threads.append(threading.current_thread().name)
        assert go.wait(60)
        return real(*args, **options)

    monkeypatch.setattr(measure, "drift", waiting)
    yield go, threads
    go.set()


def told(form: Compare) -> list[dict[str, Any]]:
    """A list that grows by what a form tells its front end."""
    said: list[dict[str, Any]] = []
    form.send = lambda content, buffers=None: said.append(content | {"buffers": buffers or []})  # type: ignore[method-assign]
    return said


def heard(form: Compare, message: dict[str, Any]) -> None:
    """Let a form hear what its front end says, and wait until the UI thread has nothing more to do."""
    form.receive(message, [])
    ui_thread.call(lambda: None)


# ── the still ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_saved_says_what_the_diff_of_the_same_pictures_says(edits: list[nb.EditResult]) -> None:
    """The sentence, the figures beside their noise, and the heat map as a picture of its own."""
    html, text = compare(*edits).still()
    page, diff = read(html), nb.diff(*edits)
    assert diff.pixels[0].sentence == INSIDE
    assert f"A → B: {INSIDE}" in text
    assert INSIDE in page.text
    said = diff._repr_mimebundle_()[0]["text/plain"].splitlines()
    figures = said[said.index(INSIDE) + 1 :]
    assert len(figures) == 3
    assert text.splitlines()[-3:] == figures
    alts = [image.attributes["alt"] for image in page.all("img")]
    assert [alt[:2] for alt in alts[:2]] == ["A:", "B:"]
    assert alts[2] == "B: where it changed, the brighter the more"
    assert len(html) < 220_000


def test_of_several_pictures_the_still_says_what_changed_between_the_first_two(
    edits: list[nb.EditResult], before: Image.Image
) -> None:
    """All others are one choice away in the form."""
    html, text = compare(*edits, before).still()
    assert f"A → B: {INSIDE}" in text
    assert len([image for image in read(html).all("img") if image.attributes["alt"][1:2] == ":"]) == 3


def test_without_numpy_the_still_says_how_to_get_figures(
    edits: list[nb.EditResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line; the pictures are there as before."""
    monkeypatch.setattr("nbbanana.measure.find_spec", lambda name: None)
    html, text = compare(*edits).still()
    assert text.count('pip install "nbbanana[measure]"') == 1
    assert read(html).text.count('pip install "nbbanana[measure]"') == 1
    assert len(read(html).all("img")) == 2


def test_a_lost_picture_is_said_in_words(edits: list[nb.EditResult], tmp_path: Path, before: Image.Image) -> None:
    """In the still too, and without the place of the file."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        lost = kept(session, "Lost.", before.rotate(1))
        lost[0].path.unlink()
        html, text = compare(lost, edits[0]).still()
    assert "cannot be read. Its file is not there any more." in text
    assert str(tmp_path) not in html + text


# ── what the form is told ───────────────────────────────────────────────────────────────────────────────────────


def test_measuring_holds_neither_the_kernel_nor_the_ui_thread_up(
    edits: list[nb.EditResult], held: tuple[threading.Event, list[str]]
) -> None:
    """While it goes on, the form answers; the figures come when they are there, from a helper."""
    go, threads = held
    form = compare(*edits)
    said = told(form)
    heard(form, {"kind": "measure", "left": 0, "right": 1})
    heard(form, {"kind": "hello"})
    assert "sides" in [message["kind"] for message in said]
    assert "measured" not in [message["kind"] for message in said]
    arrived = threading.Event()
    keep = form.send
    form.send = lambda content, buffers=None: (keep(content, buffers), content["kind"] == "measured" and arrived.set())  # type: ignore[method-assign,func-returns-value]
    go.set()
    assert arrived.wait(60)
    [measured] = [message for message in said if message["kind"] == "measured"]
    assert (measured["left"], measured["right"], measured["sentence"]) == (0, 1, INSIDE)
    assert measured["is_hot"]
    assert measured["buffers"][0][8:12] == b"WEBP"
    assert [name for name in threads if not name.startswith("nbbanana-pictures")] == []
    form.close()


def test_the_still_and_the_form_measure_a_pair_once(
    edits: list[nb.EditResult], held: tuple[threading.Event, list[str]]
) -> None:
    """However often the form is opened again, and whichever of them came first."""
    go, threads = held
    go.set()
    form = compare(*edits)
    form.still()
    for _ in range(3):
        heard(form, {"kind": "measure", "left": 0, "right": 1})
    form.still()
    assert len(threads) == 1
    form.close()


def test_a_still_that_may_not_wait_leaves_the_figures_out(
    edits: list[nb.EditResult], held: tuple[threading.Event, list[str]]
) -> None:
    """In the UI thread nothing is measured."""
    form = compare(*edits)
    assert INSIDE not in ui_thread.call(form.still)[1]
    assert held[1] == []
    form.close()


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────────


def sentence(page: Page) -> Any:
    """Where the form says what changed."""
    return page.locator(".cp-sentence")


@pytest.mark.nightly
@pytest.mark.browser
def test_it_says_that_it_measures_and_then_what_changed(
    browser: Browser, edits: list[nb.EditResult], held: tuple[threading.Event, list[str]]
) -> None:
    """The same sentence and figures as the still; until then the form can be used."""
    form = compare(*edits)
    with opened(browser, form) as page:
        expect(sentence(page)).to_contain_text("Measuring what changed from A to B…")
        page.locator(".cp-pane").press("h")
        expect(page.locator("[aria-live]")).to_contain_text("The heat map follows once it is measured.")
        page.get_by_role("button", name="Side by side").click()
        expect(page.locator(".cp-pane")).to_have_count(2)
        held[0].set()
        expect(sentence(page)).to_contain_text(INSIDE)
        expect(page.get_by_alt_text("B: where it changed, the brighter the more")).to_be_visible()
        figures = page.locator(".cp-figures")
        for said in ("moved", "recoloured", "redrawn", "outside of the region", "inside of the region"):
            expect(figures).to_contain_text(said)
            assert said in read(form.still()[0]).text
        for cell in read(form.still()[0]).all("strong"):
            expect(figures.locator("strong", has_text=cell.text).first).to_be_visible()
    form.close()


def seen(page: Page, number: int) -> Any:
    """Address and text of a picture."""
    return page.locator(".cp-picture").nth(number).evaluate("one => [one.src, one.alt]")


@pytest.mark.browser
def test_a_switch_lays_the_heat_map_over_the_right_picture(browser: Browser, edits: list[nb.EditResult]) -> None:
    """By key and by button, in each way but the difference; the left picture and the scale stay."""
    with opened(browser, compare(*edits)) as page:
        switch = page.get_by_role("button", name="Heat map")
        expect(switch).to_have_attribute("aria-pressed", "false")
        expect(page.locator(".cp-picture[src]")).to_have_count(2)
        expect(sentence(page)).to_contain_text(INSIDE)
        plain = [seen(page, 0), seen(page, 1)]
        page.locator(".cp-pane").press("h")
        expect(switch).to_have_attribute("aria-pressed", "true")
        expect(page.locator("[aria-live]")).to_contain_text("The heat map lies over B.")
        expect(page.locator(".cp-heat-legend")).to_be_visible()
        hot = [seen(page, 0), seen(page, 1)]
        assert hot[0] == plain[0]
        assert hot[1][0] != plain[1][0]
        assert hot[1][1] == "B: where it changed, the brighter the more"
        page.get_by_role("button", name="Side by side").click()
        assert seen(page, 1) == hot[1]
        page.get_by_role("button", name="Difference").click()
        assert seen(page, 1) == plain[1]
        expect(switch).to_be_hidden()
        expect(page.locator(".cp-heat-legend")).to_be_hidden()
        page.get_by_role("button", name="Slider").click()
        switch.click()
        assert [seen(page, 0), seen(page, 1)] == plain
        expect(page.locator(".cp-heat-legend")).to_be_hidden()


@pytest.mark.nightly
@pytest.mark.browser
def test_the_heat_map_is_where_the_picture_is_and_bright_where_it_changed(
    browser: Browser, edits: list[nb.EditResult]
) -> None:
    """The corner that was redrawn is brighter than the rest, and keeps its place when it is looked at closer."""
    with opened(browser, compare(*edits)) as page:
        page.get_by_role("button", name="Side by side").click()
        page.get_by_role("button", name="Heat map").click()
        expect(page.get_by_alt_text("B: where it changed")).to_be_visible()
        page.wait_for_function("() => document.querySelectorAll('.cp-picture')[1].naturalWidth > 0")
        page.add_style_tag(content=".cp-chips { display: none !important }")
        box = page.locator(".cp-picture").nth(1).bounding_box()
        assert box
        with Image.open(io.BytesIO(page.screenshot(clip=box, full_page=True))) as shot:
            grey = shot.convert("L")
        part = (0.76, 0.05, 0.95, 0.2)
        corner = grey.crop(tuple(int(side * grey.size[at % 2]) for at, side in enumerate(part)))
        assert brightness(corner) > 2 * brightness(grey)


def brightness(picture: Image.Image) -> float:
    """The mean grey level."""
    return float(ImageStat.Stat(picture).mean[0])


@pytest.mark.nightly
@pytest.mark.browser
def test_each_pair_that_is_chosen_has_its_own_sentence(
    browser: Browser, edits: list[nb.EditResult], before: Image.Image
) -> None:
    """Also turned round: what moved to the right moves to the left then; a pair seen before is there at once."""
    shifted = moved(photograph("astronaut"), shift=(3, 0)).after
    with opened(browser, compare(before, shifted, photograph("coffee"))) as page:
        expect(sentence(page)).to_contain_text("Moved 3.0 px; otherwise the same.")
        expect(page.locator(".cp-figures")).to_contain_text("to the right")
        page.locator(".cp-pane").press("x")
        expect(page.locator(".cp-figures")).to_contain_text("to the left")
        page.get_by_label("Right picture").select_option("2")
        expect(sentence(page)).to_contain_text("do not show the same scene")
        expect(page.get_by_role("button", name="Heat map")).to_be_hidden()
        expect(page.locator(".cp-figures")).to_be_empty()
        page.get_by_label("Left picture", exact=True).select_option("0")
        page.get_by_label("Right picture").select_option("1")
        expect(sentence(page)).to_contain_text("Moved 3.0 px; otherwise the same.")
        asked = [one for one in page.evaluate("window.sent") if one["kind"] == "measure"]
        assert len({(one["left"], one["right"]) for one in asked}) == len(asked)


@pytest.mark.nightly
@pytest.mark.browser
def test_a_measuring_that_breaks_is_said_in_the_form(
    browser: Browser, edits: list[nb.EditResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for ever, and the rest can be used."""

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("by <b>nothing</b>")

    monkeypatch.setattr(measure, "drift", broken)
    with opened(browser, compare(*edits)) as page:
        expect(sentence(page)).to_contain_text("ZeroDivisionError: by <b>nothing</b>")
        expect(sentence(page).locator("b", has_text="nothing")).to_have_count(0)


@pytest.mark.nightly
@pytest.mark.browser
def test_the_same_file_is_called_that(browser: Browser, before: Image.Image) -> None:
    """Nothing is measured and there is nothing to lay over."""
    with opened(browser, compare(png(before), png(before))) as page:
        expect(sentence(page)).to_contain_text("The same file.")
        expect(page.get_by_role("button", name="Heat map")).to_be_hidden()


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 860, 1280)
def test_figures_and_heat_map_are_labelled_and_fit(
    browser: Browser, edits: list[nb.EditResult], theme: str, width: int
) -> None:
    """axe-core finds nothing serious or critical, and nothing spills over."""
    with opened(browser, compare(*edits), theme=theme, width=width) as page:
        expect(sentence(page)).to_contain_text(INSIDE)
        page.get_by_role("button", name="Heat map").click()
        expect(page.locator(".cp-heat-legend")).to_be_visible()
        assert spills(page) == []
        assert violations(page, ".nbb") == []


@pytest.mark.nightly
@pytest.mark.browser
def test_an_edit_beside_its_input_is_measured_with_its_own_region(
    browser: Browser, edits: list[nb.EditResult], photo: Callable[[str], Path]
) -> None:
    """As the drift of the output says it."""
    with opened(browser, compare(edits[1][0])) as page:
        expect(sentence(page)).to_contain_text(INSIDE)
