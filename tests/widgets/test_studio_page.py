"""The Studio's front end in a page of its own: what it shows, the keyboard, names, colours, widths."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect
from support import form_pages
from support.axe import violations
from support.form_pages import unfold
from support.forms import serve
from support.lab import Browser
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana.request import Origin, origin
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.studio import Studio

pytestmark = pytest.mark.browser

KEEP = "Keep the cup unchanged.\n"
EVIL = '<img src=x onerror="document.title=1"><b>$0.28 and $5.00</b>'


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, photo: Callable[[str], Path]) -> Iterator[nb.Session]:
    """A store with a small family of edits in it, one of them with words that would like to be markup."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBBANANA_SANDBOX_SCALE", "0")
        with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("study")) as session:
            first = session.edit(KEEP + "Make it snow.", photo("coffee"), seed=1, number_of_images=3, resolution="0.5K")
            session.edit(KEEP + "Make it rain.", first[0], seed=2, resolution="0.5K")
            session.edit(EVIL, photo("coffee"), seed=3, resolution="0.5K")
            yield session


@pytest.fixture
def form(study: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    form = nb.studio(photo("coffee"), photo("chelsea"), prompt=KEEP, aspect_ratio="4:5", seed=7, session=study)
    form.show_edit(3)
    form.show_edit(1)
    yield form
    form.close()


@pytest.fixture
def url(form: Studio) -> Iterator[str]:
    with serve(form) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page at 1280 pixels, ready; an error in its console fails the test."""
    yield from opened(browser, url)


def opened(browser: Browser, url: str, width: int = 1280, theme: str = "light") -> Iterator[Page]:
    page = browser.page(width=width)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}?theme={theme}")
    page.locator(".st-node").first.wait_for()
    page.locator(".st-frame img[src]").first.wait_for()
    yield page
    page.context.close()
    assert troubles == []


@in_every_view(320, 860, 1280)
def test_nothing_stands_in_the_way_of_anyone(browser: Browser, url: str, width: int, theme: str) -> None:
    """axe finds no serious or critical violation, nothing is wider than the page, in both themes at three widths."""
    for page in opened(browser, url, width, theme):
        page.locator(".st-node").first.click()
        page.locator(".st-detail-box h3").wait_for()
        page.locator(".st-tile").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page, ".nbb-studio") == []


@pytest.mark.nightly
def test_dark_is_dark_and_light_is_light(browser: Browser, url: str) -> None:
    """The page takes the colours of the theme, and without one follows the system."""

    def paper(address: str, scheme: Literal["light", "dark"]) -> str:
        page = browser.page()
        page.emulate_media(color_scheme=scheme)
        page.goto(address)
        page.locator(".nbb-studio").wait_for()
        colour = page.locator(".nbb-studio").evaluate("one => getComputedStyle(one).backgroundColor")
        page.context.close()
        return str(colour)

    light, dark = "rgb(255, 255, 255)", "rgb(17, 17, 17)"
    assert paper(f"{url}?theme=light", "dark") == light
    assert paper(f"{url}?theme=dark", "light") == dark
    assert paper(url, "light") == light
    assert paper(url, "dark") == dark


@pytest.mark.nightly
def test_every_control_is_large_enough(page: Page) -> None:
    """Nothing that can be hit is under 24 pixels either way."""
    small = page.locator(".nbb-studio").evaluate(
        """form => [...form.querySelectorAll('button, select, input:not([type=checkbox], [hidden], [type=file])')]
            .map(one => [one.textContent || one.ariaLabel, one.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 24 || box.height < 24)).map(([name]) => name)"""
    )
    assert small == []


@pytest.mark.nightly
def test_the_arrows_walk_and_letters_act(page: Page, form: Studio) -> None:
    """One tab stop for all pictures; arrows walk, s stars, x rejects, c marks; nothing of it leaves the form."""
    page.evaluate("window.leaked = []; document.addEventListener('keydown', (event) => window.leaked.push(event.key))")
    page.locator(".st-tile").first.click()
    assert page.locator(".st-tile[tabindex='0']").count() == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("s")
    page.keyboard.press("c")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("c")
    tiles = page.locator(".st-tile")
    expect(tiles.nth(1)).to_have_attribute("aria-label", "nbbanana.history[1][1], compare A, starred")
    expect(tiles.nth(2)).to_have_attribute("aria-label", "nbbanana.history[1][2], compare B, rejected")
    expect(tiles.nth(2)).to_be_focused()
    expect(page.get_by_role("button", name="Compare A and B")).to_be_enabled()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".st-tile[aria-selected=true]")).to_have_attribute("data-at", "3/0")
    assert page.evaluate("window.leaked") == []
    page.wait_for_function("window.heard.filter((one) => one.kind === 'past').length > 1")
    assert form.session.store.get(1).starred
    assert ui_thread.call(lambda: [(one.edit_id, one.index) for one in form.selection]) == [(1, 1), (1, 2)]
    form.state.rate(1, 1, None)
    form.state.rate(1, 2, None)


@pytest.mark.nightly
def test_slash_searches_and_question_mark_lists(page: Page) -> None:
    """/ goes to the search, ? opens the list of keys, Escape closes it."""
    page.locator(".st-tile").first.click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).not_to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search the history")).to_be_focused()
    page.keyboard.type("rain")
    expect(page.locator(".st-node")).to_have_count(1)
    page.get_by_label("Search the history").fill("nothing has this")
    expect(page.locator(".st-none")).to_contain_text("No edit has all of these words")


@pytest.mark.nightly
def test_what_is_set_is_bold_and_can_be_left_to_the_model(page: Page, form: Studio) -> None:
    """Unset shows the model's choice dotted; set is bold with a way back; nothing unset is a value."""
    unfold(page)
    field = page.locator("[data-name=number_of_images]")
    assert "default 1" in field.inner_text()
    decoration = "one => getComputedStyle(one).textDecorationStyle"
    assert field.locator(".is-default span").evaluate(decoration) == "dotted"
    field.locator("label", has_text="3").click()
    expect(field).to_have_class(re.compile("is-set"))
    assert field.locator(".st-label").evaluate("one => getComputedStyle(one).fontWeight") == "600"
    assert form.parameters["number_of_images"] == 3
    expect(page.locator(".st-amount")).to_have_text("$0.21")
    field.get_by_role("button", name="Set number of pictures back to automatic").click()
    expect(field).not_to_have_class(re.compile("is-set"))
    expect(page.locator(".st-amount")).to_have_text("$0.07")
    assert "number_of_images" not in form.parameters


@pytest.mark.nightly
def test_pictures_are_put_in_order_by_keyboard(page: Page, form: Studio) -> None:
    """Alt and an arrow moves a picture, the first is the main picture, Delete takes one away, Undo brings it back."""
    page.get_by_role("button", name=re.compile("2, reference: chelsea")).focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.get_by_role("button", name=re.compile("1, main picture: chelsea"))).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator(".st-input")).to_have_count(1)
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator(".st-input")).to_have_count(2)
    assert [image.name for image in form.inputs] == ["chelsea.png", "coffee.png"]


