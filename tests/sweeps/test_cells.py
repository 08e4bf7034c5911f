"""A cell of a sweep is a picture where it has one, can be rated, shown and saved, and says why where it has none."""

from __future__ import annotations

import pytest

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Fault
from nbbanana.sweeps.shown import sheet_view

PROMPT = "Keep the cup. Paint the wall {{colour}}."


@pytest.fixture
def sweep(session, photo):
    """Two cells with a picture each."""
    of = {"colour": ["sand", "sage"], "seed": 1, "resolution": "0.5K", "session": session}
    return nb.sweep(PROMPT, photo("coffee"), **of).run()


@pytest.fixture
def pairs(session, photo):
    """Two cells with two pictures each."""
    of = {"colour": ["sand", "sage"], "seed": 1, "n": 2, "resolution": "0.5K", "session": session}
    return nb.sweep(PROMPT, photo("coffee"), **of).run()


def test_a_cell_is_a_picture_wherever_one_is_taken(sweep, session):
    """For an edit, another sweep, a comparison, a drift: as its one output."""
    made = session.edit("Make it snow.", sweep[0])
    assert made.record.inputs[0].sha256 == sweep[0].result[0].sha256
    assert sweep[0].edit("Make it night.").record.inputs[0].sha256 == sweep[0].result[0].sha256
    further = nb.sweep("Make it {{time}}.", sweep[0], time=["noon", "dusk"], session=session).run()
    assert {cell.result.record.inputs[0].sha256 for cell in further} == {sweep[0].result[0].sha256}
    varied = nb.sweep("Make it snow.", images=[sweep[0], sweep[1]], session=session)
    assert varied.plan.axes[0].names == (sweep[0].result.label, sweep[1].result.label)
    form = nb.compare(sweep[0], sweep[1])
    assert [side.output.edit_id for side in form.sides] == [cell.edit_id for cell in sweep]
    form.close()
    for given in ((sweep[0], sweep[1]), (sweep[0],)):  # the sandbox paints plain pictures: they were taken and read
        with pytest.raises(errors.MeasureError, match="One of them is plain"):
            nb.drift(*given)
    assert len(nb.stability([sweep[0], sweep[1]]).samples) == 2


def test_a_cell_of_several_pictures_says_which_to_name(pairs, session):
    """The message has the words to type; what is about all of them needs none."""
    for ask in (
        lambda: session.edit("Make it snow.", pairs[1]),
        lambda: pairs[1].edit("Make it snow."),
        lambda: nb.compare(pairs[1], pairs[0]),
        lambda: nb.drift(pairs[1]),
        lambda: pairs[1].save("one.png"),
    ):
        with pytest.raises(errors.UsageError, match=r"has 2 pictures\.\n.*\n.*sweep\[1\]\.result\[1\]"):
            ask()
    pairs[1].star()
    assert [one.id for one in session.history.filter(starred=True)] == [pairs[1].edit_id]


def test_all_pictures_of_a_sweep_are_in_its_grid_and_in_its_table(pairs):
    """Nothing that was paid for is left out: two a cell, side by side, and a row for each picture on wish."""
    html = pairs._repr_mimebundle_()[0]["text/html"]
    assert html.count("(2 pictures)") >= 2
    frame = pairs.to_frame()
    assert [len(paths) for paths in frame["paths"]] == [2, 2]
    assert list(frame["path"]) == [paths[0] for paths in frame["paths"]]
    files = [str(output.path) for cell in pairs for output in cell.result]
    assert list(frame.explode("paths")["paths"]) == files


def test_a_plan_keeps_room_for_all_pictures_of_a_cell(session, photo):
    """The grid does not jump as the first of them comes: half of a wide place is not enough for two."""
    of = {"colour": ["sand", "sage"], "aspect_ratio": "1:1", "resolution": "0.5K", "session": session}
    for count, ratio in ((1, 1.0), (2, 2.0), (4, 1.0)):
        plan = nb.sweep(PROMPT, photo("coffee"), n=count, **of)
        assert sheet_view(plan, []).cell_ratio == ratio


def test_a_cell_is_rated_as_its_result(sweep, session):
    """Starred, not starred, rejected: it is the record that changes, and the cell is given back."""
    assert sweep[1].star() is not None
    assert [cell.number for cell in sweep.best(2)] == [1]
    assert sweep[0].star().number == 0
    sweep[1].unstar()
    assert [one.id for one in session.history.filter(starred=True)] == [sweep[0].edit_id]
    sweep[1].reject()
    assert [one.id for one in session.history.filter(rejected=True)] == [sweep[1].edit_id]


def test_a_cell_shows_its_result_or_why_it_has_none(served, photo):
    """As the last line of a cell it is a picture; else its state and its reason."""
    session, _ = served(faults=[Fault("submit", nth=2, status=400, message="Not this colour.")])
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], session=session).run()
    [here] = [cell for cell in sweep if cell.state == "here"]
    [refused] = [cell for cell in sweep if cell.state == "refused"]
    assert here._repr_mimebundle_() == here.result._repr_mimebundle_()
    shown = refused._repr_mimebundle_()[0]
    for text in shown.values():
        assert f"Cell {refused.number} is refused." in text
        assert "Not this colour." in text
    with pytest.raises(errors.UsageError, match="has no picture: it is refused"):
        session.edit("Make it snow.", refused)


def test_a_cell_that_is_not_there_is_named(sweep):
    """As an IndexError, which ends a loop as ever, with the numbers there are."""
    with pytest.raises(IndexError, match="There is no cell 17: the sweep has 2, from 0 to 1"):
        sweep[17]
    assert [cell.number for cell in sweep[-1:]] == [sweep[-1].number] == [1]


def test_a_value_that_no_cell_has_is_answered_with_the_nearest(sweep, session, photo):
    """An empty list would look as if nothing came back."""
    with pytest.raises(
        errors.UsageError, match=r"No cell has the colour 'sagee'\.\nIts values: sand, sage\.\nDid you mean 'sage'"
    ):
        sweep.at(colour="sagee")
    with pytest.raises(errors.UsageError, match="No cell has the colour 7"):
        sweep.at(colour=7)
    zipped = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], seed=[1, 2], combine="zip", session=session)
    assert zipped.at(colour="red", seed=2) == []
    assert [cell.number for cell in zipped.at(seed="2")] == [cell.number for cell in zipped.at(seed=2)] == [1]


@pytest.mark.parametrize("given", [["red", "blue"], "red", 7])
def test_replacements_without_the_words_they_stand_for_are_refused_with_an_example(given, session, photo):
    """A list alone does not say what is replaced."""
    with pytest.raises(errors.UsageError, match=r'replace=\{"red": \["red", "blue"\]\}'):
        nb.sweep("Paint it red.", photo("coffee"), replace=given, session=session)
