"""What edits must have, as conditions in SQL that an index answers; all that match, in an order; and their counts."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypedDict, Unpack, cast

from nbbanana.store import rows, search
from nbbanana.store.queries import Reader
from nbbanana.store.records import Edit, State
from nbbanana.store.values import index

__all__ = ["COMPARISONS", "DRIFT", "Facets", "Filters", "Order", "Wanted"]

Order = Literal["newest", "oldest", "cost", "time", "rating"]
"""How edits are sorted: by when they were begun, or what is dearest, slowest or starred first."""

Facets = dict[str, dict[str, int]]
"""How many edits have each `model`, `provider`, `state` and `tag`, and each `notebook` that is named; under `rating`:
`starred`, `rejected`, `kept`."""


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
# What says that a person starred or rejected an edit; the few that have such a rating are found first.
_STARRED = "id IN (SELECT edit_id FROM ratings WHERE rating = 'starred')"
_REJECTED = ["id IN (SELECT edit_id FROM ratings WHERE rating = 'rejected')", _IS_REJECTED]


DRIFT = {"drift_outside": "recoloured_outside", "redrawn_outside": "redrawn_outside", "moved": "moved"}
"""The figures that can be asked for, by what they are called here and in their table."""
COMPARISONS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def _drift(figure: str, kind: str) -> list[str]:
    """
    Return what asks for a figure, such as `moved__lt`: an edit is as bad as its worst output.

    So `gt` and `ge` ask for one output, `lt` and `le` for all: one that could not be measured may be worse.
    """
    compared = f"{DRIFT[figure]} {COMPARISONS[kind]} :{figure}__{kind}"
    one = f"id IN (SELECT edit_id FROM drifts WHERE {compared})"  # noqa: S608 - constants of this module
    if kind in {"gt", "ge"}:
        return [one]
    return [one, f"NOT EXISTS (SELECT 1 FROM drifts WHERE edit_id = edits.id AND ({compared}) IS NOT 1)"]  # noqa: S608


# What a part of a question asks for in SQL. Ids follow times closely, so a span of time is first a span of ids (the `+`
# keeps SQLite from sorting the whole span instead).
_CLAUSES = {
    "model": ["model = :model"],
    "provider": ["provider = :provider"],
    "state": ["state IN (SELECT value FROM json_each(:state))"],
    "states": ["state IN (SELECT value FROM json_each(:states))"],
    "seed": ["seed = :seed"],
    "tag": ["id IN (SELECT edit_id FROM tags WHERE tag = :tag)"],
    "input": [
        (
            "id IN (SELECT edit_id FROM inputs WHERE name = :input UNION SELECT edit_id FROM inputs"
            " WHERE identity IN (:input, 'sha256:' || :input))"
        )
    ],
    "notebook": ["notebook = :notebook"],
    "since": [
        (
            "id >= (SELECT min(id) FROM edits INDEXED BY edits_created WHERE created_at >= :since)"
            " AND +created_at >= :since"
        )
    ],
    "until": [
        (
            "id <= (SELECT max(id) FROM edits INDEXED BY edits_created WHERE created_at <= :until)"
            " AND +created_at <= :until"
        )
    ],
    "before_id": ["id < :before_id"],
    **{f"{figure}__{kind}": _drift(figure, kind) for figure in DRIFT for kind in COMPARISONS},
}
_MARKS = {
    ("starred", True): [_STARRED],
    ("starred", False): ["NOT EXISTS (SELECT 1 FROM ratings WHERE edit_id = edits.id AND rating = 'starred')"],
    ("rejected", True): _REJECTED,
    ("rejected", False): [f"(NOT {_HAS_REJECTED} OR NOT {_IS_REJECTED})"],
}


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return what is asked as conditions on `edits` in SQL, and the values that they bind."""
    asked: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if unknown := asked.keys() - Wanted.__annotations__.keys():
        raise TypeError(f"There is no {', '.join(sorted(unknown))} to ask for.")
    clauses: list[str] = []
    for name, value in asked.items():
        clauses += _CLAUSES[name] if name in _CLAUSES else _MARKS[name, bool(value)]
        if name in {"state", "states"}:
            states = [value] if isinstance(value, str) else list(value)
            # A partial index is only taken where its own condition is written.
            clauses += [] if "completed" in states else ["state <> 'completed'"]
            asked[name] = json.dumps(states)
        elif name in {"seed", "before_id"}:
            asked[name] = index(value)
        elif name in {"since", "until"} or "__" in name:
            asked[name] = float(value)
    return clauses, asked


