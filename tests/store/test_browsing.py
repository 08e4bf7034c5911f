"""All edits in an order, and how many each further condition would leave: the same as asking one by one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.stores import generated

from nbbanana.store import Edit, Store

MANY = 240
MODEL, OTHER = "google/nano-banana-2/edit", "google/nano-banana-2/text-to-image"
ASKED: list[dict[str, Any]] = [
    {},
    {"model": MODEL},
    {"provider": "sandbox", "states": "completed"},
    {"starred": True},
    {"rejected": False, "provider": "runcomfy"},
    {"starred": False, "rejected": True},
    {"tag": "poster", "model": MODEL},
    {"words": "neon"},
    {"words": "neo", "rejected": False},
    {"words": "?!", "starred": True},
    {"states": "failed", "tag": "draft", "model": OTHER},
    {"notebook": "other.ipynb", "starred": True},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Edits of two models and providers in four states, with ratings and tags of every kind, not sorted by time."""
    chance = random.Random(4)
    with Store.open(tmp_path_factory.mktemp("browsing") / "store") as store:
        store.take_in(_mixed(chance))
        for edit in store.filter(limit=MANY):
            if chance.random() < 0.3:
                store.rate(edit.id, chance.choice([-1, 0]), chance.choice(["starred", "rejected"]))
            store.annotate(edit.id, add_tags=chance.sample(["poster", "draft"], chance.randrange(3)))
        yield store


def _mixed(chance: random.Random) -> Iterator[Edit]:
    for edit in generated(MANY):
        moved = chance.choice([0.0, 0.0, -86_400.0])
        known = chance.choice([edit.cost, None, round(chance.random(), 3)])
        state: Any = chance.choice(["completed", "completed", "failed", "rejected", "unknown"])
        done = None if chance.random() < 0.1 else edit.done_at
        ends = {"done_at": done, "finished_at": done and edit.finished_at}
        notebook = chance.choice([None, "study.ipynb", "other.ipynb"])
        yield replace(edit, notebook=notebook, created_at=edit.created_at + moved, cost=known, state=state, **ends)


def found(store: Store, wanted: dict[str, Any]) -> list[Edit]:
    """What `filter` finds."""
    return store.filter(limit=MANY, **wanted)


@pytest.mark.parametrize("wanted", ASKED)
def test_counts_are_those_of_asking_for_each_value(store: Store, wanted: dict[str, Any]) -> None:
    """Beside each value stands what the filter gives with all other conditions."""
    counts = store.facets(notebooks=["study.ipynb", "nowhere.ipynb"], **wanted)
    elsewhere = {key: value for key, value in wanted.items() if key != "notebook"}
    here = len(found(store, elsewhere | {"notebook": "study.ipynb"}))
    assert counts["notebook"] == ({"study.ipynb": here} if here else {})
    for kind, name in (("model", "model"), ("provider", "provider"), ("state", "states")):
        rest = {key: value for key, value in wanted.items() if key != name}
        assert counts[kind] == Counter(getattr(edit, kind) for edit in found(store, rest))
    untagged = {key: value for key, value in wanted.items() if key != "tag"}
    assert counts["tag"] == Counter(tag for edit in found(store, untagged) for tag in edit.tags)
    unstarred = {key: value for key, value in wanted.items() if key != "starred"}
    unrejected = {key: value for key, value in wanted.items() if key != "rejected"}
    assert counts["rating"] == {
        "starred": len(found(store, unstarred | {"starred": True})),
        "rejected": len(found(store, unrejected | {"rejected": True})),
        "kept": len(found(store, unrejected | {"rejected": False})),
    }


@pytest.mark.parametrize("wanted", ASKED)
@pytest.mark.parametrize(
    ("order", "place"),
    [
        ("newest", lambda edit: (-edit.created_at, -edit.id)),
        ("oldest", lambda edit: (edit.created_at, edit.id)),
        ("cost", lambda edit: (edit.cost is None, -(edit.cost or 0), -edit.id)),
        ("time", lambda edit: (edit.duration is None, -(edit.duration or 0), -edit.id)),
        ("rating", lambda edit: (not edit.starred, edit.rejected, -edit.created_at, -edit.id)),
    ],
)
def test_all_that_matches_comes_in_the_order_that_is_asked_for(
    store: Store, wanted: dict[str, Any], order: Any, place: Callable[[Edit], Any]
) -> None:
    """Unknown costs and times come last, rejected edits after all others; times are told where they sort."""
    shown = store.matching(order=order, **wanted)
    edits = sorted(found(store, wanted), key=place)
    assert [number for number, _ in shown] == [edit.id for edit in edits]
    times = [edit.created_at if order in {"newest", "oldest"} else None for edit in edits]
    assert [time for _, time in shown] == times


@pytest.mark.parametrize(
    ("order", "index"),
    [("newest", "edits_created"), ("oldest", "edits_created"), ("cost", "edits_cost"), ("time", "edits_seconds")],
)
def test_an_order_is_that_of_an_index(store: Store, order: Any, index: str, steps: Callable[[], list[str]]) -> None:
    """Nothing is sorted, and no prompt is read on the way."""
    store.matching(order=order)
    plan = steps()
    assert index in plan[0]
    assert not any("ORDER BY" in step for step in plan)


@pytest.mark.parametrize("wanted", [{}, {"provider": "sandbox"}, {"model": MODEL, "states": "completed"}])
def test_counts_read_an_index_and_no_row(store: Store, wanted: dict[str, Any], steps: Callable[[], list[str]]) -> None:
    """Models, providers and states are counted without a look at an edit."""
    store.facets(**wanted)
    assert sum("COVERING INDEX edits_kinds" in step for step in steps()) >= 3


@pytest.fixture
def steps(store: Store) -> Callable[[], list[str]]:
    """How SQLite answers the last question that the store asked it."""
    asked: list[str] = []
    with store._database.read() as connection:
        connection.set_trace_callback(asked.append)

    def plan() -> list[str]:
        with store._database.read() as connection:
            connection.set_trace_callback(None)
            question = next(one for one in reversed(asked) if "SELECT" in one)
            return [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {question}")]

    return plan


def test_an_empty_store_has_nothing_to_count(tmp_path: Path) -> None:
    """No value is made up."""
    with Store.open(tmp_path / "empty") as empty:
        assert empty.matching() == []
        assert empty.facets() == {
            "model": {}, "provider": {}, "state": {}, "tag": {}, "notebook": {},
            "rating": {"starred": 0, "rejected": 0, "kept": 0},
        }  # fmt: skip
