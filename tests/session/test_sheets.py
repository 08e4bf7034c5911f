"""Contact sheets that can be printed and sent: A4, pictures of a useful size, captions, a title and the date."""

from __future__ import annotations

import re
import tracemalloc
from importlib import resources

import pytest
from PIL import Image

from nbbanana import errors
from nbbanana.display.paper import Lettering, SheetPicture, write_sheet


def pictures(photo, count, prompt="Make it snow."):
    """So many pictures of a photograph."""
    return [SheetPicture(photo("coffee"), 1.5, str(n), f"seed {n}", prompt) for n in range(count)]


def boxes(sheet):
    """The columns of a sheet's first row: where something is drawn, as widths in pixels."""
    row = sheet.convert("L").crop((0, round(sheet.height * 0.085), sheet.width, round(sheet.height * 0.1)))
    dark = [row.crop((x, 0, x + 1, row.height)).getextrema()[0] < 235 for x in range(row.width)]
    runs, start = [], None
    for x, is_dark in enumerate([*dark, False]):
        if is_dark and start is None:
            start = x
        elif not is_dark and start is not None:
            runs.append(x - start)
            start = None
    return [run for run in runs if run > 40]


@pytest.mark.nightly
@pytest.mark.parametrize(("count", "columns"), [(3, 3), (12, 3), (15, 4), (40, 6)])
def test_a_jpeg_is_one_page_with_as_many_columns_as_it_needs(photo, tmp_path, count, columns):
    """A4 at 300 dpi; the pictures are at least 300 pixels wide."""
    file = tmp_path / "sheet.jpg"
    write_sheet(file, pictures(photo, count), "Coffee")
    with Image.open(file) as sheet:
        assert sheet.info["dpi"] == (300, 300)
        assert sheet.height / sheet.width == pytest.approx(297 / 210, rel=0.01)
        widths = boxes(sheet)
    assert len(widths) == columns
    assert min(widths) >= 300


def test_a_pdf_has_as_many_pages_as_it_takes(photo, tmp_path):
    """Three columns on each page, whatever the number; nothing is left out."""
    file = tmp_path / "sheet.pdf"
    write_sheet(file, pictures(photo, 40), "Coffee")
    data = file.read_bytes()
    assert data.startswith(b"%PDF")
    assert int(re.findall(rb"/Count (\d+)", data)[-1]) == 4
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.nightly
def test_what_does_not_fit_on_one_page_is_said(photo, tmp_path):
    """The foot of a full page says how many more there are: it is not empty then."""
    for count in (40, 200):
        write_sheet(tmp_path / f"{count}.jpg", pictures(photo, count), "Coffee")
    with Image.open(tmp_path / "40.jpg") as some, Image.open(tmp_path / "200.jpg") as many:
        feet = [one.convert("L").crop((1600, 3290, 2400, 3400)).getextrema()[0] for one in (some, many)]
    assert feet[0] > 200
    assert feet[1] < 120


def test_hostile_words_are_drawn_and_cut(photo, tmp_path):
    """Long words, line breaks, letters that no font has, control characters: each caption stays under its picture."""
    words = "W" * 4000 + "\n\x1b[31m\u202e" + "雨" * 200 + "\U0010ffff"
    write_sheet(tmp_path / "sheet.jpg", pictures(photo, 2, words), words)
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        edge = sheet.convert("L").crop((sheet.width - 100, 0, sheet.width, sheet.height))
    assert edge.getextrema()[0] > 200


@pytest.fixture
def two_fonts(monkeypatch):
    """Letters of a font with little more than ASCII, and of one that has Greek; both are there for sure."""
    folder = resources.files("matplotlib") / "mpl-data/fonts/ttf"
    monkeypatch.setattr("nbbanana.display.paper.FONTS", (str(folder / "cmr10.ttf"),))
    monkeypatch.setattr("nbbanana.display.paper.MORE", ("no such font.ttf", str(folder / "DejaVuSans.ttf")))
    return Lettering(20)


def test_a_letter_is_written_in_a_font_that_has_it(two_fonts):
    """What the first font lacks comes from another one of the system; what none has is a dot, joiners are nothing."""
    runs = [(font.getname()[0], part) for font, part in two_fonts.runs("Make Ωμέγα 雨\u200d\ufe0f!")]
    assert runs == [("cmr10", "Make "), ("DejaVu Sans", "Ωμέγα"), ("cmr10", " ·!")]
    whole = two_fonts.getlength("Make Ωμέγα")
    assert whole == pytest.approx(two_fonts.getlength("Make ") + two_fonts.getlength("Ωμέγα"))


def test_words_are_broken_where_they_fit(two_fonts):
    """At spaces where there are some, within a word where there is none; the last line is cut."""
    width = two_fonts.getlength("Make it snow")
    first, second = two_fonts.wrapped("Make it snow on all roofs now", width, 2)
    assert (first, second[:6], second[-1]) == ("Make it snow", "on all", "…")
    lines = two_fonts.wrapped("Ω" * 60, width, 2)
    assert lines[1].endswith("…")
    assert all(two_fonts.getlength(line) <= width for line in lines)
    assert two_fonts.wrapped("Make", width, 2) == ["Make"]


def test_a_picture_that_is_lost_leaves_a_frame(tmp_path):
    """The others are drawn."""
    write_sheet(tmp_path / "sheet.jpg", [SheetPicture(tmp_path / "gone.png", 1.0, "1")], "Lost")
    assert (tmp_path / "sheet.jpg").stat().st_size > 1000


@pytest.mark.nightly
def test_memory_does_not_grow_with_the_number_of_pictures(photo, tmp_path):
    """One page and one row are in memory at a time, as Python counts it."""
    peaks = []
    for count in (12, 60):
        tracemalloc.start()
        write_sheet(tmp_path / f"{count}.pdf", pictures(photo, count), "Coffee")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] + 2_000_000


def test_results_write_a_sheet(session, photo, tmp_path):
    """A set, a page of the history: all their pictures, into a folder that is made; no file is replaced unasked."""
    made = session.edit("Make it snow.", photo("coffee"), n=2, seed=0, resolution="0.5K").vary([1, 2])
    file = made.contact_sheet(tmp_path / "out" / "snow.jpg", title="Snow")
    assert file.stat().st_size > 10_000
    with pytest.raises(errors.UsageError, match="there already"):
        made.contact_sheet(file)
    assert session.history[1:4].contact_sheet(tmp_path / "all.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(errors.UsageError, match=r"Use snow\.jpg or snow\.pdf"):
        made.contact_sheet(tmp_path / "snow.png")
    with pytest.raises(errors.UsageError, match="no picture"):
        session.history[7:9].contact_sheet(tmp_path / "none.jpg")
