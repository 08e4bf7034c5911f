"""Votes on the pictures of a sweep: `Ballot`, where they are cast one by one, and what a sweep is asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import index
from random import Random
from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError
from nbbanana.request import sha256_of
from nbbanana.session import EditResult, Output
from nbbanana.session.call_args import flag
from nbbanana.session.library import Library
from nbbanana.store.records import WHOLE, Preferred, Vote, VotedOutput
from nbbanana.sweeps.outlook import SweepState
from nbbanana.sweeps.plan import Axis
from nbbanana.sweeps.ranking import Candidate, Ranking, candidates_of, clear_words, next_pair
from nbbanana.sweeps.shown import cells_bundle
from nbbanana.sweeps.sweep_cells import SweepCell

if TYPE_CHECKING:
    from nbbanana.widgets.voting import Voting

__all__ = ["Ballot", "Best", "Voted"]

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

    Raises:
        UsageError: fewer than two candidates, or more than are voted on at once.
    """

    def __init__(
        self, library: Library, candidates: Sequence[Candidate], axes: Sequence[Axis], sweep: str, rater: str | None
    ) -> None:
        if not 2 <= len(candidates) <= MOST:
            raise UsageError(
                f"There {'is 1 picture' if len(candidates) == 1 else f'are {len(candidates):,} pictures'} to vote on.",
                f"A vote takes 2 to {MOST:,} pictures.",
                "sweep.run() makes those that are missing; sweep.vote(among=[…]) takes some of the cells.",
            )
        self.library = library
        self.candidates = tuple(candidates)
        self._axes = axes
        self._sweep = sweep
        self._rater = rater
        self._chance = Random()  # noqa: S311 - it orders pictures

    def cast(self, one: Candidate, other: Candidate, preferred: Preferred) -> Vote:
        """
        Write a vote down.

        Raises:
            StoreError: the store cannot take it.
        """
        return self.library.store.vote(one.output, other.output, preferred, sweep=self._sweep, rater=self._rater)

    @property
    def votes(self) -> list[Vote]:
        """All votes on two of the candidates, whatever sweep they were cast in and whoever cast them."""
        return self.library.store.votes_among({one.output[0] for one in self.candidates})

    def ranking(self) -> Ranking:
        """
        Return the candidates by the votes on them.

        Raises:
            UsageError: NumPy is not installed.
        """
        return Ranking(self.candidates, self.votes, self._axes, self.library.blob)

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


@dataclass(frozen=True)
class Best(Sequence[SweepCell]):
    """
    The cells on top, the best first. They show themselves.

    Args:
        cells: as the sweep has them.
        sentence: by what they are the best, and how sure that is.
        sweep: they are of.
    """

    cells: tuple[SweepCell, ...]
    sentence: str
    sweep: SweepState = field(repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: Any) -> Any:
        return self.cells[index]

    def __repr__(self) -> str:
        return f"<Best {', '.join(cell.title or f'cell {cell.number}' for cell in self.cells)}: {self.sentence}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return cells_bundle(self.sweep, [cell.number for cell in self.cells], [self.sentence]), {}


