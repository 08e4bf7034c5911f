"""The parts of the prompt in the Studio: fields that compose it, words that stay editable, use cases to begin with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened, spills
from support.lab import Browser
from support.tiers import nightly_but

import nbbanana as nb
from nbbanana import models
from nbbanana.prompts import Prompt
from nbbanana.prompts.prompting import use_cases_there
from nbbanana.widgets.form_state import Draft, FormState
from nbbanana.widgets.handlers import ACTS
from nbbanana.widgets.rows import parts_row
from nbbanana.widgets.studio import Studio

EDIT, QWEN = "google/nano-banana-2/edit", "qwen/qwen-image-2.1/edit"
COMPOSED = "Keep the cup and table unchanged. Change only the background to a rainy street."
FIELDS = {"keep": "cup, table", "change": "a rainy street", "only": "background", "avoid": " "}


def state(prompt: str = "", model: str = EDIT) -> FormState:
    """A form without a widget."""
    return FormState(Draft(model, prompt), lambda model_id, _: models.get(model_id))


# ── the state ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_fields_compose_the_prompt_and_one_step_undoes_them() -> None:
    """Writing on in the fields is one step; the words that stood there before come back."""
    form = state("My own words.")
    form.write_parts({"keep": "cup"})
    assert (form.draft.prompt, parts_row(form)["trouble"][:24]) == ("My own words.", "Nothing is to be changed")
    form.write_parts(FIELDS)
    assert form.draft.prompt == COMPOSED
    assert isinstance(form.words, Prompt)
    assert dict(form.draft.parts) == {name: text for name, text in FIELDS.items() if text.strip()}
    assert form.undo() == "the parts"
    assert (form.draft.prompt, dict(form.draft.parts)) == ("My own words.", {})


def test_words_that_are_edited_by_hand_are_asked_without_the_parts() -> None:
    """The fields stay as they are, and hold again once the prompt is composed again."""
    form = state()
    form.write_parts(FIELDS)
    form.write(COMPOSED + " Add a boat.")
    assert not isinstance(form.words, Prompt)
    assert parts_row(form)["made"] == COMPOSED
    form.write_parts(dict(form.draft.parts))
    assert isinstance(form.words, Prompt)


def test_another_model_has_the_prompt_in_its_own_grammar() -> None:
    """Where the parts hold; words of one's own stay as they are."""
    form = state()
    form.write_parts({"change": "Put her into the jacket", "reference": "2 = the jacket"})
    assert form.draft.prompt == "Put her into the jacket. Use the jacket from image 2."
    form.choose(QWEN)
    assert form.draft.prompt == "Put her into the jacket. Use the jacket from the second image."
    form.write("Use image 2.")
    form.choose(EDIT)
    assert form.draft.prompt == "Use image 2."


@pytest.mark.parametrize("case", use_cases_there(), ids=lambda case: case.id)
def test_row_16_the_form_begins_with_each_use_case_of_the_document(case: Any) -> None:
    """Row 16: its parts and what of its parameters each model takes, in one step; each says where it is from."""
    assert case.source.startswith(("Where it shines: ", "Sample prompts: "))
    for model in models.ids():
        form = state("My own words.", model)
        form.start(case)
        assert form.draft.prompt.strip()
        assert "{{" not in form.draft.prompt
        assert bool(form.draft.parts) == (case.parts is not None)
        if model == EDIT:
            assert dict(form.draft.parameters) == {
                {"n": "number_of_images"}.get(name, name): value for name, value in case.parameters.items()
            }
        assert form.undo() == "the use case"
        assert form.draft.prompt == "My own words."


