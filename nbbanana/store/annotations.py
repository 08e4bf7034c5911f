"""What people add to an edit: ratings, tags, a note. Every function works inside the caller's transaction."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable
from typing import get_args

from nbbanana.errors import StoreError
from nbbanana.store import search
from nbbanana.store.records import WHOLE, Rating
from nbbanana.store.rows import one
from nbbanana.store.values import index, text

__all__ = ["annotate", "rate"]

LONGEST_TAG = 100


def annotate(
    connection: sqlite3.Connection,
    edit_id: int,
    *,
    starred: bool | None,
    rejected: bool | None,
    note: str | None,
    add_tags: str | Iterable[str],
    remove_tags: str | Iterable[str],
) -> None:
    """
    Change what is given, leave the rest; an empty note takes the note away, one text is one tag.

    Raises:
        NotInStoreError: no such edit.
        StoreError: a tag that cannot be one.
    """
    edit_id = one(connection, edit_id)["id"]
    _mark(connection, edit_id, "starred", is_on=starred)
    _mark(connection, edit_id, "rejected", is_on=rejected)
    if note is not None:
        connection.execute("UPDATE edits SET note = nullif(?, '') WHERE id = ?", (text(note), edit_id))
    added, removed = ([(edit_id, tag) for tag in _tags(words)] for words in (add_tags, remove_tags))
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", added)
    connection.executemany("DELETE FROM tags WHERE edit_id = ? AND tag = ?", removed)
    tags = [row["tag"] for row in connection.execute("SELECT tag FROM tags WHERE edit_id = ?", (edit_id,))]
    search.reindex_annotations(connection, edit_id, tags, one(connection, edit_id)["note"])


def rate(connection: sqlite3.Connection, edit_id: int, position: int, rating: Rating | None) -> None:
    """
    Rate an output by its index, or the edit as a whole under `WHOLE`; None takes the rating back.

    The rating of a whole edit holds for each output that has none of its own: as one output gets another, the others
    keep it as their own.

    Raises:
        NotInStoreError: no such edit.
        StoreError: it has no such output, or there is no such rating.
    """
    edit_id, position = one(connection, edit_id)["id"], index(position)
    if rating is not None and rating not in get_args(Rating):
        raise StoreError(f"{rating!r:.40} is not a rating.", f"A rating is one of {', '.join(get_args(Rating))}.")
    rows = connection.execute("SELECT position FROM outputs WHERE edit_id = ?", (edit_id,))
    outputs = [row["position"] for row in rows]
    if position != WHOLE and position not in outputs:
        raise StoreError(f"Edit {edit_id} has no output {position}.", f"It has {len(outputs)} outputs.")
    if position != WHOLE:
        _hand_down(connection, edit_id, outputs)
    connection.execute("DELETE FROM ratings WHERE edit_id = ? AND position = ?", (edit_id, position))
    if rating is not None:
        connection.execute("INSERT INTO ratings VALUES (?, ?, ?)", (edit_id, position, rating))


def _hand_down(connection: sqlite3.Connection, edit_id: int, outputs: Iterable[int]) -> None:
    """Make the rating of a whole edit the own one of each output that has none."""
    connection.executemany(
        "INSERT OR IGNORE INTO ratings SELECT edit_id, ?, rating FROM ratings WHERE edit_id = ? AND position = ?",
        [(output, edit_id, WHOLE) for output in outputs],
    )
    connection.execute("DELETE FROM ratings WHERE edit_id = ? AND position = ?", (edit_id, WHOLE))


def _mark(connection: sqlite3.Connection, edit_id: int, rating: Rating, *, is_on: bool | None) -> None:
    """Give a whole edit a rating, or take it from the edit and from all its outputs, so that it is gone."""
    if is_on:
        rate(connection, edit_id, WHOLE, rating)
    elif is_on is not None:
        connection.execute("DELETE FROM ratings WHERE edit_id = ? AND rating = ?", (edit_id, rating))


def _tags(words: str | Iterable[str]) -> list[str]:
    return [_tag(word) for word in ([words] if isinstance(words, str) else words)]


def _tag(word: str) -> str:
    tag = unicodedata.normalize("NFC", " ".join((text(word) or "").split()))
    if not 0 < len(tag) <= LONGEST_TAG:
        raise StoreError(f"{word[:40]!r} cannot be a tag.", f"A tag has 1 to {LONGEST_TAG} characters.")
    return tag
