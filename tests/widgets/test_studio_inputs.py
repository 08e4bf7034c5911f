"""The Studio by hand: every way in for a picture, every key, recalls, the seed and the price."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import JSHandle, Locator, Page, expect
from support.form_pages import opened, unfold
from support.lab import Browser

import nbbanana as nb
from nbbanana.widgets.studio import Studio

pytestmark = pytest.mark.browser

SMALL: dict[str, Any] = {"resolution": "0.5K"}
WORDS = "Something that is being written"


@pytest.fixture
def form(session: nb.Session, photo: Callable[[str], Path]) -> Iterator[Studio]:
    """A Studio with one picture, over a store with one edit of two pictures."""
    session.edit("Make it snow.", photo("coffee"), seed=7, aspect_ratio="1:1", number_of_images=2, **SMALL)
    form = nb.studio(photo("chelsea"), prompt=WORDS, **SMALL, session=session)
    form.show_edit(1)
    yield form
    form.close()


@pytest.fixture
def page(browser: Browser, form: Studio) -> Iterator[Page]:
    """Its page."""
    with opened(browser, form) as page:
        page.locator(".st-node").first.wait_for()
        page.locator(".st-frame img[src]").first.wait_for()
        yield page


def carried(page: Page, *files: Path, uri: str = "") -> JSHandle:
    """What is dragged or on the clipboard."""
    contents = [{"name": file.name, "data": base64.b64encode(file.read_bytes()).decode()} for file in files]
    return page.evaluate_handle(
        """([contents, uri]) => {
          const carried = new DataTransfer();
          for (const { name, data } of contents) {
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            carried.items.add(new File([bytes], name, { type: "image/png" }));
          }
          if (uri) carried.setData("text/uri-list", uri);
          return carried;
        }""",
        [contents, uri],
    )


def tiles(page: Page) -> Locator:
    """The input pictures."""
    return page.locator(".st-input-hold")


def named(form: Studio) -> list[str]:
    """What the input pictures are called."""
    return [image.name for image in form.inputs]


# ── the ways in ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.nightly
def test_files_are_dropped(page: Page, form: Studio, photo: Callable[[str], Path]) -> None:
    """Two files let go over the form, anywhere, become two inputs in their order."""
    form_area = page.locator(".nbb-studio")
    load = carried(page, photo("coffee"), photo("portrait"))
    form_area.dispatch_event("dragover", {"dataTransfer": load})
    expect(form_area).to_have_class(re.compile("is-over"))
    page.locator(".st-made").dispatch_event("drop", {"dataTransfer": load})
    expect(tiles(page)).to_have_count(3)
    expect(form_area).not_to_have_class(re.compile("is-over"))
    assert named(form) == ["chelsea.png", "coffee.png", photo("portrait").name]


@pytest.mark.nightly
def test_an_address_is_dropped(page: Page, form: Studio) -> None:
    """A picture dragged from another page comes by its address, which a service will fetch and nobody here does."""
    page.locator(".st-made").dispatch_event(
        "drop", {"dataTransfer": carried(page, uri="https://example.com/shots/cup.jpg")}
    )
    expect(tiles(page)).to_have_count(2)
    expect(tiles(page).last).to_have_attribute("aria-label", "2, reference: cup.jpg, by its URL")
    assert form.inputs[1].url == "https://example.com/shots/cup.jpg"


@pytest.mark.nightly
def test_a_picture_is_pasted_and_text_is_left_alone(page: Page, form: Studio, photo: Callable[[str], Path]) -> None:
    """What is on the clipboard becomes an input where it is a picture, and goes into the words where it is text."""
    paste = """(area, load) => area.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: load, bubbles: true, cancelable: true, composed: true }))"""
    area = page.get_by_label("Prompt")
    assert area.evaluate(paste, carried(page)), "text is the field's own"
    assert not area.evaluate(paste, carried(page, photo("coffee")))
    expect(tiles(page)).to_have_count(2)
    assert named(form) == ["chelsea.png", "coffee.png"]


def test_files_are_chosen(page: Page, form: Studio, photo: Callable[[str], Path]) -> None:
    """The button opens the browser's own chooser, which takes several."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Drop, paste or browse").click()
    chooser.value.set_files([photo("coffee"), photo("portrait")])
    expect(tiles(page)).to_have_count(3)
    assert named(form)[1:] == ["coffee.png", photo("portrait").name]


