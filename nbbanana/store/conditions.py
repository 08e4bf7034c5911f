"""What edits must have, as conditions in SQL: each can be answered by an index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, SupportsFloat, SupportsIndex, TypedDict

from nbbanana.store.records import State
from nbbanana.store.values import index

__all__ = ["IS_REJECTED", "IS_STARRED", "Wanted", "conditions"]


class Wanted(TypedDict, total=False):
    """
    What edits must have; what is left out or None asks for nothing.

    Args:
        model: the endpoint, exactly.
        provider: who ran it.
        state: it is in this state, or in one of these.
        states: the same.
        seed: the seed that was sent.
        starred: whether a person starred it or one of its outputs.
        rejected: whether a person rejected it or all of its outputs.
        tag: one of its tags.
        input: an input's name, or its identity, or its SHA-256.
        notebook: where it was asked.
        since: begun then or later, in seconds since the epoch.
        until: begun then or earlier.
        before_id: only edits with a smaller id; with the last id of a page, the next page.
    """

    model: str | None
    provider: str | None
    state: State | Sequence[State] | None
    states: State | Sequence[State] | None
    seed: SupportsIndex | None
    starred: bool | None
    rejected: bool | None
    tag: str | None
    input: str | None
    notebook: str | None
    since: SupportsFloat | None
    until: SupportsFloat | None
    before_id: SupportsIndex | None


_HAS_REJECTED = "EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND rating = 'rejected')"
_IS_REJECTED = (
    "(EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND position = -1 AND rating = 'rejected')"
    " OR NOT EXISTS (SELECT 1 FROM outputs WHERE edit_id = edits.id AND position NOT IN"
    " (SELECT position FROM ratings WHERE edit_id = edits.id AND rating = 'rejected')))"
)
IS_STARRED = ("id IN (SELECT edit_id FROM ratings WHERE rating = 'starred')",)
IS_REJECTED = ("id IN (SELECT edit_id FROM ratings WHERE rating = 'rejected')", _IS_REJECTED)
"""What says that a person starred or rejected an edit; the few that have such a rating are found first."""

# What a part of a question asks for in SQL. Ids follow times closely, so a span of time is first a span of ids (the `+`
# keeps SQLite from sorting the whole span instead).
_CLAUSES = {
    "model": "model = :model",
    "provider": "provider = :provider",
    "state": "state IN (SELECT value FROM json_each(:state))",
    "states": "state IN (SELECT value FROM json_each(:states))",
    "seed": "seed = :seed",
    "tag": "id IN (SELECT edit_id FROM tags WHERE tag = :tag)",
    "input": "id IN (SELECT edit_id FROM inputs WHERE name = :input UNION SELECT edit_id FROM inputs"
    " WHERE identity IN (:input, 'sha256:' || :input))",
    "notebook": "notebook = :notebook",
    "since": "id >= (SELECT min(id) FROM edits INDEXED BY edits_created WHERE created_at >= :since)"
    " AND +created_at >= :since",
    "until": "id <= (SELECT max(id) FROM edits INDEXED BY edits_created WHERE created_at <= :until)"
    " AND +created_at <= :until",
    "before_id": "id < :before_id",
}
_FLAGS = {
    ("starred", True): IS_STARRED,
    ("starred", False): ["NOT EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND rating = 'starred')"],
    ("rejected", True): IS_REJECTED,
    ("rejected", False): [f"(NOT {_HAS_REJECTED} OR NOT {_IS_REJECTED})"],
}


def conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return what is asked as conditions on `edits` in SQL, and the values that they bind."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    if unknown := asked.keys() - Wanted.__annotations__.keys():
        raise TypeError(f"There is no {', '.join(sorted(unknown))} to ask for.")
    clauses: list[str] = []
    for name, value in asked.items():
        clauses += _FLAGS[name, bool(value)] if name in {"starred", "rejected"} else [_CLAUSES[name]]
        if name in {"state", "states"}:
            states = [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]
            # A partial index is only taken where its own condition is written.
            clauses += [] if "completed" in states else ["state <> 'completed'"]
            asked[name] = json.dumps(states)
        elif name in {"seed", "before_id"}:
            asked[name] = index(value)  # type: ignore[arg-type]
        elif name in {"since", "until"}:
            asked[name] = float(value)  # type: ignore[arg-type]
    return clauses, asked
