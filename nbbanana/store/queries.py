"""`Reader`: what a store can be asked, every question answered by an index. Nothing here changes it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbbanana.errors import NotInStoreError
from nbbanana.store import rows
from nbbanana.store.database import Database
from nbbanana.store.records import Edit, Post, State
from nbbanana.store.values import LARGEST, index

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
        found = self._edits("SELECT * FROM edits WHERE uid = ?", (uid,))
        return found[0] if found else None

    def last_id(self) -> int:
        """Return the id of the newest edit; 0 where there is none."""
        return int(self._rows("SELECT coalesce(max(id), 0) FROM edits")[0][0])

    def count(self, provider: str | None = None) -> int:
        """Return how many edits there are; read from a counter, not counted."""
        query = "SELECT coalesce(sum(edits), 0) FROM totals WHERE provider = coalesce(?, provider)"
        return int(self._rows(query, (provider,))[0][0])

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
        found = self._rows("SELECT body FROM schemas WHERE sha256 = ?", (sha256,))
        if not found:
            raise NotInStoreError(f"The schema {sha256[:12]}… is not in the store.", "No edit of it has that schema.")
        schema: dict[str, Any] = json.loads(found[0]["body"])
        return schema

    def heat_map(self, edit_id: int, position: int) -> bytes | None:
        """
        Return the heat map of an output as a small PNG, a tile a pixel; None where it was not measured.

        `OutputDrift.reach` says how far its tiles reach over the first picture.
        """
        return self.heat_maps(edit_id).get(index(position))

    def heat_maps(self, edit_id: int) -> dict[int, bytes]:
        """Return the heat maps of an edit by output."""
        query = "SELECT position, heat_map FROM drifts WHERE edit_id = ? AND heat_map IS NOT NULL"
        return {row["position"]: row["heat_map"] for row in self._rows(query, (index(edit_id),))}

    def unmeasured(self, before_id: int | None = None, limit: int = 50) -> list[int]:
        """Return the newest completed edits below `before_id` of which nothing was measured, though it could be."""
        found = self._rows(
            "SELECT id FROM edits WHERE id < ? AND state = 'completed'"
            " AND NOT EXISTS (SELECT 1 FROM drifts WHERE edit_id = edits.id)"
            " AND EXISTS (SELECT 1 FROM inputs WHERE edit_id = edits.id AND position = 0 AND parameter IS NULL"
            " AND sha256 IS NOT NULL) ORDER BY id DESC LIMIT ?",
            (LARGEST if before_id is None else index(before_id), index(limit)),
        )
        return [row["id"] for row in found]

    def posts(self, edit_id: int | None = None, limit: int = 50) -> list[Post]:
        """Return the POSTs of an edit, or of all edits, the newest first."""
        where = "1" if edit_id is None else "edit_id = :edit_id"
        found = self._rows(
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

    def by_input(self, sha256: str) -> list[int]:
        """Return ids of the edits that were asked with a file of these bytes, or sent them, oldest first."""
        query = "SELECT DISTINCT edit_id FROM inputs WHERE identity = ? OR sha256 = ? ORDER BY edit_id"
        return [row["edit_id"] for row in self._rows(query, (f"sha256:{sha256}", sha256))]

    def output_names(self) -> list[str]:
        """Return the SHA-256 of every output, each once."""
        return [row["sha256"] for row in self._rows("SELECT DISTINCT sha256 FROM outputs")]

    def children(self, edit_id: int) -> list[int]:
        """Return ids of the edits that took an output of this one as an input, oldest first."""
        query = "SELECT DISTINCT edit_id FROM parents WHERE parent_id = ? ORDER BY edit_id"
        return [row["edit_id"] for row in self._rows(query, (index(edit_id),))]

    def durations(self, model: str, resolution: str | None, provider: str, limit: int = 200) -> list[float]:
        """
        Seconds that completed jobs were at work, newest first; from acceptance, where they were not seen to begin.

        Args:
            model: the endpoint.
            resolution: the parameter as it was set; None for jobs that left it to the model.
            provider: who ran them.
            limit: at most so many.
        """
        found = self._rows(
            "SELECT max(0.0, done_at - coalesce(started_at, accepted_at)) AS seconds FROM edits"
            " WHERE provider = ? AND model = ? AND resolution IS ? AND watched = 1 AND is_foreign = 0"
            " AND state = 'completed' AND done_at IS NOT NULL AND accepted_at IS NOT NULL ORDER BY id DESC LIMIT ?",
            (provider, model, resolution, limit),
        )
        return [row["seconds"] for row in found]

    def _rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        with self._database.read() as connection:
            return connection.execute(query, values).fetchall()

    def _edits(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Edit]:
        with self._database.read() as connection:
            return rows.edits_from(connection, connection.execute(query, values))
