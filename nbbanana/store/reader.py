"""`Reader`: what a store can be asked. Nothing here changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from nbbanana.store import leases, ledger, model_schemas, queries, rows, spending
from nbbanana.store.database import Database
from nbbanana.store.queries import Wanted
from nbbanana.store.records import Asked, Edit, Post, State

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
            return spending.count(connection, provider)

    def page(self, before_id: int | None = None, limit: int = 50, provider: str | None = None) -> list[Edit]:
        """Return the newest edits, or those before `before_id`, newest first."""
        return self.filter(before_id=before_id, provider=provider, limit=limit)

    def page_after(self, after_id: int = 0, limit: int = 50) -> list[Edit]:
        """Return the edits after `after_id`, oldest first: the way to walk through all."""
        with self._database.read() as connection:
            return queries.page_after(connection, rows.index(after_id), limit)

    def between(self, first_id: int, last_id: int) -> list[Edit]:
        """Return the edits from `first_id` to `last_id`, both included, oldest first."""
        with self._database.read() as connection:
            return queries.between(connection, rows.index(first_id), rows.index(last_id))

    def numbered(self, ids: Sequence[int]) -> list[Edit]:
        """Return the edits with these ids in their order; ids that are not there are left out."""
        with self._database.read() as connection:
            return queries.numbered(connection, [rows.index(number) for number in ids])

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
                return queries.matching(connection, wanted, rows.index(limit))
            found = queries.searched(connection, words, wanted).ids
            return queries.numbered(connection, found[: rows.index(limit)])

    def ids(self, *, words: str | None = None, **wanted: Unpack[Wanted]) -> list[int]:
        """The ids of all edits that have all that is asked, the newest first; with `words`, of the newest 5,000."""
        with self._database.read() as connection:
            if words is None:
                return queries.ids(connection, wanted)
            return queries.searched(connection, words, wanted).ids

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
            found = queries.searched(connection, words, wanted).ranked()
            return queries.numbered(connection, found[offset : offset + rows.index(limit)])

    def by_ask(
        self,
        ask: str,
        provider: str | None = None,
        states: State | Sequence[State] = ("completed",),
        limit: int = 50,
        *,
        cell: str | None = None,
        kernel: str | None = None,
    ) -> list[Edit]:
        """The edits that asked the same question and are in one of `states`, newest first; None asks for nothing."""
        asked = {"provider": provider, "cell": cell, "kernel": kernel}
        with self._database.read() as connection:
            return queries.by_ask(connection, ask, states=states, limit=limit, **asked)

    def executions(self, ask: str, provider: str | None = None, limit: int = 1000) -> list[Asked]:
        """Return when and where the same question was asked, in whatever state that is now, the newest first."""
        with self._database.read() as connection:
            return queries.executions(connection, ask, provider, limit)

    def schema(self, sha256: str) -> Mapping[str, Any]:
        """Return the JSON Schema of a model by its hash, which `Edit.schema_hash` names; NotInStoreError without it."""
        with self._database.read() as connection:
            return model_schemas.get(connection, sha256)

    def posts(self, edit_id: int | None = None, limit: int = 50) -> list[Post]:
        """Return the POSTs of an edit, or of all edits, the newest first."""
        with self._database.read() as connection:
            return ledger.newest(connection, None if edit_id is None else rows.index(edit_id), limit)

    def by_digest(self, digest: str, limit: int = 50) -> list[Edit]:
        """Return the edits that are the same submission, newest first."""
        with self._database.read() as connection:
            return queries.by_digest(connection, digest, limit)

    def by_request_id(self, request_id: str, provider: str | None = None) -> Edit | None:
        """Return the edit that the service knows by this id."""
        with self._database.read() as connection:
            return queries.by_request_id(connection, request_id, provider)

    def by_output(self, sha256: str, limit: int = 50) -> list[Edit]:
        """Return the edits that made these bytes, newest first."""
        with self._database.read() as connection:
            return queries.by_output(connection, sha256, limit)

    def output_names(self) -> list[str]:
        """Return the SHA-256 of every output, each once."""
        with self._database.read() as connection:
            return queries.output_names(connection)

    def children(self, edit_id: int) -> list[int]:
        """Return ids of the edits that took an output of this one as an input, oldest first."""
        with self._database.read() as connection:
            return queries.children(connection, rows.index(edit_id))

    def unfinished(self, provider: str | None = None, *, unclaimed: bool = False) -> list[Edit]:
        """The edits in which something is left to do, oldest first; `unclaimed`: only those without a living lease."""
        with self._database.read() as connection:
            found = queries.unfinished(connection, provider)
            watched = leases.holders(connection, self._clock()) if unclaimed else {}
        return [edit for edit in found if edit.id not in watched]

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
            return queries.durations(connection, model, resolution, provider, limit)
