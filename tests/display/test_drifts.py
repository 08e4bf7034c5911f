"""What changed, shown: small, in words, readable without styles, and where it changed is where it is coloured."""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import pytest
from PIL import Image, ImageDraw
from support.markup import read
from support.measuring.edits import moved
from support.measuring.photographs import photograph
from support.outputs import FIGURES

from nbbanana.display.drift_views import BUDGET, drift_bundle, figure_table
from nbbanana.display.thumbs import laid_over, legend
from nbbanana.display.views import Change, Picture
from nbbanana.measure import drift
from nbbanana.regions import Area, box_shape

REGION = (0.0, 0.0, 1.0, 0.35)
PATCH = (0.1, 0.75, 0.4, 0.95)
"""What was to change, and what was redrawn beside it."""


def encoded(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def pair() -> tuple[Image.Image, Image.Image]:
    """A photograph, and the same moved by two pixels with another label where none was asked for."""
    found = moved(photograph("astronaut"), 0.08, shift=(2, 0))
    after = found.after.copy()
    left, top, right, bottom = (round(side * after.size[at % 2]) for at, side in enumerate(PATCH))
    after.paste(photograph("page").resize((right - left, bottom - top)), (left, top))
    return found.before, after


@pytest.fixture(scope="module")
def change(pair: tuple[Image.Image, Image.Image]) -> Change:
    """What is measured between them."""
    area = Area((box_shape(REGION),), pair[0].size)
    found = drift(*pair, region=area)
    return Change(found.sentence, found.as_json(), found.heat_file(), area)


@pytest.fixture(scope="module")
def shown(pair: tuple[Image.Image, Image.Image], change: Change) -> dict[str, str]:
    """How it is shown."""
    before, after = (
        Picture(name, encoded(image), *image.size) for name, image in zip(("in.png", "neon[0]"), pair, strict=True)
    )
    return drift_bundle(before, after, change)


def test_it_is_small_and_begins_with_the_sentence(shown: dict[str, str], change: Change) -> None:
    """Below 60 kB with three pictures and the places close up; the sentence is the headline of both forms."""
    assert len(json.dumps(shown)) <= BUDGET
    assert change.sentence.startswith("Moved 2.0 px; outside the region: the lower")
    assert read(shown["text/html"]).all("strong")[0].text == change.sentence
    assert shown["text/plain"].splitlines()[0] == change.sentence


def test_every_picture_says_what_it_shows(shown: dict[str, str], change: Change) -> None:
    """Before, after, and where it changed, with the sentence; each place close up says where it is."""
    told = [image.attributes["alt"] for image in read(shown["text/html"]).all("img")]
    assert told[:3] == [
        "Before: in.png",
        "After: neon[0]",
        f"Where it changed, the brighter the more. {change.sentence}",
    ]
    assert told[3] == "to"
    assert told[4].startswith("Before and after: outside, ")


def test_the_region_and_the_confidence_are_said_in_words(shown: dict[str, str]) -> None:
    """What the outline shows is also there to read."""
    for text in (read(shown["text/html"]).text, shown["text/plain"]):
        assert re.search(
            r"in\.png → neon\[0\] · region: the upper third · registration confidence \d+% · compared at \d+×\d+", text
        )


def test_figures_below_their_floor_are_quiet_also_where_styles_are_dropped() -> None:
    """GitHub drops every style: what is loud is bold there, and what is noise is said to be."""
    page = read(re.sub(r' style="[^"]*"', "", drift_bundle(*nameless(), Change("x", FIGURES))["text/html"]))
    loud = {one.text for one in page.all("strong")}
    assert {"2.0\xa0px", "0.92", "0.90"} <= loud
    assert "0.4 ΔE" not in loud
    assert "0.4 ΔEwithin noise, up to 0.6" in page.text
    assert "all of it redrawn" in page.text


def nameless() -> tuple[Picture, Picture]:
    return Picture("a", None, 450, 528), Picture("b", None, 450, 528)


def test_what_is_not_there_any_more_does_not_take_the_figures_with_it() -> None:
    """Pictures that cannot be read leave their names and all the words."""
    found = drift_bundle(*nameless(), Change("Moved.", FIGURES, b"no picture"))
    assert "Changed most" in read(found["text/html"]).text
    assert "2.0 px" in found["text/plain"]
    assert [image.attributes["alt"] for image in read(found["text/html"]).all("img")] == []


def test_the_three_figures_stand_beside_their_floors() -> None:
    """As lines for a terminal, outside first."""
    assert figure_table(FIGURES).lines == [
        "moved       2.0 px (noise up to 0.1; 2.0 px to the right)",
        "recoloured  outside of the region: 0.4 ΔE (within noise, up to 0.6); inside of the region: all of it redrawn",
        (
            "redrawn     outside of the region: 0.92 (noise up to 0.25; 3% of it); "
            "inside of the region: 0.90 (noise up to 0.25; 100% of it)"
        ),
    ]


def test_how_it_moved_is_said_in_words() -> None:
    """Direction, size, stretch, turn and what was cut off."""
    moved_so = {
        "corner": {"value": 30.0, "floor": 0.2},
        "shift": [-5.0, 3.0],
        "scale": 0.98,
        "stretch": 1.01,
        "rotation": -1.5,
        "lost": 0.04,
        "added": 0.02,
    }
    _, values = figure_table(FIGURES | {"moved": moved_so}).rows[0]
    assert values[0] is not None
    assert values[0].more == (
        "5.0 px to the left, 3.0 px down, reduced 2.0%, turned 1.5°, stretched 1.0% across, "
        "4% cut off, 2% added at the edges"
    )


def test_without_a_region_what_most_changed_is_told_from_the_rest() -> None:
    """And a picture of which nothing stands out has one column."""
    without: dict[str, Any] = FIGURES | {"is_region_given": False}
    assert figure_table(without).heads == ("elsewhere", "where most changed")
    assert figure_table(without | {"inside": None}).heads == ("the picture",)


def colourful(image: Image.Image, box: tuple[float, ...]) -> float:
    """How far the colours of a part of a picture are from grey."""
    part = image.crop([round(side * image.size[at % 2]) for at, side in enumerate(box)])
    return float(part.convert("HSV").getchannel("S").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def test_it_is_coloured_where_it_changed(pair: tuple[Image.Image, Image.Image], change: Change) -> None:
    """The label is hot; the rest is the picture in grey."""
    assert change.heat is not None
    found = laid_over(pair[1], change.heat, change.figures["frame"])
    assert found.size == pair[1].size
    assert colourful(found, PATCH) > 40
    assert colourful(found, (0.5, 0.5, 1.0, 1.0)) < 4


@pytest.mark.parametrize("size", [(900, 900), (300, 300)])
def test_the_heat_lies_on_the_second_picture_whatever_its_size_and_place(size: tuple[int, int]) -> None:
    """Moved by 30 px and enlarged, what was redrawn is hot where the second picture shows it."""
    found = moved(photograph("astronaut"), 0.12, shift=(30, 10), scale=(1.05, 1.05))
    after = found.after.copy()
    left, top, right, bottom = (round(side * after.size[at % 2]) for at, side in enumerate(PATCH))
    after.paste(photograph("page").resize((right - left, bottom - top)), (left, top))
    after = after.resize(size)
    measured = drift(found.before, after)
    heated = laid_over(after, measured.heat_file(), measured.as_json()["frame"])
    strength = heated.convert("HSV").getchannel("S").point([0] * 90 + [255] * 166)
    assert strength.getbbox() is not None
    box = [side / heated.size[at % 2] for at, side in enumerate(strength.getbbox() or ())]
    assert box == pytest.approx(PATCH, abs=0.04)


def test_the_outline_of_the_region_is_seen_on_black_and_on_white() -> None:
    """A white line between dark ones, on the edge of the region and nowhere else."""
    area = Area((box_shape((0.25, 0.25, 0.75, 0.75)),), (400, 400))
    frame = {"matrix": [1, 0, 0, 0, 1, 0], "before": [400, 400], "after": [400, 400], "reach": [1, 1]}
    nothing = encoded(Image.new("L", (64, 64)))
    for colour in ("black", "white"):
        plain = Image.new("RGB", (400, 400), colour)
        found = laid_over(plain, nothing, frame, area).convert("L")
        edge = [found.getpixel((100 + at, 200)) for at in range(-4, 5)]
        assert max(edge) == 255
        assert min(edge) < 20
        assert (
            found.getpixel((200, 200))
            == found.getpixel((50, 50))
            == laid_over(plain, nothing, frame).convert("L").getpixel((200, 200))
        )


def test_the_colours_grow_brighter_all_the_way() -> None:
    """Who sees no colour reads the heat from its brightness; each step is brighter than the one before."""
    with Image.open(io.BytesIO(legend())) as strip:
        levels = [strip.convert("L").getpixel((x, 2)) for x in range(12, strip.width)]
    assert levels == sorted(levels)
    assert levels[-1] - levels[0] > 120


def test_a_heat_map_needs_no_numpy(monkeypatch: pytest.MonkeyPatch, pair: Any, change: Change) -> None:
    """What was recorded is shown where NumPy is not installed."""
    monkeypatch.setitem(__import__("sys").modules, "numpy", None)
    assert change.heat is not None
    assert laid_over(pair[1], change.heat, change.figures["frame"], change.area).size == pair[1].size


def test_a_picture_of_one_colour_has_one_column_and_no_place() -> None:
    """Two equal pictures: three quiet figures, and nothing close up."""
    picture = Image.new("RGB", (64, 48), "teal")
    ImageDraw.Draw(picture).rectangle((8, 8, 20, 20), fill="white")
    found = drift(picture, picture)
    same = Picture("a.png", encoded(picture), 64, 48)
    data = drift_bundle(same, same, Change(found.sentence, found.as_json(), found.heat_file()))
    assert data["text/plain"].splitlines()[0] == "Nothing changed that can be seen."
    assert "Changed most" not in data["text/html"]
    assert len(data["text/plain"].splitlines()) == 5


def test_the_files_are_webp_and_png(shown: dict[str, str]) -> None:
    """Each is a picture that a browser shows, and none is larger than it is shown at twice."""
    for image in read(shown["text/html"]).all("img"):
        kind, _, data = image.attributes["src"].partition(";base64,")
        assert kind in {"data:image/webp", "data:image/png"}
        with Image.open(io.BytesIO(base64.b64decode(data))) as opened:
            assert opened.width <= 2 * int(image.attributes["width"]) + 3
