"""What an edit belongs to is held with it: schema, POSTs, cell and kernel, and whether another store made it."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pytest
from support.stores import MODEL, Clock, asked, complete

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.request import sha256_of
from nbbanana.store import Edit, Spending, Store

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"prompt": {"type": "string"}}}


def paid(store: Store, *states: str, **changes: Any) -> Edit:
    """An edit at a paid service, taken through `submitting` and `states`."""
    edit = store.begin(asked(provider="runcomfy", **changes))
    for state in ("submitting", *states):
        edit = store.move(edit.id, state, request_id=None if state in {"submitting", "unknown", "lost"} else "r")  # type: ignore[arg-type]
    return edit


class TestSchemas:
    """The schema of a model is kept with its edits."""

    def test_each_is_kept_once(self, store: Store) -> None:
        """Two edits with the same schema, in whatever order its keys are, share one row."""
        first = store.begin(asked(), schema=SCHEMA)
        second = store.begin(asked(), schema=dict(reversed(SCHEMA.items())))
        assert first.schema_hash == second.schema_hash == sha256_of(SCHEMA)
        assert store.schema(sha256_of(SCHEMA)) == SCHEMA
        assert store.begin(asked()).schema_hash is None
        with pytest.raises(NotInStoreError):
            store.schema("0" * 64)

    @pytest.mark.parametrize(
        "schema",
        [
            {"title": "x" * (256 << 10)},
            {"default": float("nan")},
            {"default": object()},
            {"title": "\ud800"},
            [],
            reduce(lambda inner, _: {"items": inner}, range(5000), {}),
        ],
        ids=["large", "not a number", "no JSON", "half a surrogate pair", "a list", "deep"],
    )
    def test_one_that_is_large_or_deep_or_no_json_is_refused(self, store: Store, schema: Any) -> None:
        """It is bounded before it is kept, and the edit is not begun."""
        with pytest.raises(StoreError, match="schema cannot be kept"):
            store.begin(asked(), schema=schema)
        assert store.count() == 0


class TestPosts:
    """Each POST is a row, written before it is sent."""

    def test_a_post_is_there_before_it_is_sent_and_says_how_it_ended(self, store: Store, clock: Clock) -> None:
        """Ordinals count from 0; the newest comes first; a handle is told later or not at all."""
        edit = store.begin(asked(price_quoted=0.07))
        store.move(edit.id, "submitting")
        assert store.post_sent(edit.id, seed=7, quote=0.07).ordinal == 0
        [post] = store.posts(edit.id)
        assert (post.outcome, post.sent_at, post.provider, post.quote, post.seed) == (
            None,
            clock.now,
            "sandbox",
            0.07,
            7,
        )
        store.post_ended(edit.id, 0, "refused")
        assert store.post_sent(edit.id, seed=7, quote=None).ordinal == 1
        store.post_ended(edit.id, 1, "accepted", handle="h")
        assert [(post.ordinal, post.outcome, post.handle) for post in store.posts(edit.id)] == [
            (1, "accepted", "h"),
            (0, "refused", None),
        ]
        other = store.begin(asked())
        store.post_sent(other.id, seed=None, quote=None)
        assert [(post.edit_id, post.ordinal) for post in store.posts(limit=2)] == [(other.id, 0), (edit.id, 1)]

    def test_the_cost_of_an_edit_is_that_of_its_only_accepted_post(self, store: Store) -> None:
        """Of several accepted POSTs each has its own cost, which the edit's does not touch."""
        edit = store.begin(asked())
        store.move(edit.id, "submitting")
        store.post_ended(edit.id, store.post_sent(edit.id, seed=7, quote=0.1).ordinal, "refused")
        store.post_ended(edit.id, store.post_sent(edit.id, seed=7, quote=0.1).ordinal, "accepted")
        store.move(edit.id, "queued", request_id="r")
        store.move(edit.id, "completed", cost=0.2)
        assert [post.cost for post in store.posts(edit.id)] == [0.2, None]
        several = store.begin(asked())
        store.move(several.id, "submitting")
        for cost in (0.1, 0.3):
            store.post_ended(several.id, store.post_sent(several.id, seed=8, quote=0.1).ordinal, "accepted", cost=cost)
        store.move(several.id, "queued", request_id="s")
        store.move(several.id, "completed", cost=0.5)
        assert [post.cost for post in store.posts(several.id)] == [0.3, 0.1]

    def test_what_is_no_post_or_no_outcome_is_refused(self, store: Store) -> None:
        """A POST that was not written down cannot end."""
        edit = store.begin(asked())
        with pytest.raises(NotInStoreError, match="no POST 0"):
            store.post_ended(edit.id, 0, "accepted")
        with pytest.raises(NotInStoreError):
            store.post_sent(99, seed=1, quote=None)
        with pytest.raises(StoreError, match="not an outcome"):
            store.post_ended(edit.id, store.post_sent(edit.id, seed=1, quote=None).ordinal, "fine")  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="quote cannot be"):
            store.post_sent(edit.id, seed=1, quote=float("nan"))


