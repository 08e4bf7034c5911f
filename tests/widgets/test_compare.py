"""Comparing pictures: what differs in words, and pictures that show the same area whatever their sizes are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances as widgets
from PIL import Image
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened, spills
from support.lab import Browser
from support.markup import read
from support.tiers import in_every_view

import nbbanana as nb
from nbbanana.errors import ImageError, UsageError
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.compare import Compare, compare, made_from, rows, same, sides_of, words
from nbbanana.widgets.pictures import VIEW_SIDE, seen

KEEP = "Keep the subject unchanged. Convert the background into a "


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, photo: Callable[[str], Path]) -> Iterator[list[nb.EditResult]]:
    """Two edits of one photograph that differ in two words and in their resolution."""
    with nb.Session(provider="sandbox", store=tmp_path_factory.mktemp("compare")) as session:
        first = session.edit(KEEP + "rainy neon street.", str(photo("portrait")), seed=7, resolution="0.5K")
        second = session.edit(KEEP + "quiet amber street.", str(photo("portrait")), seed=7, resolution="1K")
        yield [first, second]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox takes no time."""
    monkeypatch.setenv("NBBANANA_SANDBOX_SCALE", "0")


@pytest.mark.nightly
def test_the_words_and_values_that_differ_are_told(pair: list[nb.EditResult]) -> None:
    """Two prompts become one with what is gone and new; only what is unlike is listed, the rest is named once."""
    sides = sides_of(pair)
    said = words(*sides)
    assert "".join(text for kind, text in said if kind != "new") == pair[0].prompt
    assert "".join(text for kind, text in said if kind != "gone") == pair[1].prompt
    unlike = dict(rows(sides))
    assert unlike["resolution"] == ("0.5K", "1K")
    assert unlike["size"] == ("472×552", "944×1104")
    assert "seed" not in unlike
    assert "seed 7" in same(sides)
    assert "input grace_hopper.jpg" in same(sides)


def test_a_value_that_one_of_three_has_is_listed_for_all(pair: list[nb.EditResult]) -> None:
    """Each row has a value for each picture, also where two of them agree."""
    found = dict(rows(sides_of([pair[0], pair[0][0], pair[1]])))
    assert found["resolution"] == ("0.5K", "0.5K", "1K")


def test_whatever_is_a_picture_is_compared(photo: Callable[[str], Path], pair: list[nb.EditResult]) -> None:
    """Paths, PIL images, arrays and outputs stand beside each other; only an edit has words."""
    array = np.zeros((20, 30, 3), dtype=np.uint8)
    sides = sides_of([photo("coffee"), str(photo("rocket")), Image.new("L", (40, 50)), array, pair[0][0]])
    assert [side.picture.label for side in sides][:2] == ["coffee.png", "rocket.jpg"]
    assert words(sides[0], sides[1]) == ()
    assert words(sides[0], sides[4]) == (("right", pair[0].prompt),)
    assert same(sides) == ()
    assert dict(rows(sides))["size"][3] == "30×20"


@pytest.mark.parametrize("many", [0, 1, 7])
def test_two_to_six_pictures_are_compared(many: int) -> None:
    """One has nothing beside it, and seven are too many to see."""
    with pytest.raises(UsageError, match="2 to 6"):
        compare(*[Image.new("RGB", (8, 8))] * many)


def test_a_url_is_refused() -> None:
    """Nothing is fetched to be looked at."""
    with pytest.raises(ImageError, match="does not download"):
        compare(Image.new("RGB", (8, 8)), "https://example.com/a.png")


