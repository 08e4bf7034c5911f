"""A sweep pays for what is missing and for nothing else, whatever fails and whenever it is stopped."""

from __future__ import annotations

import _thread
import threading

import pytest
from support.waiting import until

import nbbanana as nb
from nbbanana import errors
from nbbanana.sandbox import Fault
from nbbanana.settings import settings

PROMPT = "Keep the cup. Paint the wall {{colour}}."
COLOURS = ["red", "blue", "green", "pink"]


@pytest.fixture
def planned(photo):
    """Plans a sweep of colours in a session."""

    def plan(session, **more):
        return nb.sweep(PROMPT, photo("coffee"), **{"colour": COLOURS, "session": session, **more})

    return plan


def states(sweep):
    """How each cell stands."""
    return [cell.state for cell in sweep]


def test_a_sweep_that_ran_is_run_again_for_nothing(served, planned):
    """In another session on the same store too: every cell is here."""
    session, box = served()
    assert states(planned(session).run()) == ["here"] * 4
    assert states(planned(nb.Session(store=session.folder)).run()) == ["here"] * 4
    assert len(box.submissions) == 4


def test_a_cell_that_fails_ends_nothing_else_and_keeps_its_reason(served, planned):
    """It is not sent again by running the sweep again: it may have been charged."""
    session, box = served(faults=[Fault("job", nth=2, error="The painter fell asleep.")])
    sweep = planned(session).run()
    assert sorted(states(sweep)) == ["failed", "here", "here", "here"]
    failed = next(cell for cell in sweep if cell.state == "failed")
    assert "The painter fell asleep." in failed.why
    assert "The painter fell asleep." in sweep._repr_mimebundle_()[0]["text/plain"]
    assert states(sweep.run()) == states(planned(session))
    assert len(box.submissions) == 4


def test_a_cell_that_was_refused_is_asked_again_only_by_a_retry(served, planned):
    """A refusal costs nothing, so a retry is offered; running the sweep again leaves the cell with its reason."""
    session, box = served(faults=[Fault("submit", nth=3, status=400, message="Not this colour.")])
    sweep = planned(session).run()
    assert sorted(states(sweep)) == ["here", "here", "here", "refused"]
    assert "refused" in states(sweep.run())
    assert states(sweep.retry()) == ["here"] * 4
    assert len(box.submissions) == 4


def test_a_retry_sends_nothing_that_may_have_been_charged(served, planned):
    """What failed at the service at a cost that is not known stays as it is."""
    session, box = served(faults=[Fault("job", nth=1, error="The painter fell asleep.")])
    sweep = planned(session).run()
    with session.store._database.write() as connection:
        connection.execute("UPDATE edits SET cost = NULL WHERE state = 'failed'")
    count = len(box.submissions)
    sweep.retry()
    assert len(box.submissions) == count
    assert "failed" in states(sweep)


def test_an_uncertain_cell_is_not_sent_again_until_it_is_settled(served, planned):
    """The connection broke while it was sent: it may be charged. Settled at no cost, it is sent."""
    session, box = served(faults=[Fault("submit", nth=2, after_accept=True, drop=True)])
    sweep = planned(session).run()
    assert sorted(states(sweep)) == ["here", "here", "here", "unknown"]
    assert "unknown" in states(sweep.run())
    assert len(box.submissions) == 4
    unknown = next(cell for cell in sweep if cell.state == "unknown")
    session.history.settle(unknown.edit_id, cost=0)
    assert states(planned(session).retry()) == ["here"] * 4
    assert len(box.submissions) == 5


def test_an_interrupt_leaves_what_was_sent_and_takes_back_the_rest(served, planned):
    """What the service has goes on and is taken up by the next run: no cell is accepted twice."""
    settings().concurrency = 2
    session, box = served(time_scale=0.1)

    def stop():
        until(lambda: len(box.submissions) >= 2)
        _thread.interrupt_main()

    threading.Thread(target=stop).start()
    sweep = planned(session, seed=range(3))
    with pytest.raises(KeyboardInterrupt, match="Run it again for the rest: nothing is paid twice") as stopped:
        sweep.run()
    assert stopped.value._render_traceback_() == [f"KeyboardInterrupt: {stopped.value}"]  # a notebook shows this alone
    assert set(states(sweep)) <= {"under way", "missing", "here"}
    assert len(box.submissions) < 12
    assert states(planned(session, seed=range(3)).run()) == ["here"] * 12
    assert len(box.submissions) == 12


def test_a_sweep_in_replay_asks_nobody(served, planned):
    """What is not in the store is missing, and no price is asked."""
    session, box = served()
    planned(session, colour=COLOURS[:2]).run()
    asked = len(box.log)
    replayed = planned(nb.Session(store=session.folder, mode="replay"))
    assert states(replayed) == ["here", "here", "missing", "missing"]
    with pytest.raises(errors.NotInStoreError):
        replayed.run()
    assert states(replayed) == ["here", "here", "missing", "missing"]
    assert len(box.submissions) == 2
    assert len(box.log) == asked


