"""Rows and records: how an edit is written and read. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import Any, Unpack, cast

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.regions import area_of
from nbbanana.request import canonical_json
from nbbanana.store import drifts, search
from nbbanana.store.records import (
    ACCEPTED,
    TERMINAL,
    UNCERTAIN,
    Edit,
    Facts,
    InputRecord,
    OutputDrift,
    OutputRecord,
    State,
    Transition,
    check_step,
)
from nbbanana.store.values import index, json_text, money, seed_number, text
from nbbanana.text import counted

__all__ = [
    "add",
    "append",
    "edits_from",
    "get",
    "insert",
    "keep_cost",
    "move",
    "numbered",
    "one",
    "outputs_of",
    "write_inputs",
]

_BY_CONTENT = "sha256:"


def add(
    connection: sqlite3.Connection, edit: Edit, *, keep_id: bool = False, maps: Mapping[int, bytes] | None = None
) -> int:
    """
    Write a whole edit, whatever state it is in, with its heat maps by output; its `parents` are not looked at but found
    here, and so is its `id` unless `keep_id` says that it is free.

    It is not findable by its words yet: `search.index` is for the end of a transaction, since every other statement
    after it has FTS5 write out what it gathered.

    Returns:
        The id it has in this store.
    """
    edit_id = insert(connection, "edits", _values(edit) | ({"id": edit.id} if keep_id else {}))
    append(connection, edit_id, *edit.transitions)
    write_inputs(connection, edit_id, (*edit.inputs, *edit.masks))
    _write_outputs(connection, edit_id, edit.outputs)
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(edit_id, text(tag)) for tag in edit.tags])
    ratings = [(edit_id, position, rating) for position, rating in edit.ratings.items()]
    connection.executemany("INSERT INTO ratings VALUES (?, ?, ?)", ratings)
    drifts.keep(connection, edit_id, edit.drifts, maps or {})
    return edit_id


def insert(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> int:
    """Insert a row by the names of its columns; returns its number."""
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    # The names are constants of this package; what came from outside is bound.
    cursor = connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608
    return int(cursor.lastrowid or 0)


def move(connection: sqlite3.Connection, edit_id: int, state: State, now: float, **facts: Unpack[Facts]) -> None:
    """
    Take one step.

    Raises:
        NotInStoreError: no such edit.
        StoreError: the step is not allowed, or the edit has another request id already.
    """
    row = one(connection, edit_id)
    known, told = row["request_id"], facts.get("request_id")
    if known is not None and told is not None and known != told:
        raise StoreError(
            f"Edit {row['id']} has a request id already.",
            f"It is {known!r}, not {told!r}: one edit is one submission.",
            edit_id=row["id"],
        )
    request_id = known or told
    check_step(edit_id, row["state"], state, request_id)
    reported, notes = _amounts(facts)
    connection.execute(
        "UPDATE edits SET state = :state, request_id = :request_id, accepted_at = :accepted_at,"
        " started_at = :started_at, done_at = :done_at, finished_at = :finished_at, error = :error,"
        " error_kind = :error_kind, cost = coalesce(:cost, cost), handle = coalesce(:handle, handle),"
        " answered_model = coalesce(:answered_model, answered_model),"
        " price_quoted = coalesce(:price_quoted, price_quoted) WHERE id = :id",
        {
            "id": edit_id,
            "state": state,
            "request_id": request_id,
            "handle": text(facts.get("handle")),
            "answered_model": text(facts.get("answered_model")),
            **reported,
            **_times(row, state, now, facts),
            **_errors(row, facts),
        },
    )
    if reported["cost"] is not None:
        keep_cost(connection, edit_id, reported["cost"])
    note = " ".join(filter(None, (facts.get("note"), *notes))) or None
    append(connection, edit_id, Transition(state, now, note))
    _write_outputs(connection, edit_id, facts.get("outputs") or ())
    if (inputs := facts.get("inputs")) is not None:
        masks = get(connection, edit_id).masks
        write_inputs(connection, edit_id, (*inputs, *masks))
        search.reindex_names(connection, edit_id, inputs)
    if state in TERMINAL:
        connection.execute("DELETE FROM leases WHERE edit_id = ?", (edit_id,))


def append(connection: sqlite3.Connection, edit_id: int, *transitions: Transition) -> None:
    """Add lines to what happened to an edit."""
    connection.executemany(
        "INSERT INTO transitions SELECT ?, count(*), ?, ?, ? FROM transitions WHERE edit_id = ?",
        [(edit_id, step.state, step.at, text(step.note), edit_id) for step in transitions],
    )


def keep_cost(connection: sqlite3.Connection, edit_id: int, cost: float) -> None:
    """
    Have the POSTs of an edit cost together what the edit costs: the only one all of it, of several the only one whose
    cost is not known the rest.
    """
    posts = connection.execute(
        "SELECT ordinal, cost FROM posts WHERE edit_id = ? AND outcome IN ('accepted', 'uncertain')", (edit_id,)
    ).fetchall()
    open_posts = [post for post in posts if post["cost"] is None] if len(posts) > 1 else posts
    if len(open_posts) == 1:
        rest = cost - sum(post["cost"] or 0.0 for post in posts if post is not open_posts[0])
        connection.execute(
            "UPDATE posts SET cost = ? WHERE edit_id = ? AND ordinal = ?",
            (max(0.0, round(rest, 9)), edit_id, open_posts[0]["ordinal"]),
        )


def one(connection: sqlite3.Connection, edit_id: int) -> sqlite3.Row:
    """
    Return the bare row of an edit.

    Raises:
        NotInStoreError: no such edit.
    """
    row: sqlite3.Row | None = connection.execute("SELECT * FROM edits WHERE id = ?", (index(edit_id),)).fetchone()
    if row is None:
        raise NotInStoreError(f"There is no edit {edit_id} in the store.", "", "%nbhistory lists those that are there.")
    return row


def outputs_of(connection: sqlite3.Connection, edit_id: int, wanted: Iterable[int]) -> list[int]:
    """
    Return the indices of the outputs of an edit.

    Raises:
        StoreError: one that is wanted is not among them.
    """
    rows = connection.execute("SELECT position FROM outputs WHERE edit_id = ?", (edit_id,))
    outputs = [row["position"] for row in rows]
    if strange := sorted(set(wanted).difference(outputs)):
        raise StoreError(f"Edit {edit_id} has no output {strange[0]}.", f"It has {counted(len(outputs), 'output')}.")
    return outputs


def get(connection: sqlite3.Connection, edit_id: int) -> Edit:
    """
    Return an edit with everything that belongs to it.

    Raises:
        NotInStoreError: no such edit.
    """
    return edits_from(connection, [one(connection, edit_id)])[0]


def edits_from(connection: sqlite3.Connection, rows: Iterable[sqlite3.Row]) -> list[Edit]:
    """Return the edits of bare rows, in their order: one query a kind of part, however many rows there are."""
    found = list(rows)
    if not found:
        return []
    ids = json.dumps([row["id"] for row in found])
    parts = {name: _grouped(connection, ids, name, *how) for name, how in _PARTS.items()}
    return [_edit(row, {name: grouped.get(row["id"], ()) for name, grouped in parts.items()}) for row in found]


def numbered(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Edit]:
    """Return the edits with these ids, in the order of `ids`."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    found = {edit.id: edit for edit in edits_from(connection, rows)}
    return [found[edit_id] for edit_id in ids if edit_id in found]


