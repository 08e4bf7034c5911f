"""Votes: which of two outputs people preferred, kept by uid so that they hold in any store."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from nbbanana.store import vote_rows
from nbbanana.store.queries import Reader
from nbbanana.store.vote_records import Preferred, Vote, VotedOutput

__all__ = ["Votes"]


class Votes(Reader):
    """Which of two outputs was preferred."""

    def vote(
        self, first: VotedOutput, second: VotedOutput, preferred: Preferred, *, sweep: str, rater: str | None = None
    ) -> Vote:
        """
        Write down which of two outputs was preferred.

        Args:
            first: the uid of an edit, and the index of its output.
            second: the other one.
            preferred: `first`, `second`, or `tie` for no difference.
            sweep: SHA-256 of what the cells ask among which the vote is cast.
            rater: who voted. The name stays in this store: a bundle has a random id in its place.

        Raises:
            NotInStoreError: an edit is not here.
            StoreError: it has no such output, both are one, no such preference, or a name that is too long.
        """
        with self._database.write() as connection:
            vote_rows.check(connection, first, second, preferred)
            name, rater_id = vote_rows.rater_of(connection, rater)
            vote = Vote(uuid.uuid4().hex, first, second, preferred, sweep, self._clock(), name, rater_id)
            vote_rows.add(connection, [vote])
            return vote

    def take_back_vote(self, uid: str) -> bool:
        """Remove a vote; returns whether it was there."""
        with self._database.write() as connection:
            return vote_rows.remove(connection, uid)

    def votes_among(self, uids: Iterable[str]) -> list[Vote]:
        """Return the votes on two outputs of these edits, whatever sweep they were cast in, the oldest first."""
        with self._database.read() as connection:
            return vote_rows.among(connection, uids)

    def votes_of(self, uid: str, limit: int = 4000) -> list[Vote]:
        """Return the newest votes in which an output of an edit is the first one, the oldest of them first."""
        with self._database.read() as connection:
            return vote_rows.of_edit(connection, uid, limit)
