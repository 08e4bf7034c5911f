"""Figures are found, listed and compared: in filters, tables, lists, and over a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.drifts import drifted, heat_map, refused

import nbbanana as nb
from nbbanana import samples
from nbbanana.display import history_bundle
from nbbanana.errors import UsageError
from nbbanana.session import drift_reports
from nbbanana.session.history import History
from nbbanana.store import Edit, OutputDrift

SNOW = "Keep the subject unchanged. Make it snow."
SMALL = {"resolution": "0.5K"}


def series(session: nb.Session, *figures: float, **more: Any) -> Any:
    """Several edits of one picture, with these figures outside of the region in their records."""
    first = session.edit(SNOW, samples.still_life((64, 48)), seed=0, region=(0, 0, 1, 0.5), **SMALL, **more)
    for place, value in enumerate(figures):
        made = first.vary([place])[0]
        session.store.measured(made.id, [drifted(0, recoloured=value)], {0: heat_map()})
    return first.vary(range(len(figures)))


def edits(*drifts: Sequence[OutputDrift]) -> list[Edit]:
    """Edits of which this was measured."""
    bare = Edit("m", "sandbox", "ask", "digest", {"prompt": "Make it snow."}, 7, seed_given=True, state="completed")
    return [replace(bare, id=number, drifts=tuple(one)) for number, one in enumerate(drifts, start=1)]


def test_the_history_is_asked_by_what_was_measured(session: nb.Session) -> None:
    """`drift_outside__lt=2`, in `filter` and in `search`; the heading says it."""
    made = series(session, 1.0, 3.0, 5.0)
    ids = [result.id for result in made]
    history = session.history
    assert [result.id for result in history.filter(drift_outside__lt=2)] == ids[:1]
    assert [result.id for result in history.search("snow", drift_outside__ge=3)] == ids[:0:-1]
    assert [result.id for result in history.filter(drift_outside__gt=1, drift_outside__le=3, moved__lt=1)] == [ids[1]]
    assert (
        history.filter(drift_outside__lt=2)
        ._repr_mimebundle_()[0]["text/plain"]
        .startswith("1 of 3 edits: drift_outside < 2")
    )
    import numpy as np

    assert len(history.filter(drift_outside__lt=np.float32(2))) == 1


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"drift_outside": 2}, "drift_outside, redrawn_outside, moved with __lt, __le, __gt, __ge"),
        ({"drift_outside__max": 2}, "drift_outside, redrawn_outside, moved with __lt, __le, __gt, __ge"),
        ({"drifts__lt": 2}, "drift_outside, redrawn_outside, moved with __lt, __le, __gt, __ge"),
        ({"moved__lt": "2"}, "a number for moved__lt"),
        ({"moved__lt": float("nan")}, "a number for moved__lt"),
        ({"moved__lt": True}, "a number for moved__lt"),
    ],
)
def test_what_cannot_be_asked_is_said_with_what_can(session: nb.Session, wanted: dict[str, Any], said: str) -> None:
    """A figure without a comparison, with an unknown one, or with no number."""
    with pytest.raises(UsageError) as caught:
        session.history.filter(**wanted)
    assert said in str(caught.value).replace("\n", " ")


def test_tables_and_records_have_the_figures(session: nb.Session) -> None:
    """A column each, of the worst output; the sentences; what a notebook keeps of a record."""
    one, two = series(session, 1.0, 3.0)
    unmeasured = session.edit(SNOW, samples.still_life((64, 48)), seed=9, **SMALL)
    table = session.history.to_frame()
    assert table.loc[[one.id, two.id], "drift_outside"].tolist() == [1.0, 3.0]
    assert table.loc[one.id, ["redrawn_outside", "moved", "drift"]].tolist() == [0.1, 0.0, "It changed."]
    assert table.loc[unmeasured.id, ["drift_outside", "drift"]].isna().all()
    kept = one.view("one").provenance
    [drift] = kept["drifts"]
    assert (drift["output"], drift["recoloured_outside"], drift["sentence"]) == (0, 1.0, "It changed.")
    assert "drifts" not in unmeasured.view("it").provenance


def test_a_list_has_a_short_figure_where_something_was_measured() -> None:
    """In words and in HTML; nothing where it was not measured, and words where no figure could be."""
    shown = edits([drifted(0, recoloured=3.14)], [], [refused(0, "unrelated")], [refused(0, "plain")])
    bundle = history_bundle(shown, [None] * 4, 4)
    lines = [line for line in bundle["text/plain"].splitlines() if "nb.history" in line]
    assert [line.rpartition(" · ")[2] for line in lines] == [
        "drift 3.1 ΔE)", "cost not known)", "drift: another scene)", "cost not known)",
    ]  # fmt: skip
    assert bundle["text/html"].count("drift 3.1 ΔE") == 1


def test_the_most_drifted_come_first(session: nb.Session) -> None:
    """By the worst output; another scene before all figures, what was not measured last; the kind stays."""
    made = series(session, 1.0, 5.0, 3.0)
    assert [result.seed for result in made.by_drift()] == [1, 2, 0]
    assert type(made.by_drift()) is type(made)
    assert [result.seed for result in session.history.latest().by_drift()] == [1, 2, 0]
    order = drift_reports.by_drift(
        edits(
            [],
            [drifted(0, recoloured=1.0), drifted(1, recoloured=9.0)],
            [drifted()],
            [refused(0)],
            [refused(0, "plain")],
        )
    )
    assert order[:3] == [3, 1, 2]
    assert set(order[3:]) == {0, 4}


def test_pictures_that_are_unlike_the_rest_are_pointed_out(session: nb.Session) -> None:
    """In the cell, by the places that one types; `outliers()` has them, the most drifted first."""
    made = series(session, 1.1, 0.9, 1.2, 5.2, 1.0, 1.3, 6.1)
    assert [result.seed for result in made.outliers()] == [6, 3]
    said = "[3] and [6] changed more outside the region than the rest: 5.2 and 6.1 ΔE, others 1.1."
    bundle = made._repr_mimebundle_()[0]
    assert said in bundle["text/plain"]
    assert said in bundle["text/html"]
    few = made[:4]
    assert (len(few.outliers()), "than the rest" in few._repr_mimebundle_()[0]["text/plain"]) == (0, False)


def test_each_kind_of_figure_has_its_words() -> None:
    """With several pictures an edit, a picture is named by both places; without a region no region is named."""
    ordinary = [drifted(0, 0.2, 1.0, 0.1), drifted(1, 0.3, 1.1, 0.12)]
    odd = [drifted(0, 12.0, 1.0, 0.9), refused(1)]
    assert drift_reports.sentences(edits(ordinary, ordinary, odd)) == [
        "[2, 1] shows another scene than the input.",
        "[2, 0] got more redrawn outside the region than the rest: 0.90, others 0.11.",
        "[2, 0] moved more than the rest: 12.0 px, others 0.2.",
    ]
    bare = [[replace(one, figures={**(one.figures or {}), "is_region_given": False})] for one in _many(9.0)]
    assert drift_reports.sentences(edits(*bare)) == ["[5] changed colour more than the rest: 9.0 ΔE, others 1.0."]


def _many(last: float) -> list[OutputDrift]:
    return [drifted(0, recoloured=value) for value in (1.0, 1.1, 0.9, 1.0, 1.2, last)]


@pytest.mark.parametrize("last", [1.5, 1.9])
def test_a_series_as_any_other_has_nothing_pointed_out(last: float) -> None:
    """Neither what is not twice the median, nor what is above it by less than noise, nor a series of other scenes."""
    assert drift_reports.sentences(edits(*([one] for one in _many(last)))) == []
    quiet = [drifted(0, recoloured=value / 4) for value in (1.0, 1.1, 0.9, 1.0, 1.2, 2.3)]
    assert drift_reports.sentences(edits(*([one] for one in quiet))) == []
    assert drift_reports.sentences(edits(*([refused(0)] for _ in range(6)))) == []
    assert drift_reports.sentences([]) == drift_reports.by_drift([]) == drift_reports.outliers([]) == []


@pytest.mark.nightly
@pytest.mark.painted
def test_edits_that_were_made_without_it_are_measured_later(session: nb.Session) -> None:
    """As many as are asked for, the newest first, each once; the figures are those of a new edit."""
    picture = samples.still_life((320, 240))
    first, second = (session.edit(SNOW, picture, seed=seed, n=2, **SMALL) for seed in (1, 2))
    done = session.history.measure(limit=1)
    assert (done.edits, done.pictures + done.refused, done.left) == (1, 2, 0)
    assert [bool(session.store.get(result.id).drifts) for result in (first, second)] == [False, True]
    assert session.history.measure().edits == 1
    assert str(session.history.measure()) == "Nothing was left to measure."
    assert len(session.store.heat_maps(first.id)) == sum(one.is_measured for one in session.history[1].record.drifts)


def test_an_edit_whose_picture_is_gone_is_left(session: nb.Session) -> None:
    """It is counted as such, and the others are measured."""
    picture = samples.still_life((64, 48))
    gone, kept = (session.edit(SNOW, picture, seed=seed, **SMALL) for seed in (1, 2))
    gone[0].path.unlink()
    done = session.history.measure()
    assert (done.edits, done.left) == (1, 1)
    assert "1 edit could not be measured" in str(done)
    assert [bool(session.store.get(result.id).drifts) for result in (gone, kept)] == [False, True]


def test_what_was_opened_to_be_read_is_not_measured(session: nb.Session) -> None:
    """It says so, and what to do."""
    session.edit(SNOW, samples.still_life((64, 48)), seed=1, **SMALL)
    session.close()
    with pytest.raises(UsageError, match="opened to be read"):
        History.open(session.folder).measure()