def test_a_model_without_a_seed_gives_as_many_samples_as_cells(served, photo):
    """Cells that ask the same are samples: each is one record, and running again pays for none of them."""
    session, box = served()
    model = next(one.id for one in nb.models.search() if one.seed_field is None and one.min_images <= 1)
    rows = [{"take": 1}, {"take": 2}, {"take": 3}]
    how = {"rows": rows, "model": model, "session": session}
    first = nb.sweep("Make it night, take {{take}}.", photo("coffee"), **how).run()
    assert states(first) == ["here"] * 3
    again = nb.sweep("Make it night, take {{take}}.", photo("coffee"), **how).run()
    assert [cell.edit_id for cell in first] == [cell.edit_id for cell in again]
    assert len(box.submissions) == 3


def test_a_cell_says_why_it_has_no_result(served, planned):
    """Before it was asked for, and what to do."""
    session, _ = served()
    with pytest.raises(errors.UsageError, match=r"Cell 0 \(colour red\) has no picture: it is missing"):
        _ = planned(session)[0].result


def test_cells_are_found_by_their_values(served, planned):
    """By the value of an axis; another name is an error that names the axes."""
    session, _ = served()
    sweep = planned(session, seed=[1, 2])
    assert [cell.number for cell in sweep.at(colour="blue")] == [2, 3]
    assert [cell.number for cell in sweep.at(colour="blue", seed=2)] == [3]
    with pytest.raises(errors.UsageError, match="Its axes: colour, seed"):
        sweep.at(size=1)


def test_a_sweep_is_a_table(served, planned):
    """A row a cell: the axes, then what became of it, with what was measured."""
    settings().measure = True
    session, _ = served()
    table = planned(session).run().to_frame()
    assert list(table.columns[:3]) == ["cell", "colour", "state"]
    assert table.cost.sum() == pytest.approx(0.28)
    assert table.path.notna().all()
    drifts = [drift for cell in planned(session) for drift in cell.result.record.drifts]
    assert len(drifts) == 4
    assert table.moved.notna().sum() == sum(drift.value("moved") is not None for drift in drifts)


def test_in_replay_a_cell_without_an_answer_is_an_error_and_one_with_a_reason_is_not(served, planned):
    """A cell that was refused or failed as the study was made is answered by its reason; a retry asks nothing."""
    session, box = served(
        faults=[
            Fault("submit", nth=1, status=400, message="Not this colour."),
            Fault("job", nth=2, error="The painter fell asleep."),
        ]
    )
    made = sorted(states(planned(session).run()))
    assert made == ["failed", "here", "here", "refused"]
    sent = len(box.requests)
    replay = nb.Session(store=session.folder, mode="replay")
    assert sorted(states(planned(replay).run())) == sorted(states(planned(replay).retry())) == made
    more = planned(replay, colour=[*COLOURS, "gold"])
    with pytest.raises(errors.NotInStoreError, match="1 of 5 cells is not in the store: colour gold"):
        more.run()
    assert more[4].state == "missing"
    assert len(box.requests) == sent


def test_a_series_of_pictures_runs_within_a_maximum_that_covers_it(served, photo):
    """The shape and the size that all get are the model's own: the price is as exact as without them."""
    session, box = served()
    pictures = [photo("coffee"), photo("chelsea")]
    sweep = nb.sweep("Make it night.", images=pictures, session=session)
    assert sweep.plan.locks["resolution"] == "1K"
    assert states(sweep.run(max_price=0.14)) == ["here", "here"]
    assert len(box.submissions) == 2


def test_a_plan_says_beforehand_that_it_is_beyond_the_budget_or_of_unknown_price(served, photo):
    """In the sentences that it ends with, in place of how it is run; and `run` refuses for that reason."""
    session, box = served()

    def said(**more):
        sweep = nb.sweep("Make it night.", photo("coffee"), seed=range(3), session=session, **more)
        return sweep, sweep._repr_mimebundle_()[0]["text/plain"]

    assert "sweep.run() asks for what is missing." in said()[1]
    session.store.set_budget(session.choice().name, 0.20)
    sweep, words = said()
    assert "run() will refuse: 3 cells cost $0.21, and $0.20 of $0.20" in words
    assert "asks for what is missing" not in words
    with pytest.raises(errors.BudgetError, match=r"3 cells cost \$0.21"):
        sweep.run()
    sweep, words = said(resolution="4K")
    assert "run() will refuse: The price of 3 cells is not known exactly" in words
    with pytest.raises(errors.BudgetError, match=r"assume_price=0\.11"):
        sweep.run()
    assert not box.submissions


def test_a_grid_is_drawn_in_the_next_kernel_without_decoding_its_pictures(served, planned, monkeypatch):
    """Small copies of stored pictures are kept on disk."""
    session, _ = served()
    planned(session).run()._repr_mimebundle_()

    def decoded(*_):
        raise AssertionError("a picture was decoded again")

    monkeypatch.setattr("nbbanana.images.thumbnails.thumbnail", decoded)
    shown = planned(nb.Session(store=session.folder))._repr_mimebundle_()[0]["text/html"]
    assert shown.count("<img") == 5
