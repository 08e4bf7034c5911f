"""A series is checked and its price kept back as a whole before its first request; what is made of it is shown."""

from __future__ import annotations

import _thread
import re
import threading

import pytest
from support.waiting import until

from nbbanana import errors
from nbbanana.sandbox import Fault

SNOW = "Keep the subject unchanged. Make it snow."
BLOCKED = "The painter fell asleep."


@pytest.fixture
def first(served, photo):
    """One edit with seed 100 of a served sandbox, its session and the sandbox."""

    def make(**switches):
        session, box = served(**switches)
        return session.edit(SNOW, photo("portrait"), seed=100), session, box

    return make


def left(session):
    """What the budget leaves."""
    return round(session.store.budget(session.choice().name).left, 6)


def forget_costs(session):
    """Make every cost of the store unknown to whoever looks for what such requests cost before."""
    with session.store._database.write() as connection:
        connection.execute("UPDATE edits SET is_foreign = 1")


def states(session, start, end):
    """The states of edits from one number to another, sorted."""
    edits = {edit.id: edit.state for edit in session.store.between(start, end)}
    return sorted(edits.values())


def test_a_series_beyond_the_budget_sends_nothing(first):
    """Where two of three would fit, none is sent: one refusal that names the sum, and the money is free again."""
    result, session, box = first()
    session.store.set_budget(session.choice().name, 0.20)
    with pytest.raises(
        errors.BudgetError, match=r"All 3 edits together, 3 pictures, cost \$0.21, and \$0.20 of \$0.20"
    ):
        result.vary(range(3))
    assert len(box.submissions) == 1
    assert {session.store.get(number).state for number in (2, 3, 4)} == {"rejected"}
    assert left(session) == 0.20
    assert len(result.vary(range(2))) == 2
    assert left(session) == 0.06


def test_a_series_has_one_maximum(first):
    """`max_price` is for all of it; what the store has costs nothing."""
    result, _, box = first()
    with pytest.raises(errors.BudgetError, match=r"It costs \$0.21"):
        result.vary(range(3), max_price=0.15)
    assert len(result.vary(range(2), max_price=0.15)) == 2
    assert len(result.vary(range(3), max_price=0.15)) == 3
    assert len(box.submissions) == 4


def test_a_series_of_an_open_price_counts_what_is_assumed_for_each(served, photo):
    """Where nothing is known of a price, it is refused under a budget, or assumed once for each request."""
    session, box = served()
    result = session.edit(SNOW, photo("portrait"), seed=100, resolution="4K")
    forget_costs(session)
    session.store.set_budget(session.choice().name, 1.50)
    with pytest.raises(errors.BudgetError, match="The price is not known exactly"):
        result.vary(range(3))
    with pytest.raises(errors.BudgetError, match=r"All 4 edits together, 4 pictures, cost \$2.00"):
        result.vary(range(4), assume_price=0.50)
    assert len(box.submissions) == 1
    assert len(result.vary(range(3), assume_price=0.50)) == 3


def test_one_that_cannot_be_sent_keeps_the_others_from_being_sent(first):
    """Where the last edit of one ask is uncertain, nothing of the series is written; without that one it is sent."""
    result, session, box = first(faults=[Fault.named("drop after accept", "submit", nth=2)])
    with pytest.raises(errors.UncertainError):
        session.resubmit(result.record, seed=7).result()
    before = session.store.last_id()
    with pytest.raises(errors.UncertainError):
        result.vary([5, 6, 7])
    assert session.store.last_id() == before
    assert len(result.vary([5, 6])) == 2
    assert len(box.submissions) == 4


def test_one_that_the_live_schema_refuses_keeps_the_others_from_being_sent(first, monkeypatch):
    """What is found out while a request is prepared counts too: the error is its own, and no money stays back."""
    from nbbanana.engine import steps

    result, session, box = first()
    session.store.set_budget(session.choice().name, 1.00)
    real = steps.prepare

    async def refusing(run, context, turn):
        if run.request.seed == 2:
            raise errors.ImageError("This picture cannot be sent.")
        return await real(run, context, turn)

    monkeypatch.setattr(steps, "prepare", refusing)
    with pytest.raises(errors.ImageError, match="This picture cannot be sent"):
        result.vary(range(4))
    assert len(box.submissions) == 1
    assert [session.store.get(number).state for number in (2, 3, 4)] == ["cancelled"] * 3
    assert left(session) == 1.00


def test_a_series_of_which_one_fails_shows_the_others_and_says_why(first):
    """It is bound, shows what it has, says how many of how many, and the reason; only what ran is paid."""
    result, session, _ = first(faults=[Fault("job", nth=3, error=BLOCKED)])
    made = result.vary(range(3))
    assert len(made) == 2
    assert [type(one.error) for one in made.missing] == [errors.JobFailedError]
    number = made.missing[0].name
    data, _ = made._repr_mimebundle_()
    for text in (data["text/plain"], data["text/html"]):
        assert "2 of 3 edits were made." in text
        assert f"{number.capitalize()}: " in text
        assert BLOCKED in text
    assert repr(made) == "<ResultSet of 2, 1 missing>"
    assert {session.store.get(edit).state for edit in (2, 3, 4)} == {"completed", "failed"}


