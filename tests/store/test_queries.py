"""Questions are answered newest first, by an index, and say only what is there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from support.stores import MODEL, Clock, asked, complete, picture, sha256

from nbbanana.store import Edit, Store


def ids(edits: list[Edit]) -> list[int]:
    """The ids, in the order of the answer."""
    return [edit.id for edit in edits]


def test_pages_follow_one_another_without_gap_or_overlap(store: Store) -> None:
    """From the newest page to the oldest, each edit is seen once; the walk the other way sees the same."""
    for _ in range(7):
        store.begin(asked())
    seen: list[int] = []
    while page := store.filter(before_id=seen[-1] if seen else None, limit=3):
        seen += ids(page)
    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert ids(store.page_after(0, 3)) + ids(store.page_after(3, 9)) == seen[::-1]
    assert ids(store.between(3, 5)) == [3, 4, 5]
    assert ids(store.numbered([5, 99, 2])) == [5, 2]
    assert (store.count(), store.last_id()) == (7, 7)


def test_an_empty_store_answers_everything_with_nothing(store: Store) -> None:
    """No question fails for want of edits."""
    assert (store.count(), store.last_id(), store.filter(), store.unfinished()) == (0, 0, [], [])
    assert (store.search("x"), store.filter(starred=True), store.by_ask("a"), store.total_cost()) == ([], [], [], {})
    spent = store.spending("sandbox").total
    assert (spent, store.durations("m", None, "p"), store.has_paid_edits()) == (0.0, [], False)


def test_an_ask_is_answered_by_its_own_provider_only(store: Store) -> None:
    """Reuse asks by question, provider and state; the newest answer comes first."""
    new = asked()
    first, second = complete(store, new, "a"), complete(store, new, "b")
    paid = complete(store, asked(provider="runcomfy"), "c")
    waiting = store.begin(new)
    assert ids(store.by_ask(new.ask, "sandbox")) == [second.id, first.id]
    assert ids(store.by_ask(new.ask, "sandbox", limit=1)) == [second.id]
    assert ids(store.by_ask(new.ask, "runcomfy")) == [paid.id]
    assert ids(store.by_ask(new.ask)) == [paid.id, second.id, first.id]
    assert ids(store.by_ask(new.ask, "sandbox", states=("prepared",))) == [waiting.id]
    assert ids(store.by_digest(new.digest)) == [waiting.id, second.id, first.id]
    assert store.by_ask(sha256("another"), "sandbox") == []


def test_one_question_to_several_models_is_asked_at_once(store: Store) -> None:
    """Of the further asks only edits count whose user named no model, and they use none of the limit if they did."""
    own, other = asked(), asked(model="fal/another", model_named=False)
    first = complete(store, other, "a")
    second = complete(store, own, "b")
    complete(store, asked(model="fal/another"), "c")
    unnamed = [other.ask, sha256("a third")]
    assert ids(store.by_ask(own.ask, "sandbox", unnamed=unnamed)) == [second.id, first.id]
    assert ids(store.by_ask(own.ask, "sandbox", unnamed=unnamed, limit=1)) == [second.id]
    assert ids(store.by_ask(sha256("nothing"), "sandbox", unnamed=unnamed, limit=1)) == [first.id]
    assert store.by_ask(own.ask, "runcomfy", unnamed=unnamed) == []


def test_unfinished_edits_are_those_somebody_has_to_see_to(store: Store) -> None:
    """From `prepared` to `downloading`, oldest first; what ended, or is unknown, is not among them."""
    complete(store, asked(), "a")
    states: list[Any] = ["prepared", "submitting", "queued", "running", "downloading", "failed", "unknown"]
    for state in states:
        edit = store.begin(asked())
        for step in [] if state == "prepared" else ["submitting"] if state == "submitting" else ["submitting", state]:
            if step == "failed":
                store.move(edit.id, "queued", request_id="f")
            store.move(
                edit.id, step, request_id=f"r{edit.id}" if step in {"queued", "running", "downloading"} else None
            )
    assert [edit.state for edit in store.unfinished()] == states[:5]
    assert store.unfinished("runcomfy") == []


def test_durations_tell_how_long_such_jobs_take(store: Store, clock: Clock) -> None:
    """Newest first, kept apart by model, resolution and provider; from acceptance until done, downloads left out."""

    def run(seconds: float, **changes: Any) -> Edit:
        edit = store.begin(asked(**changes))
        clock.tick(5)
        store.move(edit.id, "submitting")
        store.move(edit.id, "queued", request_id=f"r{edit.id}")
        clock.tick(seconds)
        store.move(edit.id, "downloading")
        clock.tick(30)
        return store.move(edit.id, "completed")

    for seconds in (10, 12, 14):
        run(seconds)
    run(40, parameters={"prompt": "p", "resolution": "4K"})
    run(50, provider="runcomfy")
    assert store.durations(MODEL, None, "sandbox") == [14, 12, 10]
    assert store.durations(MODEL, None, "sandbox", limit=2) == [14, 12]
    assert store.durations(MODEL, "4K", "sandbox") == [40]
    assert store.durations(MODEL, None, "runcomfy") == [50]
    assert store.durations("other", None, "sandbox") == []


def test_time_in_a_queue_is_not_time_at_work(store: Store, clock: Clock) -> None:
    """What the next job will take is learnt from when work began, which lies between two looks at it."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    accepted = store.move(edit.id, "queued", request_id="r").accepted_at
    assert accepted is not None
    clock.tick(100)
    running = store.move(edit.id, "running", started_at=accepted + 95)
    assert running.started_at == accepted + 95
    assert running.transitions[-1].at == accepted + 100
    clock.tick(7)
    store.move(edit.id, "running", started_at=accepted + 104)
    done = store.move(edit.id, "completed")
    assert store.durations(MODEL, None, "sandbox") == [12]
    assert done.duration == 107


