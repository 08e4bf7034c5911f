"""`Ballot`: votes on the candidates of a sweep, cast one by one; it chooses which two are asked about next."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from nbbanana.errors import UsageError
from nbbanana.session.library import Library
from nbbanana.store.vote_records import Preferred, Vote
from nbbanana.sweeps.axes import Axis
from nbbanana.sweeps.candidates import Candidate
from nbbanana.sweeps.pairing import next_pair
from nbbanana.sweeps.ranking import Ranking, ranking_of

__all__ = ["MOST", "Ballot"]

MOST = 1000
"""Candidates of one vote: a ranking of more needs more votes than people cast."""


class Ballot:
    """
    The votes on the candidates of a sweep.

    Args:
        library: holds pictures and votes.
        candidates: the outputs that are voted on.
        axes: what varies among their cells.
        sweep: names the sweep in its votes.
        rater: who votes; None where that is not said.
        chance: orders pairs and sides.

    Raises:
        UsageError: fewer than two candidates, or more than are voted on at once.
    """

    def __init__(
        self,
        library: Library,
        candidates: Sequence[Candidate],
        axes: Sequence[Axis],
        sweep: str,
        *,
        rater: str | None = None,
        chance: Random | None = None,
    ) -> None:
        if not 2 <= len(candidates) <= MOST:
            raise UsageError(
                f"There {'is 1 picture' if len(candidates) == 1 else f'are {len(candidates):,} pictures'} to vote on.",
                f"A vote takes 2 to {MOST:,} pictures.",
                "sweep.run() makes those that are missing; sweep.vote(among=[…]) takes some of the cells.",
            )
        self.library = library
        self.candidates = tuple(candidates)
        self.axes = tuple(axes)
        self._sweep = sweep
        self._rater = rater
        self._chance = chance or Random()  # noqa: S311 - it orders pictures
        self._uids = {one.output[0] for one in candidates}

    def cast(self, one: Candidate, other: Candidate, preferred: Preferred) -> Vote:
        """
        Write a vote down.

        Raises:
            StoreError: the store cannot take it.
        """
        return self.library.store.vote(one.output, other.output, preferred, sweep=self._sweep, rater=self._rater)

    def take_back(self, vote: Vote) -> None:
        """Remove a vote."""
        self.library.store.take_back_vote(vote.uid)

    @property
    def votes(self) -> list[Vote]:
        """All votes on two of the candidates, whatever sweep they were cast in and whoever cast them."""
        return self.library.store.votes_among(self._uids)

    def ranking(self) -> Ranking:
        """
        Return the candidates by the votes on them.

        Raises:
            UsageError: NumPy is not installed.
        """
        return ranking_of(self.candidates, self.votes, self.axes, self.library.blob)

    def next_pair(
        self, ranking: Ranking, but: tuple[Candidate, Candidate] | None = None
    ) -> tuple[Candidate, Candidate]:
        """
        Return two candidates whose vote tells most, in a random order.

        Args:
            ranking: the candidates as they stand.
            but: two that are asked about now, and not again at once.
        """
        left_out = None if but is None else frozenset(map(self.candidates.index, but))
        one, other = next_pair(ranking.strengths, self._chance, left_out)
        return self.candidates[one], self.candidates[other]

    def any_pair(self, but: tuple[Candidate, Candidate]) -> tuple[Candidate, Candidate]:
        """Return two candidates at random, at once; not those that are asked about now, where there are others."""
        others = [one for one in self.candidates if one not in but]
        one, other = self._chance.sample(others if len(others) > 1 else self.candidates, 2)
        return one, other