_NEWEST = "created_at DESC, id DESC"
_ORDERS: dict[Order, str] = {
    "newest": _NEWEST,
    "oldest": "created_at, id",
    "cost": "cost DESC, id DESC",
    "time": "coalesce(done_at, finished_at) - accepted_at DESC, id DESC",  # as the index edits_seconds has it
    "rating": f"id IN starred DESC, id IN rejected, {_NEWEST}",
}
_KINDS = ("model", "provider", "state")

# Made once for a statement, and only where it names them: which edits have a rating, and which have all words.
_RATED = (
    f"WITH starred (id) AS MATERIALIZED (SELECT id FROM edits WHERE {_STARRED}),"  # noqa: S608 - constants
    f" rejected (id) AS MATERIALIZED (SELECT id FROM edits WHERE {' AND '.join(_REJECTED)}), "
)
_FOUND = "found (id) AS MATERIALIZED (SELECT rowid FROM words WHERE words MATCH :expression)"
_NOTHING_FOUND = "found (id) AS (SELECT NULL WHERE 0)"


class Filters(Reader):
    """Questions for the edits that have all that is asked."""

    def filter(self, *, words: str | None = None, limit: int = 50, **wanted: Unpack[Wanted]) -> list[Edit]:
        """
        Return the newest edits that have all that is asked; None asks for nothing.

        Args:
            words: it has all of them, as `search` takes them.
            limit: at most so many.
            wanted: see `Wanted`.
        """
        with self._database.read() as connection:
            if words is None:
                clauses, values = _conditions(wanted)
                # The clauses are constants of this module; what the user gave is bound.
                found = connection.execute(
                    f"SELECT * FROM edits WHERE {' AND '.join(clauses) or '1'} ORDER BY id DESC LIMIT :limit",  # noqa: S608
                    values | {"limit": index(limit)},
                )
                return rows.edits_from(connection, found)
            newest = _searched(connection, words, wanted)[: index(limit)]
            return rows.numbered(connection, [row["id"] for row in newest])

    def matching(
        self, *, words: str | None = None, order: Order = "newest", **wanted: Unpack[Wanted]
    ) -> list[tuple[int, float | None]]:
        """
        Return id and time of all edits that match, sorted.

        Args:
            words: they have all of them; the last one is also taken as the beginning of a word.
            order: `newest`, `oldest`, `cost`, `time` or `rating`; the time is None where they are not sorted by it.
            wanted: see `Wanted`.
        """
        tables, expression = _tables(words)
        clauses, values = _where(words, wanted)
        time = "created_at" if order in {"newest", "oldest"} else "NULL"
        # Clauses, columns and orders are constants of this package; what the user gave is bound.
        found = self._rows(
            f"{tables} SELECT id, {time} FROM edits WHERE {clauses} ORDER BY {_ORDERS[order]}",  # noqa: S608
            expression | values,
        )
        return [tuple(row) for row in found]

    def facets(self, *, words: str | None = None, notebooks: Sequence[str] = (), **wanted: Unpack[Wanted]) -> Facets:
        """
        Return how many edits have each model, provider, state, tag and rating, under all other conditions.

        So the counts beside one kind of value do not change as one of that kind is chosen.

        Args:
            words: as `matching` takes them.
            notebooks: the names of notebooks whose edits are counted too.
            wanted: see `Wanted`.
        """
        tables, expression = _tables(words)
        values = _where(words, wanted)[1] | expression | {"notebooks": json.dumps(list(notebooks))}
        arms = " UNION ALL ".join(_arms(words, wanted, notebooks))
        counts: Facets = {name: {} for name in (*_KINDS, "tag", "rating", "notebook")}
        for facet, value, many in self._rows(f"{tables} {arms}", values):
            counts[facet][value] = many
        return counts

    def search(self, words: str, limit: int = 50, **wanted: Unpack[Wanted]) -> list[Edit]:
        """
        Return the edits with all these words in their prompt, tags, note or the names of their inputs, the best first.

        The last word is also taken as the beginning of one. Nothing in `words` is a command.

        Args:
            words: what they hold.
            limit: at most so many.
            wanted: what they have as well, see `Wanted`.
        """
        with self._database.read() as connection:
            found = search.ranked(_searched(connection, words, wanted), words)
            return rows.numbered(connection, found[: index(limit)])