NAMED = [
    ("cup.png", "cup.png", "cup.png"),
    ("https://example.com/cup.jpg", "cup.jpg", "https://example.com/cup.jpg"),
    ("my_cup", "image 64×48 RGB", "my_cup"),
    ("nb.history[1][1]", "nbbanana.history[1][1]", "edit:1[1]"),
    ("edit:1[0]", "nbbanana.history[1][0]", "edit:1[0]"),
]
"""What is typed, what the picture is called, and what stands for it in a cell."""


@pytest.mark.nightly
def test_pictures_are_named(page: Page, form: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed and Enter: a path, a URL, a variable, a picture of the history; the field is empty for the next one."""
    cup = nb.samples.still_life((64, 48))
    cup.save(tmp_path / "cup.png")
    monkeypatch.setattr(sys.modules["__main__"], "my_cup", cup, raising=False)
    field = page.get_by_label("Add a picture by its path")
    for number, (typed, name, operand) in enumerate(NAMED, 1):
        field.fill(typed)
        field.press("Enter")
        expect(tiles(page)).to_have_count(1 + number)
        expect(field).to_have_value("")
        slot = form.state.form.draft.slots[number]
        assert (slot.image.name, slot.operand) == (name, operand)


def test_a_picture_comes_from_the_results_and_from_the_history(page: Page, form: Studio) -> None:
    """Use as input stands at each picture and at each edit of the strip."""
    page.locator(".st-tile").nth(1).click()
    page.get_by_role("toolbar").get_by_role("button", name="Use as input").click()
    expect(tiles(page)).to_have_count(2)
    page.locator(".st-node").click()
    page.locator(".st-detail-box").get_by_role("button", name="Use as input").click()
    expect(tiles(page)).to_have_count(3)
    assert [slot.operand for slot in form.state.form.draft.slots[1:]] == ["edit:1[1]", "edit:1[0]"]


@pytest.mark.nightly
def test_pictures_are_put_in_order_by_dragging(page: Page, form: Studio, photo: Callable[[str], Path]) -> None:
    """The one that is dragged to the front is the main picture, and is marked so."""
    form.inputs = [photo("chelsea"), photo("coffee"), photo("portrait")]
    expect(tiles(page)).to_have_count(3)
    tiles(page).nth(2).drag_to(tiles(page).nth(0))
    expect(tiles(page).first).to_have_attribute("aria-label", re.compile(f"^1, main picture: {photo('portrait').name}"))
    expect(page.locator(".st-input").first).to_contain_text("1 main picture")
    expect(page.locator(".st-input").nth(1)).to_contain_text("2 reference")
    assert named(form)[1:] == ["chelsea.png", "coffee.png"]


@pytest.mark.nightly
def test_pictures_are_counted_against_what_the_model_takes(page: Page, form: Studio, tmp_path: Path) -> None:
    """The count stands beside the heading; one too many is refused and says how many there may be."""
    most = form.state.form.model.max_images
    assert most is not None
    for number in range(most):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"n{number}.png")
    head = page.locator(".st-head").filter(has_text="Input pictures")
    expect(head).to_contain_text(f"1 of {most}")
    field = page.get_by_label("Add a picture by its path")
    field.fill("n*.png")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(f"takes {most} input pictures")
    expect(tiles(page)).to_have_count(1)
    form.inputs = [tmp_path / f"n{number}.png" for number in range(most)]
    expect(head).to_contain_text(f"{most} of {most}")
    expect(page.get_by_role("button", name="Drop, paste or browse")).to_have_count(0)
    form.inputs = []
    expect(head).to_contain_text(f"0 of {most}, needs 1 picture")


# ── recalls ─────────────────────────────────────────────────────────────────────────────────────────────────


RECALLS = [
    ("Everything", "Make it snow.", 7, "1:1", "coffee.png"),
    ("Without seed", "Make it snow.", None, "1:1", "coffee.png"),
    ("Prompt only", "Make it snow.", 5, None, "chelsea.png"),
]
"""A button, and the words, the seed, the ratio and the picture that are in the form after it."""


def test_a_click_recalls_and_undo_returns(page: Page, form: Studio) -> None:
    """All, all but the seed, or only the words come in; Undo brings back every letter and value of before."""
    form.set(seed=5)
    before = form.state.form.draft
    page.locator(".st-node").click()
    area = page.get_by_label("Prompt")
    for button, words, seed, ratio, picture in RECALLS:
        page.get_by_role("group", name="Load into the form").get_by_role("button", name=button, exact=True).click()
        expect(area).to_have_value(words)
        assert (form.parameters.get("seed"), form.parameters.get("aspect_ratio")) == (seed, ratio)
        assert named(form) == [picture]
        page.locator(".st-toast").get_by_role("button", name="Undo").click()
        expect(area).to_have_value(WORDS)
        assert form.state.form.draft == before


# ── keys, seed, price ───────────────────────────────────────────────────────────────────────────────────────


def test_ctrl_or_command_and_enter_run_from_anywhere(page: Page, form: Studio) -> None:
    """In the words as on a picture, with Ctrl as with the key of a Mac."""
    for where in (page.get_by_label("Prompt"), page.locator(".st-tile").first):
        for command in ("Control", "Meta"):
            many = page.locator(".st-group").count()
            where.press(f"{command}+Enter")
            expect(page.locator(".st-group")).to_have_count(many + 1, timeout=60_000)
    assert form.session.store.count() == 5


@pytest.mark.nightly
def test_letters_are_letters_while_words_are_written(page: Page, form: Studio) -> None:
    """In the text s, x, c, / and ? are written, and star, reject, mark and open nothing; Ctrl+z is the text's own."""
    page.locator(".st-tile").first.click()
    area = page.get_by_label("Prompt")
    area.fill("")
    area.press_sequentially("sxc/?")
    expect(area).to_have_value("sxc/?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    area.press("Control+z")
    edit = form.session.store.get(1)
    assert (edit.starred, edit.rejected, form.state.chosen) == (False, False, [])
    assert dict(form.parameters) == SMALL


@pytest.mark.nightly
def test_the_list_of_keys_names_all_that_there_are(page: Page) -> None:
    """? lists run, walk, star, reject, compare, search, order, region and undo."""
    page.locator(".st-tile").first.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    for key in ("Ctrl", "←", "s", "x", "c", "/", "Alt", "r", "z", "?"):
        expect(dialog.locator("kbd", has_text=re.compile(f"^{re.escape(key)}$")).first).to_be_visible()


@pytest.mark.nightly
def test_the_seed_has_dice_and_a_lock(page: Page, form: Studio) -> None:
    """Left alone each run gets a new one; the lock keeps that of the newest result, the dice roll, typing sets."""
    unfold(page)
    field = page.locator("[data-name=seed]")
    box = field.locator("input")
    lock = field.get_by_role("button", name="Lock the seed")
    expect(box).to_have_attribute("placeholder", "random")
    expect(lock).to_have_attribute("aria-pressed", "false")
    lock.click()
    expect(box).to_have_value("7")
    expect(lock).to_have_attribute("aria-pressed", "true")
    expect(field).to_contain_text("Every run uses 7.")
    lock.click()
    expect(box).to_have_value("")
    field.get_by_role("button", name="Roll a seed").click()
    expect(box).to_have_value(re.compile(r"\d+"))
    box.fill("42")
    box.press("Tab")
    expect(field).to_contain_text("Every run uses 42.")
    assert form.parameters["seed"] == 42


@pytest.mark.nightly
def test_the_price_stands_beside_run_and_what_is_left_below(page: Page, form: Studio) -> None:
    """It follows what is set before anything is sent; with a budget it says what is left, and that it is too much."""
    foot = page.locator(".st-foot")
    expect(foot).to_contain_text("Play money")
    form.set(number_of_images=2, resolution="1K")
    expect(page.locator(".st-amount")).to_contain_text("$0.14")
    form.session.store.set_budget("sandbox", 0.2)
    form.set(number_of_images=1)
    expect(foot).to_contain_text("of $0.20 left")
    expect(foot.get_by_role("progressbar", name="Budget left")).to_be_visible()
    form.set(number_of_images=4)
    expect(foot).to_contain_text("More than is left")
