"""The grid of a sweep as a file that can be printed: names, what all share, facets, seeds and reasons."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.display.sweep_documents import PAPER, write_sweep_sheet
from nbbanana.display.sweep_grid import GridCell, GridFacet, SweepView
from nbbanana.sandbox import Fault

PROMPT = "Keep the cup. Paint the wall {{colour}}."


def view(photo, rows, columns, facets=1, **more):
    """A grid of a photograph."""
    cells = [GridCell("", photo("coffee"))] * columns
    tables = [GridFacet(f"size {facet}", [(f"row {row}", cells) for row in range(rows)]) for facet in range(facets)]
    names = [str(column) for column in range(columns)]
    return SweepView(["A sweep."], "row ↓ column →", names, tables, ratio=1.5, **more)


def pages(file):
    """How many pages a PDF has."""
    return int(re.findall(rb"/Count (\d+)", file.read_bytes())[-1])


def squares(file, colour=(200, 30, 30)):
    """How many separate areas of a colour stand side by side in a picture: the most in any of its lines."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    is_red = (np.abs(pixels - colour).max(axis=2) < 30).astype(int)
    return int((np.diff(is_red, axis=1) == 1).sum(axis=1).max())


@pytest.mark.nightly
@pytest.mark.parametrize("size", ["A4", "A3", "letter", (6, 4)])
def test_a_picture_is_one_page_at_300_dpi(photo, tmp_path, size):
    """Of the paper that was asked for."""
    inches = PAPER.get(size, size)
    write_sweep_sheet(tmp_path / "grid.png", view(photo, 2, 3), "Cups", inches)
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.size == (round(inches[0] * 300), round(inches[1] * 300))
        assert round(sheet.info["dpi"][0]) == 300
    assert [one.name for one in tmp_path.iterdir()] == ["grid.png"]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("rows", "columns", "facets", "expected"), [(3, 4, 1, 1), (8, 12, 1, 1), (30, 4, 1, 10), (10, 40, 2, 2)]
)
def test_a_pdf_has_as_many_pages_as_it_takes(photo, tmp_path, rows, columns, facets, expected):
    """8 × 12 is one page; more rows, and columns that do not stand side by side, go on below or on the next."""
    write_sweep_sheet(tmp_path / "grid.pdf", view(photo, rows, columns, facets), "Cups", PAPER["A4"])
    assert pages(tmp_path / "grid.pdf") == expected


@pytest.mark.nightly
def test_every_column_is_drawn_beside_the_others(tmp_path):
    """Twelve red pictures of a row are twelve red areas, within the margins."""
    Image.new("RGB", (60, 40), (200, 30, 30)).save(tmp_path / "red.png")
    rows = [("row", [GridCell("", tmp_path / "red.png")] * 12)] * 8
    grid = SweepView(["A sweep."], "", [str(at) for at in range(12)], [GridFacet("", rows)], ratio=1.5)
    write_sweep_sheet(tmp_path / "grid.png", grid, "Cups", PAPER["A4"])
    assert squares(tmp_path / "grid.png") == 12
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.convert("L").crop((sheet.width - 120, 0, sheet.width, sheet.height)).getextrema()[0] > 250


@pytest.mark.nightly
def test_all_pictures_of_a_cell_are_on_paper(tmp_path):
    """Three cells of two red pictures are six red areas side by side."""
    for name in ("one", "two"):
        Image.new("RGB", (60, 40), (200, 30, 30)).save(tmp_path / f"{name}.png")
    cells = [GridCell("", tmp_path / "one.png", more=(tmp_path / "two.png",))] * 3
    grid = SweepView(["A sweep."], "", ["1", "2", "3"], [GridFacet("", [("row", cells)])], ratio=1.5, each=2)
    write_sweep_sheet(tmp_path / "grid.png", grid, "Cups", PAPER["A4"])
    assert squares(tmp_path / "grid.png") == 6


