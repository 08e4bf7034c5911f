"""A finished result says what it is: in the grid, in a terminal, on the contact sheet, and to tools."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image
from support.markup import Page, read

from nbbanana.display import PROVENANCE, Picture, ResultView, bundle, text

Views = Callable[..., ResultView]


def page(view: ResultView) -> Page:
    return read(bundle(view)[0]["text/html"])


def sheet(view: ResultView) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(bundle(view)[0]["image/jpeg"])))


def row(shown: Page, name: str) -> str:
    """What stands beside a name in "How it was made"."""
    names = [one for one in shown.elements if one.tag in {"dt", "dd"}]
    start = next(place for place, one in enumerate(names) if one.tag == "dt" and one.text == name)
    rest = names[start + 1 :]
    end = next((place for place, one in enumerate(rest) if one.tag == "dt"), len(rest))
    return " / ".join(one.text for one in rest[:end])


def test_a_bundle_has_a_form_for_every_reader(view: Views) -> None:
    """Plain text, HTML, one picture and the provenance, all of it JSON."""
    data, metadata = bundle(view())
    assert list(data) == ["text/plain", "text/html", PROVENANCE, "image/jpeg"]
    assert json.loads(json.dumps(data)) == data
    assert data[PROVENANCE]["edit"] == 47
    assert metadata["nbbanana"] == {
        "edit": 47,
        "model": "google/nano-banana-2/edit",
        "provider": "runcomfy",
        "pictures": 4,
    }
    assert metadata["image/jpeg"]["alt"] == "4 pictures: Keep the cup. Turn the table into marble."


def test_every_picture_says_how_to_get_it_and_how_it_came(view: Views) -> None:
    """The caption is what one types; the seed and the size of the originals are said once, where all have the same."""
    shown = page(view(2))
    assert [" ".join(one.text.split()) for one in shown.all("td")] == ["neon[0]", "neon[1]"]
    assert "edit 47 · seed 7 · 320×200" in shown.text
    two = view(2)
    unlike = replace(two, pictures=(replace(two.pictures[0], seed=8), replace(two.pictures[1], width=640, height=400)))
    captions = [" ".join(one.text.split()) for one in page(unlike).all("td")]
    assert captions == ["neon[0] seed 8 320×200", "neon[1] seed 7 640×400"]


def test_what_sets_a_picture_apart_stands_on_it(view: Views) -> None:
    """A caption of its own leads, and the others have none."""
    given = view(2)
    apart = replace(given, pictures=(replace(given.pictures[0], caption="white marble"), given.pictures[1]))
    captions = [one.text.split() for one in page(apart).all("td")]
    assert captions[0][:2] == ["white", "marble"]
    assert captions[1][0] == "neon[1]"


@pytest.mark.parametrize("count", [1, 4, 16])
def test_every_image_has_words_for_who_cannot_see_it(view: Views, count: int) -> None:
    """Inputs are named; outputs say the prompt, which one they are, and the seed."""
    alts = [one.attributes["alt"] for one in page(view(count)).all("img")]
    assert alts[0] == "Input: coffee.png"
    said = "Keep the cup. Turn the table into marble."
    assert alts[1:] == [f"{said} Picture {n} of {count}, seed 7." for n in range(1, count + 1)]


def test_facts_are_said_once(view: Views) -> None:
    """How many from what, who made them, how long, what for, which edit: one line above the pictures."""
    line = "4 pictures from coffee.png · google/nano-banana-2/edit · 11.8 s · $0.28 · edit 47 · seed 7 · 320×200"
    assert page(view()).text.count(line) == 1


def test_the_sandbox_is_named_and_its_money_is_play_money(view: Views) -> None:
    """Nobody takes a sandbox picture for a model's, nor its price for money."""
    line = "4 pictures from coffee.png · sandbox, no model made them · 11.8 s · $0.28 in play money · edit 47 · seed 7"
    assert line in page(view(provider="sandbox", is_play=True)).text
    assert line in text(view(provider="sandbox", is_play=True))
    assert "sandbox, no model made it ·" in text(view(1, provider="sandbox", is_play=True))


def test_an_unknown_cost_is_said_to_be_unknown(view: Views) -> None:
    """None is not free."""
    shown = page(view(cost=None)).text
    assert "cost not known" in shown
    assert "$0" not in shown