class TestOrigins:
    """Where an ask was made before decides what answers it now."""

    def test_an_ask_is_found_by_the_cell_and_the_kernel_that_made_it(self, store: Store) -> None:
        """One ask may come from many places."""
        one = complete(store, asked("rain", kernel="k1", cell="a", execution=3, ordinal=0), "x")
        store.begin(asked("rain", kernel="k1", cell="a", execution=3, ordinal=1))
        complete(store, asked("rain", provider="runcomfy"), "z")
        three = complete(store, asked("rain", kernel="k2", execution=1, ordinal=0), "y")
        assert [edit.id for edit in store.by_ask(one.ask, "sandbox", cell="a")] == [one.id]
        assert [edit.id for edit in store.by_ask(one.ask, "sandbox", kernel="k2")] == [three.id]

    def test_a_handle_is_what_the_provider_gave_and_nothing_else(self, store: Store) -> None:
        """A provider that needs more than an id gives its own, and it is kept as it came."""
        plain, own = paid(store, "queued"), paid(store)
        assert plain.handle is None, "only its provider can make one of a request id"
        moved = store.move(own.id, "queued", request_id="r2", handle="opaque text", answered_model="theirs-2.1")
        assert (moved.handle, moved.answered_model) == ("opaque text", "theirs-2.1")
        assert store.move(own.id, "running").handle == "opaque text"


class TestForeignEdits:
    """What another store asked for is not this store's money."""

    def test_they_count_in_no_budget_total_or_duration(self, store: Store, tmp_path: Any) -> None:
        """A merged edit of unknown cost blocks nothing, a dear one spends nothing, and no history is learnt from it."""
        with Store.open(tmp_path / "other") as other:
            made = [complete(other, asked("dear", provider="runcomfy"), "a", cost=900.0), paid(other, "unknown")]
            assert other.has_paid_edits()
            assert len(other.durations(MODEL, None, "runcomfy")) == 1
        store.set_budget("runcomfy", 1.0)
        assert store.take_in(made) == 2
        assert [edit.is_foreign for edit in store.filter()] == [True, True]
        assert store.spending("runcomfy") == store.spending("runcomfy", 0) == Spending(0.0, 0.0, 0)
        assert not store.has_paid_edits()
        assert store.durations(MODEL, None, "runcomfy") == []
        assert store.reserve(store.begin(asked(provider="runcomfy")).id, 1.0, budget=1.0, after_id=0).granted
        assert store.count("runcomfy") == 3
        assert store.verify().ok or store.verify().rows == ()


class TestBudgets:
    """A budget counts what this store asked for after it was set."""

    def test_it_counts_by_order_and_not_by_clock(self, store: Store, clock: Clock) -> None:
        """Set while the clock was an hour fast, it counts what is spent once the clock is right again."""
        paid(store, "queued", price_quoted=9.0)
        clock.tick(3600)
        store.set_budget("runcomfy", 5.0)
        clock.tick(-3600)
        paid(store, "queued", price_quoted=0.64)
        budget = store.budget("runcomfy")
        assert budget is not None
        assert budget.spending.total == 0.64

    def test_money_is_play_by_the_record_and_not_by_a_name(self, store: Store) -> None:
        """A provider of any name may be play; one called `sandbox` may not be."""
        from dataclasses import replace

        edit = store.begin(replace(asked(provider="pretend"), is_play=True))
        store.move(edit.id, "submitting")
        store.move(edit.id, "queued", request_id="r")
        assert not store.has_paid_edits()
        edit = store.begin(replace(asked(provider="sandbox"), is_play=False))
        store.move(edit.id, "submitting")
        store.move(edit.id, "queued", request_id="r")
        assert store.has_paid_edits()

    @pytest.mark.parametrize("told", [1e300, -0.5, float("nan"), float("inf")])
    def test_an_amount_that_cannot_be_is_left_out_with_a_note(self, store: Store, told: float) -> None:
        """A service's nonsense neither stops a job nor spoils the sums."""
        edit = paid(store, "queued", price_quoted=0.1)
        edit = store.move(edit.id, "completed", cost=told, note="as it came")
        assert edit.cost is None
        assert edit.transitions[-1].note is not None
        assert edit.transitions[-1].note.startswith("as it came A cost of ")
        assert store.spending("runcomfy") == Spending(0.0, 0.1, 0)


