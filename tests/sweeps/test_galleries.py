"""A gallery is one edit for each picture of a folder, of one shape and size, with a report that reads anywhere."""

from __future__ import annotations

import json
import os
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.markup import read

import nbbanana as nb
from nbbanana import errors
from nbbanana.engine.run import Progress
from nbbanana.sandbox import Fault
from nbbanana.sweeps.running import time_left

PROMPT = "Keep the product {{name}} unchanged. Make the wall grey."


@pytest.fixture
def folder(tmp_path):
    """Four pictures, and what is none."""
    place = tmp_path / "skus"
    (place / "more").mkdir(parents=True)
    for name, size in (("mug-10", (60, 40)), ("mug-2", (60, 40)), ("Cup", (40, 60)), ("more/jug", (60, 40))):
        Image.new("RGB", size, "teal").save(place / f"{name}.png")
    (place / ".hidden.png").write_bytes(b"x")
    (place / "prices.txt").write_text("7")
    (place / "broken.jpg").write_bytes(b"no picture")
    return place


def requests(gallery):
    """What the cells ask."""
    return [cell._cell.request for cell in gallery]


def said(gallery):
    """What a gallery says in a terminal."""
    return gallery._repr_mimebundle_()[0]["text/plain"]


def test_a_folder_is_read_as_people_count_and_what_is_left_out_is_named(served, folder):
    """`mug-2` comes before `mug-10`; hidden files, other files and damaged ones are named with why."""
    session, box = served()
    gallery = nb.gallery(folder, PROMPT, session=session)
    assert [cell.title for cell in gallery] == ["images Cup.png", "images mug-2.png", "images mug-10.png"]
    assert dict(gallery.left_out).keys() == {".hidden.png", "prices.txt", "broken.jpg"}
    assert "3 files left out: .hidden.png (it is hidden)" in said(gallery)
    assert not box.submissions
    with_more = nb.gallery(folder, PROMPT, subfolders=True, session=session)
    assert "images more/jug.png" in [cell.title for cell in with_more]
    with pytest.raises(errors.UsageError, match="holds no picture"):
        nb.gallery(folder.parent, PROMPT, session=session)


def test_each_picture_has_its_name_in_the_words(served, folder):
    """Its parts stay, where the prompt is made of parts."""
    session, _ = served()
    gallery = nb.gallery(folder, nb.prompt(keep="the {{name}}", change="Make the wall grey"), session=session)
    assert requests(gallery)[0].prompt == "Keep the Cup unchanged. Make the wall grey."
    assert requests(gallery)[0].parts is not None


def test_all_outputs_have_one_shape_and_size_and_it_is_said(served, folder):
    """The shape that most pictures are nearest to; what is given counts, also for a folder of one picture."""
    session, _ = served()
    gallery = nb.gallery(folder, PROMPT, session=session)
    assert {one.parameters["aspect_ratio"] for one in requests(gallery)} == {"3:2"}
    assert "The same for all, so that they belong together: aspect_ratio 3:2, resolution 1K." in said(gallery)
    square = nb.gallery([folder / "Cup.png"], PROMPT, aspect_ratio="1:1", session=session)
    assert requests(square)[0].parameters.keys() >= {"aspect_ratio", "resolution"}
    assert requests(square)[0].parameters["aspect_ratio"] == "1:1"
    free = nb.gallery(folder, PROMPT, lock=False, session=session)
    assert "aspect_ratio" not in requests(free)[0].parameters


@pytest.mark.parametrize("kind", ["csv", "frame", "dicts"])
def test_a_table_gives_each_picture_its_words_and_parameters(served, folder, tmp_path, kind):
    """Files with or without their ending; other columns are named; pictures without a row are left out."""
    session, _ = served()
    rows = [
        {"file": "mug-10.png", "colour": "red", "seed": 7, "price": 3},
        {"file": "Cup", "colour": "blue", "price": 4},
    ]
    if kind == "csv":
        (tmp_path / "skus.csv").write_text("\ufefffile,colour,seed,price\nmug-10.png,red,7,3\nCup,blue,,4\n")
    table = {"csv": tmp_path / "skus.csv", "frame": pd.DataFrame(rows), "dicts": rows}[kind]
    gallery = nb.gallery(folder, "Keep the {{name}}. Make the wall {{colour}}.", table=table, session=session)
    first, second = requests(gallery)
    assert first.prompt == "Keep the mug-10. Make the wall red."
    assert (first.seed, second.prompt) == (7, "Keep the Cup. Make the wall blue.")
    assert ("mug-2.png", "no row names it") in gallery.left_out
    assert "Columns that nothing uses: price." in said(gallery)


