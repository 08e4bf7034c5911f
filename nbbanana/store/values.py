"""Values as SQLite can hold them: text, JSON, whole numbers and amounts of money."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from typing import Any, SupportsIndex

from nbbanana.errors import StoreError
from nbbanana.request import canonical_json

__all__ = ["LARGEST", "MOST_MONEY", "index", "json_text", "money", "seed_number", "text"]

LARGEST = 2**63 - 1
MOST_MONEY = 1e6
"""US dollars; no edit costs more, and sums stay exact."""
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
    Return a whole number, also one of NumPy's or pandas'.

    Raises:
        StoreError: it is not one.
    """
    try:
        return operator.index(value)
    except TypeError:
        raise StoreError(f"{value!r:.40} is not a number of an edit.", "Edits have whole numbers.") from None


def text(value: str | None) -> str | None:
    """Return text as SQLite can hold it: a file name that is no Unicode keeps its odd bytes as escapes."""
    return value if value is None else value.encode("utf-8", "backslashreplace").decode()


def json_text(value: Mapping[str, Any]) -> str:
    """Return canonical JSON; half a surrogate pair, which is no Unicode, as the escape that JSON has for it."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", canonical_json(dict(value)))


def seed_number(seed: int | None) -> int | None:
    """
    Return a seed that the store can hold.

    Raises:
        StoreError: it is no whole number, or one that is too large.
    """
    if seed is None:
        return None
    seed = index(seed)
    if abs(seed) > LARGEST:
        raise StoreError(f"seed cannot be {seed}.", "The store keeps whole numbers from -2^63 to 2^63 - 1.")
    return seed
