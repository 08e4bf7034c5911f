"""Rows and records: how an edit is written and read. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, Unpack, cast

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
    OutputRecord,
    Rating,
    State,
    Transition,
    check_step,
)
from nbbanana.store.values import LARGEST, index, json_text, money, seed_number, text

__all__ = [
    "add",
    "append",
    "edits_from",
    "get",
    "id_of",
    "keep_cost",
    "last_id",
    "move",
    "numbered",
    "one",
    "write_inputs",
]

Part = TypeVar("Part")
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
    values = _values(edit) | ({"id": edit.id} if keep_id else {})
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    # The names are constants of this module; what came from outside is bound.
    cursor = connection.execute(f"INSERT INTO edits ({names}) VALUES ({marks})", values)  # noqa: S608
    edit_id = int(cursor.lastrowid or 0)
    _append(connection, edit_id, 0, *edit.transitions)
    write_inputs(connection, edit_id, (*edit.inputs, *edit.masks))
    _write_outputs(connection, edit_id, edit.outputs)
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(edit_id, text(tag)) for tag in edit.tags])
    ratings = [(edit_id, position, rating) for position, rating in edit.ratings.items()]
    connection.executemany("INSERT INTO ratings VALUES (?, ?, ?)", ratings)
    drifts.keep(connection, edit_id, edit.drifts, maps or {})
    return edit_id


def move(connection: sqlite3.Connection, edit_id: int, state: State, now: float, **facts: Unpack[Facts]) -> None:
    """
    Take one step.

    Raises:
        NotInStoreError: no such edit.
        StoreError: the step is not allowed, or the edit has another request id already.
    """
    row = one(connection, edit_id)
    request_id = _same_request(row, facts.get("request_id"))
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
    append(connection, edit_id, state, now, note)
    _write_outputs(connection, edit_id, facts.get("outputs") or ())
    if (inputs := facts.get("inputs")) is not None:
        masks = get(connection, edit_id).masks
        write_inputs(connection, edit_id, (*inputs, *masks))
        search.reindex_names(connection, edit_id, inputs)
    if state in TERMINAL:
        connection.execute("DELETE FROM leases WHERE edit_id = ?", (edit_id,))


def append(connection: sqlite3.Connection, edit_id: int, state: State, now: float, note: str | None) -> None:
    """Add one line to what happened to an edit."""
    (steps,) = connection.execute("SELECT count(*) FROM transitions WHERE edit_id = ?", (edit_id,)).fetchone()
    _append(connection, edit_id, steps, Transition(state, now, note))


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
    row: sqlite3.Row | None = None
    edit_id = index(edit_id)
    if abs(edit_id) <= LARGEST:
        row = connection.execute("SELECT * FROM edits WHERE id = ?", (edit_id,)).fetchone()
    if row is None:
        raise NotInStoreError(f"There is no edit {edit_id} in the store.", "", "%nbhistory lists those that are there.")
    return row


def id_of(connection: sqlite3.Connection, uid: str) -> int | None:
    """Return the id in this store of the edit with this uid."""
    row = connection.execute("SELECT id FROM edits WHERE uid = ?", (uid,)).fetchone()
    return None if row is None else int(row["id"])


def last_id(connection: sqlite3.Connection) -> int:
    """Return the id of the newest edit; 0 where there is none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM edits").fetchone()[0])


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
    parts = partial(_grouped, connection, json.dumps([row["id"] for row in found]))
    inputs = parts(
        "SELECT * FROM inputs WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position", _input
    )
    outputs = parts(
        "SELECT * FROM outputs WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position", _output
    )
    parents = parts(
        "SELECT * FROM parents WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position",
        lambda row: int(row["parent_id"]),
    )
    transitions = parts(
        "SELECT * FROM transitions WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position",
        lambda row: Transition(row["state"], row["at"], row["note"]),
    )
    tags = parts(
        "SELECT * FROM tags WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, tag",
        lambda row: str(row["tag"]),
    )
    ratings = parts(
        "SELECT * FROM ratings WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position", _rating
    )
    measured = parts(
        f"SELECT {drifts.COLUMNS} FROM drifts"  # noqa: S608 - constants
        " WHERE edit_id IN (SELECT value FROM json_each(?)) ORDER BY edit_id, position",
        drifts.drift_of,
    )
    return [
        _edit(
            row,
            inputs=tuple(item for item in inputs.get(row["id"], ()) if item.parameter is None),
            masks=tuple(item for item in inputs.get(row["id"], ()) if item.parameter is not None),
            outputs=outputs.get(row["id"], ()),
            parents=tuple(dict.fromkeys(parents.get(row["id"], ()))),
            transitions=transitions.get(row["id"], ()),
            tags=tags.get(row["id"], ()),
            ratings=dict(ratings.get(row["id"], ())),
            drifts=measured.get(row["id"], ()),
        )
        for row in found
    ]


def numbered(connection: sqlite3.Connection, ids: Sequence[int]) -> list[Edit]:
    """Return the edits with these ids, in the order of `ids`."""
    rows = connection.execute(
        "SELECT * FROM edits WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)
    )
    found = {edit.id: edit for edit in edits_from(connection, rows)}
    return [found[edit_id] for edit_id in ids if edit_id in found]


