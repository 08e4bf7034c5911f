"""The forms inside the Studio: a region pointed at on an input, and the history browser in the place of the strip."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened, spills, unfold
from support.lab import Browser
from support.schemas import INPAINT
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana import models
from nbbanana.sandbox import Sandbox
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.form_state import Draft, FormState, differences
from nbbanana.widgets.studio import Studio

CORNER = (0.7, 0.0, 1.0, 0.3)
SMALL: dict[str, Any] = {"resolution": "0.5K", "seed": 7}


@pytest.fixture
def form(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio with two pictures and some words, over a store with three edits in a line."""
    first = session.edit("Make it snow.", photo("coffee"), number_of_images=2, **SMALL)
    second = first[1].edit("Make it rain.", **SMALL)
    second[0].edit("Make it dawn.", **SMALL)
    form = nb.studio(photo("coffee"), photo("chelsea"), prompt="Put a bird into , please.", **SMALL, session=session)
    yield form
    form.close()


# ── the region, by calls ────────────────────────────────────────────────────────────────────────────────────


def test_a_region_goes_with_the_edit_and_comes_back_with_it(form: Studio) -> None:
    """Set on the second picture, it is in the record, in the recalled form, and among what is unlike."""
    form.region = nb.region(form.inputs[1], boxes=[CORNER])
    assert form.region is not None
    assert (form.region.input, form.region.words) == (1, "the upper-right corner")
    result = form.run().result()
    assert result.region == form.region
    form.region = None
    assert form.undo() == "the region"
    ui_thread.call(lambda: form.state.form.move(form.state.form.draft.slots[1].key, 0))
    assert form.region.input == 0, "it follows its picture"
    form.inputs = []
    assert form.region is None
    form.recall(result.id)
    assert form.region == result.region
    assert form.state.form.request(form.session).ask == result.record.ask


def test_drawing_on_is_one_step_and_a_lost_picture_takes_its_region_along() -> None:
    """However many strokes, Undo takes back what was drawn since something else was done."""
    bench = FormState(Draft("google/nano-banana-2/edit"), lambda model_id, _: models.get(model_id))
    whole = nb.region(nb.samples.still_life((64, 48)), boxes=[CORNER, (0, 0, 0.2, 0.2)])
    [slot] = form_slots(whole)
    bench.change("a picture", slots=(slot,))
    bench.point(slot.key, whole.shapes[:1])
    bench.point(slot.key, whole.shapes)
    drawn = bench.draft
    bench.remove(slot.key)
    assert bench.draft.region is None
    bench.undo()
    assert bench.draft == drawn
    assert bench.undo() == "the region"
    assert bench.draft.region is None
    assert differences(bench.draft, drawn) == ["a region"]
    assert differences(drawn, bench.draft) == ["no region"]