@pytest.fixture
def studio(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    form = nb.studio(photo("coffee"), session=session, resolution="0.5K")
    yield form
    form.close()


def test_what_runs_is_recorded_with_its_parts_and_comes_back_into_the_fields(studio: Studio) -> None:
    """The record has them, the cell has their lines, and a recall fills the fields."""
    studio.state.form.write_parts(FIELDS)
    result = studio.run().result()
    assert result.prompt == COMPOSED
    assert result.record.parts == {"keep": ["cup", "table"], "change": "a rainy street", "only": ["background"]}
    assert studio.cell().endswith("\nkeep: cup, table\nchange: a rainy street\nonly: background")
    assert "nb.prompt(" in studio.state.form.code(studio.state.session.store)
    studio.prompt = "Something else."
    studio.recall(result.id, "only words")
    assert isinstance(studio.state.form.words, Prompt)
    assert studio.state.form.draft.parts["only"] == "background"


def test_lines_that_are_typed_into_the_prompt_are_read_as_in_a_cell(studio: Studio) -> None:
    """The prompt is one more way of asking; a record's words that look so are escaped when they come back."""
    studio.prompt = "keep: cup, table\nonly: background\nchange: a rainy street"
    assert studio.run().result().prompt == COMPOSED
    plain = studio.state.session.edit("keep:: a title", studio.inputs[0], resolution="0.5K")
    studio.recall(plain.id, "only words")
    assert studio.prompt == "keep:: a title"


def test_a_sample_prompt_has_no_parts_to_put_words_in(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said when one begins with it speaks of what is there."""
    said: list[str] = []
    monkeypatch.setattr(studio.state.widget, "emit", lambda kind, **more: said.append(str(more.get("text", ""))))
    for case in use_cases_there():
        ACTS["start"](studio.state, {"id": case.id})
        assert said[-1].endswith("in its parts." if case.parts else "in the prompt.")


# ── the page ────────────────────────────────────────────────────────────────────────────────────────────────


def status(page: Page) -> Any:
    """What stands under the fields."""
    return page.locator(".st-parts-state")


@pytest.mark.browser
def test_the_page_composes_says_when_the_parts_no_longer_hold_and_runs_what_was_typed_last(
    studio: Studio, browser: Browser
) -> None:
    """Fields by their names; a prompt that was edited by hand is said and composed again; Run waits for the fields."""
    with opened(browser, studio) as page:
        page.get_by_text("Parts", exact=True).click()
        page.get_by_label("Keep", exact=True).fill("cup, table")
        page.get_by_label("Change", exact=True).fill("a rainy street")
        page.get_by_label("Only", exact=True).fill("background")
        prompt = page.get_by_label("Prompt")
        expect(prompt).to_have_value(COMPOSED)
        expect(status(page)).to_be_hidden()
        prompt.fill(COMPOSED + " Add a boat.")
        expect(status(page)).to_contain_text("edited by hand")
        page.get_by_role("button", name="Compose again").click()
        expect(prompt).to_have_value(COMPOSED)
        page.get_by_label("Change", exact=True).fill("")
        expect(status(page)).to_contain_text("only: says where")
        page.get_by_label("Change", exact=True).fill("a snowy street")
        page.keyboard.press("Control+Enter")
        page.locator(".st-frame img[src]").wait_for()
        assert "snowy" in studio.state.session.history[-1].prompt
        assert studio.state.session.history[-1].record.parts is not None


@pytest.mark.nightly
@pytest.mark.browser
@pytest.mark.parametrize(("width", "theme"), nightly_but([(320, "light"), (1280, "dark")], (320, "light")))
def test_use_cases_begin_in_the_page_and_everyone_can_read_them(
    studio: Studio, browser: Browser, width: int, theme: str
) -> None:
    """One choice fills the fields and opens them; no violation, nothing too wide, keys of the host reach the host."""
    with opened(browser, studio, theme=theme, width=width) as page:
        page.evaluate(
            "window.leaked = []; document.addEventListener('keydown', (event) => window.leaked.push(event.key))"
        )
        page.get_by_label("Begin with a use case").select_option("background-swap")
        expect(page.get_by_label("Keep", exact=True)).to_have_value("subject identity, pose, clothing")
        page.get_by_label("Prompt").fill("By hand.")
        expect(status(page)).to_contain_text("no longer hold")
        page.get_by_label("Only", exact=True).focus()
        page.keyboard.press("x")
        page.keyboard.press("Control+s")
        assert page.evaluate("window.leaked") == ["s"]
        assert spills(page) == []
        assert violations(page, ".nbb-studio") == []
        page.get_by_role("button", name="Undo").first.click()


@pytest.mark.nightly
@pytest.mark.browser
def test_the_parts_fit_one_window(studio: Studio, browser: Browser) -> None:
    """With the parts open, pictures, prompt, parts and Run are in sight at 1280 × 900."""
    with opened(browser, studio) as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.get_by_label("Begin with a use case").select_option("object-removal")
        expect(page.get_by_label("Only", exact=True)).to_have_value("leftmost object")
        box = page.get_by_role("button", name="Run").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 860