class Voted(SweepState):
    """The part of a sweep that is about votes."""

    def vote(self, rater: str | None = None, *, among: Iterable[Any] | None = None) -> Voting:
        """
        Open a form to vote: two pictures beside each other, without a word about them; which is better?

        Keys: ← left, → right, ↑ or space for no difference, U takes the last vote back. Which pair comes next is chosen
        by the votes so far; end when the first places are clear, or when you want.

        Args:
            rater: who votes, to tell votes of several people apart. The name stays in the store.
            among: the cells whose pictures are voted on, as cells, numbers or outputs; None is all that are here. Cells
                without a picture are left out.

        Raises:
            UsageError: fewer than two pictures are here, something in `among` is no cell of this sweep, or NumPy is
                not installed.
        """
        from nbbanana.widgets.voting import Voting

        found: Sequence[Candidate] = candidates_of(self.plan, self.standings)
        if among is not None:
            found = self._among(found, among)
        has_blob = self.session.store.has_blob  # what cannot be seen cannot be voted on
        return Voting(self._ballot([one for one in found if has_blob(one.sha256)], rater))

    def prefer(self, one: Any, other: Any, *, tie: bool = False, rater: str | None = None) -> Vote:
        """
        Write down that one picture is better than another.

        Args:
            one: a cell, its number, or an output. A cell or an output of another sweep means its picture, wherever that
                stands here.
            other: the one that it is better than.
            tie: there is no difference.
            rater: who says so. The name stays in the store.

        Raises:
            UsageError: something that is no picture of this sweep, or the same one twice.
        """
        candidates = candidates_of(self.plan, self.standings)
        first, second = (self._the_one(candidates, given) for given in (one, other))
        if first == second:
            raise UsageError("A vote is about two pictures.", "Both are the same one.", "Name another one.")
        preferred: Preferred = "tie" if flag("tie", tie) else "first"
        return self.session.store.vote(first.output, second.output, preferred, sweep=self._digest, rater=rater)

    @property
    def ranking(self) -> Ranking:
        """
        The pictures by the votes on them, with how sure each place is; it shows itself.

        Raises:
            UsageError: fewer than two pictures are here, or NumPy is not installed.
        """
        return self._ballot(candidates_of(self.plan, self.standings)).ranking()

    def best(self, n: int = 1) -> Best:
        """
        Return the cells on top: by the votes on their pictures, without votes those with a star.

        Args:
            n: how many, at most.

        Returns:
            The cells, the best first, with a sentence that says whether the first place is sure.

        Raises:
            UsageError: there are neither votes nor stars.
        """
        if not isinstance(n, int) or n < 1:
            raise UsageError(f"n is {n!r:.40}.", "It is how many cells are wanted, at least 1.", "Try: sweep.best(3).")
        candidates = candidates_of(self.plan, self.standings)
        if (ranking := self._voted_ranking(candidates)) is not None:
            numbers = list(dict.fromkeys(one.cell for one in ranking))
            said = f"By {ranking.sentence[0].lower()}{ranking.sentence[1:]}"
            if ranking.clear_places == 0:
                said += f" {ranking[0].places[1]} pictures may have it; sweep.vote() goes on."
        else:
            numbers = list(dict.fromkeys(one.cell.number for one in self._starred(candidates)))
            said = f"By stars: {len(numbers)} cells have one. {clear_words(0, 2)}"
            if len(numbers) == 1:
                said = "By stars: 1 cell has one."
        if not numbers:
            raise UsageError(
                "Which cells are the best was not said.",
                "There are neither votes on its pictures nor stars.",
                "Vote: sweep.vote(), or sweep.prefer(sweep[0], sweep[1]). Or star: sweep[3].result[0].star().",
            )
        return Best(tuple(SweepCell(self, self.plan.cells[number]) for number in numbers[:n]), said, self)

    def _vote_columns(self) -> dict[str, list[Any]]:
        """Return columns of a table: by cell the votes on its pictures, those won, and the strength of its best one."""
        votes, wins = [0] * len(self.plan), [0] * len(self.plan)
        strengths: list[float | None] = [None] * len(self.plan)
        for one in self._voted_ranking(candidates_of(self.plan, self.standings)) or ():
            votes[one.cell] += one.votes
            wins[one.cell] += one.wins
            if strengths[one.cell] is None:  # the first of a cell is its best
                strengths[one.cell] = one.strength
        return {"votes": votes, "wins": wins, "strength": strengths}

    def _voted_ranking(self, candidates: Sequence[Candidate]) -> Ranking | None:
        """Return the ranking of candidates; None where nobody voted, or nobody can on so many."""
        if not 2 <= len(candidates) <= MOST:
            return None
        ballot = self._ballot(candidates)
        return ballot.ranking() if ballot.votes else None

    def _starred(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates that have a star now: of their own, or as a part of their edit."""
        edits = self.session.store.numbered(list(dict.fromkeys(one.edit_id for one in candidates)))
        ratings = {edit.id: edit.ratings for edit in edits}
        return [
            one
            for one in candidates
            if "starred" in {ratings[one.edit_id].get(one.output[1]), ratings[one.edit_id].get(WHOLE)}
        ]

    def _ballot(self, candidates: Sequence[Candidate], rater: str | None = None) -> Ballot:
        return Ballot(self.session.library, candidates, self.plan.axes, self._digest, rater)

    @property
    def _digest(self) -> str:
        """What names the sweep in its votes: the SHA-256 of what its cells ask, in whatever order."""
        return sha256_of(sorted(request.ask for request in self.plan.requests))

    def _the_one(self, candidates: Sequence[Candidate], given: Any) -> Candidate:
        """Return the candidate that a cell, its number, an output or a result is."""
        found = self._named(candidates, given)
        if not found:
            raise UsageError(
                f"{given!r:.80} is no picture of this sweep.",
                "A vote is about cells that are here.",
                "Name a cell, its number or an output: sweep.prefer(sweep[0], sweep[1]).",
            )
        if len(found) > 1:
            raise UsageError(
                f"{found[0].cell.title} has {len(found)} pictures.",
                "A vote is about one of each cell.",
                "Name an output: sweep[3].result[0].",
            )
        return found[0]

    def _among(self, candidates: Sequence[Candidate], among: Any) -> list[Candidate]:
        """Return the candidates of some cells, numbers, outputs or results; cells without a picture have none."""
        if not isinstance(among, Iterable) or isinstance(among, str):
            raise UsageError(f"among is {among!r:.60}.", "It takes several cells.", "sweep.vote(among=[0, 3, 5])")
        chosen: set[VotedOutput] = set()
        for given in among:
            found = self._named(candidates, given)
            if found is None:
                raise UsageError(
                    f"{given!r:.80} is no cell of this sweep.",
                    f"Its cells have the numbers 0 to {len(self.plan) - 1}.",
                    "Name cells, their numbers or outputs: sweep.vote(among=[0, 3, 5]).",
                )
            chosen.update(one.output for one in found)
        return [one for one in candidates if one.output in chosen]

    def _named(self, candidates: Sequence[Candidate], given: Any) -> list[Candidate] | None:
        """Return the candidates that something names, by their edit's uid; None where it is nothing of this sweep."""
        number = _number(given)
        if number is not None and 0 <= number < len(self.plan):
            given = SweepCell(self, self.plan.cells[number])
        if isinstance(given, SweepCell):
            if given.state != "here":
                return [] if given.owner is self else None
            given = given.result
        outputs: set[VotedOutput] = set()
        if isinstance(given, Output):
            outputs = {(given.result.record.uid, given.index)}
        elif isinstance(given, EditResult):
            outputs = {(given.record.uid, output.index) for output in given}
        return [one for one in candidates if one.output in outputs] or None


def _number(given: Any) -> int | None:
    """Return a whole number of Python or NumPy as an int; None for all else, truth values among it."""
    try:
        return None if isinstance(given, bool) else index(given)
    except TypeError:
        return None
