"""What changed in a result's pictures stands under its grid: a line, closed, and inside it where and how much."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.drifts import figures, heat_map
from support.markup import read

from nbbanana.display import Picture, ResultView, bundle, text
from nbbanana.display.differences import diff_bundle, phrases, word_diff
from nbbanana.display.views import Change, DiffView

QUIET, LOUD = figures(sentence="Little."), figures(2.0, 0.4, 0.9, sentence="A lot.")
REFUSED = Change("There is nothing to compare the pictures by.")


def view_of(view: Callable[..., ResultView], *changes: Change | None) -> ResultView:
    """A result whose pictures changed so."""
    found = view(len(changes))
    pictures = [replace(one, change=change) for one, change in zip(found.pictures, changes, strict=True)]
    return replace(found, pictures=tuple(pictures))


def change(of: dict[str, Any], heat: bytes | None = None) -> Change:
    return Change(of["sentence"], of, heat)


def summary(data: dict[str, Any]) -> str:
    return [one.text for one in read(data["text/html"]).all("summary")][-1]


def test_it_is_a_closed_line_that_says_what_changed(view: Callable[..., ResultView]) -> None:
    """And a line of plain text; of several pictures it is about the one in which most changed."""
    data, _ = bundle(view_of(view, change(LOUD)))
    assert summary(data) == "What changed: A lot."
    assert "\nChanged: A lot." in data["text/plain"]
    several = view_of(view, change(QUIET), change(LOUD), change(QUIET))
    assert summary(bundle(several)[0]) == "What changed, most in neon[1]: A lot."
    assert text(several).splitlines()[-1] == "Changed, most in neon[1]: A lot."
    assert summary(bundle(view_of(view, change(QUIET), change(QUIET)))[0]) == "What changed in each: Little."
    assert all("open" not in one.attributes for one in read(data["text/html"]).all("details"))


def test_a_result_of_which_nothing_was_recorded_says_nothing_of_it(view: Callable[..., ResultView]) -> None:
    """As before there was a measure."""
    data, _ = bundle(view(4))
    assert "hanged" not in data["text/html"]
    assert "hanged" not in data["text/plain"]


def test_what_was_refused_says_why(view: Callable[..., ResultView]) -> None:
    """In a line that opens nothing; beside pictures that were measured, at the picture itself."""
    data, _ = bundle(view_of(view, REFUSED))
    assert "Not measured: There is nothing to compare the pictures by." in read(data["text/html"]).text
    assert "\nNot measured: There is nothing to compare the pictures by." in data["text/plain"]
    assert len(read(data["text/html"]).all("summary")) == 1
    both, _ = bundle(view_of(view, REFUSED, change(QUIET)))
    assert summary(both) == "What changed in neon[1]: Little."
    assert "neon[0] Not measured: There is nothing" in read(both["text/html"]).text


def test_of_one_picture_all_figures_stand_beside_their_noise(view: Callable[..., ResultView]) -> None:
    """And the heat map says in words where it is brightest."""
    page = read(bundle(view_of(view, change(LOUD, heat_map())))[0]["text/html"])
    assert "2.0 pxnoise up to 0.1" in page.text
    assert "0.4 ΔEwithin noise, up to 0.6" in page.text
    assert page.all("img")[-1].attributes["alt"] == "Where neon[0] changed, the brighter the more. A lot."


def test_a_few_pictures_have_a_heat_map_and_their_figures_each(view: Callable[..., ResultView]) -> None:
    """What is above its noise is bold."""
    page = read(bundle(view_of(view, *[change(LOUD, heat_map())] * 4))[0]["text/html"])
    told = [one.attributes["alt"] for one in page.all("img") if one.attributes["alt"].startswith("Where ")]
    assert told == [f"Where neon[{n}] changed, the brighter the more. A lot." for n in range(4)]
    assert page.text.count("moved 2.0 px noise 0.1") == 4
    assert {"2.0\xa0px", "0.90"} <= {one.text for one in page.all("strong")}
    assert page.text.count("recoloured outside of the region 0.4 ΔE, within noise 0.6") == 4


def test_many_pictures_have_a_line_each(view: Callable[..., ResultView]) -> None:
    """A series stays small: sentences, no heat maps."""
    page = read(bundle(view_of(view, *[change(LOUD, heat_map())] * 30))[0]["text/html"])
    assert page.text.count("A lot.") == 31
    assert not [one for one in page.all("img") if one.attributes["alt"].startswith("Where ")]


@pytest.mark.nightly
@pytest.mark.parametrize("count", [1, 4])
def test_it_takes_little_of_what_an_output_may_weigh(view: Callable[..., ResultView], count: int) -> None:
    """At most 12 kB a heat map, and all of it within the same budget as without."""
    noisy = Picture("neon", _noise(), 640, 640, "image/png")
    found = replace(view(count), pictures=tuple(replace(noisy, label=f"neon[{n}]") for n in range(count)))
    changed = replace(found, pictures=tuple(replace(one, change=change(LOUD, _noise_map())) for one in found.pictures))
    for budget in (60_000, 120_000, None):
        data, _ = bundle(changed, budget=budget)
        assert len(json.dumps(data)) <= (budget or 250_000)
        heats = [
            one.attributes["src"]
            for one in read(data["text/html"]).all("img")
            if one.attributes["alt"].startswith("Where ")
        ]
        assert sum(map(len, heats)) <= 12_100 * count
    assert len(heats) == count


def _noise() -> bytes:
    return _png(Image.effect_noise((640, 640), 90).convert("RGB"))


def _noise_map() -> bytes:
    return _png(Image.effect_noise((64, 64), 90))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"frame": {}},
        {"frame": {"matrix": [0] * 6, "before": [64, 48], "after": [64, 48], "reach": [1, 1]}},
        {"frame": {"matrix": [1, 0], "before": [64, 48], "after": [64, 48], "reach": [1, 1]}},
        {"frame": {"matrix": [1, 0, 0, 0, 1, 0], "before": [0, 0], "after": [64, 48], "reach": [0, 0]}},
        {"moved": None},
        {"outside": {}},
        {"outside": None, "inside": None},
    ],
)
@pytest.mark.parametrize("heat", [b"", b"no picture", None])
def test_figures_of_others_may_be_anything(view: Callable[..., ResultView], odd: Any, heat: bytes | None) -> None:
    """A bundle of another person is shown whatever it says was measured; its words are there."""
    given = LOUD | odd
    data, _ = bundle(view_of(view, Change("A lot.", given, heat_map() if heat is None else heat)))
    assert summary(data) == "What changed: A lot."


def test_a_heat_map_that_is_no_small_picture_is_left_out(view: Callable[..., ResultView]) -> None:
    """One of 4000 tiles a side would cost time and memory in every cell that shows it."""
    page = read(bundle(view_of(view, change(LOUD, heat_map(width=4000, height=4000))))[0]["text/html"])
    assert not [one for one in page.all("img") if one.attributes["alt"].startswith("Where ")]
    assert "2.0 px" in page.text


prompts = st.lists(st.sampled_from(["snow", "rain", "a cup", "$$", "<b>", "雨", "."]), max_size=5).map(" ".join)


@given(prompts, prompts)
def test_any_two_prompts_are_shown_as_one(one: str, other: str) -> None:
    """Law: whether words came, went or both, at the start or at the end, all of both are there."""
    words = phrases(word_diff(one, other))
    page = read(diff_bundle(DiffView("1", "2", words))["text/html"])
    for tag, kind, label in (("del", "gone", "1"), ("ins", "new", "2")):
        pieces = [text for what, text in words if what == kind]
        assert [element.text for element in page.all(tag)] == [label, *pieces]
