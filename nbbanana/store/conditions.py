"""What edits must have, as conditions in SQL: each can be answered by an index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, SupportsFloat, SupportsIndex, TypedDict

from nbbanana.store.records import State
from nbbanana.store.values import index

__all__ = ["COMPARISONS", "DRIFT", "IS_REJECTED", "IS_STARRED", "Wanted", "conditions"]


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
        drift_outside__lt: all its outputs are less recoloured (mean ΔE00) outside of what was to change than this;
            `le` at most so; `gt` one of them more, `ge` one of them at least so. Likewise `redrawn_outside` (0 to 1)
            and `moved` (pixels). An edit of which nothing was measured has none of them.
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
    drift_outside__lt: SupportsFloat | None
    drift_outside__le: SupportsFloat | None
    drift_outside__gt: SupportsFloat | None
    drift_outside__ge: SupportsFloat | None
    redrawn_outside__lt: SupportsFloat | None
    redrawn_outside__le: SupportsFloat | None
    redrawn_outside__gt: SupportsFloat | None
    redrawn_outside__ge: SupportsFloat | None
    moved__lt: SupportsFloat | None
    moved__le: SupportsFloat | None
    moved__gt: SupportsFloat | None
    moved__ge: SupportsFloat | None


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

DRIFT = {"drift_outside": "recoloured_outside", "redrawn_outside": "redrawn_outside", "moved": "moved"}
"""The figures that can be asked for, by what they are called here and in their table."""
COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def _drift(name: str) -> list[str]:
    """
    Return what asks for a figure, such as `moved__lt`: an edit is as bad as its worst output.

    So `gt` and `ge` ask for one output, `lt` and `le` for all: one that could not be measured may be worse.
    """
    figure, _, kind = name.partition("__")
    compared = f"{DRIFT[figure]} {COMPARISONS[kind]} :{name}"
    one = f"id IN (SELECT edit_id FROM drifts WHERE {compared})"  # noqa: S608 - constants of this module
    if kind in {"gt", "ge"}:
        return [one]
    return [one, f"NOT EXISTS (SELECT 1 FROM drifts WHERE edit_id = edits.id AND ({compared}) IS NOT 1)"]  # noqa: S608


_OF_DRIFT = {name: _drift(name) for name in (f"{figure}__{kind}" for figure in DRIFT for kind in COMPARISONS)}


def conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return what is asked as conditions on `edits` in SQL, and the values that they bind."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    if unknown := asked.keys() - Wanted.__annotations__.keys():
        raise TypeError(f"There is no {', '.join(sorted(unknown))} to ask for.")
    clauses: list[str] = []
    for name, value in asked.items():
        clauses += _clauses(name, value)
        if name in {"state", "states"}:
            states = [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload]
            # A partial index is only taken where its own condition is written.
            clauses += [] if "completed" in states else ["state <> 'completed'"]
            asked[name] = json.dumps(states)
        elif name in {"seed", "before_id"}:
            asked[name] = index(value)  # type: ignore[arg-type]
        elif name in {"since", "until"} or name in _OF_DRIFT:
            asked[name] = float(value)  # type: ignore[arg-type]
    return clauses, asked


def _clauses(name: str, value: Any) -> list[str]:
    if name in {"starred", "rejected"}:
        return list(_FLAGS[name, bool(value)])
    return _OF_DRIFT.get(name) or [_CLAUSES[name]]