def _values(edit: Edit) -> dict[str, Any]:
    """Return the columns of an edit: its fields of the same names, and those that are kept in a way of their own."""
    values = {name: _plain(getattr(edit, name)) for name in _COLUMNS}
    return values | {
        "schema": edit.schema_hash,
        "parameters": json_text(edit.parameters),
        "seed": seed_number(edit.seed),
        "price_quoted": money("price_quoted", edit.price_quoted),
        "cost": money("cost", edit.cost),
        "region": canonical_json(edit.region.as_json()) if edit.region else None,
        "parts": json_text(edit.parts) if edit.parts is not None else None,
    }


def _plain(value: Any) -> Any:
    return text(value) if isinstance(value, str) else value


def _read(body: str | None) -> Any:
    return None if body is None else json.loads(body)


def _edit(row: sqlite3.Row, parts: Mapping[str, Sequence[Any]]) -> Edit:
    values = {name: row[name] for name in _COLUMNS}
    values |= {name: bool(row[name]) for name in _FLAGS}
    pictures = parts["inputs"]
    return Edit(
        **values,
        id=row["id"],
        parameters=json.loads(row["parameters"]),
        parts=_read(row["parts"]),
        region=area_of(_read(row["region"])) if row["region"] else None,
        schema_hash=row["schema"],
        inputs=tuple(item for item in pictures if item.parameter is None),
        masks=tuple(item for item in pictures if item.parameter is not None),
        outputs=tuple(parts["outputs"]),
        parents=tuple(dict.fromkeys(parts["parents"])),
        transitions=tuple(parts["transitions"]),
        tags=tuple(parts["tags"]),
        ratings=dict(parts["ratings"]),
        drifts=tuple(parts["drifts"]),
    )


