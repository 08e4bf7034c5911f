"""Pictures seen large, from a cell and from the forms: true pixels, the input under them, neighbours, files."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened
from support.lab import Browser
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana.errors import UsageError
from nbbanana.settings import NBBanana
from nbbanana.widgets import pictures
from nbbanana.widgets.pictures import view_row

pytestmark = pytest.mark.painted
WIDE = {"resolution": "2K", "seed": 7}
LOADED = "width => document.querySelector('.vw-picture').naturalWidth === width"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, photo: Callable[[str], Path]) -> Iterator[nb.Session]:
    """A store with an edit of two pictures, larger than the stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBBANANA_SANDBOX_SCALE", "0")
        patch.setenv("NBBANANA_MEASURE", "1")
        NBBanana.clear_instance()  # that of the file before read another environment
        with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("large")) as session:
            session.edit("Make it snow.", photo("coffee"), number_of_images=2, **WIDE)
            yield session


@pytest.fixture
def session(made: nb.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> nb.Session:
    """Its session, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture
def big(session: nb.Session) -> nb.EditResult:
    """Its edit."""
    return session.history[1]


@pytest.mark.nightly
def test_a_viewer_takes_outputs_results_and_several_of_them(big: nb.EditResult) -> None:
    """In the order in which they are given; something else is refused with what would do."""
    assert [output.index for output in nb.view(big).outputs] == [0, 1]
    assert [output.index for output in nb.view(big[1], [big[0]]).outputs] == [1, 0]
    for wrong in ("coffee.png", 7):
        with pytest.raises(UsageError, match="view"):
            nb.view(wrong)
    with pytest.raises(UsageError, match="no picture"):
        nb.view()


@pytest.mark.nightly
def test_what_stands_beside_a_picture_says_how_it_was_made(big: nb.EditResult) -> None:
    """Its name as code, the words, the seed, its true size, the name of its input."""
    row = view_row(big[1])
    assert (row["name"], row["prompt"], row["input"]) == ("nbbanana.history[1][1]", "Make it snow.", "coffee.png")
    assert (row["width"], row["height"]) == (big[1].width, big[1].height)
    told = dict(row["facts"])
    assert (told["seed"], told["size"], told["model"]) == ("7", f"{big[1].width}×{big[1].height}", big.model)
    assert told["made from"] == "coffee.png"


def test_a_picture_whose_input_is_lost_is_still_seen(tmp_path: Path, big: nb.EditResult) -> None:
    """It has no input to hold beside it, and everything else."""
    with nb.Session(provider="sandbox", store=tmp_path / "store") as session:
        session.edit("Make it rain.", big[0].path, resolution="0.5K")
        [record] = session.history[1].record.inputs
        assert record.sha256 is not None
        session.store.blob_path(record.sha256).unlink()
        assert view_row(session.history[1][0])["input"] is None


@pytest.fixture
def page(browser: Browser, big: nb.EditResult) -> Iterator[Page]:
    """A viewer of both in a page."""
    form = nb.view(big)
    with opened(browser, form) as page:
        page.wait_for_function(LOADED, arg=big[0].width)
        yield page
    form.close()


def scale(page: Page) -> int:
    """The scale that is said, in per cent."""
    return round(float(page.locator(".vw-scale").inner_text().removesuffix(" %")))


@pytest.mark.nightly
@pytest.mark.browser
@pytest.mark.parametrize("steps", [0, 1])
def test_a_small_copy_that_comes_late_takes_no_place(
    browser: Browser, big: nb.EditResult, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Neither that of the picture itself, when all its pixels are there already, nor that of the picture before."""
    made, late, is_here = pictures.kept_or_made, big.library.store.blob_path(big[0].sha256), threading.Event()

    def kept_or_made(data: Path | bytes, side: int) -> bytes:
        if data == late:
            assert is_here.wait(60)
        return made(data, side)

    monkeypatch.setattr(pictures, "kept_or_made", kept_or_made)
    form = nb.view(big)
    with opened(browser, form) as page:
        for _ in range(steps):
            page.locator(".vw-stage").press("PageDown")
        page.wait_for_function(LOADED, arg=big[0].width)
        is_here.set()
        page.wait_for_function("window.heard.filter((one) => one.kind === 'picture').length === 2")
        page.evaluate("document.querySelector('.vw-picture').decode()")
        assert page.evaluate(LOADED, big[0].width)
    form.close()


@pytest.mark.browser
def test_true_pixels_are_one_key_away(page: Page, big: nb.EditResult) -> None:
    """Whole at first, with all its pixels loaded; 1 shows them one to one, 0 the whole, arrows move what is close."""
    whole = scale(page)
    assert whole < 100
    stage = page.locator(".vw-stage")
    stage.focus()
    page.keyboard.press("1")
    assert scale(page) == 100
    box = page.locator(".vw-picture").first.bounding_box()
    assert box is not None
    assert (round(box["width"]), round(box["height"])) == (big[0].width, big[0].height)
    page.keyboard.press("ArrowRight")
    moved = page.locator(".vw-picture").first.bounding_box()
    assert moved is not None
    assert moved["x"] < box["x"]
    page.keyboard.press("0")
    assert scale(page) == whole
    stage.dblclick()
    assert scale(page) == 100


@pytest.mark.nightly
@pytest.mark.browser
def test_a_pinch_zooms_where_it_is_and_the_wheel_belongs_to_the_page(page: Page) -> None:
    """In a cell the wheel scrolls the page; with Ctrl, as a pinch comes, it zooms; a drag moves the picture."""
    whole = scale(page)
    page.locator(".vw-stage").hover()
    page.mouse.wheel(0, -300)
    assert scale(page) == whole
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_function("before => parseFloat(document.querySelector('.vw-scale').innerText) > before", arg=whole)
    before = page.locator(".vw-picture").first.bounding_box()
    page.mouse.down()
    page.mouse.move(400, 300, steps=3)
    page.mouse.up()
    after = page.locator(".vw-picture").first.bounding_box()
    assert before != after


@pytest.mark.nightly
@pytest.mark.browser
def test_the_input_is_seen_while_space_is_held(page: Page) -> None:
    """In the same place and size; letting go shows the picture again."""
    page.locator(".vw-stage").focus()
    page.keyboard.down(" ")
    source = page.locator(".vw-input")
    expect(source).to_be_visible()
    expect(source).to_have_attribute("src", re.compile("^blob:"))
    assert source.bounding_box() == page.locator(".vw-picture").first.bounding_box()
    page.keyboard.up(" ")
    expect(source).not_to_be_visible()


@pytest.mark.browser
def test_neighbours_are_a_key_away_and_files_go_both_ways(page: Page, big: nb.EditResult) -> None:
    """Next and previous; Save writes into the notebook's folder, Download into the browser's."""
    page.locator(".vw-stage").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".vw h2")).to_have_text("nbbanana.history[1][1]")
    expect(page.get_by_role("button", name="Next picture")).to_be_disabled()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").last).to_contain_text("Saved as edit-1-1.png")
    assert Path("edit-1-1.png").read_bytes() == big[1].bytes
    page.wait_for_function(LOADED, arg=big[1].width)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename == "edit-1-1.png"
    assert Path(waiting.value.path()).read_bytes() == big[1].bytes
    page.get_by_role("button", name="Previous picture").click()
    expect(page.locator(".vw h2")).to_have_text("nbbanana.history[1][0]")