def test_a_large_picture_is_scaled_and_a_small_one_travels_as_it_is(photo: Callable[[str], Path]) -> None:
    """What is small enough is seen exactly; what is not is seen at 1600 pixels."""
    coffee = photo("coffee").read_bytes()
    assert seen(coffee) is coffee
    large = np.zeros((100, 3000, 3), dtype=np.uint8)
    [side, _] = sides_of([large, large])
    assert isinstance(side.picture.source, bytes)
    assert size_of(seen(side.picture.source))[0] == VIEW_SIDE


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of a file."""
    from nbbanana.images import inspect

    info = inspect(data)
    return info.width, info.height


def test_what_is_saved_reads_without_a_kernel(pair: list[nb.EditResult]) -> None:
    """The still holds both pictures and where the second changed, a text for each, words and values that differ."""
    html, text = compare(*pair).still()
    page = read(html)
    assert [image.attributes["alt"][:2] for image in page.all("img")] == ["A:", "B:", "B:", "to"]
    assert all(image.attributes["src"].startswith("data:image/") for image in page.all("img"))
    assert [element.text for element in page.all("del")] == ["rainy neon"]
    assert "quiet amber" in page.text
    assert "resolution: 0.5K | 1K" in text
    assert len(html) < 220_000


def test_text_of_a_prompt_never_becomes_markup(photo: Callable[[str], Path]) -> None:
    """A file's name with markup in it is text in the still."""
    hostile = photo("coffee").read_bytes()
    sides = sides_of([{"name": "<img src=x onerror=alert(1)>$1$.png", "content": hostile}] * 2)
    assert len(read(Compare(sides).still()[0]).all("img")) == 2


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────


def arrived(page: Page, many: int) -> None:
    """Wait until pictures are there."""
    page.wait_for_function(
        "many => [...document.querySelectorAll('.cp-picture')].filter((one) => one.naturalWidth).length === many",
        arg=many,
    )


def chips(page: Page) -> list[str]:
    """The letters and scales that are seen on the pictures."""
    return [text.strip() for text in page.locator(".cp-chip:visible").all_inner_texts()]


def scales(page: Page) -> list[int]:
    """The percentages on the pictures."""
    return [int(re.search(r"(\d+) %", text)[1]) for text in chips(page)]  # type: ignore[index]


def areas(page: Page) -> list[list[float]]:
    """What part of each picture its pane shows: left, top, right, bottom as parts of the picture."""
    found: list[list[float]] = page.evaluate(
        """() => [...document.querySelectorAll(".cp-picture")].map((image) => {
          const pane = image.closest(".cp-pane").getBoundingClientRect(), box = image.getBoundingClientRect();
          return [(pane.left - box.left) / box.width, (pane.top - box.top) / box.height,
                  (pane.right - box.left) / box.width, (pane.bottom - box.top) / box.height];
        })"""
    )
    return found


@pytest.mark.nightly
@pytest.mark.browser
def test_pictures_of_different_size_show_the_same_area(browser: Browser, pair: list[nb.EditResult]) -> None:
    """Zoomed and moved by keys, both show the same part, and each says its own scale: one is twice the other."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Side by side").press("Enter")
        page.locator(".cp-pane").first.focus()
        before = areas(page)
        for key in ("+", "+", "+", "ArrowRight", "ArrowDown"):
            page.keyboard.press(key)
        left, right = areas(page)
        assert left == pytest.approx(right, abs=0.003)
        assert left[0] > before[0][0]
        assert left[2] - left[0] < before[0][2] - before[0][0]
        one, other = scales(page)
        assert one == pytest.approx(2 * other, abs=2)


@pytest.mark.browser
def test_the_divider_is_moved_by_keys_and_by_the_pointer(browser: Browser, pair: list[nb.EditResult]) -> None:
    """Arrows, Home and End move it, dragging follows the pointer, and the right picture is cut where it stands."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        divider = page.get_by_role("slider")
        divider.press("ArrowRight")
        expect(divider).to_have_attribute("aria-valuenow", "55")
        expect(divider).to_have_attribute("aria-valuetext", "55 % A, 45 % B")
        divider.press("Home")
        expect(divider).to_have_attribute("aria-valuenow", "0")
        box = page.locator(".cp-pane").bounding_box()
        knob = page.locator(".cp-knob").bounding_box()
        assert box
        assert knob
        page.mouse.move(knob["x"] + 24, knob["y"] + 16)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.7, knob["y"], steps=4)
        page.mouse.up()
        expect(divider).to_have_attribute("aria-valuenow", "70")
        cut = page.locator(".cp-picture").nth(1).evaluate("image => image.style.clipPath")
        assert re.match(r"inset\(0(px)? 0(px)? 0(px)? [1-9]\d*", cut), cut