@pytest.mark.parametrize(("said", "kept"), [(-1000.0, 0.0), (1000.0, 100.0), (None, 100.0)])
def test_work_begins_after_acceptance_and_before_it_is_seen(
    store: Store, clock: Clock, said: float | None, kept: float
) -> None:
    """Whatever is guessed, a record does not contradict itself."""
    edit = store.begin(asked())
    store.move(edit.id, "submitting")
    accepted = store.move(edit.id, "queued", request_id="r").accepted_at
    assert accepted is not None
    clock.tick(100)
    began = store.move(edit.id, "running", started_at=None if said is None else accepted + said).started_at
    assert began == accepted + kept


def test_a_job_nobody_watched_does_not_say_how_long_it_took(store: Store, clock: Clock) -> None:
    """A job that another kernel took up hours later is left out of the durations, and its record says why."""
    edit = store.begin(asked())
    store.claim(edit.id, "elsewhere:1:a", ttl=60)
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id="r")
    clock.tick(3600)
    assert store.claim(edit.id, "elsewhere:2:b", ttl=60)
    edit = store.move(edit.id, "completed")
    assert (edit.watched, edit.duration) == (False, 3600)
    assert store.durations(MODEL, None, "sandbox") == []


def test_filters_combine(store: Store, clock: Clock) -> None:
    """Each filter picks what it says, and several pick what has all of it."""
    portrait = store.begin(asked("one", picture("portrait.jpg"), seed=1, notebook="a.ipynb")).id
    begun = clock.tick(100)
    landscape = store.begin(asked("two", picture("landscape.jpg", "hills"), seed=2, model="other")).id
    clock.tick(100)
    paid = store.begin(asked("three", picture("portrait.jpg"), provider="runcomfy", seed=1)).id
    store.annotate(portrait, starred=True, add_tags=["keep"])
    store.annotate(paid, rejected=True, add_tags=["keep"])
    store.move(landscape, "rejected")
    questions: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [paid, landscape, portrait]),
        ({"model": "other"}, [landscape]),
        ({"provider": "runcomfy"}, [paid]),
        ({"seed": 1}, [paid, portrait]),
        ({"states": ["rejected"]}, [landscape]),
        ({"states": ["prepared", "completed"]}, [paid, portrait]),
        ({"starred": True}, [portrait]),
        ({"starred": False}, [paid, landscape]),
        ({"rejected": True}, [paid]),
        ({"rejected": False}, [landscape, portrait]),
        ({"tag": "keep"}, [paid, portrait]),
        ({"input": "portrait.jpg"}, [paid, portrait]),
        ({"input": sha256("hills")}, [landscape]),
        ({"input": f"sha256:{sha256('hills')}"}, [landscape]),
        ({"notebook": "a.ipynb"}, [portrait]),
        ({"since": begun}, [paid, landscape]),
        ({"until": begun}, [landscape, portrait]),
        ({"since": begun, "until": begun}, [landscape]),
        ({"since": begun + 1e9}, []),
        ({"before_id": paid}, [landscape, portrait]),
        ({"limit": 1}, [paid]),
        ({"tag": "keep", "seed": 1, "input": "portrait.jpg", "starred": True, "until": begun}, [portrait]),
        ({"tag": "keep' OR '1'='1"}, []),
    ]
    assert [(asked_for, ids(store.filter(**asked_for))) for asked_for, _ in questions] == questions


