"""`Reader`: what a store can be asked. Nothing here changes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nbbanana.store import leases, ledger, queries, rows, search
from nbbanana.store.database import Database
from nbbanana.store.records import Edit, State

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
        """The edit with this id; NotInStoreError where there is none."""
        with self._database.read() as connection:
            return rows.get(connection, edit_id)

    def find(self, uid: str) -> Edit | None:
        """The edit with this uid, which is the same in every store."""
        with self._database.read() as connection:
            edit_id = rows.id_of(connection, uid)
            return None if edit_id is None else rows.get(connection, edit_id)

    def last_id(self) -> int:
        """The id of the newest edit; 0 where there is none."""
        with self._database.read() as connection:
            return rows.last_id(connection)

    def count(self, provider: str | None = None) -> int:
        """How many edits there are; read from a counter, not counted."""
        with self._database.read() as connection:
            return ledger.count(connection, provider)

    def page(self, before_id: int | None = None, limit: int = 50, provider: str | None = None) -> list[Edit]:
        """The newest edits, or those before `before_id`, newest first."""
        return self.filter(before_id=before_id, provider=provider, limit=limit)

    def page_after(self, after_id: int = 0, limit: int = 50) -> list[Edit]:
        """The edits after `after_id`, oldest first: the way to walk through all."""
        with self._database.read() as connection:
            return queries.page_after(connection, after_id, limit)

    def between(self, first_id: int, last_id: int) -> list[Edit]:
        """The edits from `first_id` to `last_id`, both included, oldest first."""
        with self._database.read() as connection:
            return queries.between(connection, first_id, last_id)

    def numbered(self, ids: Sequence[int]) -> list[Edit]:
        """The edits with these ids in their order; ids that are not there are left out."""
        with self._database.read() as connection:
            return queries.numbered(connection, ids)

    def filter(
        self,
        *,
        words: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        states: Sequence[State] | None = None,
        seed: int | None = None,
        starred: bool | None = None,
        rejected: bool | None = None,
        tag: str | None = None,
        input: str | None = None,  # noqa: A002 - the word that users type
        notebook: str | None = None,
        since: float | None = None,
        until: float | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Edit]:
        """
        The newest edits that have all that is asked; None asks for nothing.

        Args:
            words: it has all of them, as `search` takes them; the newest that do are looked through.
            model: the endpoint, exactly.
            provider: who ran it.
            states: it is in one of these.
            seed: the seed that was sent.
            starred: what a person said.
            rejected: what a person said.
            tag: one of its tags.
            input: an input's name, or its identity, or its SHA-256.
            notebook: where it was asked.
            since: begun then or later.
            until: begun then or earlier.
            before_id: only edits with a smaller id; with the last id of a page, the next page.
            limit: at most so many.
        """
        question = queries.Question(
            model=model,
            provider=provider,
            states=states,
            seed=seed,
            starred=starred,
            rejected=rejected,
            tag=tag,
            input=input,
            notebook=notebook,
            since=since,
            until=until,
            before_id=before_id,
        )
        with self._database.read() as connection:
            if words is not None:
                question = replace(question, among=search.find(connection, words, search.NEWEST))
            return queries.matching(connection, question, limit)

    def ids(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        states: Sequence[State] | None = None,
        starred: bool | None = None,
        rejected: bool | None = None,
    ) -> list[int]:
        """The ids of all edits that have all that is asked, the newest first; as `filter`, with no limit."""
        question = queries.Question(model=model, provider=provider, states=states, starred=starred, rejected=rejected)
        with self._database.read() as connection:
            return queries.ids(connection, question)

    def by_ask(
        self, ask: str, provider: str | None = None, states: Sequence[State] = ("completed",), limit: int = 50
    ) -> list[Edit]:
        """The edits that asked the same question and are in one of `states`, newest first."""
        with self._database.read() as connection:
            return queries.by_ask(connection, ask, provider, states, limit)

    def by_digest(self, digest: str, limit: int = 50) -> list[Edit]:
        """The edits that are the same submission, newest first."""
        with self._database.read() as connection:
            return queries.by_digest(connection, digest, limit)

    def by_request_id(self, request_id: str, provider: str | None = None) -> Edit | None:
        """The edit that the service knows by this id."""
        with self._database.read() as connection:
            return queries.by_request_id(connection, request_id, provider)

    def by_output(self, sha256: str, limit: int = 50) -> list[Edit]:
        """The edits that made these bytes, newest first."""
        with self._database.read() as connection:
            return queries.by_output(connection, sha256, limit)

    def output_names(self) -> list[str]:
        """The SHA-256 of every output, each once."""
        with self._database.read() as connection:
            return queries.output_names(connection)

    def children(self, edit_id: int) -> list[int]:
        """Ids of the edits that took an output of this one as an input, oldest first."""
        with self._database.read() as connection:
            return queries.children(connection, edit_id)

    def search(self, words: str, limit: int = 50, offset: int = 0) -> list[Edit]:
        """
        The edits with all these words in their prompt, tags, note or the names of their inputs, the best first.

        The last word is also taken as the beginning of one. Nothing in `words` is a command.
        """
        with self._database.read() as connection:
            return queries.numbered(connection, search.find(connection, words, limit, offset))

    def unfinished(self, provider: str | None = None, *, unclaimed: bool = False) -> list[Edit]:
        """The edits that somebody still has to do something about, oldest first; `unclaimed`: that nobody watches."""
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