@pytest.mark.nightly
@pytest.mark.browser
def test_the_wheel_zooms_at_the_pointer_only_with_ctrl(browser: Browser, pair: list[nb.EditResult]) -> None:
    """The page keeps the wheel; with Ctrl, what is under the pointer stays there. Dragging then moves the view."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        box = page.locator(".cp-pane").bounding_box()
        assert box
        x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.3
        before = scales(page)
        page.mouse.move(x, y)
        page.mouse.wheel(0, -400)
        assert scales(page) == before
        page.keyboard.down("Control")
        page.mouse.wheel(0, -400)
        page.keyboard.up("Control")
        page.wait_for_function("document.querySelector('.cp-pane').classList.contains('is-close')")
        seen_before = areas(page)[0]
        page.mouse.down()
        page.mouse.move(x - 60, y - 60, steps=3)
        page.mouse.up()
        after = areas(page)[0]
        assert after[0] > seen_before[0]
        assert after[1] > seen_before[1]
        page.keyboard.press("0")
        assert scales(page) == before


@pytest.mark.nightly
@pytest.mark.browser
def test_flicker_alternates_and_space_takes_it_in_hand(browser: Browser, pair: list[nb.EditResult]) -> None:
    """By itself it goes on and on; the space bar shows the next picture and stops that."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        page.locator(".cp-pane").press("3")
        expect(page.locator(".cp-chip:visible")).to_contain_text("B")
        expect(page.locator(".cp-chip:visible")).to_contain_text("A")
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Play")).to_be_visible()
        shown = chips(page)
        page.keyboard.press("Space")
        assert chips(page) != shown


@pytest.mark.nightly
@pytest.mark.browser
def test_nothing_flickers_by_itself_where_motion_is_reduced(browser: Browser, pair: list[nb.EditResult]) -> None:
    """Then only the space bar alternates, there is nothing to play, and what is shown is said."""
    with opened(browser, compare(*pair), is_still=True) as page:
        page.clock.install()
        arrived(page, 2)
        page.locator(".cp-pane").press("3")
        page.clock.run_for(5000)
        expect(page.get_by_role("button", name="Play")).to_be_hidden()
        expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        assert chips(page)[0].startswith("A")
        page.keyboard.press("Space")
        assert chips(page)[0].startswith("B")
        expect(page.locator("[aria-live]")).to_contain_text("B, nbbanana.history[2][0]")


@pytest.mark.nightly
@pytest.mark.browser
def test_equal_pictures_have_no_difference(browser: Browser, photo: Callable[[str], Path]) -> None:
    """The difference of a picture with itself is black; with another it is not."""
    with opened(browser, compare(photo("coffee"), photo("coffee"), photo("chelsea"))) as page:
        arrived(page, 2)
        page.locator(".cp-pane").press("4")
        page.get_by_label("Strength").select_option("8")
        assert brightest(page) <= 1
        page.get_by_label("Right picture").select_option("2")
        arrived(page, 2)
        assert brightest(page) > 100