@pytest.mark.nightly
@pytest.mark.browser
def test_a_picture_is_compared_with_its_input_from_its_cell(browser: Browser, big: nb.EditResult) -> None:
    """By button and by key; the comparison has the input at its left, and is closed with the viewer."""
    form = nb.view(big[1])
    with opened(browser, form) as page:
        page.wait_for_function(LOADED, arg=big[1].width)
        page.locator(".vw-stage").press("c")
        page.get_by_role("button", name="Compare").click()
        page.wait_for_function("window.heard.filter((one) => one.kind === 'compare').length === 2")
    assert [side.picture.label for side in form.comparison.sides] == ["coffee.png", "nbbanana.history[1][1]"]
    form.close()
    assert form.comparison.comm is None


@pytest.mark.nightly
@pytest.mark.browser
def test_names_and_values_stand_beside_each_other_under_the_rules_of_jupyterlab(page: Page) -> None:
    """Its outputs let the parts of such lists float, by rules of a class and an element."""
    page.add_style_tag(content="body dl, .nbb dl { display: block } .nbb dt, .nbb dd { float: left; width: 20% }")
    places = page.evaluate(
        "[...document.querySelectorAll('.vw-facts > div')].map((one) => [...one.children].map((part) => {"
        " const box = part.getBoundingClientRect(); return [Math.round(box.x), Math.round(box.y)]; }))"
    )
    assert len(places) > 4
    assert all(name[1] == value[1] for name, value in places)
    assert len({value[0] for _, value in places}) == 1


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 1280)
def test_the_viewer_stands_in_nobodys_way(browser: Browser, big: nb.EditResult, theme: str, width: int) -> None:
    """axe finds nothing serious in it, in both themes, on a narrow page too."""
    form = nb.view(big)
    with opened(browser, form, theme=theme, width=width) as page:
        page.wait_for_function(LOADED, arg=big[0].width)
        assert violations(page, ".nbb-viewer") == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_it_opens_from_the_studio_by_key_click_and_button(
    browser: Browser, session: nb.Session, big: nb.EditResult
) -> None:
    """Enter, a double click and Enlarge open the same picture over the page; Escape leads back to it."""
    form = nb.studio(prompt="Make it rain.", session=session)
    form.show_edit(1)
    with opened(browser, form) as page:
        tile = page.locator(".st-tile").nth(1)
        ways: list[Callable[[], None]] = [
            lambda: tile.press("Enter"),
            tile.dblclick,
            page.get_by_role("button", name="Enlarge").click,
        ]
        for way in ways:
            way()
            dialog = page.get_by_role("dialog", name="history[1][1]")
            expect(dialog).to_be_visible()
            page.wait_for_function(LOADED, arg=big[1].width)
            assert violations(page, ".vw") == []
            page.keyboard.press("Escape")
            expect(dialog).not_to_be_visible()
    form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_it_opens_from_the_browser(browser: Browser, session: nb.Session, big: nb.EditResult) -> None:
    """Enter on a tile shows its pictures large; what is saved is said there."""
    form = session.history.browse()
    with opened(browser, form) as page:
        page.locator(".br-tile").first.click()
        page.locator(".br-large[src]").wait_for()
        page.locator(".br-tiles").press("Enter")
        dialog = page.get_by_role("dialog", name="history[1][0]")
        expect(dialog).to_be_visible()
        page.wait_for_function(LOADED, arg=big[0].width)
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("status").last).to_contain_text("Saved as")
    form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_it_opens_from_a_comparison(browser: Browser, session: nb.Session, big: nb.EditResult) -> None:
    """Enter on the pictures and Enlarge show an output large, not the input beside it; what is saved is said there."""
    form = nb.compare(big[1])
    with opened(browser, form) as page:
        page.locator(".cp-picture[src]").nth(1).wait_for()
        for way in (lambda: page.locator(".cp-pane").press("Enter"), page.get_by_role("button", name="Enlarge").click):
            way()
            dialog = page.get_by_role("dialog", name="history[1][1]")
            expect(dialog).to_be_visible()
            page.wait_for_function(LOADED, arg=big[1].width)
            dialog.get_by_role("button", name="Save").click()
            expect(dialog.get_by_role("status").last).to_contain_text("Saved as")
            page.keyboard.press("Escape")
    form.close()