def test_a_table_that_does_not_fit_is_an_error(served, folder):
    """A row of no file, a placeholder that a row has no value for, and no such column."""
    session, _ = served()
    for table, words in (
        ([{"file": "jar.png", "colour": "red"}], "'jar.png' is not among the pictures"),
        ([{"file": "Cup.png", "colour": "red"}, {"file": "mug-2.png"}], r"\{\{colour\}\} has no value for 'mug-2.png'"),
        ([{"sku": "Cup.png", "colour": "red"}], "no column 'file'"),
    ):
        with pytest.raises(errors.NBBananaError, match=words):
            nb.gallery(folder, "Make the wall {{colour}}.", table=table, session=session)


@pytest.mark.parametrize("table", ["a folder", "a picture", b"words", 5, [[1, 2]], {"file": "Cup.png"}, [None]])
def test_what_is_no_table_is_an_error(served, folder, table):
    """Whatever is no file with rows, and no rows with names, and whatever the reader of it would raise."""
    session, _ = served()
    table = {"a folder": folder, "a picture": folder / "Cup.png"}.get(str(table), table)
    with pytest.raises(errors.UsageError, match="The table cannot be read"):
        nb.gallery(folder, "Make the wall {{colour}}.", table=table, session=session)


def test_an_array_of_several_pictures_is_its_pictures(served):
    """A stack, as frames and batches are: each has a cell, in their order."""
    session, _ = served()
    stack = np.stack([np.full((40, 60, 3), level, np.uint8) for level in (0, 128, 255)])
    gallery = nb.gallery(stack, "Make the wall grey.", session=session)
    assert [cell.title for cell in gallery] == ["images picture 1", "images picture 2", "images picture 3"]
    assert len({request.images[0].identity for request in requests(gallery)}) == 3


def test_several_values_are_an_axis_beside_the_pictures(served, folder):
    """Three seeds of each picture are a table of pictures and seeds."""
    session, _ = served()
    gallery = nb.gallery(folder, PROMPT, seed=range(2), session=session).run()
    assert gallery.plan.shape == "images (3) × seed (2) = 6 cells"
    assert [line.split() for line in said(gallery).splitlines() if "mug-2.png" in line] == [["mug-2.png", "■", "■"]]


@pytest.mark.nightly
def test_pictures_of_a_folder_stay_on_the_disk(served, tmp_path):
    """Planned, sixteen files take less memory than three of them; sent, they are the bytes that were planned."""
    session, _ = served()
    pixels = np.random.default_rng(7)
    for number in range(16):
        image = Image.fromarray(pixels.integers(0, 256, (300, 300, 3), np.uint8))
        image.save(tmp_path / f"{number}.png")
    each = (tmp_path / "0.png").stat().st_size
    nb.gallery(str(tmp_path / "0.png"), PROMPT, session=session)
    tracemalloc.start()
    gallery = nb.gallery(str(tmp_path / "*.png"), PROMPT, session=session)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(gallery) == 16
    assert held < 3 * each
    assert most < 8 * each
    Image.new("RGB", (9, 9)).save(tmp_path / "3.png")
    gallery.run()
    states = [cell.state for cell in gallery]
    assert (states.count("here"), states[3]) == (15, "refused")
    assert "'3.png' was changed after it was planned." in gallery[3].why