class TestSettling:
    """A person can say what became of an edit whose end is open."""

    @pytest.mark.parametrize("state", ["unknown", "lost"])
    def test_what_was_never_charged_no_longer_blocks(self, store: Store, state: str) -> None:
        """Settled with nothing, an edit of unknown cost lets budgets grant again, and its record says who said so."""
        edit = paid(store, state)
        store.move(edit.id, "lost") if state == "unknown" else None
        other = store.begin(asked(provider="runcomfy"))
        assert not store.reserve(other.id, 0.1, budget=1.0).granted
        settled = store.settle(edit.id, cost=0)
        assert (settled.cost, settled.transitions[-1].note) == (0.0, "settled by a person")
        assert store.reserve(other.id, 0.1, budget=1.0).granted

    @pytest.mark.parametrize("state", ["unknown", "lost"])
    def test_an_edit_whose_id_was_found_is_collected(self, store: Store, state: str) -> None:
        """It is queued under that id, whatever id it had before, and can be taken up like any accepted one."""
        edit = paid(store)
        store.post_ended(edit.id, store.post_sent(edit.id, seed=7, quote=None).ordinal, "uncertain")
        edit = store.move(edit.id, state, request_id="wrong", error="It cannot be told.")  # type: ignore[arg-type]
        found = store.settle(edit.id, request_id="r-9")
        assert (found.state, found.request_id, found.handle, found.error) == ("queued", "r-9", None, None)
        assert found.finished_at is None
        assert [one.id for one in store.unfinished(unclaimed=True)] == [edit.id]
        assert [(post.outcome, post.handle) for post in store.posts(edit.id)] == [("accepted", "r-9")]
        assert store.move(edit.id, "completed", cost=0.1).cost == 0.1

    def test_outputs_that_are_gone_end_the_edit_with_its_cost(self, store: Store) -> None:
        """`downloading` does not last for ever."""
        edit = paid(store, "queued", "downloading")
        gone = store.settle(edit.id, cost=0.14)
        assert (gone.state, gone.cost, gone.is_terminal) == ("gone", 0.14, True)
        assert store.spending("runcomfy") == Spending(0.14, 0.0, 0)
        assert store.settle(edit.id, cost=0.07).cost == 0.07

    def test_what_is_not_open_cannot_be_settled(self, store: Store) -> None:
        """Both or neither, a running edit, a told cost, an amount that is none: typed, and nothing is written."""
        running, told = paid(store, "queued"), complete(store, asked(), "a", cost=0.1)
        lost = paid(store, "lost")
        for edit, facts in [
            (lost, {}),
            (lost, {"cost": 0.0, "request_id": "r"}),
            (lost, {"cost": -1.0}),
            (running, {"cost": 0.0}),
            (running, {"request_id": "r2"}),
            (told, {"cost": 0.0}),
        ]:
            with pytest.raises(StoreError):
                store.settle(edit.id, **facts)
            assert store.get(edit.id) == edit

    def test_what_its_own_kernel_gives_up_is_settled_at_once(self, store: Store) -> None:
        """A kernel that closes ends what it holds without waiting; what others hold stays."""
        mine, theirs = store.begin(asked()), store.begin(asked())
        store.reserve(mine.id, 0.5, budget=1.0)
        store.claim(mine.id, "elsewhere:1:me", 60)
        store.claim(theirs.id, "elsewhere:2:them", 60)
        assert store.settle_abandoned() == []
        [settled] = store.settle_abandoned(owner="elsewhere:1:me")
        assert (settled.id, settled.state, store.spending("sandbox").total) == (mine.id, "cancelled", 0.0)
        assert store.get(theirs.id).state == "prepared"


def test_numbers_of_other_libraries_are_numbers(store: Store) -> None:
    """NumPy's integers, floats and booleans are taken wherever Python's are."""
    edit = complete(store, asked(seed=7), "a", cost=np.float32(0.5))
    assert store.get(np.int64(edit.id)) == store.filter(seed=np.int64(7), limit=np.int64(1))[0]  # type: ignore[arg-type]
    assert store.rate(np.int64(edit.id), np.int8(0), "starred").starred  # type: ignore[arg-type]
    assert store.filter(starred=np.bool_(True), since=np.float64(0), before_id=np.int64(9))  # type: ignore[arg-type, typeddict-item]
    assert store.numbered([np.int64(1)]) == store.between(np.int64(1), np.int64(1)) == store.page_after(np.int64(0))  # type: ignore[arg-type, list-item]
    with pytest.raises(StoreError, match="not a number of an edit"):
        store.get("1")  # type: ignore[arg-type]
