"""Votes on the pictures of a sweep give a ranking that says how sure it is, and the best cells."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace

import pytest
from support.markup import read
from support.outputs import payloads

import nbbanana as nb
from nbbanana import errors
from nbbanana.store import Store
from nbbanana.store.bundles import merge

PROMPT = "Keep the cup. Paint the wall {{colour}}."
COLOURS = ["red", "blue", "green"]


@pytest.fixture
def sweep(session, photo):
    """Six pictures: three colours with two seeds."""
    made = nb.sweep(PROMPT, photo("coffee"), colour=COLOURS, seed=range(2), resolution="0.5K", session=session)
    return made.run()


def html(shown):
    """What something shows in a notebook."""
    return shown._repr_mimebundle_()[0]["text/html"]


def always(sweep, order, times=12):
    """Vote so that each cell is better than all after it in the order."""
    for place, better in enumerate(order):
        for worse in order[place + 1 :]:
            for _ in range(times):
                sweep.prefer(better, worse)


def test_a_ranking_has_the_preferred_first_and_says_how_sure_that_is(sweep):
    """With few votes the first place is not clear, with many it is."""
    sweep.prefer(2, 0)
    assert sweep.ranking[0].title == "colour blue · seed 0"
    assert sweep.ranking.sentence == "1 vote. The first place is not clear yet."
    always(sweep, [2, 3, 0, 1, 4, 5])
    ranking = sweep.ranking
    assert [one.cell for one in ranking] == [2, 3, 0, 1, 4, 5]
    assert ranking.sentence == "181 votes. The first three places are clear."
    first = ranking[0]
    assert (first.place, first.places, first.wins, first.losses, first.ties, first.votes) == (1, (1, 1), 61, 0, 0, 61)
    assert first.strength > ranking[1].strength > 0 > ranking[-1].strength
    assert sum(one.strength for one in ranking) == pytest.approx(0, abs=1e-6)


def test_a_cell_its_number_and_its_output_name_a_picture(sweep):
    """They mean the same; a tie is no win."""
    sweep.prefer(sweep[1], 0)
    sweep.prefer(sweep[1].result[0], sweep[0].result)
    sweep.prefer(1, 0, tie=True, rater="Ada")
    one = next(one for one in sweep.ranking if one.cell == 1)
    assert (one.wins, one.losses, one.ties) == (2, 0, 1)
    assert {vote.rater for vote in sweep.ranking.votes} == {None, "Ada"}


def test_what_is_no_picture_of_the_sweep_is_refused(sweep, session, photo):
    """A missing cell, an output of another edit, a number beyond, the same one twice; nothing is written."""
    other = session.edit("Make it snow.", photo("coffee"), resolution="0.5K", n=2)
    wider = nb.sweep(
        PROMPT, photo("coffee"), colour=[*COLOURS, "pink"], seed=range(2), resolution="0.5K", session=session
    )
    for given in (other[0], 17, "red", None, other):
        with pytest.raises(errors.UsageError, match="no picture of this sweep"):
            sweep.prefer(given, 0)
    with pytest.raises(errors.UsageError, match="no picture of this sweep"):
        wider.prefer(6, 0)
    with pytest.raises(errors.UsageError, match="Both are the same one"):
        sweep.prefer(0, sweep[0])
    assert not sweep.ranking.votes


def test_votes_count_in_a_changed_sweep_and_in_the_next_kernel(sweep, session, photo):
    """They name pictures: one more colour keeps them, one colour less leaves out those on its pictures."""
    sweep.prefer(0, 2)
    sweep.prefer(0, 4)
    with nb.Session(store=session.folder, provider="sandbox") as later:
        same = {"seed": range(2), "resolution": "0.5K", "session": later}
        wider = nb.sweep(PROMPT, photo("coffee"), colour=[*COLOURS, "pink"], **same)
        assert (len(wider.ranking), len(wider.ranking.votes)) == (6, 2)
        fewer = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], **same)
        assert (len(fewer.ranking), len(fewer.ranking.votes)) == (4, 1)


def test_a_cell_of_another_sweep_means_its_picture_and_not_its_place(session, photo):
    """A vote on sage and sand is on these two, wherever they stand; a picture that is not here is refused."""
    of = {"resolution": "0.5K", "seed": 1, "session": session}
    old = nb.sweep(PROMPT, photo("coffee"), colour=["sand", "sage"], **of).run()
    new = nb.sweep(PROMPT, photo("coffee"), colour=["zinc", "sand", "sage"], **of).run()
    vote = new.prefer(old[1], old[0])
    assert (vote.preferred, vote.first) == ("first", (new[2].result.record.uid, 0))
    assert vote.first != vote.second == (new[1].result.record.uid, 0)
    with pytest.raises(errors.UsageError, match="no picture of this sweep"):
        old.prefer(new[0], old[0])
    with pytest.raises(errors.UsageError, match="no cell of this sweep"):
        old.vote(among=[new[0], old[0], old[1]])
    form = new.vote(among=[old[0], old[1]])
    assert {one.cell.number for one in form.ballot.candidates} == {1, 2}
    form.close()


def test_an_output_of_another_store_is_told_by_its_uid_and_not_by_its_number(session, photo, tmp_path):
    """Both stores have an edit 1; only one of them is a picture of the sweep."""
    of = {"resolution": "0.5K", "seed": 1}
    here = nb.sweep(PROMPT, photo("coffee"), colour=["sand", "sage"], session=session, **of).run()
    with nb.Session(store=tmp_path / "elsewhere", provider="sandbox") as other:
        there = nb.sweep(PROMPT, photo("coffee"), colour=["rust", "teal"], session=other, **of).run()
        for given in (there[0].result[0], there[0].result, there[0]):
            with pytest.raises(errors.UsageError, match="no picture of this sweep"):
                here.prefer(given, here[1])
    assert not here.ranking.votes


def test_a_vote_among_cells_names_what_is_no_cell(sweep, session, photo):
    """A number beyond, a word, a truth value; a cell without a picture is left out, and several are needed."""
    for given in (77, -1, "red", True, None):
        with pytest.raises(
            errors.UsageError, match=rf"{given!r} is no cell of this sweep.\nIts cells have the numbers 0 to 5"
        ):
            sweep.vote(among=[0, given])
    for given in (3, "03"):
        with pytest.raises(errors.UsageError, match="It takes several cells"):
            sweep.vote(among=given)
    of = {"seed": range(2), "resolution": "0.5K", "session": session}
    wider = nb.sweep(PROMPT, photo("coffee"), colour=[*COLOURS, "pink"], **of)
    form = wider.vote(among=[0, wider[1], sweep[2].result[0], 6, wider[7]])
    assert [one.cell.number for one in form.ballot.candidates] == [0, 1, 2]
    form.close()


def test_a_vote_is_shown_in_a_few_words(sweep):
    """As the value of a cell it says which picture is better, and nothing else."""
    assert re.fullmatch(r"<Vote: \w{8}\[0\] is better than \w{8}\[0\]>", repr(sweep.prefer(0, 1)))
    assert " ties with " in repr(sweep.prefer(0, 1, tie=True))


def test_a_ranking_says_which_value_of_an_axis_wins(sweep):
    """Averaged over the other axis; more is known of a value than of each of its pictures."""
    always(sweep, [2, 3, 0, 1, 4, 5], times=2)
    colours = sweep.ranking.by("colour")
    assert [name for name, _, _ in colours.values] == ["blue", "red", "green"]
    rows = {one.title: one for one in sweep.ranking}
    name, strength, margin = colours.values[0]
    own = [rows[f"colour {name} · seed {seed}"] for seed in range(2)]
    assert strength == pytest.approx(sum(one.strength for one in own) / 2)
    assert margin < min(one.margin for one in own)
    assert "colour: blue (+" in sweep.ranking._repr_mimebundle_()[0]["text/plain"]
    with pytest.raises(errors.UsageError, match="Its axes: colour, seed"):
        sweep.ranking.by("prompt")


def test_a_ranking_shows_itself_as_static_html_and_as_text(sweep):
    """A picture, a title, a strength and the votes in each row, without a script or an id."""
    always(sweep, [2, 3, 0, 1, 4, 5], times=1)
    shown = html(sweep.ranking)
    assert shown.count("<img") == 6
    assert shown.count('alt="colour blue · seed 0"') == 1
    for never in ("<script", " id=", "class=", "onclick"):
        assert never not in shown
    text = repr(sweep.ranking)
    assert "1 (1 to " in text
    assert "colour blue · seed 0" in text
    assert "5 won, 0 lost, 0 tied" in text
    assert "preferred in 73 of 100 votes" in text


def test_the_best_are_those_with_the_votes_and_it_is_said_whether_that_is_sure(sweep):
    """They are cells, show their pictures, and say how many may have the first place."""
    sweep.prefer(3, 1)
    best = sweep.best(2)
    assert best[0].number == 3
    assert len(best) == 2
    assert best.sentence == "By 1 vote. The first place is not clear yet. 6 pictures may have it; sweep.vote() goes on."
    assert best[0].result[0].size == sweep[3].result[0].size
    assert html(best).count("<img") == 2
    assert "colour blue · seed 1" in "".join(element.text for element in read(html(best)).elements)
    always(sweep, [3, 2, 1, 0, 4, 5])
    assert [cell.number for cell in sweep.best(3)] == [3, 2, 1]
    assert sweep.best().sentence.startswith("By 181 votes. The first ")
    assert "may have it" not in sweep.best().sentence
    assert "colour blue · seed 1" in repr(sweep.best())


def test_without_votes_the_best_are_those_with_a_star(sweep):
    """Also where it was given after the sweep ran; votes count before stars; without both it says how."""
    with pytest.raises(errors.UsageError, match=r"sweep\.vote\(\)"):
        sweep.best()
    sweep[4].result[0].star()
    sweep[1].result.annotate(starred=True)
    assert [cell.number for cell in sweep.best(5)] == [1, 4]
    assert [cell.number for cell in sweep.best()] == [1]
    assert sweep.best().sentence == "By stars: 2 cells have one. The first place is not clear yet."
    sweep.prefer(0, 5)
    assert sweep.best()[0].number == 0
    for wrong in (0, -1, "two"):
        with pytest.raises(errors.UsageError, match="at least 1"):
            sweep.best(wrong)


def test_a_table_of_the_cells_has_their_votes(sweep):
    """Votes, wins and strength by cell; without votes nothing is claimed."""
    assert sweep.to_frame()[["votes", "wins"]].to_numpy().sum() == 0
    assert sweep.to_frame()["strength"].isna().all()
    sweep.prefer(0, 1)
    sweep.prefer(0, 2, tie=True)
    frame = sweep.to_frame()
    assert list(frame["votes"]) == [2, 1, 1, 0, 0, 0]
    assert list(frame["wins"]) == [1, 0, 0, 0, 0, 0]
    assert frame["strength"].idxmax() == 0


def test_several_pictures_of_a_cell_are_voted_on_each(session, photo):
    """A cell has the place of its best picture; to name one an output is needed."""
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=["red", "blue"], n=2, resolution="0.5K", session=session).run()
    assert len(sweep.ranking) == 4
    with pytest.raises(errors.UsageError, match="has 2 pictures"):
        sweep.prefer(0, 1)
    sweep.prefer(sweep[1].result[1], sweep[0].result[0])
    sweep.prefer(sweep[0].result[1], sweep[1].result[0])
    sweep.prefer(sweep[1].result[1], sweep[0].result[1])
    assert sweep.ranking[0].title == "colour blue · picture 2"
    assert [cell.number for cell in sweep.best(2)] == [1, 0]
    assert list(sweep.to_frame()["votes"]) == [3, 3]


def test_a_sweep_with_fewer_than_two_pictures_has_no_ranking(session, photo):
    """It says what makes more."""
    sweep = nb.sweep(PROMPT, photo("coffee"), colour=COLOURS, session=session)
    for ask in (lambda: sweep.ranking, sweep.vote):
        with pytest.raises(errors.UsageError, match=r"sweep\.run\(\) makes"):
            ask()


def test_without_numpy_a_ranking_says_what_to_install(sweep, monkeypatch):
    """Votes are kept all the same."""
    sweep.prefer(0, 1)
    monkeypatch.setitem(sys.modules, "numpy", None)
    for ask in (lambda: sweep.ranking, sweep.vote, sweep.best):
        with pytest.raises(errors.UsageError, match=r"nbbanana\[measure\]"):
            ask()


def test_votes_of_two_raters_meet_in_one_ranking(sweep, session, tmp_path, photo):
    """A colleague votes on a bundle of the sweep and gives it back: both count, and no name travels."""
    sweep.prefer(0, 1, rater="Ada")
    bundle = session.history.export(tmp_path / "sweep.zip")
    with Store.open(tmp_path / "colleague") as theirs:
        merge(theirs, bundle)
    with nb.Session(store=tmp_path / "colleague", provider="sandbox") as colleague:
        same = nb.sweep(PROMPT, photo("coffee"), colour=COLOURS, seed=range(2), resolution="0.5K", session=colleague)
        assert [cell.state for cell in same] == ["here"] * 6
        same.prefer(0, 2, rater="Bob")
        back = colleague.history.export(tmp_path / "back.zip", [cell.edit_id for cell in same])
    session.history.merge(back)
    assert len(sweep.ranking.votes) == 2
    assert {vote.rater for vote in sweep.ranking.votes} == {"Ada", None}
    assert "By 2 raters." in repr(sweep.ranking)


def test_hostile_words_of_a_sweep_are_shown_and_do_nothing(sweep):
    """The values of an axis may be anything: in a ranking they are text."""
    plan = sweep.plan
    sweep.prefer(0, 2)
    for words in payloads()[::28]:
        cells = tuple(replace(cell, at={**cell.at, "colour": f"{words} {cell.at['colour']}"}) for cell in plan.cells)
        axes = tuple(
            replace(axis, names=tuple(f"{words} {name}" for name in axis.names)) if axis.name == "colour" else axis
            for axis in plan.axes
        )
        sweep.plan = replace(plan, cells=cells, axes=axes)
        for shown in (sweep.ranking, sweep.best()):
            page = read(html(shown))
            assert {element.tag for element in page.elements} <= {
                *("div", "p", "strong", "table", "tfoot", "thead", "tr", "th", "td", "img", "bdi", "span")
            }
            assert all(not name.startswith("on") for element in page.elements for name in element.attributes)
        form = sweep.vote()
        assert "<script" not in form.still()[0]
        assert json.dumps(form.still()[1])
        form.close()
