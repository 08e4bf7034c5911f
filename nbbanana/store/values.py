"""Values as the store can hold them: text, JSON, whole numbers, amounts of money, and models' JSON Schemas."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, SupportsIndex

from nbbanana.errors import StoreError, translated
from nbbanana.request import canonical_json, sha256_of

if TYPE_CHECKING:
    import sqlite3

__all__ = [
    "LARGEST",
    "MOST_MONEY",
    "checked_schema",
    "has_schema",
    "index",
    "json_text",
    "keep_schema",
    "money",
    "seed_number",
    "text",
]

LARGEST = 2**63 - 1
"""The largest number that a column holds."""
MOST_MONEY = 1e6
"""US dollars; no edit costs more, and sums stay exact."""
MOST_SCHEMA = 256 << 10
"""Bytes of a model's schema as canonical JSON."""
MOST_LEVELS = 40
"""Levels of nesting of a model's schema."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def money(name: str, dollars: float | None) -> float | None:
    """
    Return an amount that can be added up.

    Raises:
        StoreError: it is negative, larger than `MOST_MONEY`, or not a number.
    """
    if dollars is None:
        return None
    if not (math.isfinite(dollars) and 0 <= dollars <= MOST_MONEY):
        why = f"An amount of US dollars is a finite number from 0 to {MOST_MONEY:,.0f}."
        raise StoreError(f"{name} cannot be {dollars!r:.40}.", why)
    return float(dollars)


def index(value: SupportsIndex) -> int:
    """
    Return a whole number, also one of NumPy's or pandas'; one that SQLite cannot hold as the last that it can.

    Raises:
        StoreError: it is not one.
    """
    try:
        return max(-LARGEST, min(operator.index(value), LARGEST))
    except TypeError:
        raise StoreError(f"{value!r:.40} is not a number of an edit.", "Edits have whole numbers.") from None


def seed_number(seed: int | None) -> int | None:
    """
    Return a seed that the store can hold.

    Raises:
        StoreError: it is no whole number, or one that is too large.
    """
    if seed is None:
        return None
    if index(seed) != seed:
        raise StoreError(f"seed cannot be {seed}.", "The store keeps whole numbers from -2^63 to 2^63 - 1.")
    return index(seed)


def text(value: str | None) -> str | None:
    """Return text as SQLite can hold it: a file name that is no Unicode keeps its odd bytes as escapes."""
    return value if value is None else value.encode("utf-8", "backslashreplace").decode()


def json_text(value: Mapping[str, Any]) -> str:
    """Return canonical JSON; half a surrogate pair, which is no Unicode, as the escape that JSON has for it."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", canonical_json(dict(value)))


def keep_schema(connection: sqlite3.Connection, schema: Mapping[str, Any], sha256: str | None = None) -> str:
    """
    Keep a model's JSON Schema, once by its hash; returns its hash.

    Args:
        connection: in a transaction.
        schema: the schema.
        sha256: its hash where the caller knows it; one that is kept by that is not looked at again.

    Raises:
        StoreError: it is not JSON, too large or nested too deep.
    """
    if sha256 is not None and has_schema(connection, sha256):
        return sha256
    body = checked_schema(schema)
    sha256 = sha256_of(dict(schema))
    connection.execute("INSERT OR IGNORE INTO schemas VALUES (?, ?)", (sha256, body))
    return sha256


def has_schema(connection: sqlite3.Connection, sha256: str) -> bool:
    """Return whether the schema with this hash is kept."""
    return connection.execute("SELECT 1 FROM schemas WHERE sha256 = ?", (sha256,)).fetchone() is not None


def checked_schema(schema: Mapping[str, Any]) -> str:
    """
    Return the canonical JSON of a model's schema.

    Raises:
        StoreError: it is not a JSON object, larger than `MOST_SCHEMA`, or nested deeper than `MOST_LEVELS`.
    """
    if not isinstance(schema, Mapping) or not _is_shallow(schema, MOST_LEVELS):
        raise _refused(f"It is no JSON object of at most {MOST_LEVELS} levels.")
    # UnicodeEncodeError, of half a surrogate pair, is a ValueError.
    with translated((TypeError, ValueError), lambda _: _refused("It is not JSON.")):
        body = canonical_json(dict(schema))
        size = len(body.encode())
    if size > MOST_SCHEMA:
        raise _refused(f"It has more than {MOST_SCHEMA >> 10} KiB.")
    return body


def _is_shallow(value: Any, levels: int) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    parts = value.values() if isinstance(value, Mapping) else value
    return levels > 0 and all(_is_shallow(part, levels - 1) for part in parts)


def _refused(why: str) -> StoreError:
    return StoreError("The model's schema cannot be kept.", why)
