"""Questions to the rows: every one by an index, newest first. Each function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nbbanana.store.records import Edit, State
from nbbanana.store.rows import edits_from
from nbbanana.store.states import UNFINISHED

__all__ = [
    "Question",
    "between",
    "by_ask",
    "by_digest",
    "by_output",
    "by_request_id",
    "children",
    "durations",
    "ids",
    "matching",
    "numbered",
    "page_after",
    "unfinished",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What edits must have; None asks for nothing. See `Store.filter`."""

    model: str | None = None
    provider: str | None = None
    states: Sequence[State] | None = None
    seed: int | None = None
    starred: bool | None = None
    rejected: bool | None = None
    tag: str | None = None
    input: str | None = None
    notebook: str | None = None
    since: float | None = None
    until: float | None = None
    before_id: int | None = None
    among: Sequence[int] | None = None


# What a part of a question asks for in SQL. Ids follow times closely, so a span of time is first a span of ids (the `+`
# keeps SQLite from sorting the whole span instead).
_CLAUSES = {
    "model": "model = :model",
    "provider": "provider = :provider",
    "states": "state IN (SELECT value FROM json_each(:states))",
    "seed": "seed = :seed",
    "tag": "id IN (SELECT edit_id FROM tags WHERE tag = :tag)",
    "input": "id IN (SELECT edit_id FROM inputs WHERE name = :input UNION SELECT edit_id FROM inputs"
    " WHERE identity IN (:input, 'sha256:' || :input))",
    "notebook": "notebook = :notebook",
    "since": "id >= (SELECT min(id) FROM edits INDEXED BY edits_created WHERE created_at >= :since)"
    " AND +created_at >= :since",
    "until": "id <= (SELECT max(id) FROM edits INDEXED BY edits_created WHERE created_at <= :until)"
    " AND +created_at <= :until",
    "before_id": "id < :before_id",
    "among": "id IN (SELECT value FROM json_each(:among))",
}


def matching(connection: sqlite3.Connection, question: Question, limit: int) -> list[Edit]:
    """The newest edits that have all that is asked."""
    return edits_from(connection, _asked(connection, "*", question, limit))


def ids(connection: sqlite3.Connection, question: Question) -> list[int]:
    """The ids of all edits that have all that is asked, the newest first."""
    return [row[0] for row in _asked(connection, "id", question, -1)]


def _asked(connection: sqlite3.Connection, columns: str, question: Question, limit: int) -> sqlite3.Cursor:
    asked = {name: value for name in Question.__slots__ if (value := getattr(question, name)) is not None}
    # A flag is spelled out, since a partial index is only taken where its own condition is written.
    clauses = [f"{name} = {value:d}" if isinstance(value, bool) else _CLAUSES[name] for name, value in asked.items()]
    values: dict[str, Any] = asked | {"limit": limit}
    values |= {name: json.dumps(list(asked[name])) for name in ("states", "among") if name in asked}
    if "completed" not in asked.get("states", ["completed"]):
        clauses.append("state <> 'completed'")
    where = " AND ".join(clauses) or "1"
    # The columns and clauses are constants of this module; what the user gave is bound.
    return connection.execute(f"SELECT {columns} FROM edits WHERE {where} ORDER BY id DESC LIMIT :limit", values)  # noqa: S608


def numbered(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Edit]:
    """The edits with these ids, in the order of `ids`."""
    rows = connection.execute("SELECT * FROM edits WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))
    found = {edit.id: edit for edit in edits_from(connection, rows)}
    return [found[edit_id] for edit_id in ids if edit_id in found]


def page_after(connection: sqlite3.Connection, after_id: int, limit: int) -> list[Edit]:
    """The edits with greater ids, oldest first."""
    rows = connection.execute("SELECT * FROM edits WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))
    return edits_from(connection, rows)


def between(connection: sqlite3.Connection, first_id: int, last_id: int) -> list[Edit]:
    """The edits with ids from `first_id` to `last_id`, oldest first."""
    rows = connection.execute("SELECT * FROM edits WHERE id BETWEEN ? AND ? ORDER BY id", (first_id, last_id))
    return edits_from(connection, rows)


def by_ask(
    connection: sqlite3.Connection, ask: str, provider: str | None, states: Sequence[State], limit: int
) -> list[Edit]:
    """The edits that asked the same and are in one of `states`."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE ask = ? AND provider = coalesce(?, provider)"
        " AND state IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?",
        (ask, provider, json.dumps(list(states)), limit),
    )
    return edits_from(connection, rows)


def by_digest(connection: sqlite3.Connection, digest: str, limit: int) -> list[Edit]:
    """The edits that are the same submission."""
    rows = connection.execute("SELECT * FROM edits WHERE digest = ? ORDER BY id DESC LIMIT ?", (digest, limit))
    return edits_from(connection, rows)


def by_request_id(connection: sqlite3.Connection, request_id: str, provider: str | None) -> Edit | None:
    """The newest edit that its service knows by this id."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE request_id = ? AND provider = coalesce(?, provider) ORDER BY id DESC LIMIT 1",
        (request_id, provider),
    )
    return next(iter(edits_from(connection, rows)), None)


def by_output(connection: sqlite3.Connection, sha256: str, limit: int) -> list[Edit]:
    """The edits that made these bytes."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE id IN (SELECT edit_id FROM outputs WHERE sha256 = ?) ORDER BY id DESC LIMIT ?",
        (sha256, limit),
    )
    return edits_from(connection, rows)


def output_names(connection: sqlite3.Connection) -> list[str]:
    """The SHA-256 of every output, each once."""
    return [row["sha256"] for row in connection.execute("SELECT DISTINCT sha256 FROM outputs")]


def children(connection: sqlite3.Connection, edit_id: int) -> list[int]:
    """Ids of the edits that took an output of this one as an input, oldest first."""
    rows = connection.execute("SELECT DISTINCT edit_id FROM parents WHERE parent_id = ? ORDER BY edit_id", (edit_id,))
    return [row["edit_id"] for row in rows]


def unfinished(connection: sqlite3.Connection, provider: str | None) -> list[Edit]:
    """The edits that somebody still has to do something about, oldest first."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE state <> 'completed' AND state IN (SELECT value FROM json_each(?))"
        " AND provider = coalesce(?, provider) ORDER BY id",
        (json.dumps(UNFINISHED), provider),
    )
    return edits_from(connection, rows)


def durations(
    connection: sqlite3.Connection, model: str, resolution: str | None, provider: str, limit: int
) -> list[float]:
    """Seconds at work, or from acceptance where that is not known, until done, of jobs that were watched all along."""
    rows = connection.execute(
        "SELECT max(0.0, done_at - coalesce(started_at, accepted_at)) AS seconds FROM edits"
        " WHERE provider = ? AND model = ? AND resolution IS ? AND watched = 1 AND state = 'completed'"
        " AND done_at IS NOT NULL AND accepted_at IS NOT NULL ORDER BY id DESC LIMIT ?",
        (provider, model, resolution, limit),
    )
    return [row["seconds"] for row in rows]