def test_a_replayed_result_says_where_it_came_from_and_that_it_costs_nothing_now(view: Views) -> None:
    """The line that told the state tells the origin; what it once cost stands with how it was made."""
    replayed = view(origin="from the store: edit 41, made 11 March 2026")
    line = "↺ From the store: edit 41, made 11 March 2026 · $0.00 now · 4 pictures from coffee.png"
    shown = page(replayed)
    assert line in shown.text
    assert line in text(replayed)
    assert "$0.28" not in shown.text.partition("How it was made")[0]
    assert "$0.28" in row(shown, "asked")


def test_a_collected_result_says_so_and_what_it_cost(view: Views) -> None:
    """It was made just now and paid for, only not waited for."""
    shown = page(view(origin="fetched now: edit 48, made 12 March 2026")).text
    assert "Fetched now: edit 48, made 12 March 2026 · 4 pictures from coffee.png" in shown
    assert "· $0.28" in shown
    assert "$0.00" not in shown.partition("How it was made")[0]


def test_fewer_pictures_than_asked_are_counted(view: Views) -> None:
    """Three of four is said, and they stand where they would have stood."""
    four = view(4)
    fewer = replace(four, pictures=four.pictures[:3], notes=("The service made 3 of 4.",))
    shown = page(fewer)
    assert "3 of 4 pictures from coffee.png" in shown.text
    assert "The service made 3 of 4." in shown.text
    assert "The service made 3 of 4." in text(fewer)
    kept = [one for one in shown.styles if one[0] == "grid-template-columns" or one == ("max-width", "1116px")]
    assert [one for one in page(four).styles if one in kept] == kept
    assert len(kept) == 3


def test_how_it_was_made_tells_what_was_set_and_what_was_not(view: Views) -> None:
    """Set, left to the model, from what, by which request, and how to get it again."""
    shown = page(view())
    assert row(shown, "model") == "google/nano-banana-2/edit"
    assert row(shown, "asked") == "12 March 2026, 14:02 UTC · took 11.8 s · $0.28"
    assert row(shown, "set here") == "number_of_images 4 · seed 7"
    assert row(shown, "automatic") == "aspect_ratio auto · enable_web_search false"
    assert row(shown, "input") == "coffee.png · 320×200 · sha256 8f3a41c0…"
    assert row(shown, "pictures").startswith("320×200 PNG · ")
    assert row(shown, "request") == "sha256 5d90e2a7…"
    assert row(shown, "again").startswith("nb.history[47] is this result")


def test_a_seed_that_was_drawn_is_said_to_be(view: Views) -> None:
    """What nobody set still made the picture, so it is told."""
    drawn = view(parameters={}, provenance={"edit": 47, "seed_given": False})
    assert row(page(drawn), "seed") == "7, drawn at random and sent"
    assert row(page(drawn), "set here") == "nothing but the words"


def test_a_set_of_edits_names_all_of_them(view: Views) -> None:
    """Pictures of several edits in one grid say from which to which."""
    records = [{"edit": number} for number in (48, 49, 50)]
    assert "· edits 48 to 50" in page(view(provenance={"edits": records})).text
    records = [{"edit": number} for number in (48, 50)]
    assert "· edits 48, 50" in page(view(provenance={"edits": records})).text


def test_line_breaks_of_a_prompt_stay(view: Views) -> None:
    """Whatever the words were broken with, and also for readers that drop styles."""
    shown = page(view(prompt="one\ntwo\r\nthree\n\nfour  spaced"))
    paragraph = next(one for one in shown.all("p") if one.attributes.get("dir") == "auto")
    assert paragraph.text == "onetwothreefour  spaced"
    assert len(shown.all("br")) == 4
    assert "pre-wrap" in paragraph.attributes["style"]


@pytest.mark.parametrize("prompt", ["word " * 2000, "x" * 10_000, "line\n" * 2000, "，霓虹" * 3333])
def test_a_long_prompt_is_folded_and_loses_nothing(view: Views, prompt: str) -> None:
    """Ten thousand characters take a few lines until somebody opens the rest."""
    shown = page(view(prompt=prompt))
    head, rest = (one.text for one in shown.all("p") if one.attributes.get("dir") == "auto")
    assert len(head) <= 710
    together = head.removesuffix(" …") + rest
    assert "".join(together.split()) == "".join(prompt.split())
    assert "more characters" in shown.text
    assert len(text(view(prompt=prompt)).splitlines()[1]) <= 100


