"""The pictures of a sweep are files whose names say what they are, safe and unlike each other."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support.outputs import payloads

import nbbanana as nb
from nbbanana import errors
from nbbanana.sweeps.exports import file_names

PROMPT = "Keep the cup. Paint the wall {{colour}}."


@pytest.fixture
def sweep(session, photo):
    """Two colours with two seeds."""
    of = {"colour": ["red", "blue"], "seed": range(2), "resolution": "0.5K", "session": session}
    return nb.sweep(PROMPT, photo("coffee"), **of).run()


def names(folder):
    """The names of the files of a folder."""
    return sorted(path.name for path in folder.iterdir() if path.name != "store")


def test_a_folder_gets_all_pictures_under_the_values_of_their_axes(sweep, tmp_path):
    """Byte for byte; a path without an ending is a folder, and one that is there is."""
    expected = ["colour-blue-seed-0.png", "colour-blue-seed-1.png", "colour-red-seed-0.png", "colour-red-seed-1.png"]
    (tmp_path / "v1.2").mkdir()
    for place, folder in ((f"{tmp_path}/new/", "new"), (tmp_path / "bare", "bare"), (tmp_path / "v1.2", "v1.2")):
        assert sweep.save(place) == tmp_path / folder
        assert names(tmp_path / folder) == expected
    assert (tmp_path / "new" / "colour-blue-seed-0.png").read_bytes() == sweep[2].result[0].bytes


def test_no_file_is_replaced_unasked_and_none_is_written_then(sweep, tmp_path):
    """The rule of a result's own save."""
    (tmp_path / "colour-blue-seed-1.png").write_bytes(b"mine")
    with pytest.raises(errors.UsageError, match="is there already"):
        sweep.save(tmp_path)
    assert names(tmp_path) == ["colour-blue-seed-1.png"]
    sweep.save(tmp_path, overwrite=True)
    assert (tmp_path / "colour-blue-seed-1.png").read_bytes() == sweep[3].result[0].bytes


def test_what_cannot_be_written_says_so_in_three_lines(session, sweep, photo, tmp_path):
    """Whatever writes a file under a name that a user gives: no folder, no path, a name that no file can have."""
    gallery = nb.gallery([photo("coffee")], "Make it night.", resolution="0.5K", session=session)
    result, place = session.history[1], tmp_path / "taken"
    place.write_bytes(b"a file, and no folder")
    writes = [
        (sweep.save, "plan.json"),
        (sweep.save, "grid.pdf"),
        (sweep.save, "pictures/"),
        (sweep[0].save, "red.png"),
        (gallery.report, "report.html"),
        (result.save, "pictures"),
        (result[0].save, "red.png"),
        (session.history[1:3].contact_sheet, "sheet.pdf"),
        (session.history.export, "study.zip"),
    ]
    for write, name in writes:
        for path in (place / name, 7, f"half a character \ud800 {name}"):
            with pytest.raises(errors.NBBananaError) as caught:
                write(path)
            assert len(caught.value.lines) == 3, (write, path)
    assert names(tmp_path) == ["taken"]


def test_several_pictures_of_a_cell_have_numbers(session, photo, tmp_path):
    """All that were paid for are saved."""
    of = {"n": 2, "resolution": "0.5K", "session": session}
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], **of).run()
    sweep.save(tmp_path)
    assert names(tmp_path) == ["colour-blue-0.png", "colour-blue-1.png", "colour-red-0.png", "colour-red-1.png"]
    assert (tmp_path / "colour-red-1.png").read_bytes() == sweep[0].result[1].bytes


def test_a_cell_is_saved_as_its_sweep_saves_it_or_to_a_file(sweep, tmp_path):
    """A folder gets the same name; a file has the name that was said."""
    assert sweep[1].save(f"{tmp_path}/") == [tmp_path / "colour-red-seed-1.png"]
    assert sweep[1].save(tmp_path / "best.png") == [tmp_path / "best.png"]
    assert names(tmp_path) == ["best.png", "colour-red-seed-1.png"]


def test_a_sweep_without_pictures_says_what_makes_them(session, photo, tmp_path):
    """No empty folder is left."""
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session)
    with pytest.raises(errors.UsageError, match=r"sweep\.run\(\) asks for them"):
        sweep.save(tmp_path / "out/")
    assert not (tmp_path / "out").exists()


def test_whatever_a_value_is_its_file_is_safe_and_unlike_the_others(sweep, tmp_path):
    """No separators, no hidden file, no name too long; values that read alike have names of their own."""
    plan = sweep.plan
    hostile = [*payloads()[::20], "../../etc/passwd", "a/b\\c:d*e?", "雨" * 200, "\u202e\x00", "CON", "."]
    for number, words in enumerate(hostile):
        values = [words, f"{words}/", f"{words}:", words.swapcase()]
        cells = tuple(replace(cell, at={"colour": value}) for cell, value in zip(plan.cells, values, strict=True))
        sweep.plan = replace(plan, cells=cells)
        made = [name for some in file_names(sweep) for name in some]
        assert len({name.casefold() for name in made}) == 4, words
        for name in made:
            assert re.fullmatch(r"colour[\w.-]*\.png", name)
            assert ".." not in name
            assert len(name.encode()) < 200
        sweep.save(tmp_path / f"{number}/")
        assert names(tmp_path / f"{number}") == sorted(made), words