def test_a_series_of_which_none_succeeds_raises_its_reason(first):
    """There is nothing to show."""
    result, *_ = first(faults=[Fault("job", nth=2, times=None, error=BLOCKED)])
    with pytest.raises(errors.JobFailedError):
        result.vary(range(3))


def test_an_interrupted_series_cancels_what_it_can_and_gives_the_money_back(first, served, capsys):
    """What was made is shown and kept, what waits is cancelled, and only what runs stays reserved."""
    first()
    session, box = served(slots=1, duration=60.0, time_scale=1)
    session.store.set_budget(session.choice().name, 1.00)
    result = session.history[1]

    def interrupt():
        until(lambda: states(session, 2, 4) == ["queued", "queued", "running"])
        _thread.interrupt_main()

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt, match=r"Stopped: 1 of 4 edits were made. What was made is kept: edit 1."):
        result.vary([100, 1, 2, 3])
    watcher.join()
    assert "1 of 4 edits were made." in capsys.readouterr().out
    assert len(box.submissions) == 3
    assert states(session, 2, 4) == ["cancelled", "cancelled", "running"]
    assert left(session) == 0.93


def test_a_partial_series_replays_as_it_was(first):
    """Without the service the same pictures come, and the same is missing."""
    result, session, _ = first(faults=[Fault("job", nth=3, error=BLOCKED)])
    made = result.vary(range(3))
    again = type(session)(store=session.folder, mode="replay")
    with again:
        replayed = again.history[result.id].vary(range(3))
        assert [one.id for one in replayed] == [one.id for one in made]
        assert [one.name for one in replayed.missing] == [one.name for one in made.missing]


@pytest.mark.parametrize("seeds", [3, "ab", [1, "b"], [1.5], None])
def test_what_are_no_seeds_is_said(session, photo, seeds):
    """A typed error that says what to write."""
    result = session.edit(SNOW, photo("portrait"), seed=0, resolution="0.5K")
    with pytest.raises(errors.UsageError, match=r"vary\(range\(4\)\)"):
        result.vary(seeds)


def test_two_places_name_one_picture_of_a_set(session, photo):
    """`forty[3, 1]` is `forty[3][1]`; three places are an error that says so."""
    import numpy as np

    made = session.edit(SNOW, photo("portrait"), seed=0, n=2, resolution="0.5K").vary(np.arange(1, 4))
    assert made[2, 1].sha256 == made[2][1].sha256
    assert made[-1, 0].seed == 3
    with pytest.raises(errors.UsageError, match=r"\[3\]\[1\]"):
        made[0, 1, 2]
    with pytest.raises(IndexError):
        made[0, 5]


def test_n_of_a_series_is_how_many_seeds_follow_the_results_own(session, photo):
    """The same ones each time, so that the second costs nothing; an output's vary is its result's."""
    first = session.edit(SNOW, photo("portrait"), seed=7, n=2, resolution="0.5K")
    made = first.vary(n=3)
    assert [one.seed for one in made] == [9, 11, 13], "of two pictures each, some services count the seed up"
    assert [len(one) for one in made] == [2, 2, 2]
    again = first[1].vary(n=3)
    assert [one.id for one in again] == [one.id for one in made]
    assert [one.seed for one in first[0].vary([9, 4])] == [9, 4]


@pytest.mark.parametrize(
    ("seeds", "n", "said"),
    [(range(2), 2, "seeds and n"), (None, 0, "n is 0"), (None, 2.5, "n is 2.5"), (None, True, "n is")],
)
def test_what_is_no_number_of_seeds_is_said(session, photo, seeds, n, said):
    """Both at once, none, a part of one."""
    result = session.edit(SNOW, photo("portrait"), seed=0, resolution="0.5K")
    with pytest.raises(errors.UsageError, match=said):
        result.vary(seeds, n=n)


def test_n_of_a_rerun_is_how_many_pictures(session, photo):
    """As everywhere; what the model does not make is refused before anything is sent."""
    first = session.edit(SNOW, photo("portrait"), seed=7, n=2, resolution="0.5K")
    assert [len(first.rerun(n=3)), len(first.rerun(n=1)), len(first.rerun())] == [3, 1, 2]
    many = session.store.count()
    with pytest.raises(errors.ParameterError):
        first.rerun(n=99)
    assert session.store.count() == many


def test_a_maximum_that_cannot_be_held_says_what_would_do(served, photo):
    """What is written as the message says is sent: alone, and each of a series."""
    session, _ = served()
    result = session.edit(SNOW, photo("portrait"), seed=100, resolution="4K")
    forget_costs(session)
    with pytest.raises(errors.BudgetError, match="The price is not known exactly") as caught:
        result.vary(range(2), max_price=0.15)
    said = dict(re.findall(r"(assume|max)_price=(\d+\.\d+)", caught.value.how))
    enough = {f"{name}_price": float(amount) for name, amount in said.items()}
    assert set(enough) == {"assume_price", "max_price"}
    assert len(result.vary(range(2), **enough)) == 2
    forget_costs(session)
    with pytest.raises(errors.BudgetError, match="The price is not known exactly") as caught:
        result.vary([200], max_price=0.60)
    (amount,) = re.findall(r"assume_price=(\d+\.\d+)", caught.value.how)
    assert "max_price" not in caught.value.how
    assert len(result.vary([200], max_price=0.60, assume_price=float(amount))) == 1