def form_slots(part: Any) -> list[Any]:
    """The picture of a region as a slot."""
    from nbbanana.widgets.pictures import Slot

    return [Slot(part.picture, "cup.png")]


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw from one part of the picture to another."""
    box = page.locator(".rg-surface").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


@pytest.mark.browser
def test_a_region_is_pointed_at_and_its_words_go_to_the_caret(browser: Browser, form: Studio) -> None:
    """Draw on the picture, put the words where the caret was, run: the record and the history say the region."""
    with opened(browser, form) as page:
        page.evaluate(
            "window.leaked = []; document.addEventListener('keydown', (event) => window.leaked.push(event.key))"
        )
        area = page.get_by_label("Prompt")
        area.focus()
        area.evaluate("area => area.setSelectionRange(16, 16)")
        page.locator(".st-input").first.hover()
        page.get_by_role("button", name="Draw a region on coffee.png").click()
        page.locator(".rg-picture[src]").wait_for()
        drag(page, (0.72, 0.02), (0.98, 0.3))
        line = page.get_by_role("group", name="Region", exact=True)
        expect(line).to_contain_text("the upper-right corner of coffee.png")
        expect(page.locator(".st-outline path")).to_have_count(2)
        page.locator(".rg-surface").press("b")
        assert page.evaluate("window.leaked") == [], "what is typed on the picture is for the region alone"
        line.get_by_role("button", name="Add to the prompt").click()
        expect(area).to_have_value("Put a bird into the upper-right corner, please.")
        expect(area).to_be_focused()
        page.get_by_role("button", name="Done").click()
        expect(page.locator(".nbb-region")).to_have_count(0)
        area.press("Control+Enter")
        expect(page.locator(".st-group-head").first).to_contain_text("region: the upper-right corner", timeout=30_000)
        page.locator(".st-node").last.click()
        expect(page.locator(".st-detail-box")).to_contain_text("Region: the upper-right corner.")
    result = form.session.history[4]
    assert result.prompt == "Put a bird into the upper-right corner, please."
    assert result.region is not None
    assert result.region.boxes[0] == pytest.approx((0.72, 0.02, 0.98, 0.3), abs=0.01)


@pytest.mark.nightly
@pytest.mark.browser
def test_the_region_tool_follows_undo_and_goes_with_its_picture(browser: Browser, form: Studio) -> None:
    """By keys alone: r opens it, Enter draws a box; Undo of the form empties it, and a removed picture closes it."""
    with opened(browser, form) as page:
        page.get_by_role("button", name=re.compile("2, reference: chelsea")).press("r")
        surface = page.locator(".rg-surface")
        expect(surface).to_be_focused()
        surface.press("Enter")
        expect(page.locator(".rg-list li")).to_have_count(1)
        line = page.get_by_role("group", name="Region", exact=True)
        expect(line).to_contain_text("the centre of chelsea.png")
        page.locator(".st-bar").get_by_role("button", name="Undo").click()
        expect(page.locator(".rg-list li")).to_have_count(0)
        expect(line).not_to_be_visible()
        surface.press("Enter")
        expect(line).to_be_visible()
        line.get_by_role("button", name="Remove the region").click()
        expect(page.locator(".rg-list li")).to_have_count(0)
        page.get_by_role("button", name=re.compile("2, reference: chelsea")).press("Delete")
        expect(page.locator(".nbb-region")).to_have_count(0)
        assert form.region is None


@pytest.mark.nightly
@pytest.mark.browser
def test_the_browser_opens_in_place_and_its_pictures_come_into_the_form(browser: Browser, form: Studio) -> None:
    """Browse all, look at an edit with its descent, take its second picture, open another, and back to the strip."""
    with opened(browser, form, width=1280) as page:
        page.get_by_role("button", name="Browse all").click()
        tiles = page.locator(".br-tiles")
        expect(tiles).to_be_focused()
        expect(page.locator(".st-strip")).not_to_be_visible()
        expect(page.locator(".br-tile img[src]")).to_have_count(3)
        page.keyboard.press("Home")
        page.keyboard.press("ArrowRight")
        detail = page.locator(".br-detail")
        expect(detail.locator("h3")).to_have_text("nbbanana.history[2]")
        lineage = detail.get_by_role("region", name="Lineage")
        expect(lineage.get_by_role("listitem")).to_have_count(3)
        lineage.get_by_role("button", name="Made from: 1,").click()
        expect(detail.locator("h3")).to_have_text("nbbanana.history[1][0]")
        expect(page.locator(".br-tile.is-current")).to_have_attribute("aria-label", re.compile("^history 1,"))
        detail.get_by_role("button", name="Picture 1").click()
        detail.get_by_role("button", name="Use as input").click()
        expect(page.locator(".st-toast")).to_contain_text("history[1][1] is an input now.")
        assert [slot.operand for slot in form.state.form.draft.slots][-1] == "edit:1[1]"
        lineage.get_by_role("button", name="Led to: 2,").click()
        expect(detail.locator("h3")).to_have_text("nbbanana.history[2]")
        detail.get_by_role("button", name="Open in the form").click()
        expect(page.get_by_role("textbox", name="Prompt")).to_have_value("Make it rain.")
        expect(page.locator(".st-group-head").first).to_contain_text("Edit 2")
        page.locator(".st-tile").first.click()
        page.keyboard.press("/")
        expect(page.locator(".br-search input")).to_be_focused()
        page.get_by_role("button", name="Back to the strip").click()
        expect(page.locator(".st-strip")).to_be_visible()
        assert "browser" not in form.state.embedded._open


@pytest.mark.nightly
@pytest.mark.browser
def test_what_is_chosen_in_the_browser_is_compared_and_marked(browser: Browser, form: Studio) -> None:
    """Two to six chosen edits are compared, by the button and by c; a star set there is in the strip and the store."""
    with opened(browser, form) as page:
        page.evaluate(
            "window.leaked = []; document.addEventListener('keydown', (event) => window.leaked.push(event.key))"
        )
        page.get_by_role("button", name="Browse all").click()
        expect(page.locator(".br-tile img[src]")).to_have_count(3)
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        compare = page.locator(".br-chosen").get_by_role("button", name="Compare")
        expect(compare).to_be_disabled()
        page.keyboard.press("s")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        expect(compare).to_be_enabled()
        page.keyboard.press("c")
        page.wait_for_function("window.heard.some((one) => one.kind === 'compare')")
        assert ui_thread.call(lambda: [output.label for output in form.selection]) == [
            "nbbanana.history[3][0]",
            "nbbanana.history[2][0]",
        ]
        assert page.evaluate("window.leaked") == []
        assert form.session.store.get(3).starred


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 860, 1280)
def test_embedded_forms_are_labelled_and_fit(browser: Browser, form: Studio, theme: str, width: int) -> None:
    """With both open at once, axe-core finds nothing serious or critical, and nothing spills over."""
    form.region = CORNER
    with opened(browser, form, theme=theme, width=width) as page:
        page.get_by_role("button", name="1, main picture: coffee.png").press("r")
        page.locator(".rg-picture[src]").wait_for()
        page.get_by_role("button", name="Browse all").click()
        page.locator(".br-tile").nth(1).click()
        expect(page.locator(".br-lineage")).to_be_visible()
        page.locator(".br-tile").nth(2).click(modifiers=["Control"])
        assert violations(page, ".nbb-studio") == []
        assert spills(page) == []


@pytest.mark.nightly
@pytest.mark.browser
def test_the_region_goes_as_the_mask_where_the_model_takes_one(
    browser: Browser, photo: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A button at the region sets the mask; it is white where the box is, is kept, and the field says what it is."""
    monkeypatch.chdir(tmp_path)
    with Sandbox(time_scale=0, models={"someone/inpaint": {"input_schema": INPAINT, "base_price_usd": 0.05}}) as box:
        monkeypatch.setenv("RUNCOMFY_MODEL_API_BASE", box.api_base)
        monkeypatch.setenv("RUNCOMFY_TOKEN", box.token)
        with nb.Session(store=tmp_path / "masked") as session:
            session.engine_at()  # a model that is not shipped is known by who runs it
            form = nb.studio(photo("coffee"), model="someone/inpaint", prompt="Paint a bird.", session=session)
            form.region = (0.5, 0.0, 1.0, 0.5)
            with opened(browser, form) as page:
                unfold(page)
                page.get_by_role("button", name="Send as the mask").click()
                expect(page.get_by_role("textbox", name="Mask", exact=True)).to_have_value("region")
                expect(page.get_by_role("button", name="Send as the mask")).not_to_be_visible()
                page.get_by_label("Prompt").press("Control+Enter")
                expect(page.locator(".st-group")).to_have_count(1, timeout=60_000)
            result = session.history[1]
            [record] = result.record.masks
            assert record.sha256 is not None
            mask = Image.open(session.store.blob_path(record.sha256))
            assert mask.getbbox() == (300, 0, 600, 200)
            assert mask.size == (600, 400)
            assert "--mask-image-url edit:1.mask" in form.cell(1)
            form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_a_region_that_is_not_in_the_prompt_is_said_at_run(browser: Browser, form: Studio) -> None:
    """Run asks first: its words can be added to the prompt, or it runs without them."""
    form.region = CORNER
    with opened(browser, form) as page:
        run, warning = page.locator(".nbb-go"), page.locator(".st-warning")
        expect(warning).to_be_visible()
        page.get_by_label("Prompt").press("Control+Enter")
        add = warning.get_by_role("button", name="Add to the prompt")
        expect(add).to_be_focused()
        assert form.jobs == []
        assert form.results == []
        page.keyboard.press("Enter")
        expect(page.get_by_label("Prompt")).to_have_value(re.compile("the upper-right corner"))
        expect(warning).to_be_hidden()
        run.click()
        expect(page.locator(".st-group")).to_have_count(1, timeout=30_000)
        page.get_by_label("Prompt").fill("Make it rain.")
        run.click()
        warning.get_by_role("button", name="Run anyway").click()
        expect(page.locator(".st-group")).to_have_count(2, timeout=30_000)
    assert [result.prompt.count("corner") for result in form.results] == [0, 1]