def test_a_picture_that_cannot_be_shown_is_a_frame_with_its_name(view: Views) -> None:
    """An input that is a URL has no bytes here."""
    shown = page(view(2, inputs=(Picture("shop.example/cup.jpg", None),)))
    assert len(shown.all("img")) == 2
    framed = [one for one in shown.all("span") if one.attributes.get("title") == "shop.example/cup.jpg"]
    assert len(framed) == 1
    assert framed[0].text == "shop.example/cup.jpg"


def test_many_inputs_show_a_few_and_name_all(view: Views, small: bytes) -> None:
    """Of twenty input pictures the header shows the first, and says how many more there are."""
    inputs = tuple(Picture(f"view-{n}.png", small, 320, 200) for n in range(1, 21))
    shown = page(view(1, inputs=inputs))
    assert [one.attributes["alt"] for one in shown.all("img")][:2] == [
        "Input: view-1.png",
        "Reference image 2: view-2.png",
    ]
    assert len(shown.all("img")) == 9
    assert "+12" in shown.text
    assert "1 picture from view-1.png and 19 more" in shown.text
    assert "view-20.png" in row(shown, "inputs")


def test_beyond_eighty_pictures_the_rest_is_said(view: Views) -> None:
    """A grid has an end."""
    data, _ = bundle(view(83))
    shown = read(data["text/html"])
    assert len(shown.all("td")) == 80
    assert "The first 80 of 83 pictures are shown." in shown.text
    assert "83 pictures from coffee.png" in shown.text


def test_without_pictures_there_is_no_sheet(view: Views) -> None:
    """A result of nothing is words."""
    data, metadata = bundle(view(0, inputs=()))
    assert "image/jpeg" not in data
    assert list(metadata) == ["nbbanana"]
    assert read(data["text/html"]).all("img") == []


def test_a_single_output_is_its_own_contact_sheet(view: Views) -> None:
    """Readers that drop HTML see the picture, not a page with a picture on it."""
    assert sheet(view(1)).size == (320, 200)


def test_several_outputs_share_a_contact_sheet(view: Views) -> None:
    """Four in a row, on white, each with its name below."""
    shown = sheet(view(4))
    assert shown.mode == "RGB"
    assert shown.width > 3 * shown.height
    corners = [(0, 0), (shown.width - 1, 0), (0, shown.height - 1), (shown.width - 1, shown.height - 1)]
    assert all(min(shown.convert("L").getpixel(corner) for corner in corners) > 245 for corner in corners)
    below = shown.convert("L").crop((0, round(shown.height * 0.88), shown.width // 4, shown.height))
    assert below.getextrema()[0] < 130


def test_html_has_no_colour_and_no_identity(view: Views) -> None:
    """It is as good on dark as on light, and twice in a page as once."""
    shown = page(view())
    colourful = ("color", "background", "fill", "filter", "shadow")
    assert [name for name, _ in shown.styles if any(word in name for word in colourful)] == []
    assert {"#", "rgb", "hsl", "var("}.isdisjoint("".join(value for _, value in shown.styles))
    assert {name for one in shown.elements for name in one.attributes}.isdisjoint({"id", "class", "for", "name"})


def test_a_terminal_gets_sentences(view: Views) -> None:
    """What it is, its words, a line for each picture."""
    size = len(view().pictures[0].source)  # type: ignore[arg-type]
    kilobytes = f"{size / 1000:.0f} kB"
    assert text(view(2)).splitlines() == [
        "neon: 2 pictures from coffee.png · google/nano-banana-2/edit · 11.8 s · $0.28 · edit 47 · seed 7 · 320×200",
        "Keep the cup. Turn the table into marble.",
        f"  neon[0]  PNG · {kilobytes}",
        f"  neon[1]  PNG · {kilobytes}",
    ]


def test_a_terminal_gets_few_lines_for_many_pictures(view: Views) -> None:
    """Eighty pictures do not scroll the words away."""
    lines = text(view(80)).splitlines()
    assert len(lines) == 11
    assert lines[-1] == "  … and 72 more, the last is neon[79]"


def test_provenance_is_only_there_where_it_is_known(view: Views) -> None:
    """An empty record is left out rather than kept."""
    data: dict[str, Any] = bundle(view(provenance={}))[0]
    assert PROVENANCE not in data
    assert read(data["text/html"]).all("details")
