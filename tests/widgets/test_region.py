"""Regions: what is drawn on a picture becomes words, boxes and a mask, by the pointer and by keys alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from playwright.sync_api import Page, expect
from support.axe import violations
from support.form_pages import opened, spills
from support.lab import Browser
from support.markup import read
from support.tiers import in_every_view

from nbbanana.errors import ImageError, UsageError
from nbbanana.regions import Box, Shape, boxes_of, mask_of, shape_of, words_for
from nbbanana.widgets.base import ui_thread
from nbbanana.widgets.region import Region, region

SIDES = {"left": "right", "right": "left"}
UPRIGHT = {"upper": "lower", "lower": "upper", "above": "below", "below": "above"}


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 1, 1), "the whole picture"),
        ((0.68, 0.02, 0.98, 0.3), "the upper-right corner"),
        ((0, 0.66, 1, 1), "the lower third"),
        ((0.02, 0.6, 0.98, 1), "the lower third"),
        ((0.2, 0.35, 0.45, 0.65), "the area left of the centre"),
        ((0, 0, 0.5, 1), "the left half"),
        ((0.35, 0.3, 0.65, 0.7), "the centre"),
        ((0.93, 0.93, 0.99, 0.99), "the small area in the lower-right corner"),
        ((0.47, 0.2, 0.53, 0.26), "the small area above the centre"),
        ((0.6, 0.5, 0.85, 0.9), "the lower right"),
        ((0, 0, 1, 0.1), "the upper edge"),
        ((0.3, 0.0, 0.4, 1.0), "the area left of the centre"),
        ((0.5, 0.5, 0.5, 0.5), "the small area around the centre"),
    ],
)
def test_a_box_is_called_as_a_person_would(box: tuple[float, ...], words: str) -> None:
    """The nearest place gives its name; what is like none is told against the centre."""
    assert words_for([box]) == words


def test_several_boxes_are_listed_and_none_twice() -> None:
    """Phrases are joined as in a sentence; no box, no words."""
    corner = (0, 0, 0.3, 0.3)
    assert words_for([]) == ""
    assert words_for([corner, corner]) == "the upper-left corner"
    assert words_for([corner, (0.7, 0, 1, 0.3), (0, 0.7, 1, 1)]) == (
        "the upper-left corner, the upper-right corner and the lower third"
    )


parts = st.integers(0, 64).map(lambda number: number / 64)
boxes = st.tuples(parts, parts, parts, parts).map(
    lambda one: (min(one[0], one[2]), min(one[1], one[3]), max(one[0], one[2]), max(one[1], one[3]))
)


def turned(words: str, names: dict[str, str]) -> str:
    """The phrase with each direction of `names` turned round."""
    return " ".join("-".join(names.get(piece, piece) for piece in word.split("-")) for word in words.split(" "))


@given(boxes)
def test_a_mirrored_box_has_mirrored_words(box: tuple[float, float, float, float]) -> None:
    """Left becomes right, and upper lower, and nothing else changes."""
    left, top, right, bottom = box
    assert words_for([(1 - right, top, 1 - left, bottom)]) == turned(words_for([box]), SIDES)
    assert words_for([(left, 1 - bottom, right, 1 - top)]) == turned(words_for([box]), UPRIGHT)


@given(st.lists(boxes.filter(lambda box: Box(*box).area > 0), max_size=6))
def test_boxes_hold_what_was_drawn_and_do_not_overlap(drawn: list[tuple[float, float, float, float]]) -> None:
    """Every shape lies in one of the boxes, and no two boxes share anything."""
    shapes = [Shape("box", ((left, top), (right, bottom))) for left, top, right, bottom in drawn]
    found = boxes_of(shapes)
    assert all(any(box.around(shape.box()) == box for box in found) for shape in shapes)
    assert not any(one.overlap(other) > 0 for place, one in enumerate(found) for other in found[place + 1 :])


@given(boxes.filter(lambda box: Box(*box).area > 0))
def test_a_mask_is_white_where_the_box_is(box: tuple[float, float, float, float]) -> None:
    """In a picture of 64 pixels a side, a box of sixty-fourths covers exactly its pixels."""
    left, top, right, bottom = (round(value * 64) for value in box)
    mask = np.asarray(mask_of([Shape("box", (box[:2], box[2:]))], (64, 64)))
    assert mask[top:bottom, left:right].min() == 255
    assert (mask == 255).sum() == (right - left) * (bottom - top)


def test_a_brush_is_round_in_pixels_whatever_the_shape_of_the_picture() -> None:
    """A dab in a wide picture is a circle, and its box is as wide as it is high in pixels."""
    dab = Shape("brush", ((0.5, 0.5),), radius=0.1)
    left, top, right, bottom = mask_of([dab], (400, 100)).getbbox() or (0, 0, 0, 0)
    assert right - left == pytest.approx(80, abs=2)
    assert bottom - top == pytest.approx(80, abs=2)
    box = dab.box(ratio=4)
    assert (box.right - box.left) * 400 == pytest.approx((box.bottom - box.top) * 100)
    high = mask_of([dab], (100, 400)).getbbox() or (0, 0, 0, 0)
    assert Box(*dab.box(ratio=0.25)).top * 400 == pytest.approx(high[1], abs=1)


def test_a_lasso_is_filled_and_a_stroke_has_no_gap() -> None:
    """A triangle covers half of its box; a line is as thick as the brush all along."""
    triangle = np.asarray(mask_of([Shape("lasso", ((0, 0), (1, 0), (0, 1)))], (100, 100)))
    assert (triangle == 255).mean() == pytest.approx(0.5, abs=0.02)
    line = np.asarray(mask_of([Shape("brush", ((0.1, 0.5), (0.9, 0.5)), radius=0.05)], (100, 100)))
    assert set((line[:, 15:85] == 255).sum(axis=0)) <= {10, 11}


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "box", "points": [[0, 0]]},
        {"kind": "lasso", "points": [[0, 0], [1, 1]]},
        {"kind": "star", "points": [[0, 0], [1, 1]]},
        {"kind": "box", "points": [[0, 0], [float("nan"), 1]]},
        {"kind": "brush", "points": [[0, 0]] * 20_001},
    ],
)
def test_what_is_no_shape_is_refused(row: dict[str, object]) -> None:
    """Whatever a front end says is checked."""
    with pytest.raises(UsageError):
        shape_of(row)


def test_a_region_is_set_and_asked_by_calls(photo: Callable[[str], Path]) -> None:
    """What can be drawn can be set: boxes, words, and a mask of the picture's own size."""
    part = region(photo("coffee"))
    assert part.words == ""
    assert part.mask().getbbox() is None
    part.boxes = [(0, 0, 0.5, 0.5), (0.9, 0.9, 1, 1)]
    assert part.words == "the upper-left quarter and the small area in the lower-right corner"
    assert part.boxes == ((0, 0, 0.5, 0.5), (0.9, 0.9, 1, 1))
    with Image.open(photo("coffee")) as picture:
        assert part.mask().size == picture.size
    assert part.mask().mode == "L"


