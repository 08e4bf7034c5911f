"""`Reader`: what a store can be asked, every question answered by an index. Nothing here changes it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from nbbanana.store import browsing, drifts, model_schemas, rows, search
from nbbanana.store.conditions import Wanted, conditions
from nbbanana.store.database import Database
from nbbanana.store.records import Edit, Post, State
from nbbanana.store.values import index

__all__ = ["Reader"]


class Reader:
    """
    The questions to a store. Each is answered from one state of it, whatever others write meanwhile.

    Args:
        database: the rows.
        clock: the time, in seconds since the epoch: it says which leases are over.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def get(self, edit_id: int) -> Edit:
        """Return the edit with this id; NotInStoreError where there is none."""
        with self._database.read() as connection:
            return rows.get(connection, edit_id)

    def find(self, uid: str) -> Edit | None:
        """Return the edit with this uid, which is the same in every store."""
        with self._database.read() as connection:
            edit_id = rows.id_of(connection, uid)
            return None if edit_id is None else rows.get(connection, edit_id)

    def last_id(self) -> int:
        """Return the id of the newest edit; 0 where there is none."""
        with self._database.read() as connection:
            return rows.last_id(connection)

    def count(self, provider: str | None = None) -> int:
        """Return how many edits there are; read from a counter, not counted."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT coalesce(sum(edits), 0) FROM totals WHERE provider = coalesce(?, provider)", (provider,)
            )
            return int(found.fetchone()[0])

    def page(self, before_id: int | None = None, limit: int = 50, provider: str | None = None) -> list[Edit]:
        """Return the newest edits, or those before `before_id`, newest first."""
        return self.filter(before_id=before_id, provider=provider, limit=limit)

    def page_after(self, after_id: int = 0, limit: int = 50) -> list[Edit]:
        """Return the edits after `after_id`, oldest first: the way to walk through all."""
        return self._edits("SELECT * FROM edits WHERE id > ? ORDER BY id LIMIT ?", (index(after_id), limit))

    def between(self, first_id: int, last_id: int) -> list[Edit]:
        """Return the edits from `first_id` to `last_id`, both included, oldest first."""
        span = index(first_id), index(last_id)
        return self._edits("SELECT * FROM edits WHERE id BETWEEN ? AND ? ORDER BY id", span)

    def numbered(self, ids: Sequence[int]) -> list[Edit]:
        """Return the edits with these ids in their order; ids that are not there are left out."""
        with self._database.read() as connection:
            return rows.numbered(connection, [index(number) for number in ids])

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
                return rows.edits_from(connection, _asked(connection, "*", wanted, index(limit)))
            return rows.numbered(connection, _searched(connection, words, wanted).ids[: index(limit)])

    def ids(self, *, words: str | None = None, **wanted: Unpack[Wanted]) -> list[int]:
        """The ids of all edits that have all that is asked, the newest first; with `words`, of the newest 5,000."""
        with self._database.read() as connection:
            if words is None:
                return [row["id"] for row in _asked(connection, "id", wanted, -1)]
            return _searched(connection, words, wanted).ids

    def matching(
        self, *, words: str | None = None, order: browsing.Order = "newest", **wanted: Unpack[Wanted]
    ) -> list[tuple[int, float | None]]:
        """
        Return id and time of all edits that match, sorted.

        Args:
            words: they have all of them; the last one is also taken as the beginning of a word.
            order: `newest`, `oldest`, `cost`, `time` or `rating`; the time is None where they are not sorted by it.
            wanted: see `Wanted`.
        """
        with self._database.read() as connection:
            return browsing.matching(connection, words, order, wanted)

    def facets(
        self, *, words: str | None = None, notebooks: Sequence[str] = (), **wanted: Unpack[Wanted]
    ) -> browsing.Facets:
        """
        Return how many edits have each model, provider, state, tag and rating, under all other conditions.

        Args:
            words: as `matching` takes them.
            notebooks: the names of notebooks whose edits are counted too.
            wanted: see `Wanted`.
        """
        with self._database.read() as connection:
            return browsing.facets(connection, words, wanted, notebooks)

    def search(self, words: str, limit: int = 50, offset: int = 0, **wanted: Unpack[Wanted]) -> list[Edit]:
        """
        Return the edits with all these words in their prompt, tags, note or the names of their inputs, the best first.

        The last word is also taken as the beginning of one. Nothing in `words` is a command.

        Args:
            words: what they hold.
            limit: at most so many.
            offset: so many of the best are left out.
            wanted: what they have as well, see `Wanted`.
        """
        with self._database.read() as connection:
            found = _searched(connection, words, wanted).ranked()
            return rows.numbered(connection, found[offset : offset + index(limit)])

    def by_ask(
        self,
        ask: str,
        provider: str | None = None,
        states: State | Sequence[State] = ("completed",),
        limit: int = 50,
        *,
        unnamed: Sequence[str] = (),
        cell: str | None = None,
        kernel: str | None = None,
    ) -> list[Edit]:
        """
        Return the edits that asked the same question, newest first; None asks for nothing.

        Args:
            ask: the question, as `EditRequest.ask`.
            provider: whose they are.
            states: they are in one of these.
            limit: at most so many.
            unnamed: further questions, of which only the edits count whose user named no model.
            cell: the cell that asked.
            kernel: the kernel that asked.
        """
        given = {"provider": provider, "cell": cell, "kernel": kernel}
        clauses = "".join(f" AND {name} = :{name}" for name, value in given.items() if value is not None)
        wanted = [states] if isinstance(states, str) else list(states)
        same = "ask = :ask"
        if unnamed:
            same = "ask IN (SELECT value FROM json_each(:asks)) AND (ask = :ask OR model_named = 0)"
        return self._edits(
            # By the ask alone: of one ask there are a few edits, of one cell or provider there may be a million.
            f"SELECT * FROM edits INDEXED BY edits_ask WHERE {same}{clauses}"  # noqa: S608
            " AND state IN (SELECT value FROM json_each(:states)) ORDER BY id DESC LIMIT :limit",
            given | {"ask": ask, "asks": json.dumps([ask, *unnamed]), "states": json.dumps(wanted), "limit": limit},
        )

    def by_asks(self, asks: Sequence[str], provider: str | None = None) -> list[Edit]:
        """Return the edits that asked one of these questions, in whatever state, newest first, by one query."""
        return self._edits(
            "SELECT * FROM edits INDEXED BY edits_ask WHERE ask IN (SELECT value FROM json_each(?))"
            " AND provider = coalesce(?, provider) ORDER BY id DESC",
            (json.dumps(list(asks)), provider),
        )

    def schema(self, sha256: str) -> Mapping[str, Any]:
        """Return the JSON Schema of a model by its hash, which `Edit.schema_hash` names; NotInStoreError without it."""
        with self._database.read() as connection:
            return model_schemas.get(connection, sha256)

    def heat_map(self, edit_id: int, position: int) -> bytes | None:
        """
        Return the heat map of an output as a small PNG, a tile a pixel; None where it was not measured.

        `OutputDrift.reach` says how far its tiles reach over the first picture.
        """
        with self._database.read() as connection:
            return drifts.heat_map(connection, edit_id, position)

    def heat_maps(self, edit_id: int) -> dict[int, bytes]:
        """Return the heat maps of an edit by output."""
        with self._database.read() as connection:
            return drifts.heat_maps(connection, index(edit_id))

    def unmeasured(self, before_id: int | None = None, limit: int = 50) -> list[int]:
        """Return the newest completed edits, below `before_id`, that could be measured and were not."""
        with self._database.read() as connection:
            return drifts.unmeasured(connection, before_id, index(limit))

    def posts(self, edit_id: int | None = None, limit: int = 50) -> list[Post]:
        """Return the POSTs of an edit, or of all edits, the newest first."""
        where = "1" if edit_id is None else "edit_id = :edit_id"
        with self._database.read() as connection:
            found = connection.execute(
                f"SELECT * FROM posts WHERE {where} ORDER BY edit_id DESC, ordinal DESC LIMIT :limit",  # noqa: S608
                {"edit_id": None if edit_id is None else index(edit_id), "limit": limit},
            )
            return [Post(**dict(row)) for row in found]

    def by_digest(self, digest: str, limit: int = 50) -> list[Edit]:
        """Return the edits that are the same submission, newest first."""
        return self._edits("SELECT * FROM edits WHERE digest = ? ORDER BY id DESC LIMIT ?", (digest, limit))

    def by_output(self, sha256: str, limit: int = 50) -> list[Edit]:
        """Return the edits that made these bytes, newest first."""
        return self._edits(
            "SELECT * FROM edits WHERE id IN (SELECT edit_id FROM outputs WHERE sha256 = ?) ORDER BY id DESC LIMIT ?",
            (sha256, limit),
        )

    def output_names(self) -> list[str]:
        """Return the SHA-256 of every output, each once."""
        with self._database.read() as connection:
            return [row["sha256"] for row in connection.execute("SELECT DISTINCT sha256 FROM outputs")]

    def children(self, edit_id: int) -> list[int]:
        """Return ids of the edits that took an output of this one as an input, oldest first."""
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT DISTINCT edit_id FROM parents WHERE parent_id = ? ORDER BY edit_id", (index(edit_id),)
            )
            return [row["edit_id"] for row in found]

    def durations(self, model: str, resolution: str | None, provider: str, limit: int = 200) -> list[float]:
        """
        Seconds that completed jobs were at work, newest first; from acceptance, where they were not seen to begin.

        Args:
            model: the endpoint.
            resolution: the parameter as it was set; None for jobs that left it to the model.
            provider: who ran them.
            limit: at most so many.
        """
        with self._database.read() as connection:
            found = connection.execute(
                "SELECT max(0.0, done_at - coalesce(started_at, accepted_at)) AS seconds FROM edits"
                " WHERE provider = ? AND model = ? AND resolution IS ? AND watched = 1 AND is_foreign = 0"
                " AND state = 'completed' AND done_at IS NOT NULL AND accepted_at IS NOT NULL ORDER BY id DESC LIMIT ?",
                (provider, model, resolution, limit),
            )
            return [row["seconds"] for row in found]

    def _edits(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Edit]:
        with self._database.read() as connection:
            return rows.edits_from(connection, connection.execute(query, values))


def _searched(connection: sqlite3.Connection, words: str, wanted: Wanted) -> search.Matches:
    """Return the newest edits that have all words and all that is asked."""
    clauses, values = conditions(wanted)
    # What names few edits is looked up by number, once; only the rest needs the row of each edit that has the words.
    few = [f"+words.rowid {clause.removeprefix('id ')}" for clause in clauses if clause.startswith("id IN (")]
    rest = " AND ".join(clause for clause in clauses if not clause.startswith("id IN ("))
    if rest:
        few.append(f"EXISTS (SELECT 1 FROM edits WHERE id = words.rowid AND {rest})")  # noqa: S608 - constants
    return search.Matches(connection, words, " AND ".join(few), values)


def _asked(connection: sqlite3.Connection, columns: str, wanted: Wanted, limit: int) -> sqlite3.Cursor:
    clauses, values = conditions(wanted)
    # The columns and clauses are constants of this module; what the user gave is bound.
    return connection.execute(
        f"SELECT {columns} FROM edits WHERE {' AND '.join(clauses) or '1'} ORDER BY id DESC LIMIT :limit",  # noqa: S608
        values | {"limit": limit},
    )
