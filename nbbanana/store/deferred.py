"""
An edit that is written down before its pictures are known: a later pass, which edits what an earlier one gives.

It has its number and keeps money back from the beginning. What it asks is filled in before it is sent. Until then its
digests are its own, so that no other request is answered by it or waits for it.
"""

from __future__ import annotations

import sqlite3

from nbbanana.errors import StoreError
from nbbanana.store import search
from nbbanana.store.records import Edit
from nbbanana.store.rows import one, write_inputs

__all__ = ["fill"]


def fill(connection: sqlite3.Connection, edit_id: int, asked: Edit) -> None:
    """
    Write down what an edit asks, once its pictures are known; inside the caller's transaction.

    Args:
        connection: of the store.
        edit_id: an edit that is `prepared`.
        asked: its digests, seed, pictures and masks.

    Raises:
        NotInStoreError: no such edit.
        StoreError: it ended or was sent meanwhile.
    """
    if (state := one(connection, edit_id)["state"]) != "prepared":
        raise StoreError(f"Edit {edit_id} cannot be filled in.", f"It is {state!r} already.", edit_id=edit_id)
    connection.execute(
        "UPDATE edits SET ask = ?, digest = ?, seed = ? WHERE id = ?",
        (asked.ask, asked.digest, asked.seed, edit_id),
    )
    write_inputs(connection, edit_id, (*asked.inputs, *asked.masks))
    search.reindex_names(connection, edit_id, asked.inputs)
