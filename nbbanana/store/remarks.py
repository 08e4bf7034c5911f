"""What people add to an edit: a star, a rejection, tags, a note."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable

from nbbanana.errors import StoreError
from nbbanana.store import search
from nbbanana.store.rows import one, text

__all__ = ["annotate"]

LONGEST_TAG = 100


def annotate(
    connection: sqlite3.Connection,
    edit_id: int,
    *,
    starred: bool | None,
    rejected: bool | None,
    note: str | None,
    add_tags: Iterable[str],
    remove_tags: Iterable[str],
) -> None:
    """
    Change what is given, leave the rest; an empty note takes the note away.

    Raises:
        NotInStoreError: no such edit.
        StoreError: a tag that cannot be one.
    """
    one(connection, edit_id)
    connection.execute(
        "UPDATE edits SET starred = coalesce(?, starred), rejected = coalesce(?, rejected),"
        " note = nullif(coalesce(?, note), '') WHERE id = ?",
        (starred, rejected, text(note), edit_id),
    )
    connection.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(edit_id, _tag(tag)) for tag in add_tags])
    connection.executemany(
        "DELETE FROM tags WHERE edit_id = ? AND tag = ?", [(edit_id, _tag(tag)) for tag in remove_tags]
    )
    tags = [row["tag"] for row in connection.execute("SELECT tag FROM tags WHERE edit_id = ?", (edit_id,))]
    search.reindex_remarks(connection, edit_id, tags, one(connection, edit_id)["note"])


def _tag(word: str) -> str:
    tag = unicodedata.normalize("NFC", " ".join((text(word) or "").split()))
    if not 0 < len(tag) <= LONGEST_TAG:
        raise StoreError(f"{word[:40]!r} cannot be a tag.", f"A tag has 1 to {LONGEST_TAG} characters.")
    return tag