QUESTIONS: dict[str, Callable[[Store], object]] = {
    "get": lambda store: store.get(1),
    "find": lambda store: store.find("x"),
    "by ask": lambda store: store.by_ask("x", "sandbox"),
    "by several asks": lambda store: store.by_ask("x", "sandbox", unnamed=["y", "z"]),
    "by digest": lambda store: store.by_digest("x"),
    "by output": lambda store: store.by_output("x"),
    "children": lambda store: store.children(1),
    "unfinished": lambda store: store.unfinished(),
    "settle abandoned": lambda store: store.settle_abandoned(),
    "is claimed": lambda store: store.is_claimed(1),
    "durations": lambda store: store.durations("m", None, "p"),
    "spending": lambda store: store.spending("p", 1.0),
    "page": lambda store: store.filter(before_id=10),
    "page after": lambda store: store.page_after(10),
    "model": lambda store: store.filter(model="m"),
    "provider": lambda store: store.filter(provider="p"),
    "seed": lambda store: store.filter(seed=1),
    "states": lambda store: store.filter(states=["failed"]),
    "starred": lambda store: store.filter(starred=True),
    "rejected": lambda store: store.filter(rejected=True),
    "tag": lambda store: store.filter(tag="t"),
    "input": lambda store: store.filter(input="i"),
    "notebook": lambda store: store.filter(notebook="n"),
    "since": lambda store: store.filter(since=1.0),
    "until": lambda store: store.filter(until=1.0),
    "drift outside, less": lambda store: store.filter(drift_outside__lt=2),
    "drift outside, more": lambda store: store.filter(drift_outside__ge=2),
    "redrawn outside": lambda store: store.filter(redrawn_outside__le=0.3, redrawn_outside__gt=0.1),
    "moved, with words": lambda store: store.search("snow", moved__lt=1.5, moved__gt=0),
    "heat map": lambda store: store.heat_map(1, 0),
    "not measured": lambda store: store.unmeasured(),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_by_an_index(store: Store, name: str) -> None:
    """SQLite's own plan of each statement walks no table from end to end, so answers stay instant at a million."""
    store.begin(asked())
    asked_for: list[str] = []
    with store._database.read() as connection:
        connection.set_trace_callback(asked_for.append)
    QUESTIONS[name](store)
    planner = sqlite3.connect(store.folder / "edits.sqlite")
    selects = [statement for statement in asked_for if statement.startswith("SELECT")]
    plans = {select: [row[3] for row in planner.execute(f"EXPLAIN QUERY PLAN {select}")] for select in selects}
    planner.close()
    assert plans
    # Leases are walked: there are as many as jobs under way.
    tables = ("edits", "inputs", "outputs", "parents", "transitions", "tags", "words", "drifts")
    walks = {select: plan for select, plan in plans.items() if any(f"SCAN {table}" in plan for table in tables)}
    assert walks == {}