def test_words_that_are_being_written_are_not_overwritten(page: Page, form: Studio) -> None:
    """Python's news about other things leave the text alone; a recall changes it, and Undo brings it back."""
    area = page.get_by_label("Prompt")
    area.fill("Something new")
    form.set(seed=9)
    expect(page.locator("[data-name=seed] input")).to_have_value("9")
    expect(area).to_have_value("Something new")
    page.locator(".st-node").first.click()
    area.fill("Something newer")
    page.get_by_role("button", name="Prompt only").click()
    expect(area).to_have_value(re.compile("Make it snow"), timeout=30_000)
    page.locator(".st-toast").get_by_role("button", name="Undo").click()
    expect(area).to_have_value("Something newer")


@pytest.mark.nightly
def test_a_large_picture_is_scaled_before_it_travels(page: Page, form: Studio, tmp_path: Path) -> None:
    """Over 6 MiB it is scaled in the browser, and the form says so."""
    from PIL import Image

    noise = Image.effect_noise((3000, 2600), 100)
    noise.save(tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size > 6 * 2**20
    page.locator("input[type=file]").set_input_files(tmp_path / "noise.png")
    expect(page.locator(".st-notes")).to_contain_text(
        "noise.png was scaled in the browser from 3000×2600 to", timeout=60_000
    )
    arrived = form.inputs[-1]
    assert arrived.source is not None
    assert len(arrived.source) <= 6 * 2**20


def test_a_run_shows_its_pictures(page: Page, form: Studio) -> None:
    """From the key to the picture: a job, its tiles, then a group whose pictures are decoded and shown."""
    form.set(resolution="0.5K", seed=None)
    page.get_by_label("Prompt").press("Control+Enter")
    expect(page.locator(".st-task")).to_have_count(1)
    expect(page.locator(".st-group")).to_have_count(3, timeout=30_000)
    expect(page.locator(".st-task")).to_have_count(0)
    loaded = "(all) => all.every((one) => one.complete && one.naturalWidth > 0)"
    page.wait_for_function(f"({loaded})([...document.querySelectorAll('.st-frame img, .st-node img')])")
    assert form.results[0].seed is not None


@pytest.mark.nightly
def test_trouble_stands_at_run(page: Page) -> None:
    """An error comes in its three lines, in the form, as an alert, and goes with the next step."""
    unfold(page)
    page.get_by_label("Prompt").fill("")
    page.get_by_role("button", name="Run").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("There is no prompt.")
    expect(alert).to_contain_text("Say what to keep")
    page.get_by_role("button", name="Roll a seed").click()
    expect(alert).not_to_be_visible()


@pytest.mark.nightly
def test_a_kernel_that_does_not_answer_is_named(page: Page) -> None:
    """After a moment without an answer the form says why, and takes it back once there is one."""
    unfold(page)
    page.evaluate("window.isDeaf = true")
    page.get_by_role("button", name="Roll a seed").click()
    waits = page.locator(".st-waits")
    expect(waits).to_contain_text("The kernel has not answered yet")
    page.evaluate("window.isDeaf = false")
    expect(waits).to_be_hidden()
    expect(page.get_by_role("textbox", name="Seed")).not_to_have_value("")


def test_a_fresh_form_goes_on_with_one_press(
    browser: Browser, session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """The newest edit of the notebook comes in whole: its picture, its prompt, its result."""
    token = origin.set(Origin(notebook="study.ipynb", source="notebook"))
    edit = session.edit("Make it dawn.", photo("coffee"), resolution="0.5K").id
    fresh = nb.studio(session=session)
    origin.reset(token)
    with form_pages.opened(browser, fresh) as page:
        page.get_by_role("button", name=f"Go on with edit {edit}").click()
        expect(page.get_by_role("button", name="1, main picture: coffee.png")).to_be_visible()
        expect(page.get_by_label("Prompt")).to_have_value("Make it dawn.")
        expect(page.locator(".st-frame img[src]")).to_have_count(1)
        expect(page.locator(".st-go-on")).to_be_hidden()
        expect(page.locator(".st-toast")).to_contain_text(f"Edit {edit} is in the form.")
    fresh.close()


def test_markup_in_words_stays_words(page: Page) -> None:
    """A prompt of tags and dollar signs is shown as it was written, and nothing in it runs."""
    page.locator(".st-node").nth(2).click()
    expect(page.locator(".st-words")).to_have_text(EVIL)
    assert page.title() == "A form without a notebook"


@pytest.mark.nightly
def test_closing_the_view_lets_everything_go(page: Page) -> None:
    """Once it is closed, it hears nothing and keeps no picture."""
    before = page.locator(".st-input").count()
    page.evaluate("window.end()")
    page.wait_for_timeout(50)
    assert before == 2
    assert (
        page.evaluate(
            "[...document.head.querySelectorAll('style')].filter((one) => one.textContent.includes('nbb-still')).length"
        )
        == 0
    )


@pytest.mark.nightly
def test_the_prompt_grows_with_its_words(page: Page) -> None:
    """A long one is seen whole as far as there is room, then it scrolls; a short one takes little again."""
    area = page.get_by_label("Prompt")
    few = area.bounding_box()
    area.fill("Make it snow on all the roofs.\n" * 8)
    many = area.bounding_box()
    assert few
    assert many
    assert many["height"] > few["height"] + 40
    assert area.evaluate("one => one.scrollHeight <= one.clientHeight")
    area.fill("Make it snow on all the roofs.\n" * 60)
    most = area.bounding_box()
    assert most
    assert many["height"] < most["height"] <= 320
    area.fill("Snow.")
    again = area.bounding_box()
    assert again
    assert again["height"] == few["height"]


def test_advice_stands_under_the_prompt_and_apply_mends_it(page: Page, form: Studio) -> None:
    """The words that it is about are marked in the prompt; Apply writes it anew, and undo brings the words back."""
    page.get_by_label("Prompt", exact=True).fill("Turn day into night. Keep the 😀 cup unchanged.")
    line = page.locator(".st-advice li", has_text="What must stay comes after the change")
    line.get_by_role("button", name="“Keep the 😀 cup unchanged.”").click()
    marked = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert page.get_by_label("Prompt", exact=True).evaluate(marked) == "Keep the 😀 cup unchanged."
    line.get_by_role("button", name="Apply: preservation-after-change").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("Keep the 😀 cup unchanged. Turn day into night.")
    expect(line).to_have_count(0)
    page.locator(".st-toast").get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("Turn day into night. Keep the 😀 cup unchanged.")
    page.get_by_label("Prompt", exact=True).fill("<b>Make</b> it red")
    expect(page.locator(".st-advice b", has_text="Make")).to_have_count(0)
