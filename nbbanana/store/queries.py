"""Questions to the rows: every one by an index, newest first. Each function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, SupportsFloat, SupportsIndex, TypedDict

from nbbanana.store import search
from nbbanana.store.records import Asked, Edit, State
from nbbanana.store.rows import edits_from, index
from nbbanana.store.states import UNFINISHED

__all__ = [
    "Wanted",
    "between",
    "by_ask",
    "by_digest",
    "by_output",
    "by_request_id",
    "children",
    "durations",
    "executions",
    "ids",
    "matching",
    "numbered",
    "page_after",
    "searched",
    "unfinished",
]


class Wanted(TypedDict, total=False):
    """
    What edits must have; what is left out or None asks for nothing.

    Args:
        model: the endpoint, exactly.
        provider: who ran it.
        state: it is in this state, or in one of these.
        states: the same.
        seed: the seed that was sent.
        starred: whether a person starred it or one of its outputs.
        rejected: whether a person rejected it or all of its outputs.
        tag: one of its tags.
        input: an input's name, or its identity, or its SHA-256.
        notebook: where it was asked.
        since: begun then or later, in seconds since the epoch.
        until: begun then or earlier.
        before_id: only edits with a smaller id; with the last id of a page, the next page.
    """

    model: str | None
    provider: str | None
    state: State | Sequence[State] | None
    states: State | Sequence[State] | None
    seed: SupportsIndex | None
    starred: bool | None
    rejected: bool | None
    tag: str | None
    input: str | None
    notebook: str | None
    since: SupportsFloat | None
    until: SupportsFloat | None
    before_id: SupportsIndex | None


_HAS_REJECTED = "EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND rating = 'rejected')"
_IS_REJECTED = (
    "(EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND position = -1 AND rating = 'rejected')"
    " OR NOT EXISTS (SELECT 1 FROM outputs WHERE edit_id = edits.id AND position NOT IN"
    " (SELECT position FROM ratings WHERE edit_id = edits.id AND rating = 'rejected')))"
)
# What a part of a question asks for in SQL. Ids follow times closely, so a span of time is first a span of ids (the `+`
# keeps SQLite from sorting the whole span instead).
_CLAUSES = {
    "model": "model = :model",
    "provider": "provider = :provider",
    "state": "state IN (SELECT value FROM json_each(:state))",
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
}
_FLAGS = {
    ("starred", True): ["id IN (SELECT edit_id FROM ratings WHERE rating = 'starred')"],
    ("starred", False): ["NOT EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND rating = 'starred')"],
    ("rejected", True): ["id IN (SELECT edit_id FROM ratings WHERE rating = 'rejected')", _IS_REJECTED],
    ("rejected", False): [f"(NOT {_HAS_REJECTED} OR NOT {_IS_REJECTED})"],
}


def matching(connection: sqlite3.Connection, wanted: Wanted, limit: int) -> list[Edit]:
    """Return the newest edits that have all that is asked."""
    return edits_from(connection, _asked(connection, "*", wanted, limit))


def ids(connection: sqlite3.Connection, wanted: Wanted) -> list[int]:
    """Return the ids of all edits that have all that is asked, the newest first."""
    return [row["id"] for row in _asked(connection, "id", wanted, -1)]


def searched(connection: sqlite3.Connection, words: str, wanted: Wanted) -> search.Matches:
    """Return the newest edits that have all words and all that is asked."""
    clauses, values = _conditions(wanted)
    # What names few edits is looked up by number, once; only the rest needs the row of each edit that has the words.
    few = [f"+words.rowid {clause.removeprefix('id ')}" for clause in clauses if clause.startswith("id IN (")]
    rest = " AND ".join(clause for clause in clauses if not clause.startswith("id IN ("))
    if rest:
        few.append(f"EXISTS (SELECT 1 FROM edits WHERE id = words.rowid AND {rest})")  # noqa: S608 - constants
    return search.Matches(connection, words, " AND ".join(few), values)


def _asked(connection: sqlite3.Connection, columns: str, wanted: Wanted, limit: int) -> sqlite3.Cursor:
    clauses, values = _conditions(wanted)
    # The columns and clauses are constants of this module; what the user gave is bound.
    return connection.execute(
        f"SELECT {columns} FROM edits WHERE {' AND '.join(clauses) or '1'} ORDER BY id DESC LIMIT :limit",  # noqa: S608
        values | {"limit": limit},
    )


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return what is asked as conditions on `edits` in SQL, and the values that they bind."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    if unknown := asked.keys() - Wanted.__annotations__.keys():
        raise TypeError(f"There is no {', '.join(sorted(unknown))} to ask for.")
    clauses: list[str] = []
    for name, value in asked.items():
        clauses += _FLAGS[name, bool(value)] if name in {"starred", "rejected"} else [_CLAUSES[name]]
        if name in {"state", "states"}:
            states = [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]
            # A partial index is only taken where its own condition is written.
            clauses += [] if "completed" in states else ["state <> 'completed'"]
            asked[name] = json.dumps(states)
        elif name in {"seed", "before_id"}:
            asked[name] = index(value)  # type: ignore[arg-type]
        elif name in {"since", "until"}:
            asked[name] = float(value)  # type: ignore[arg-type]
    return clauses, asked


def numbered(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Edit]:
    """Return the edits with these ids, in the order of `ids`."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    found = {edit.id: edit for edit in edits_from(connection, rows)}
    return [found[edit_id] for edit_id in ids if edit_id in found]


