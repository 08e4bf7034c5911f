"""What the forms say: the words that stand on them, as somebody reads them who sees them for the first time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.form_pages import opened, unfold
from support.lab import Browser
from support.schemas import INPAINT

import nbbanana as nb
from nbbanana.display.views import duration
from nbbanana.sandbox import Sandbox
from nbbanana.widgets.rows import group_row
from nbbanana.widgets.studio import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def form(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio with two pictures and nothing set, over a store with one edit."""
    session.edit("Make it snow.", photo("coffee"), seed=7, n=2, resolution="0.5K")
    form = nb.studio(photo("coffee"), photo("chelsea"), prompt="Make it rain.", session=session)
    yield form
    form.close()


@pytest.fixture
def page(browser: Browser, form: Studio) -> Iterator[Page]:
    """Its page."""
    with opened(browser, form) as page:
        page.locator(".st-node").first.wait_for()
        yield page


@pytest.mark.nightly
def test_pictures_and_parameters_are_named_by_what_they_are_for(page: Page) -> None:
    """A main picture and references; what is not set is automatic, and the seed says what happens then."""
    expect(page.locator(".st-input").first).to_contain_text("1 main picture")
    expect(page.locator(".st-input").last).to_contain_text("2 reference")
    expect(page.locator(".st-tally")).to_have_text("all automatic")
    unfold(page)
    expect(page.locator(".st-fields")).to_contain_text("Random for each run. The history keeps it.")
    expect(page.locator("[data-name=safety_tolerance] .st-ends")).to_have_text("strictpermissive")
    for title in ("Number of pictures", "One picture per round", "Search the web first"):
        expect(page.locator(".st-fields").get_by_text(title, exact=True).first).to_be_visible()


CUT = """() => {
  const long = (one) => {
    const text = document.createRange();
    text.selectNodeContents(one);
    return text.getBoundingClientRect().width;
  };
  return [...document.querySelectorAll(".st-field-head > *, .st-field .st-cost")]
    .filter((one) => one.checkVisibility() && long(one) > one.getBoundingClientRect().width + 0.1)
    .map((one) => one.textContent);
}"""
"""The words of parameters for which there is not enough room."""


@pytest.mark.nightly
@pytest.mark.parametrize("width", [320, 1055])
def test_no_word_of_a_parameter_is_cut(browser: Browser, form: Studio, width: int) -> None:
    """Neither in a narrow cell nor in that of JupyterLab at 1440 pixels; the defaults are read whole."""
    with opened(browser, form, width=width) as page:
        unfold(page)
        expect(page.locator(".st-fields")).to_contain_text("default png")
        assert page.evaluate(CUT) == []


@pytest.mark.nightly  # it waits for seconds
def test_what_was_said_goes_by_itself(page: Page) -> None:
    """A confirmation stays long enough to be read and to be undone, and then makes room."""
    page.locator(".st-node").last.click()
    page.locator(".st-detail-box").get_by_role("button", name="Prompt only").click()
    expect(page.locator(".st-toast")).to_be_visible()
    page.mouse.move(2, 2)
    expect(page.locator(".st-toast")).not_to_be_visible()


@pytest.mark.nightly
def test_a_recall_says_what_differs_and_what_it_brings(page: Page) -> None:
    """Against the form and the edit before; three ways to load it, and that undo brings the text back."""
    page.locator(".st-node").last.click()
    detail = page.locator(".st-detail-box")
    expect(detail).to_contain_text("Different from the form: ")
    expect(detail).to_contain_text("Load into the form. Undo brings your text back.")
    for words in ("Everything", "Without seed", "Prompt only", "Copy as a cell"):
        expect(detail.get_by_role("button", name=words)).to_be_visible()
    expect(page.get_by_role("button", name="Copy this form as a cell")).to_be_visible()


@pytest.mark.nightly
def test_what_another_model_has_not_is_said_to_be_reset(
    browser: Browser, photo: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its title, with the model's name; Undo stands beside it."""
    with Sandbox(time_scale=0, models={"someone/inpaint": {"input_schema": INPAINT, "base_price_usd": 0.05}}) as box:
        monkeypatch.setenv("RUNCOMFY_MODEL_API_BASE", box.api_base)
        monkeypatch.setenv("RUNCOMFY_TOKEN", box.token)
        with nb.Session(store=tmp_path / "reset") as session:
            session.engine_at()  # a model that is not shipped is known by who runs it
            form = nb.studio(photo("coffee"), model="someone/inpaint", prompt="Paint.", session=session)
            form.set(mask_image_url=str(photo("coffee")))
            with opened(browser, form) as page:
                page.locator(".st-bar select").first.select_option("google/nano-banana-2/edit")
                toast = page.locator(".st-toast")
                expect(toast).to_contain_text("was reset: google/nano-banana-2/edit has no such option.")
                expect(toast.get_by_role("button", name="Undo")).to_be_visible()
            form.close()


@pytest.mark.nightly
def test_a_region_is_said_to_be_unseen_by_the_model(page: Page, form: Studio) -> None:
    """Its words belong into the prompt, and a button puts them there."""
    form.region = (0.7, 0.0, 1.0, 0.3)
    expect(page.locator(".st-region")).to_contain_text("The model does not see this drawing")
    expect(page.locator(".st-region").get_by_role("button", name="Add to the prompt")).to_be_visible()


@pytest.mark.nightly
def test_the_browser_says_how_to_select_and_where_an_edit_comes_from(browser: Browser, form: Studio) -> None:
    """In words and by key; an edit that stands alone says that."""
    with opened(browser, form.session.history.browse()) as page:
        page.locator(".br-tile img[src]").first.wait_for()
        expect(page.locator(".br-chosen")).to_contain_text("Select: Space or Ctrl+click")
        page.locator(".br-tile").first.click()
        expect(page.locator(".br-detail")).to_contain_text("No earlier or later edits.")


def test_the_saved_form_says_how_to_get_it_back(form: Studio) -> None:
    """One sentence in the place of the live form."""
    data, _ = form._repr_mimebundle_()
    assert data["text/plain"] == "Studio: run this cell to use the form."


def test_a_picture_that_was_fetched_later_says_no_time(form: Studio) -> None:
    """How long it took until somebody fetched it says nothing of the work."""
    edit = form.session.history[1].record
    made, fetched = (
        group_row(edit, form.session.store, "x", form.state.thumbnails.want, origin=origin)["facts"]
        for origin in ("made", "collected")
    )
    took = duration(edit.duration or 0.0)
    assert f" · {took} · " in made
    assert took not in fetched
    assert "$0.105 in play money" in fetched


def test_a_result_names_its_model_where_it_is_not_the_default(form: Studio, photo: Callable[[str], Path]) -> None:
    """By the short name: pictures of several models can be told apart."""
    usual = form.session.history[1].record
    other = form.session.edit("Make it snow.", photo("coffee"), model="kontext").record
    assert group_row(other, form.session.store, "x", form.state.thumbnails.want)["facts"].startswith("kontext · ")
    assert group_row(usual, form.session.store, "x", form.state.thumbnails.want)["facts"].startswith("seed 7 · ")