def _values(edit: Edit) -> dict[str, Any]:
    return {
        "uid": edit.uid,
        "model": edit.model,
        "model_named": edit.model_named,
        "provider_model": text(edit.provider_model),
        "answered_model": text(edit.answered_model),
        "schema": edit.schema_hash,
        "is_play": edit.is_play,
        "is_foreign": edit.is_foreign,
        "kernel": text(edit.kernel),
        "execution": edit.execution,
        "ordinal": edit.ordinal,
        "handle": text(edit.handle),
        "provider": edit.provider,
        "ask": edit.ask,
        "digest": edit.digest,
        "parameters": json_text(edit.parameters),
        "prompt_field": text(edit.prompt_field),
        "seed": seed_number(edit.seed),
        "seed_given": edit.seed_given,
        "state": edit.state,
        "request_id": edit.request_id,
        "created_at": edit.created_at,
        "accepted_at": edit.accepted_at,
        "started_at": edit.started_at,
        "done_at": edit.done_at,
        "finished_at": edit.finished_at,
        "watched": edit.watched,
        "price_quoted": money("price_quoted", edit.price_quoted),
        "cost": money("cost", edit.cost),
        "error": text(edit.error),
        "error_kind": edit.error_kind,
        "notebook": text(edit.notebook),
        "cell": text(edit.cell),
        "package_version": edit.package_version,
        "note": text(edit.note),
        "region": canonical_json(edit.region.as_json()) if edit.region else None,
        "parts": json_text(edit.parts) if edit.parts is not None else None,
    }


def _edit(row: sqlite3.Row, **parts: Any) -> Edit:
    values = {name: row[name] for name in _COLUMNS}
    for flag in ("seed_given", "watched", "model_named", "is_play", "is_foreign"):
        values[flag] = bool(values[flag])
    region = area_of(json.loads(row["region"])) if row["region"] else None
    apart = {
        "parameters": json.loads(row["parameters"]),
        "parts": json.loads(row["parts"]) if row["parts"] else None,
        "region": region,
        "schema_hash": row["schema"],
    }
    return Edit(**values, **apart, **parts)


_PARTS = {"inputs", "masks", "outputs", "parents", "transitions", "tags", "ratings", "drifts"}
_COLUMNS = tuple(
    name for name in Edit.__dataclass_fields__ if name not in _PARTS | {"parameters", "parts", "region", "schema_hash"}
)


def _grouped(
    connection: sqlite3.Connection, ids: str, query: str, make: Callable[[sqlite3.Row], Part]
) -> dict[int, tuple[Part, ...]]:
    """Return the parts that a query finds for a JSON list of ids, by edit."""
    grouped: defaultdict[int, list[Part]] = defaultdict(list)
    for row in connection.execute(query, (ids,)):
        grouped[row["edit_id"]].append(make(row))
    return {edit_id: tuple(group) for edit_id, group in grouped.items()}


def _rating(row: sqlite3.Row) -> tuple[int, Rating]:
    return row["position"], row["rating"]


def _input(row: sqlite3.Row) -> InputRecord:
    return InputRecord(
        name=row["name"],
        identity=row["identity"],
        sha256=row["sha256"],
        url=row["url"],
        width=row["width"],
        height=row["height"],
        note=row["note"],
        parameter=row["parameter"],
    )


def _output(row: sqlite3.Row) -> OutputRecord:
    return OutputRecord(
        index=row["position"],
        sha256=row["sha256"],
        mime=row["mime"],
        width=row["width"],
        height=row["height"],
        size=row["size"],
        url=row["url"],
    )


def _append(connection: sqlite3.Connection, edit_id: int, position: int, *transitions: Transition) -> None:
    connection.executemany(
        "INSERT INTO transitions VALUES (?, ?, ?, ?, ?)",
        [(edit_id, n, step.state, step.at, text(step.note)) for n, step in enumerate(transitions, position)],
    )


def write_inputs(connection: sqlite3.Connection, edit_id: int, inputs: Sequence[InputRecord]) -> None:
    """Put `inputs` in the place of those that are there, and link to the edits that made them."""
    connection.execute("DELETE FROM inputs WHERE edit_id = ?", (edit_id,))
    connection.execute("DELETE FROM parents WHERE edit_id = ?", (edit_id,))
    for position, item in enumerate(inputs):
        connection.execute(
            "INSERT INTO inputs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                edit_id,
                position,
                text(item.name),
                text(item.identity),
                item.sha256,
                text(item.url),
                item.width,
                item.height,
                text(item.note),
                item.parameter,
            ),
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
        [
            (edit_id, item.index, item.sha256, item.mime, item.width, item.height, item.size, text(item.url))
            for item in outputs
        ],
    )


def _same_request(row: sqlite3.Row, request_id: str | None) -> str | None:
    known: str | None = row["request_id"]
    if known is not None and request_id is not None and known != request_id:
        raise StoreError(
            f"Edit {row['id']} has a request id already.",
            f"It is {known!r}, not {request_id!r}: one edit is one submission.",
            edit_id=row["id"],
        )
    return known or request_id


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
