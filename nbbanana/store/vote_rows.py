"""Rows of votes. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from typing import get_args

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.store.values import LARGEST, index, text
from nbbanana.store.vote_records import Preferred, Vote, VotedOutput

__all__ = ["add", "among", "check", "of_edit", "rater_of", "remove"]

LONGEST_NAME = 100
_SELECT = "SELECT votes.*, raters.name FROM votes LEFT JOIN raters ON raters.uid = votes.rater"


def check(connection: sqlite3.Connection, first: VotedOutput, second: VotedOutput, preferred: str) -> None:
    """
    Check that a vote is about two outputs that are here.

    Raises:
        NotInStoreError: an edit is not here.
        StoreError: it has no such output, both are one, or no such preference.
    """
    if preferred not in get_args(Preferred):
        raise StoreError(f"{preferred!r:.40} is no vote.", f"A vote is one of {', '.join(get_args(Preferred))}.")
    for uid, position in (first, second):
        row = connection.execute("SELECT id FROM edits WHERE uid = ?", (uid,)).fetchone()
        if row is None:
            raise NotInStoreError("An edit that is voted on is not in the store.", f"Its uid is {uid!r:.40}.")
        place = index(position)
        found = None
        if 0 <= place <= LARGEST:
            query = "SELECT 1 FROM outputs WHERE edit_id = ? AND position = ?"
            found = connection.execute(query, (row["id"], place)).fetchone()
        if found is None:
            raise StoreError(f"Edit {row['id']} has no output {place}.", "A vote is about two outputs.")
    if first == second:
        raise StoreError("A vote is about two outputs.", "Both are the same one.")


def rater_of(connection: sqlite3.Connection, name: str | None) -> tuple[str | None, str | None]:
    """
    Return the name of a rater as it is kept, and the id, a new one for a name that is new; None without a name.

    Raises:
        StoreError: the name is too long.
    """
    name = " ".join((text(name) or "").split())
    if not name:
        return None, None
    if len(name) > LONGEST_NAME:
        raise StoreError(f"{name[:20]!r}… cannot be a rater's name.", f"A name has at most {LONGEST_NAME} characters.")
    connection.execute("INSERT OR IGNORE INTO raters VALUES (?, ?)", (uuid.uuid4().hex, name))
    return name, str(connection.execute("SELECT uid FROM raters WHERE name = ?", (name,)).fetchone()["uid"])


def add(connection: sqlite3.Connection, votes: Iterable[Vote]) -> None:
    """Add votes; one whose uid is here stays as it is."""
    for vote in votes:
        if vote.rater_id is not None:
            connection.execute("INSERT OR IGNORE INTO raters VALUES (?, NULL)", (vote.rater_id,))
        connection.execute(
            "INSERT OR IGNORE INTO votes (uid, sweep, first_uid, first_output, second_uid, second_output, preferred,"
            " rater, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (vote.uid, vote.sweep, *vote.first, *vote.second, vote.preferred, vote.rater_id, vote.at),
        )


def remove(connection: sqlite3.Connection, uid: str) -> bool:
    """Remove a vote; returns whether it was there."""
    return connection.execute("DELETE FROM votes WHERE uid = ?", (uid,)).rowcount > 0


def among(connection: sqlite3.Connection, uids: Iterable[str]) -> list[Vote]:
    """Return the votes on two outputs of these edits, in the order in which they came here."""
    wanted = json.dumps(sorted(set(uids)))
    rows = connection.execute(
        f"{_SELECT} WHERE first_uid IN (SELECT value FROM json_each(:uids))"  # noqa: S608 - constants
        " AND second_uid IN (SELECT value FROM json_each(:uids)) ORDER BY votes.id",
        {"uids": wanted},
    )
    return list(_votes(rows))


def of_edit(connection: sqlite3.Connection, uid: str, limit: int) -> list[Vote]:
    """Return the newest votes in which an output of an edit is the first one, the oldest of them first."""
    rows = connection.execute(f"{_SELECT} WHERE first_uid = ? ORDER BY votes.id DESC LIMIT ?", (uid, limit))
    return list(_votes(rows))[::-1]


def _votes(rows: Iterable[sqlite3.Row]) -> Iterator[Vote]:
    for row in rows:
        yield Vote(
            row["uid"],
            (row["first_uid"], row["first_output"]),
            (row["second_uid"], row["second_output"]),
            row["preferred"],
            row["sweep"],
            row["at"],
            row["name"],
            row["rater"],
        )
