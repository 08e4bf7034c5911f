"""A grid of a sweep weighs what it may, is drawn anew without decoding anew, and keeps its size as it grows."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from support.markup import Element, read

from nbbanana.display import sweep_images
from nbbanana.display.sweep_grid import GridCell, GridFacet, SweepImages, SweepView, sweep_grid_bundle, sweep_text


def grid(sources: Sequence[Path | None], columns: int) -> SweepView:
    """A grid of so many columns; what has no picture is under way."""
    cells = [
        GridCell(f"colour {at // columns} · seed {at % columns}", source, "" if source else "under way", "■")
        for at, source in enumerate(sources)
    ]
    rows = [(f"colour {at // columns}", cells[at : at + columns]) for at in range(0, len(cells), columns)]
    return SweepView(["A sweep."], "colour ↓ seed →", [str(at) for at in range(columns)], [GridFacet("", rows)])


@pytest.fixture(scope="module")
def grains(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Twelve pictures of nothing but grain, which no codec makes small."""
    import numpy as np

    folder, chance = tmp_path_factory.mktemp("grain"), np.random.default_rng(7)
    for number in range(12):
        pixels = chance.integers(0, 256, (300, 400, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


def pictures(html: str) -> list[Element]:
    """The pictures in a grid."""
    return read(html).all("img")


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "columns"), [(4, 2), (96, 12), (200, 20), (201, 10), (1000, 40), (1000, 1)])
def test_a_grid_weighs_less_than_400_kb_however_many_pictures_it_has(grains, count, columns):
    """Also of grain: what does not fit gets smaller and coarser. Each picture or row of pictures is there."""
    data = sweep_grid_bundle(grid([grains[at % len(grains)] for at in range(count)], columns))
    assert len(json.dumps(data)) < 400_000
    assert len(pictures(data["text/html"])) == (count if count <= 200 else min(400, -(-count // columns)))


def test_a_grid_that_is_drawn_again_decodes_and_encodes_what_is_new_alone(grains, monkeypatch):
    """Of a grid to which one picture comes each time, each is decoded once, and encoded twice where it gets full."""
    load, encode, decoded, encoded = sweep_images.load, sweep_images.encode, [], []
    monkeypatch.setattr(sweep_images, "load", lambda some, boxes: decoded.extend(some) or load(some, boxes))
    monkeypatch.setattr(sweep_images, "encode", lambda image, **how: encoded.append(image) or encode(image, **how))
    images = SweepImages()
    for here in range(13):
        sweep_grid_bundle(grid([*grains[:here], *[None] * (12 - here)], 4), images)
    assert len(decoded) == 12
    assert len(encoded) <= 24
    before = len(encoded)
    sweep_grid_bundle(grid(grains, 4), images)
    assert (len(decoded), len(encoded)) == (12, before)


def test_what_is_not_here_yet_has_the_size_that_it_will_have(grains):
    """Tables, columns and pictures are as large before the pictures come as after: the page does not jump."""
    before = pictures(sweep_grid_bundle(grid([grains[0], *[None] * 3], 2))["text/html"])
    after = pictures(sweep_grid_bundle(grid(grains[:4], 2))["text/html"])
    sizes = [[(one.attributes["width"], one.attributes["height"]) for one in some] for some in (before, after)]
    assert sizes[0] == sizes[1]


def several(grains: list[Path], count: int, columns: int, each: int) -> SweepView:
    """A grid whose cells have several pictures each."""
    made = grid([grains[at % len(grains)] for at in range(count)], columns)
    more = tuple(grains[1:each])
    rows = [(name, [replace(cell, more=more) for cell in row]) for name, row in made.facets[0].rows]
    return replace(made, facets=[GridFacet("", rows)], each=each, ratio=4 / 3)


@pytest.mark.parametrize(("each", "across", "down"), [(2, 2, 1), (3, 2, 2), (4, 2, 2), (5, 3, 2)])
def test_all_pictures_of_a_cell_stand_beside_each_other_in_it(tmp_path, each, across, down):
    """Each in its own colour, which is found in its place; the words say how many there are."""
    colours = [(220, 20, 20), (20, 160, 20), (20, 20, 220), (220, 200, 20), (200, 20, 200)][:each]
    for number, colour in enumerate(colours):
        Image.new("RGB", (400, 300), colour).save(tmp_path / f"{number}.png")
    [cell] = pictures(sweep_grid_bundle(several(sorted(tmp_path.iterdir()), 1, 1, each))["text/html"])
    assert cell.attributes["alt"] == f"colour 0 · seed 0 ({each} pictures)"
    drawn = Image.open(io.BytesIO(base64.b64decode(cell.attributes["src"].partition(",")[2]))).convert("RGB")
    assert drawn.width / drawn.height == pytest.approx(4 / 3 * across / down, rel=0.03)
    for number, colour in enumerate(colours):
        at = ((number % across + 0.5) * drawn.width / across, (number // across + 0.5) * drawn.height / down)
        seen = drawn.getpixel((int(at[0]), int(at[1])))
        assert max(abs(one - other) for one, other in zip(seen, colour, strict=True)) < 30


@pytest.mark.parametrize(("count", "columns"), [(26, 26), (201, 3)])
def test_a_grid_without_room_for_all_pictures_of_a_cell_says_so(grains, count, columns):
    """It shows the first, marked where each cell has a place for words; a sentence says how to get all."""
    html = sweep_grid_bundle(several(grains, count, columns, 2))["text/html"]
    assert "Of the pictures of a cell the first is shown" in html
    assert html.count("<bdi>1 of 2</bdi>") == (count if count <= 200 else 0)


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "columns"), [(96, 12), (200, 20), (201, 10)])
def test_a_grid_of_several_pictures_a_cell_weighs_less_than_400_kb(grains, count, columns):
    """Also of grain."""
    data = sweep_grid_bundle(several(grains, count, columns, 4))
    assert len(json.dumps(data)) < 400_000


def test_what_is_not_here_yet_of_several_has_the_size_that_it_will_have(grains):
    """The place of two pictures is as wide as two before any is here."""
    empty = [("colour 0", [GridCell("colour 0 · seed 0", None, "under way")])]
    whole = several(grains, 1, 1, 2)
    [before] = pictures(sweep_grid_bundle(replace(whole, facets=[GridFacet("", empty)]))["text/html"])
    [after] = pictures(sweep_grid_bundle(whole)["text/html"])
    assert before.attributes["width"] == after.attributes["width"]
    assert abs(int(before.attributes["height"]) - int(after.attributes["height"])) <= 1


def test_each_picture_has_words_for_those_who_cannot_see_it(grains):
    """What sets it apart; where there is none, why."""
    found = pictures(sweep_grid_bundle(grid([grains[0], None], 2))["text/html"])
    assert [one.attributes["alt"] for one in found] == ["colour 0 · seed 0", "colour 0 · seed 1: under way"]
    [row, *_] = pictures(sweep_grid_bundle(grid([grains[0], None] * 101, 2))["text/html"])
    assert row.attributes["alt"] == "1 of 2 pictures, from colour 0 · seed 0 to colour 0 · seed 1"


def test_a_grid_reads_where_styles_are_dropped(grains):
    """On GitHub: pictures have a width of their own, names stand in the heads of rows and columns, words in cells."""
    html = sweep_grid_bundle(grid([grains[0], None], 2))["text/html"]
    page = read(re.sub(r'\sstyle="[^"]*"', "", html))
    assert [one.text for one in page.all("th")] == ["colour ↓ seed →", "0", "1", "colour 0"]
    assert all(int(one.attributes["width"]) <= 200 for one in page.all("img"))
    assert "■ under way" in page.all("td")[1].text


def test_a_terminal_shows_a_sign_for_each_cell_under_the_names_of_its_columns():
    """Wide letters count two; names that do not fit are said in a line."""
    cells = [GridCell("", None, mark=mark) for mark in "■×"]
    rows = [("黒い盆", cells), ("white marble", cells)]
    view = SweepView(["Two."], "surface ↓ seed →", ["7", "12"], [GridFacet("", rows)])
    assert sweep_text(view).splitlines() == [
        "Two.",
        "  surface ↓ seed →  7  12",
        "  黒い盆            ■  ×",
        "  white marble      ■  ×",
    ]
    wide = SweepView(["Two."], "surface ↓ prompt →", ["word " * 20, "other " * 20], [GridFacet("", rows)])
    assert "  white marble        ■ ×" in sweep_text(wide)


def test_reasons_are_counted_where_there_are_many():
    """Each is a line; a thousand of them are said by the table."""
    view = SweepView(["A sentence."], "", [], [], [f"Reason {number}." for number in range(40)])
    assert sweep_text(view).splitlines()[-2:] == ["Reason 11.", "… and 28 more reasons: sweep.to_frame() has all."]