@pytest.mark.nightly
def test_tables_of_a_third_axis_stand_side_by_side_on_one_page(tmp_path):
    """Three tables of two columns are six pictures across, larger than below each other."""
    Image.new("RGB", (60, 40), (200, 30, 30)).save(tmp_path / "red.png")
    rows = [(f"row {row}", [GridCell("", tmp_path / "red.png")] * 2) for row in range(4)]
    tables = [GridFacet(f"size {size}", rows) for size in "123"]
    grid = SweepView(["A sweep."], "row ↓ column →", ["1", "2"], tables, ratio=1.5)
    write_sweep_sheet(tmp_path / "grid.png", grid, "Cups", PAPER["A4"])
    assert squares(tmp_path / "grid.png") == 6


@pytest.mark.nightly
def test_one_page_takes_all_rows_or_says_how_many_are_left(photo, tmp_path):
    """Pictures get smaller; beyond what can be seen, the foot says what is missing."""
    for rows in (12, 200):
        write_sweep_sheet(tmp_path / f"{rows}.png", view(photo, rows, 4), "Cups", PAPER["A4"])
    with Image.open(tmp_path / "12.png") as some, Image.open(tmp_path / "200.png") as many:
        feet = [one.convert("L").crop((2000, 2290, 3400, 2360)).getextrema()[0] for one in (some, many)]
    assert feet[0] > 200
    assert feet[1] < 120


@pytest.mark.nightly
def test_hostile_words_are_drawn_and_cut(photo, tmp_path):
    """Long words, letters that no font has, control characters: nothing reaches the margin, and nothing fails."""
    words = "W" * 3000 + "\n\x1b[31m\u202e" + "雨" * 200 + "\U0010ffff"
    cell = GridCell(words, None, words, words, words, words, words)
    grid = SweepView(
        [words], words, [words] * 3, [GridFacet(words, [(words, [cell] * 3)])], [words], [(words, True)], [words]
    )
    for name in ("grid.png", "grid.pdf"):
        write_sweep_sheet(tmp_path / name, grid, words, PAPER["A4"])
    with Image.open(tmp_path / "grid.png") as sheet:
        assert sheet.convert("L").crop((sheet.width - 100, 0, sheet.width, sheet.height)).getextrema()[0] > 200


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_number_of_pages(photo, tmp_path):
    """A page and a row of pictures are in memory: forty rows take what four do."""
    peaks = []
    for rows in (4, 40):
        tracemalloc.start()
        write_sweep_sheet(tmp_path / f"{rows}.pdf", view(photo, rows, 3), "Cups", PAPER["A4"])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert pages(tmp_path / "40.pdf") > 4
    assert peaks[1] < 2 * peaks[0] + 2_000_000


def test_a_sweep_is_saved_by_the_ending_of_its_file(served, photo, tmp_path):
    """A grid as a picture or a PDF, a plan as JSON; folders are made, no file is replaced unasked."""
    session, _ = served(faults=[Fault("submit", nth=2, status=400, message="Not this colour.")])
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue", "green"], session=session).run()
    for name in ("grid.png", "grid.jpg", "grid.pdf", "plan.json"):
        assert sweep.save(tmp_path / "out" / name) == tmp_path / "out" / name
        with pytest.raises(errors.UsageError, match="is there already"):
            sweep.save(tmp_path / "out" / name)
        sweep.save(tmp_path / "out" / name, overwrite=True)
    with pytest.raises(errors.UsageError, match=r"A grid is a \.pdf, \.png or \.jpg, a plan a \.json"):
        sweep.save(tmp_path / "grid.svg")
    for size in ("A9", (1, 1), (4,), None):
        with pytest.raises(errors.ParameterError, match="width and height in inches"):
            sweep.save(tmp_path / "x.png", size=size)


def test_a_cell_without_a_picture_has_its_reason_on_paper_and_each_its_seed(served, photo):
    """What is drawn: the reason in the place of the picture, and the seeds where no axis says them."""
    from nbbanana.sweeps.shown import sheet_view

    session, _ = served(faults=[Fault("submit", nth=2, status=400, message="Not this colour.")])
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue", "green"], session=session).run()
    drawn = sheet_view(sweep, [sweep.summary])
    cells = list(drawn.cells)
    assert [cell.note for cell in cells] == [f"seed {cell.seed}" for cell in sweep]
    assert [bool(cell.source) for cell in cells].count(False) == 1
    assert "Not this colour." in next(cell.why for cell in cells if cell.source is None)
    assert drawn.words == [("Keep the cup. Paint the wall ", False), ("{{colour}}", True), (".", False)]
