"""All edits that match, in an order, and how many of them each further condition would leave."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal, cast

from nbbanana.store import search
from nbbanana.store.conditions import IS_REJECTED, IS_STARRED, Wanted, conditions

__all__ = ["Facets", "Order", "facets", "matching"]

Order = Literal["newest", "oldest", "cost", "time", "rating"]
"""How edits are sorted: by when they were begun, or what is dearest, slowest or starred first."""

Facets = dict[str, dict[str, int]]
"""How many edits have each `model`, `provider`, `state` and `tag`, and each `notebook` that is named; under `rating`:
`starred`, `rejected`, `kept`."""

_NEWEST = "created_at DESC, id DESC"
_ORDERS: dict[Order, str] = {
    "newest": _NEWEST,
    "oldest": "created_at, id",
    "cost": "cost DESC, id DESC",
    "time": "coalesce(done_at, finished_at) - accepted_at DESC, id DESC",  # as the index edits_seconds has it
    "rating": f"id IN starred DESC, id IN rejected, {_NEWEST}",
}
_BY_TIME = frozenset({"newest", "oldest"})
_KINDS = ("model", "provider", "state")

# Made once for a statement, and only where it names them: which edits have a rating, and which have all words.
_RATED = (
    f"WITH starred (id) AS MATERIALIZED (SELECT id FROM edits WHERE {IS_STARRED[0]}),"  # noqa: S608 - constants
    f" rejected (id) AS MATERIALIZED (SELECT id FROM edits WHERE {' AND '.join(IS_REJECTED)}), "
)
_FOUND = "found (id) AS MATERIALIZED (SELECT rowid FROM words WHERE words MATCH :expression)"
_NOTHING_FOUND = "found (id) AS (SELECT NULL WHERE 0)"


def matching(
    connection: sqlite3.Connection, words: str | None, order: Order, wanted: Wanted
) -> list[tuple[int, float | None]]:
    """Return id and time of all edits that match, sorted; the time is None where they are not sorted by it."""
    tables, expression = _tables(words)
    clauses, values = _where(words, wanted)
    time = "created_at" if order in _BY_TIME else "NULL"
    # Clauses, columns and orders are constants of this package; what the user gave is bound.
    rows = connection.execute(
        f"{tables} SELECT id, {time} FROM edits WHERE {clauses} ORDER BY {_ORDERS[order]}",  # noqa: S608
        expression | values,
    )
    return [tuple(row) for row in rows]


def facets(connection: sqlite3.Connection, words: str | None, wanted: Wanted, notebooks: Sequence[str] = ()) -> Facets:
    """
    Return how many edits have each value, among those that meet all other conditions.

    So the counts beside one kind of value do not change as one of that kind is chosen. Of notebooks those are counted
    that are named.
    """
    tables, values = _tables(words)
    arms = []
    for arm, more in [*_arms(words, wanted), *_notebook_arm(words, wanted, notebooks)]:
        arms.append(arm)
        values |= more
    counts: Facets = {name: {} for name in (*_KINDS, "tag", "rating", "notebook")}
    for facet, value, many in connection.execute(f"{tables} {' UNION ALL '.join(arms)}", values):
        counts[facet][value] = many
    return counts


def _arms(words: str | None, wanted: Wanted) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a SELECT for each kind of value, without the conditions on that kind, and what it binds."""
    for kind in _KINDS:
        clauses, values = _where(words, wanted, kind)
        # Without the hint an index of one column would be taken, and the row of each edit read for the others.
        edits = "edits INDEXED BY edits_kinds"
        yield f"SELECT '{kind}', {kind}, count(*) FROM {edits} WHERE {clauses} GROUP BY {kind}", values  # noqa: S608
    clauses, values = _where(words, wanted, "tag")
    tagged = "tags JOIN edits ON id = edit_id"
    yield f"SELECT 'tag', tag, count(*) FROM {tagged} WHERE {clauses} GROUP BY tag", values  # noqa: S608
    for rating, is_rated in (
        ("starred", "id IN starred"),
        ("rejected", "id IN rejected"),
        ("kept", "id NOT IN rejected"),
    ):
        clauses, values = _where(words, wanted, "starred" if rating == "starred" else "rejected")
        yield f"SELECT 'rating', '{rating}', count(*) FROM edits WHERE {is_rated} AND {clauses}", values  # noqa: S608


def _notebook_arm(words: str | None, wanted: Wanted, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a SELECT for some notebooks, which their index finds; nothing where none is named."""
    if names:
        clauses, values = _where(words, wanted, "notebook")
        named = "notebook IN (SELECT value FROM json_each(:notebooks))"
        counted = f"SELECT 'notebook', notebook, count(*) FROM edits WHERE {named} AND {clauses} GROUP BY notebook"  # noqa: S608
        yield counted, {**values, "notebooks": json.dumps(names)}


def _where(words: str | None, wanted: Wanted, left_out: str = "") -> tuple[str, dict[str, Any]]:
    """Return the conditions but one as SQL, and what they bind."""
    kept = {name: value for name, value in wanted.items() if value is not None and name.removesuffix("s") != left_out}
    rated = [f"id {'' if kept.pop(name) else 'NOT '}IN {name}" for name in ("starred", "rejected") if name in kept]
    clauses, values = conditions(cast("Wanted", kept))
    return " AND ".join([*clauses, *rated, *([] if words is None else ["id IN found"])]) or "1", values


def _tables(words: str | None) -> tuple[str, dict[str, Any]]:
    """Return the common tables of a statement, and what they bind."""
    expression = search.query(words) if words is not None else ""
    return (f"{_RATED}{_FOUND}", {"expression": expression}) if expression else (f"{_RATED}{_NOTHING_FOUND}", {})
