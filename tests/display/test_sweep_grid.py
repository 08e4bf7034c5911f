"""A grid of a sweep weighs what it may, is drawn anew without decoding anew, and keeps its size as it grows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from support.markup import Element, read

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


@pytest.mark.parametrize(("count", "columns"), [(4, 2), (96, 12), (200, 20), (201, 10), (1000, 40), (1000, 1)])
def test_a_grid_weighs_less_than_400_kb_however_many_pictures_it_has(grains, count, columns):
    """Also of grain: what does not fit gets smaller and coarser. Each picture or row of pictures is there."""
    data = sweep_grid_bundle(grid([grains[at % len(grains)] for at in range(count)], columns))
    assert len(json.dumps(data)) < 400_000
    assert len(pictures(data["text/html"])) == (count if count <= 200 else min(400, -(-count // columns)))


def test_a_grid_that_is_drawn_again_decodes_and_encodes_what_is_new_alone(grains):
    """Of a grid to which one picture comes each time, each is decoded once, and encoded twice where it gets full."""
    images = SweepImages()
    for here in range(13):
        sweep_grid_bundle(grid([*grains[:here], *[None] * (12 - here)], 4), images)
    assert images.decodings == 12
    assert images.encodings <= 24
    before = images.encodings
    sweep_grid_bundle(grid(grains, 4), images)
    assert (images.decodings, images.encodings) == (12, before)


def test_what_is_not_here_yet_has_the_size_that_it_will_have(grains):
    """Tables, columns and pictures are as large before the pictures come as after: the page does not jump."""
    before = pictures(sweep_grid_bundle(grid([grains[0], *[None] * 3], 2))["text/html"])
    after = pictures(sweep_grid_bundle(grid(grains[:4], 2))["text/html"])
    sizes = [[(one.attributes["width"], one.attributes["height"]) for one in some] for some in (before, after)]
    assert sizes[0] == sizes[1]


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