def test_a_url_has_no_pixels_to_draw_on() -> None:
    """Nothing is fetched."""
    with pytest.raises(ImageError, match="does not download"):
        region("https://example.com/a.png")


def test_what_is_saved_shows_the_region(photo: Callable[[str], Path]) -> None:
    """The still is the picture, with its words as caption and in the picture's text."""
    html, text = region(photo("coffee"), boxes=[(0, 0.5, 1, 1)]).still()
    [image] = read(html).all("img")
    assert image.attributes["alt"] == text == "Region of coffee.png: the lower half"
    assert "the lower half" in read(html).text


# ── in a browser ────────────────────────────────────────────────────────────────────────────────────────────


def shown(page: Page) -> None:
    """Wait until the picture is there."""
    page.wait_for_function("document.querySelector('.rg-picture').naturalWidth > 0")


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Draw with the pointer along places that are parts of the picture."""
    box = page.locator(".rg-surface").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


@pytest.fixture
def part(photo: Callable[[str], Path]) -> Region:
    """A region of a photograph, with nothing drawn."""
    return region(photo("coffee"))


@pytest.mark.browser
def test_boxes_lasso_and_brush_are_drawn_with_the_pointer(browser: Browser, part: Region) -> None:
    """Each becomes words in the form, and a shape in Python; undo takes the last one back."""
    with opened(browser, part) as page:
        shown(page)
        stroke(page, (0.99, 0.3), (0.68, 0.02))
        words = page.locator(".rg-words")
        expect(words).to_have_text("the upper-right corner")
        page.get_by_role("button", name="Lasso").click()
        stroke(page, (0.01, 0.7), (0.99, 0.7), (0.99, 0.99), (0.01, 0.99))
        expect(words).to_have_text("the upper-right corner and the lower third")
        page.get_by_role("button", name="Brush").click()
        stroke(page, (0.1, 0.1), (0.2, 0.2))
        expect(page.locator(".rg-list li")).to_have_count(3)
        expect(words).to_contain_text("left")
        assert [shape.kind for shape in part.shapes] == ["box", "lasso", "brush"]
        assert part.mask().getpixel((90, 60)) == 255
        page.get_by_role("button", name="Undo").click()
        expect(words).to_have_text("the upper-right corner and the lower third")
        assert len(part.shapes) == 2


@pytest.mark.nightly
@pytest.mark.browser
def test_a_box_is_drawn_by_keys_alone(browser: Browser, part: Region) -> None:
    """Enter adds it, arrows move it, with Shift they size it, Delete takes it away."""
    with opened(browser, part) as page:
        shown(page)
        page.locator(".rg-surface").focus()
        page.keyboard.press("Enter")
        expect(page.locator(".rg-words")).to_have_text("the centre")
        for _ in range(40):
            page.keyboard.press("ArrowLeft")
        expect(page.locator(".rg-words")).to_have_text("the middle of the left side")
        for _ in range(10):
            page.keyboard.press("Shift+ArrowRight")
        expect(page.get_by_label("right, in per cent")).to_have_value("40")
        expect(page.get_by_label("left, in per cent")).to_have_value("0")
        page.keyboard.press("Delete")
        expect(page.locator(".rg-list li")).to_have_count(0)
        expect(page.locator(".rg-words")).to_contain_text("add a box")
        page.wait_for_function("window.heard.filter((one) => one.kind === 'ack').length === window.sent.length")
        assert part.shapes == ()


@pytest.mark.nightly
@pytest.mark.browser
def test_a_box_is_set_in_numbers(browser: Browser, part: Region) -> None:
    """Whoever neither draws nor nudges writes the edges in per cent."""
    with opened(browser, part) as page:
        shown(page)
        page.get_by_role("button", name="Add a box").click()
        for name, value in (("left", "0"), ("top", "50"), ("right", "100"), ("bottom", "100")):
            page.get_by_label(f"{name}, in per cent").fill(value)
            page.get_by_label(f"{name}, in per cent").press("Enter")
        expect(page.locator(".rg-words")).to_have_text("the lower half")
        assert part.boxes == ((0.0, 0.5, 1.0, 1.0),)


@pytest.mark.nightly
@pytest.mark.browser
@pytest.mark.parametrize("kind", ["words", "shapes"])
def test_a_click_is_not_lost_to_what_arrives_meanwhile(browser: Browser, part: Region, kind: str) -> None:
    """Words of Python, and shapes, which put the rows anew, between the press of a button and its release."""
    with opened(browser, part) as page:
        shown(page)
        part.boxes = [(0, 0, 1, 1), (0, 0, 0.5, 0.5)]
        first = page.locator(".rg-pick").first
        expect(first).to_contain_text("the whole picture")
        expect(first).to_have_attribute("aria-pressed", "false")
        first.hover()
        page.mouse.down()
        before = page.evaluate("kind => window.heard.filter((one) => one.kind === kind).length", kind)
        ui_thread.call(part._tell_words if kind == "words" else part._tell_shapes)
        arrived = "([kind, before]) => window.heard.filter((one) => one.kind === kind).length > before"
        page.wait_for_function(arrived, arg=[kind, before])
        page.mouse.up()
        expect(first).to_have_attribute("aria-pressed", "true")


@pytest.mark.nightly
@pytest.mark.browser
def test_what_python_sets_is_shown(browser: Browser, part: Region) -> None:
    """Boxes that are set in a cell appear on the picture, and are said aloud."""
    with opened(browser, part) as page:
        shown(page)
        part.boxes = [(0, 0, 1, 1)]
        expect(page.locator(".rg-words")).to_have_text("the whole picture")
        expect(page.locator(".rg-shape")).to_have_count(1)
        expect(page.locator("[aria-live]")).to_have_text("1 shape: the whole picture")


@pytest.mark.browser
@in_every_view(320, 860, 1280)
def test_everything_is_labelled_and_fits(
    browser: Browser, photo: Callable[[str], Path], theme: str, width: int
) -> None:
    """axe-core finds nothing serious or critical, empty or with shapes, and nothing spills over."""
    part = region(photo("coffee"))
    with opened(browser, part, theme=theme, width=width) as page:
        shown(page)
        assert violations(page, ".nbb") == []
        stroke(page, (0.05, 0.05), (0.6, 0.4))
        page.get_by_role("button", name="Brush").click()
        stroke(page, (0.7, 0.7), (0.8, 0.9))
        expect(page.locator(".rg-list li")).to_have_count(2)
        page.locator(".rg-pick").first.click()
        expect(page.locator(".rg-numbers")).to_be_visible()
        assert violations(page, ".nbb") == []
        assert spills(page) == []
