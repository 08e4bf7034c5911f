"""JSON Schemas of models, each kept once by its hash: for showing and replaying edits without a catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from nbbanana.errors import NotInStoreError, StoreError
from nbbanana.request import canonical_json, sha256_of

__all__ = ["MOST_BYTES", "checked", "get", "has", "keep"]

MOST_BYTES = 256 << 10
"""Bytes of a schema as canonical JSON."""
MOST_LEVELS = 40
"""Levels of nesting."""


def keep(connection: sqlite3.Connection, schema: Mapping[str, Any], sha256: str | None = None) -> str:
    """
    Keep a schema; returns its hash.

    Args:
        connection: in a transaction.
        schema: the schema.
        sha256: its hash where the caller knows it; one that is kept by that is not looked at again.

    Raises:
        StoreError: it is not JSON, too large or nested too deep.
    """
    if sha256 is not None and has(connection, sha256):
        return sha256
    body = checked(schema)
    sha256 = sha256_of(dict(schema))
    connection.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (sha256, body))
    return sha256


def get(connection: sqlite3.Connection, sha256: str) -> Mapping[str, Any]:
    """
    Return the schema with this hash.

    Raises:
        NotInStoreError: there is none.
    """
    row = connection.execute("SELECT body FROM schemas WHERE sha256 = ?", (sha256,)).fetchone()
    if row is None:
        raise NotInStoreError(f"The schema {sha256[:12]}… is not in the store.", "No edit of it has that schema.")
    schema: dict[str, Any] = json.loads(row["body"])
    return schema


def has(connection: sqlite3.Connection, sha256: str) -> bool:
    """Return whether the schema with this hash is kept."""
    return connection.execute("SELECT 1 FROM schemas WHERE sha256 = ?", (sha256,)).fetchone() is not None


def checked(schema: Mapping[str, Any]) -> str:
    """
    Return the canonical JSON of a schema.

    Raises:
        StoreError: it is not a JSON object, larger than `MOST_BYTES`, or nested deeper than `MOST_LEVELS`.
    """
    if not isinstance(schema, Mapping) or not _is_shallow(schema, MOST_LEVELS):
        raise _refused(f"It is no JSON object of at most {MOST_LEVELS} levels.")
    try:
        body = canonical_json(dict(schema))
        size = len(body.encode())
    except (TypeError, ValueError) as error:  # UnicodeEncodeError, of half a surrogate pair, is a ValueError
        raise _refused("It is not JSON.") from error
    if size > MOST_BYTES:
        raise _refused(f"It has more than {MOST_BYTES >> 10} KiB.")
    return body


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    parts = value.values() if isinstance(value, Mapping) else value
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)


def _refused(why: str) -> StoreError:
    return StoreError("The model's schema cannot be kept.", why)