def test_the_time_left_is_said_once_it_is_known():
    """Not from the first that ends, where several run at once; and roughly."""
    stages = [Progress("running")] * 20
    assert time_left(stages, 4, 0.0) == "How long it takes is known once 4 are done."
    stages[:5] = [Progress("done")] * 5
    assert time_left(stages, 4, 60.0) == "About 3 min left."
    assert time_left([Progress("done")] * 20, 4, 60.0) == ""


@pytest.fixture
def report(served, folder, tmp_path):
    """The report of a gallery of which one is refused."""
    session, _ = served(faults=[Fault("submit", nth=2, status=400, message="Not this.")])
    gallery = nb.gallery(folder, PROMPT, session=session).run()
    return gallery.report(tmp_path / "out" / "report.html", title="Mugs & cups")


def test_a_report_has_each_picture_before_and_after_with_its_record(report):
    """Totals and a paragraph on the method too, and why there is no picture where there is none."""
    page = report.read_text(encoding="utf-8")
    assert page.count("<article>") == 3
    assert page.count("<img") == 3 + 2
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.partition("</style>")[2]))
    for words in (
        "Mugs &amp; cups",
        "requests 3: 2 here, 1 refused",
        "aspect_ratio 3:2",
        "$0.14 in play money",
        "3 pictures were edited by sandbox in the place of google/nano-banana-2/edit",
        "The instruction was “Keep the product {{name}} unchanged. Make the wall grey.”",
        "Keep the product mug-2 unchanged.",
        "refused",
        "Not this.",
        "before 60×40 PNG",
    ):
        assert words in text, words
    assert len(re.findall(r"seed \d+ · aspect_ratio 3:2", text)) >= 2
    assert len(re.findall(r"request [0-9a-f]{16}", text)) >= 2


def test_a_report_asks_nobody_and_names_no_folder(report, folder):
    """No address, no script, no path, no key: its pictures are in it, and the page forbids all else."""
    page = report.read_text(encoding="utf-8")
    assert not re.search(r"https?://|file://|<script|<link|javascript:|url\(", page)
    assert str(folder.parent) not in page
    assert os.fspath(Path.home()) not in page
    assert "default-src 'none'" in page
    assert all(src.startswith("data:image/") for src in re.findall(r'src="([^"]*)"', page))
    assert all(re.findall(r'alt="([^"]*)"', page))


def test_a_hostile_name_is_only_a_name(served, tmp_path):
    """In the report as in the cell: what a file is called is text."""
    session, _ = served()
    place = tmp_path / "skus"
    place.mkdir()
    Image.new("RGB", (60, 40)).save(place / "<img src=x onerror=alert(1)>.png")
    gallery = nb.gallery(place, "Make the wall grey.", session=session).run()
    page = gallery.report(tmp_path / "report.html", title="<script>alert(1)</script>").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("<img") == 2
    read(gallery._repr_mimebundle_()[0]["text/html"])


def test_a_report_is_as_large_as_its_thumbnails(served, folder, tmp_path):
    """Smaller ones make a smaller file; no file is replaced unasked; another ending is an error."""
    session, _ = served()
    gallery = nb.gallery(folder, PROMPT, session=session)
    gallery.run()
    large, small = (gallery.report(tmp_path / f"{side}.html", thumbnail=side).stat().st_size for side in (1024, 64))
    assert small < large
    with pytest.raises(errors.UsageError, match="is there already"):
        gallery.report(tmp_path / "64.html")
    gallery.report(tmp_path / "64.html", overwrite=True)
    with pytest.raises(errors.UsageError, match="A report is HTML"):
        gallery.report(tmp_path / "report.pdf")
    with pytest.raises(errors.ParameterError, match="from 64 to 1024"):
        gallery.report(tmp_path / "x.html", thumbnail=5000)


def test_a_gallery_that_was_not_run_has_a_report_too(served, folder, tmp_path):
    """What was not asked for says so: a plan can be read by others before it is paid."""
    session, box = served()
    page = nb.gallery(folder, PROMPT, session=session).report(tmp_path / "plan.html").read_text(encoding="utf-8")
    assert page.count("It was not asked for.") == 3
    assert not box.submissions
    assert json.dumps(page)
