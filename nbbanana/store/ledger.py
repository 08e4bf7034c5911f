"""POSTs: one row each, written before it is sent. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import get_args

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store.records import SENT, Edit, Outcome, Post
from nbbanana.store.rows import get, one
from nbbanana.store.values import money, text

__all__ = ["add", "ended", "handle_of_post", "last_ended", "sent", "sent_elsewhere"]


def sent(
    connection: sqlite3.Connection,
    edit_id: int,
    now: float,
    *,
    seed: int | None,
    quote: float | None,
    is_minted: bool = False,
) -> int:
    """
    Write down that an edit is about to be sent; returns which POST of the edit it is, from 0.

    With `is_minted` it gets a handle of ours, `handle_of_post`: the service gives none.

    Raises:
        NotInStoreError: no such edit.
        StoreError: an amount that is none.
    """
    edit = one(connection, edit_id)
    (ordinal,) = connection.execute("SELECT count(*) FROM posts WHERE edit_id = ?", (edit["id"],)).fetchone()
    connection.execute(
        "INSERT INTO posts (edit_id, ordinal, sent_at, provider, handle, quote, seed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            edit["id"],
            ordinal,
            now,
            edit["provider"],
            handle_of_post(edit["uid"], ordinal) if is_minted else None,
            money("quote", quote),
            seed,
        ),
    )
    return int(ordinal)


def handle_of_post(uid: str, ordinal: int) -> str:
    """
    Return the id that a POST to a service gets here which gives none itself.

    >>> handle_of_post("ab12", 0)
    'ab12-0'
    """
    return f"{uid}-{ordinal}"


def ended(
    connection: sqlite3.Connection,
    edit_id: int,
    ordinal: int,
    outcome: Outcome,
    *,
    handle: str | None,
    cost: float | None,
) -> None:
    """
    Write down how a POST ended; an uncertain one may end otherwise later. None is nothing new.

    Raises:
        NotInStoreError: no such POST.
        StoreError: an outcome or an amount that is none.
    """
    if outcome not in get_args(Outcome):
        raise StoreError(f"{outcome!r:.40} is not an outcome of a POST.", f"It is one of {get_args(Outcome)}.")
    changed = connection.execute(
        "UPDATE posts SET outcome = ?, handle = coalesce(?, handle), cost = coalesce(?, cost)"
        " WHERE edit_id = ? AND ordinal = ?",
        (outcome, text(handle), money("cost", cost), edit_id, ordinal),
    )
    if not changed.rowcount:
        raise NotInStoreError(f"Edit {edit_id} has no POST {ordinal}.", "It was not written down before it was sent.")


def last_ended(connection: sqlite3.Connection, edit_id: int, outcome: Outcome, *, handle: str | None) -> None:
    """Write down how the last POST of an edit ended; one that was never written down is left out."""
    (last,) = connection.execute("SELECT max(ordinal) FROM posts WHERE edit_id = ?", (edit_id,)).fetchone()
    if last is not None:
        ended(connection, edit_id, last, outcome, handle=handle, cost=None)


def add(connection: sqlite3.Connection, edit_id: int, posts: Iterable[Post]) -> None:
    """Write POSTs of an edit that another store kept."""
    connection.executemany(
        "INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (edit_id, one.ordinal, one.sent_at, one.provider, one.handle, one.outcome, one.quote, one.cost, one.seed)
            for one in posts
        ],
    )


def sent_elsewhere(connection: sqlite3.Connection, edit: Edit, now: float) -> Edit | None:
    """
    Return the newest other edit of the same ask and provider that was or is being sent; None where there is none.

    Of those that were written down before this one, which answered when this one began, only those that could come to
    ask the same since: a later pass asks what it asks once its picture is there. They are done, or a kernel is at it.
    """
    found = connection.execute(
        "SELECT id FROM edits WHERE ask = :ask AND provider = :provider AND id <> :id AND NOT is_foreign"
        " AND state IN (SELECT value FROM json_each(:sent)) AND (id > :id OR state = 'completed' OR EXISTS"
        " (SELECT 1 FROM leases WHERE edit_id = edits.id AND expires_at > :now)) ORDER BY id DESC LIMIT 1",
        {"ask": edit.ask, "provider": edit.provider, "id": edit.id, "sent": json.dumps(SENT), "now": now},
    ).fetchone()
    return None if found is None else get(connection, found["id"])