def brightest(page: Page) -> int:
    """The brightest value of what is seen in the middle of the pane."""
    import io

    page.add_style_tag(content=".cp-chips { display: none !important }")
    with Image.open(io.BytesIO(page.locator(".cp-pane").screenshot())) as image:
        width, height = image.size
        middle = image.convert("L").crop((width // 3, height // 3, 2 * width // 3, 2 * height // 3))
        return int(middle.getextrema()[1])  # type: ignore[arg-type]


@pytest.mark.nightly
@pytest.mark.browser
def test_swapping_turns_the_words_round(browser: Browser, pair: list[nb.EditResult]) -> None:
    """After x, what was new is gone."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        expect(page.locator(".cp-prompt ins")).to_have_text("quiet amber")
        page.locator(".cp-pane").press("x")
        expect(page.locator(".cp-prompt ins")).to_have_text("rainy neon")
        expect(page.locator(".cp-pane")).to_be_focused()


DETAILS = """() => [...document.querySelectorAll(".cp-near")].map((image) => {
  const pane = image.closest(".cp-detail").getBoundingClientRect(), box = image.getBoundingClientRect();
  return [(pane.left - box.left) / box.width, (pane.top - box.top) / box.height,
          (pane.right - box.left) / box.width, (pane.bottom - box.top) / box.height];
})"""
"""What part of each picture its detail shows: left, top, right, bottom as parts of the picture."""


@pytest.mark.nightly
@pytest.mark.browser
def test_two_details_show_the_place_that_is_pointed_at(browser: Browser, pair: list[nb.EditResult]) -> None:
    """The same part of both, closer than the whole, in a frame on it; a press there and the arrows move them."""
    with opened(browser, compare(*pair)) as page:
        arrived(page, 2)
        left, right = page.evaluate(DETAILS)
        assert left == pytest.approx(right, abs=0.003)
        assert right[2] - right[0] < 0.7
        picture, spot = (page.locator(one).first.bounding_box() for one in (".cp-picture", ".cp-spot"))
        assert picture
        assert spot
        assert (spot["x"] - picture["x"]) / picture["width"] == pytest.approx(left[0], abs=0.01)
        assert spot["width"] / picture["width"] == pytest.approx(left[2] - left[0], abs=0.01)
        page.mouse.click(picture["x"] + picture["width"] * 0.7, picture["y"] + picture["height"] * 0.75)
        moved, other = page.evaluate(DETAILS)
        assert moved == pytest.approx(other, abs=0.003)
        assert moved[0] > left[0]
        assert moved[1] > left[1]
        page.keyboard.press("ArrowUp")
        assert page.evaluate(DETAILS)[0][1] < moved[1]
        page.get_by_role("button", name="Side by side").click()
        expect(page.locator(".cp-details")).not_to_be_visible()


@pytest.mark.nightly
@pytest.mark.browser
def test_a_narrow_cell_has_room_for_the_slider_alone(browser: Browser, pair: list[nb.EditResult]) -> None:
    """No detail and no frame below 700 pixels."""
    with opened(browser, compare(*pair), width=600) as page:
        arrived(page, 2)
        expect(page.locator(".cp-details")).not_to_be_visible()
        expect(page.locator(".cp-spot")).not_to_be_visible()


@pytest.mark.nightly
@pytest.mark.browser
@in_every_view(320, 860, 1280, 2000)
def test_everything_is_labelled_and_fits(browser: Browser, pair: list[nb.EditResult], theme: str, width: int) -> None:
    """axe-core finds nothing serious or critical in any way of comparing, and nothing spills over."""
    with opened(browser, compare(*pair, pair[0][0]), theme=theme, width=width) as page:
        arrived(page, 2)
        for way, pictures in (("Slider", 2), ("Side by side", 3), ("Flicker", 3), ("Difference", 2)):
            page.get_by_role("button", name=way).click()
            arrived(page, pictures)
            if width == 860:
                assert violations(page, ".nbb") == []
            assert spills(page) == []
        if width != 860:
            assert violations(page, ".nbb") == []


@pytest.mark.nightly
@pytest.mark.browser
def test_a_damaged_picture_is_said(browser: Browser, pair: list[nb.EditResult]) -> None:
    """A picture that breaks when it is decoded is complained about in the form, in words."""
    form = compare(*pair)
    form.sides = (form.sides[0], sides_of([damaged(), damaged()])[0])
    with opened(browser, form) as page:
        expect(page.get_by_role("alert")).to_contain_text("damaged")


def damaged() -> bytes:
    """A PNG whose pixels are missing."""
    import io

    file = io.BytesIO()
    Image.effect_noise((2000, 40), 50).save(file, "PNG")
    data = bytearray(file.getvalue())
    data[400:600] = bytes(200)
    return bytes(data)


def test_the_studio_opens_a_comparison_of_what_is_marked(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """It tells its front end which widget to show: one over the two marked outputs."""
    pair = [session.edit(text, photo("coffee"), seed=7) for text in ("Make it snow.", "Make it rain.")]
    bench = nb.studio(session=session)
    told: list[dict[str, object]] = []
    bench.send = lambda content, buffers=None: told.append(content)  # type: ignore[method-assign]
    marked = [[result.id, 0] for result in pair]
    ui_thread.call(lambda: bench._receive({"kind": "compare", "pictures": marked, "number": 1}, []))
    [said] = [message for message in told if message["kind"] == "compare"]
    shown = widgets[said["model"]]
    assert [side.picture.label for side in shown.sides] == ["nbbanana.history[1][0]", "nbbanana.history[2][0]"]
    bench.close()


def test_one_output_is_compared_with_its_input_and_a_result_shows_its_outputs(
    session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """Before and after is one thought; so are the pictures of one edit."""
    two = session.edit("Make it snow.", photo("coffee"), number_of_images=2, resolution="0.5K", seed=7)
    before, after = sides_of([two[1]])
    assert (before.picture.label, after.picture.label) == ("coffee.png", "nbbanana.history[1][1]")
    assert made_from(before, after)
    assert words(before, after) == (("right", "Make it snow."),)
    assert [side.picture.label for side in sides_of([two])] == ["nbbanana.history[1][0]", "nbbanana.history[1][1]"]
    with pytest.raises(UsageError, match="1 picture"):
        sides_of([photo("coffee")])


def test_prompts_with_little_in_common_are_shown_as_two(session: nb.Session, photo: Callable[[str], Path]) -> None:
    """A mixture of two unrelated sentences would read as noise."""
    one, two = (
        session.edit(text, photo("coffee"), resolution="0.5K", seed=7)
        for text in ("Keep the cup. Make it snow on the table.", "A harbour in thick morning fog, seen from above")
    )
    sides = sides_of([one, two])
    assert [kind for kind, _ in words(*sides)] == ["left", "right"]


@pytest.mark.browser
@pytest.mark.nightly
@pytest.mark.painted
def test_one_to_one_shows_true_pixels_of_the_larger_picture(
    browser: Browser, session: nb.Session, photo: Callable[[str], Path]
) -> None:
    """A small picture before a large one: 1:1 is 100 % of the large one, with all its pixels."""
    large = session.edit("Make it snow.", photo("coffee"), resolution="2K", seed=7)
    form = nb.compare(large[0])
    with opened(browser, form) as page:
        page.locator(".cp-picture[src]").nth(1).wait_for()
        expect(page.locator(".cp-note")).to_contain_text("B is shown at 1600×")
        assert page.locator(".cp-near").nth(1).evaluate("one => one.naturalWidth") == 1600, "nobody looked closer"
        page.get_by_role("button", name="1:1").click()
        expect(page.locator(".cp-chip").nth(1)).to_contain_text("100 %")
        page.wait_for_function(
            "width => document.querySelectorAll('.cp-picture')[1].naturalWidth === width", arg=large[0].width
        )
        expect(page.locator(".cp-note")).not_to_be_visible()
        expect(page.locator(".cp-legend")).to_contain_text("B was made from A.")
    form.close()
