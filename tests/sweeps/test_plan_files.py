"""A plan as a file says the same anywhere: with seeds and pictures, without keys or folders; others' are checked."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import nbbanana as nb
from nbbanana import errors
from nbbanana.sweeps import Sweep

PROMPT = "Keep the cup. Paint the wall {{colour}}."


def asks(sweep):
    """What each cell asks, as digests."""
    return [cell._cell.request.ask for cell in sweep]


def test_a_plan_that_is_read_asks_the_same(served, photo, tmp_path):
    """Files, pictures in memory, regions, prompts in parts, models and seeds: nothing is paid again."""
    session, box = served()
    memory = Image.linear_gradient("L").resize((60, 40)).convert("RGB")
    several = [
        nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session),
        nb.sweep("keep: cup\nchange: a {{colour}} wall", memory, colour=["red", "blue"], session=session),
        nb.sweep("keep:: a title in {{colour}}", memory, colour=["red", "blue"], session=session),
        nb.sweep("Make it night.", photo("rocket"), model=["nano-banana", "seedream"], session=session),
        nb.sweep("Make it night.", images=[photo("coffee"), memory], region=(0, 0, 0.5, 1), session=session),
    ]
    for number, sweep in enumerate(several):
        path = sweep.save(tmp_path / f"{number}" / "plan.json")
        read = Sweep.open(path, session)
        assert asks(read) == asks(sweep)
        assert [cell.title for cell in read] == [cell.title for cell in sweep]
        assert [cell.seed for cell in read] == [cell.seed for cell in sweep]
        assert [cell._cell.request.region for cell in read] == [cell._cell.request.region for cell in sweep]
        assert [cell._cell.request.parts for cell in read] == [cell._cell.request.parts for cell in sweep]
    several[0].run()
    assert {cell.state for cell in Sweep.open(tmp_path / "0" / "plan.json", session)} == {"here"}
    assert len(box.submissions) == 2


def test_a_plan_that_is_read_shows_the_words_that_its_cells_share(served, photo, tmp_path):
    """As the sweep did that wrote it; words that do not make what the cells ask are not shown."""
    session, _ = served()
    lines = "keep: cup\nchange: a {{colour}} wall"
    for number, words in enumerate((PROMPT, "Make it night.", lines)):
        axis = {"colour": ["red", "blue"]} if "{{" in words else {"seed": range(2)}
        sweep = nb.sweep(words, photo("coffee"), **axis, session=session)
        path = sweep.save(tmp_path / f"{number}.json")
        assert Sweep.open(path, session).plan.words == sweep.plan.words == (words,)
        assert Sweep.open(path, session).plan_sheet() == sweep.plan_sheet()
    forged = json.loads((tmp_path / "0.json").read_text()) | {"words": ["Keep the {{colour}} cup."]}
    (tmp_path / "0.json").write_text(json.dumps(forged))
    assert Sweep.open(tmp_path / "0.json", session).plan.words == ()
    assert "Keep the" not in Sweep.open(tmp_path / "0.json", session).plan_sheet()["text/plain"]


def test_a_plan_travels_with_its_pictures(served, photo, tmp_path):
    """To another folder, and without the files that it was made of; nothing in it names a folder of this machine."""
    session, _ = served()
    picture = tmp_path / "private" / "cup.png"
    picture.parent.mkdir()
    shutil.copy(photo("coffee"), picture)
    path = nb.sweep(PROMPT, picture, colour=["red", "blue"], session=session).save(tmp_path / "a" / "plan.json")
    assert str(tmp_path) not in path.read_text()
    assert "RUNCOMFY" not in path.read_text()
    picture.unlink()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    shutil.rmtree(tmp_path / "a")
    assert [cell.state for cell in Sweep.open(tmp_path / "b" / "plan.json", session).run()] == ["here"] * 2


def test_no_file_is_replaced_unasked(served, photo, tmp_path):
    """And a plan is JSON."""
    session, _ = served()
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session)
    path = sweep.save(tmp_path / "plan.json")
    with pytest.raises(errors.UsageError, match="there already"):
        sweep.save(path)
    assert sweep.save(path, overwrite=True) == path


def test_an_address_that_may_be_signed_is_in_no_plan(served, tmp_path):
    """A plan is read by others."""
    session, _ = served()
    open_address = nb.sweep(PROMPT, "https://example.com/cup.png", colour=["red", "blue"], session=session)
    assert "https://example.com/cup.png" in open_address.save(tmp_path / "open.json").read_text()
    signed = nb.sweep(PROMPT, "https://example.com/cup.png?sig=secret", colour=["red", "blue"], session=session)
    with pytest.raises(errors.UsageError, match="may be a signature"):
        signed.save(tmp_path / "signed.json")
    assert not (tmp_path / "signed.json").exists()


@pytest.fixture
def saved(served, photo, tmp_path):
    """A session, and a plan of two cells as a file."""
    session, _ = served()
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session)
    return session, sweep.save(tmp_path / "plan.json")


def test_a_picture_that_is_another_is_refused(saved):
    """Its bytes must be those that the plan names."""
    session, path = saved
    [picture] = (path.parent / "plan-pictures").iterdir()
    Image.new("RGB", (8, 8)).save(picture)
    with pytest.raises(errors.PlanError, match="is not the picture that the plan names"):
        Sweep.open(path, session)
    picture.unlink()
    with pytest.raises(errors.PlanError, match="Copy the folder plan-pictures along with the plan"):
        Sweep.open(path, session)


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret.png", "a/b/c.png", "plan-pictures/../../x.png", "x.png", 7])
def test_a_plan_reaches_no_file_but_its_own(saved, file):
    """Only those in the folder beside it."""
    session, path = saved
    content = json.loads(path.read_text())
    for picture in content["pictures"].values():
        picture["file"] = file
    path.write_text(json.dumps(content))
    with pytest.raises(errors.PlanError):
        Sweep.open(path, session)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(place=st.sampled_from(["axes", "cells", "pictures", "locks", "version", "format", None]), value=JSON)
def test_a_damaged_plan_is_a_clear_error_or_a_plan(place, value):
    """Whatever stands in the file: never another kind of error, and nothing is sent."""
    with tempfile.TemporaryDirectory() as folder, nb.Session(provider="sandbox", store=f"{folder}/store") as session:
        cell = {"at": {"a": "b"}, "prompt": "Make it night.", "images": [], "parameters": {}}
        content = {"format": "nbbanana sweep", "version": 1, "axes": [], "pictures": {}, "cells": [cell], "locks": {}}
        damaged = value if place is None else {**content, place: value}
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps(damaged))
        try:
            sweep = Sweep.open(path, session)
        except errors.InputError as error:
            assert error.what  # noqa: PT017 (either is right)
        else:
            assert len(sweep.plan) == len(damaged["cells"])


@given(
    name=st.sampled_from(["at", "provider", "prompt", "images", "model", "parameters", "sample", "region", "error"]),
    value=JSON,
)
def test_a_damaged_cell_is_a_clear_error_or_a_cell(name, value):
    """As for the whole plan."""
    with tempfile.TemporaryDirectory() as folder, nb.Session(provider="sandbox", store=f"{folder}/store") as session:
        cell = {"at": {"a": "b"}, "prompt": "Make it night.", "images": [], "parameters": {}, name: value}
        path = Path(folder) / "plan.json"
        path.write_text(json.dumps({"format": "nbbanana sweep", "version": 1, "cells": [cell, cell]}))
        try:
            sweep = Sweep.open(path, session)
        except errors.NBBananaError as error:
            assert error.what  # noqa: PT017 (either is right)
        else:
            assert len(sweep.plan) == 2