def page_after(connection: sqlite3.Connection, after_id: int, limit: int) -> list[Edit]:
    """Return the edits with greater ids, oldest first."""
    rows = connection.execute("SELECT * FROM edits WHERE id > ? ORDER BY id LIMIT ?", (after_id, limit))
    return edits_from(connection, rows)


def between(connection: sqlite3.Connection, first_id: int, last_id: int) -> list[Edit]:
    """Return the edits with ids from `first_id` to `last_id`, oldest first."""
    rows = connection.execute("SELECT * FROM edits WHERE id BETWEEN ? AND ? ORDER BY id", (first_id, last_id))
    return edits_from(connection, rows)


def by_ask(
    connection: sqlite3.Connection,
    ask: str,
    *,
    provider: str | None,
    states: State | Sequence[State],
    cell: str | None,
    kernel: str | None,
    limit: int,
) -> list[Edit]:
    """Return the edits that asked the same and are in one of `states`; None asks for nothing."""
    given = {"provider": provider, "cell": cell, "kernel": kernel}
    clauses = "".join(f" AND {name} = :{name}" for name, value in given.items() if value is not None)
    wanted = [states] if isinstance(states, str) else list(states)
    rows = connection.execute(
        # By the ask alone: of one ask there are a few edits, of one cell or provider there may be a million.
        f"SELECT * FROM edits INDEXED BY edits_ask WHERE ask = :ask{clauses}"  # noqa: S608
        " AND state IN (SELECT value FROM json_each(:states)) ORDER BY id DESC LIMIT :limit",
        given | {"ask": ask, "states": json.dumps(wanted), "limit": limit},
    )
    return edits_from(connection, rows)


def executions(connection: sqlite3.Connection, ask: str, provider: str | None, limit: int) -> list[Asked]:
    """Return when and where an ask was made, the newest first."""
    rows = connection.execute(
        "SELECT id, kernel, cell, execution, ordinal, state FROM edits INDEXED BY edits_ask"
        " WHERE ask = ? AND provider = coalesce(?, provider) ORDER BY id DESC LIMIT ?",
        (ask, provider, limit),
    )
    return [Asked(*row) for row in rows]


def by_digest(connection: sqlite3.Connection, digest: str, limit: int) -> list[Edit]:
    """Return the edits that are the same submission."""
    rows = connection.execute("SELECT * FROM edits WHERE digest = ? ORDER BY id DESC LIMIT ?", (digest, limit))
    return edits_from(connection, rows)


def by_request_id(connection: sqlite3.Connection, request_id: str, provider: str | None) -> Edit | None:
    """Return the newest edit that its service knows by this id."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE request_id = ? AND provider = coalesce(?, provider) ORDER BY id DESC LIMIT 1",
        (request_id, provider),
    )
    return next(iter(edits_from(connection, rows)), None)


def by_output(connection: sqlite3.Connection, sha256: str, limit: int) -> list[Edit]:
    """Return the edits that made these bytes."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE id IN (SELECT edit_id FROM outputs WHERE sha256 = ?) ORDER BY id DESC LIMIT ?",
        (sha256, limit),
    )
    return edits_from(connection, rows)


def output_names(connection: sqlite3.Connection) -> list[str]:
    """Return the SHA-256 of every output, each once."""
    return [row["sha256"] for row in connection.execute("SELECT DISTINCT sha256 FROM outputs")]


def children(connection: sqlite3.Connection, edit_id: int) -> list[int]:
    """Return ids of the edits that took an output of this one as an input, oldest first."""
    rows = connection.execute("SELECT DISTINCT edit_id FROM parents WHERE parent_id = ? ORDER BY edit_id", (edit_id,))
    return [row["edit_id"] for row in rows]


def unfinished(connection: sqlite3.Connection, provider: str | None) -> list[Edit]:
    """Return the edits in which something is left to do, oldest first."""
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
        " WHERE provider = ? AND model = ? AND resolution IS ? AND watched = 1 AND is_foreign = 0"
        " AND state = 'completed' AND done_at IS NOT NULL AND accepted_at IS NOT NULL ORDER BY id DESC LIMIT ?",
        (provider, model, resolution, limit),
    )
    return [row["seconds"] for row in rows]