def _searched(connection: sqlite3.Connection, words: str, wanted: Wanted) -> list[sqlite3.Row]:
    """Return the newest edits that have all words and all that is asked."""
    clauses, values = _conditions(wanted)
    # What names few edits is looked up by number, once; only the rest needs the row of each edit that has the words.
    few = [f"+words.rowid {clause.removeprefix('id ')}" for clause in clauses if clause.startswith("id IN (")]
    rest = " AND ".join(clause for clause in clauses if not clause.startswith("id IN ("))
    if rest:
        few.append(f"EXISTS (SELECT 1 FROM edits WHERE id = words.rowid AND {rest})")  # noqa: S608 - constants
    return search.newest(connection, words, " AND ".join(few), values)


def _arms(words: str | None, wanted: Wanted, notebooks: Sequence[str]) -> Iterator[str]:
    """Yield a SELECT for each kind of value, without the conditions on that kind."""
    for kind in _KINDS:
        clauses, _ = _where(words, wanted, kind)
        # Without the hint an index of one column would be taken, and the row of each edit read for the others.
        edits = "edits INDEXED BY edits_kinds"
        yield f"SELECT '{kind}', {kind}, count(*) FROM {edits} WHERE {clauses} GROUP BY {kind}"  # noqa: S608
    clauses, _ = _where(words, wanted, "tag")
    yield f"SELECT 'tag', tag, count(*) FROM tags JOIN edits ON id = edit_id WHERE {clauses} GROUP BY tag"  # noqa: S608
    for mark, rating, is_rated in (
        ("starred", "starred", "id IN starred"),
        ("rejected", "rejected", "id IN rejected"),
        ("rejected", "kept", "id NOT IN rejected"),
    ):
        clauses, _ = _where(words, wanted, mark)
        yield f"SELECT 'rating', '{rating}', count(*) FROM edits WHERE {is_rated} AND {clauses}"  # noqa: S608
    if notebooks:  # which their index finds
        clauses, _ = _where(words, wanted, "notebook")
        named = "notebook IN (SELECT value FROM json_each(:notebooks))"
        yield f"SELECT 'notebook', notebook, count(*) FROM edits WHERE {named} AND {clauses} GROUP BY notebook"  # noqa: S608


def _where(words: str | None, wanted: Wanted, left_out: str = "") -> tuple[str, dict[str, Any]]:
    """Return the conditions but one as SQL, and what they bind."""
    kept = {name: value for name, value in wanted.items() if value is not None and name.removesuffix("s") != left_out}
    rated = [f"id {'' if kept.pop(name) else 'NOT '}IN {name}" for name in ("starred", "rejected") if name in kept]
    clauses, values = _conditions(cast("Wanted", kept))
    return " AND ".join([*clauses, *rated, *([] if words is None else ["id IN found"])]) or "1", values


def _tables(words: str | None) -> tuple[str, dict[str, Any]]:
    """Return the common tables of a statement, and what they bind."""
    expression = search.query(words) if words is not None else ""
    return (f"{_RATED}{_FOUND}", {"expression": expression}) if expression else (f"{_RATED}{_NOTHING_FOUND}", {})