_APART = {"id", "parameters", "parts", "region", "schema_hash"}
"""Fields of an edit that have a column which says them otherwise."""
_PARTS: dict[str, tuple[str, str, Callable[[sqlite3.Row], Any]]] = {
    "inputs": ("*", "position", lambda row: InputRecord(*tuple(row)[2:])),
    "outputs": ("*", "position", lambda row: OutputRecord(*tuple(row)[1:])),
    "parents": ("*", "position", lambda row: row["parent_id"]),
    "transitions": ("*", "position", lambda row: Transition(*tuple(row)[2:])),
    "tags": ("*", "tag", lambda row: row["tag"]),
    "ratings": ("*", "position", lambda row: (row["position"], row["rating"])),
    "drifts": (
        drifts.COLUMNS,
        "position",
        lambda row: OutputDrift(row["position"], row["against"], row["sentence"], row["reason"], _read(row["figures"])),
    ),
}
"""What belongs to an edit in tables of their own: the columns, what they are sorted by, and what is made of a row."""
_COLUMNS = tuple(name for name in Edit.__dataclass_fields__ if name not in {"masks", *_PARTS, *_APART})
_FLAGS = ("seed_given", "watched", "model_named", "is_play", "is_foreign")


def _grouped(
    connection: sqlite3.Connection, ids: str, table: str, columns: str, order: str, make: Callable[[sqlite3.Row], Any]
) -> dict[int, list[Any]]:
    """Return what belongs to the edits of a JSON list of ids, by edit."""
    grouped: defaultdict[int, list[Any]] = defaultdict(list)
    rows = connection.execute(
        f"SELECT {columns} FROM {table} WHERE edit_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constants
        f" ORDER BY edit_id, {order}",
        (ids,),
    )
    for row in rows:
        grouped[row["edit_id"]].append(make(row))
    return grouped


def write_inputs(connection: sqlite3.Connection, edit_id: int, inputs: Sequence[InputRecord]) -> None:
    """Put `inputs` in the place of those that are there, and link to the edits that made them."""
    connection.execute("DELETE FROM inputs WHERE edit_id = ?", (edit_id,))
    connection.execute("DELETE FROM parents WHERE edit_id = ?", (edit_id,))
    for position, item in enumerate(inputs):
        connection.execute(
            "INSERT INTO inputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (edit_id, position, *map(_plain, astuple(item))),
        )
        if item.parameter is None and item.identity.startswith(_BY_CONTENT):
            # Of several edits that made the same bytes, the newest before this one is the parent.
            connection.execute(
                "INSERT INTO parents SELECT ?, ?, max(edit_id) FROM outputs WHERE sha256 = ? AND edit_id < ?"
                " HAVING max(edit_id) IS NOT NULL",
                (edit_id, position, item.identity.removeprefix(_BY_CONTENT), edit_id),
            )


def _write_outputs(connection: sqlite3.Connection, edit_id: int, outputs: Sequence[OutputRecord]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO outputs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(edit_id, *map(_plain, astuple(item))) for item in outputs],
    )


def _amounts(facts: Facts) -> tuple[dict[str, float | None], list[str]]:
    """Return the amounts that a service reported; an impossible one is left out, with a note that says so."""
    amounts: dict[str, float | None] = {}
    notes = []
    for name in ("cost", "price_quoted"):
        reported = cast("float | None", facts.get(name))
        try:
            amounts[name] = money(name, reported)
        except StoreError:
            amounts[name] = None
            notes.append(f"A {name} of {reported!r:.40} was told, which cannot be; it is left out.")
    return amounts, notes


def _times(row: sqlite3.Row, state: State, now: float, facts: Facts) -> dict[str, float | None]:
    def first(name: str, *, applies: bool, when: float = now) -> float | None:
        kept: float | None = row[name]
        return when if kept is None and applies else kept

    # A job begins unseen, between two looks: not before it was accepted, not after it was seen.
    told = facts.get("started_at")
    began = min(now, max(told if told is not None else now, row["accepted_at"] or now))
    accepted = min(now, facts.get("accepted_at") or now)
    return {
        "accepted_at": first("accepted_at", applies=state in ACCEPTED, when=accepted),
        "started_at": first("started_at", applies=state == "running", when=began),
        "done_at": first("done_at", applies=state in {"downloading", "completed"}),
        "finished_at": now if state in TERMINAL else None,
    }


def _errors(row: sqlite3.Row, facts: Facts) -> dict[str, str | None]:
    """Return the error columns of an edit: empty once it is no longer uncertain; its transitions keep theirs."""
    kept = row["state"] not in UNCERTAIN
    return {
        "error": text(facts.get("error")) or (row["error"] if kept else None),
        "error_kind": facts.get("error_kind") or (row["error_kind"] if kept else None),
    }
