"""What the form sets from the beginning is said to be so and taken back by a click; and the form stands still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.form_pages import opened, spills, unfold
from support.lab import Browser
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana.grammar import parse, split_cell
from nbbanana.widgets.studio import Studio

pytestmark = pytest.mark.browser

WORDS = "Keep the cup unchanged. Make it rain."


@pytest.fixture
def open_form(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Callable[..., Studio]]:
    """Gives a Studio with a picture, for a model."""
    forms: list[Studio] = []

    def make(model: str) -> Studio:
        forms.append(nb.studio(photo("coffee"), prompt=WORDS, model=model, session=session))
        return forms[-1]

    yield make
    for form in forms:
        form.close()


def test_what_is_preset_says_so_with_its_reason_and_a_click_takes_it_back(
    browser: Browser, open_form: Callable[..., Studio]
) -> None:
    """In the tally and beside the control; what the model does by itself stands there afterwards."""
    form = open_form("qwen")
    with opened(browser, form, width=1440) as page:
        tally = page.locator(".st-tally")
        expect(tally).to_contain_text("enhance prompt off (preset: by itself it rewrites the prompt)")
        unfold(page)
        field = page.locator("[data-name=enhance_prompt]")
        expect(field).to_contain_text("Preset by this form: by itself it rewrites the prompt.")
        field.scroll_into_view_if_needed()
        field.get_by_role("button", name="Leave it to the model").click()
        expect(tally).not_to_contain_text("preset")
        expect(field).to_contain_text("By itself it rewrites the prompt.")
        expect(field.get_by_role("button", name="Leave it to the model")).to_be_hidden()
    assert "enhance" not in form.cell()


def test_the_copied_cell_writes_what_was_preset_and_asks_the_same(
    open_form: Callable[..., Studio], session: nb.Session
) -> None:
    """The same digest: the form and the cell answer each other."""
    form = open_form("qwen")
    form.set(seed=7)
    line, body = split_cell(form.cell())
    assert "--no-enhance-prompt" in line
    cell = parse(line, body)
    asked = session.edit(cell.prompt, *form.inputs, model=cell.model, **cell.parameters)
    assert asked.record.parameters["enhance_prompt"] is False
    ran = form.run().result()
    assert ran.origin == "replayed"
    assert ran.record.digest == asked.record.digest


@pytest.mark.nightly
@in_every_view(860, 1440)
def test_run_stays_in_sight_and_one_picture_stays_small(
    browser: Browser, open_form: Callable[..., Studio], width: int, theme: str
) -> None:
    """Of a model that takes one picture, with the parts and the parameters open."""
    with opened(browser, open_form("kontext"), width=width, theme=theme) as page:
        page.set_viewport_size({"width": width, "height": 900})
        run = page.get_by_role("button", name="Run")
        picture = page.locator(".st-input-hold")
        expect(picture.locator("img[src]")).to_be_visible()
        box = picture.bounding_box()
        assert box is not None
        assert box["height"] < 180
        page.locator(".st-parts").evaluate("one => (one.open = true)")
        if width == 1440:
            unfold(page)
        expect(run).to_be_in_viewport(ratio=1)
        assert spills(page) == []


@pytest.mark.nightly
@in_every_view(860, 1440)
def test_a_message_moves_nothing_and_a_starting_point_shows_its_whole_text(
    browser: Browser, open_form: Callable[..., Studio], width: int, theme: str
) -> None:
    """The form stands where it stood, and no field of a part cuts a line."""
    with opened(browser, open_form("nano-banana"), width=width, theme=theme) as page:
        prompt = page.locator(".st-part > textarea").first
        start = page.locator(".st-start")
        start.select_option(index=1)
        expect(page.locator(".st-toast")).to_be_visible()
        cut = "all => all.filter(one => one.checkVisibility() && one.scrollHeight > one.clientHeight + 1).length"
        assert page.locator(".st-parts-fields textarea").evaluate_all(cut) == 0
        assert spills(page) == []
        said, over = prompt.bounding_box(), page.locator(".st-toast").bounding_box()
        assert said is not None
        assert over is not None
        aside = over["x"] >= said["x"] + said["width"] or over["x"] + over["width"] <= said["x"]
        assert aside, "it stands over the words"
        page.locator(".st-toast").get_by_role("button", name="Close this message").click()
        expect(page.locator(".st-toast")).to_be_hidden()
        assert prompt.bounding_box() == said