@pytest.fixture
def plain(tmp_path: Path, photo: Callable[[str], Path]) -> Iterator[nb.EditResult]:
    """An edit of which nothing was measured."""
    with nb.Session(provider="sandbox", store=tmp_path / "plain") as session:
        yield session.edit("Make it snow.", photo("coffee"), resolution="0.5K", seed=7)


def test_what_was_recorded_to_have_changed_stands_beside_a_picture(big: nb.EditResult, plain: nb.EditResult) -> None:
    """As a sentence among its facts; where nothing was recorded there is none, and no heat map to show."""
    row = view_row(big[1])
    sentence = big.record.drifts[1].sentence
    assert (dict(row["facts"])["changed"], row["changed"], row["heat"]) == (sentence, sentence, True)
    assert "changed" not in dict(view_row(plain[0])["facts"])
    assert view_row(plain[0])["heat"] is False


@pytest.mark.nightly
@pytest.mark.browser
def test_where_it_changed_is_laid_over_the_picture(browser: Browser, big: nb.EditResult) -> None:
    """By button and by key, in the place of the picture, also of the next one; it says in words what it shows."""
    form = nb.view(big)
    with opened(browser, form) as page:
        page.wait_for_function(LOADED, arg=big[0].width)
        heat, button = page.locator(".vw-heat"), page.get_by_role("button", name="What changed")
        expect(heat).not_to_be_visible()
        button.click()
        expect(heat).to_have_attribute("src", re.compile("^blob:"))
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(heat).to_have_attribute(
            "alt", re.compile(f"brighter the more. {re.escape(view_row(big[0])['changed'])}")
        )
        assert heat.bounding_box() == page.locator(".vw-picture").first.bounding_box()
        page.locator(".vw-stage").press("ArrowRight")
        expect(page.locator(".vw h2")).to_contain_text("[1]")
        expect(heat).to_be_visible()
        assert violations(page, ".nbb-viewer") == []
        page.locator(".vw-stage").press("h")
        expect(heat).not_to_be_visible()
    form.close()


@pytest.mark.nightly
@pytest.mark.browser
def test_where_nothing_was_recorded_there_is_nothing_to_lay_over(browser: Browser, plain: nb.EditResult) -> None:
    """No button, and the key does nothing."""
    form = nb.view(plain)
    with opened(browser, form) as page:
        page.wait_for_function(LOADED, arg=plain[0].width)
        expect(page.get_by_role("button", name="What changed")).to_have_count(0)
        page.locator(".vw-stage").press("h")
        expect(page.locator(".vw-heat")).not_to_be_visible()
    form.close()


def test_an_output_opens_its_own_viewer(big: nb.EditResult) -> None:
    """`output.view()` is `nb.view(output)`."""
    shown = big[1].view()
    assert shown.outputs == (big[1],)
    assert repr(shown) == "<Viewer nbbanana.history[1][1]>"
    shown.close()
