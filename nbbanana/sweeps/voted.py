"""`Voted`: what a sweep can be asked about votes on its pictures: the form, the ranking, the best."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbbanana.errors import UsageError
from nbbanana.session import Session
from nbbanana.store.records import WHOLE
from nbbanana.store.vote_records import Preferred, Vote
from nbbanana.sweeps.candidates import Candidate, candidates_of, digest_of
from nbbanana.sweeps.cells import Standing
from nbbanana.sweeps.naming import among_those, the_one
from nbbanana.sweeps.plan import Plan
from nbbanana.sweeps.ranking import Ranking, clear_words
from nbbanana.sweeps.shown import cells_bundle
from nbbanana.sweeps.voting import MOST, Ballot

if TYPE_CHECKING:
    from nbbanana.widgets.voting import Voting

__all__ = ["Best", "Voted"]


@dataclass(frozen=True)
class Best(Sequence[Any]):
    """
    The cells on top, the best first. They show themselves.

    Args:
        cells: as the sweep has them.
        sentence: by what they are the best, and how sure that is.
        shows: makes a MIME bundle of the numbers of cells and sentences.
    """

    cells: tuple[Any, ...]
    sentence: str
    shows: Any = field(repr=False)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, index: Any) -> Any:
        return self.cells[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.cells)

    def __repr__(self) -> str:
        return f"<Best {', '.join(cell.title or f'cell {cell.number}' for cell in self.cells)}: {self.sentence}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self.shows([cell.number for cell in self.cells], [self.sentence]), {}


class Voted:
    """The part of a sweep that is about votes."""

    session: Session
    plan: Plan

    @property
    @abstractmethod
    def standings(self) -> Sequence[Standing]:
        """How each cell stands."""

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...

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

        return Voting(self._ballot(rater, among, needs_files=True))

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
        first, second = (the_one(candidates, self.plan, given) for given in (one, other))
        if first == second:
            raise UsageError("A vote is about two pictures.", "Both are the same one.", "Name another one.")
        preferred: Preferred = "tie" if tie else "first"
        return self.session.store.vote(first.output, second.output, preferred, sweep=digest_of(self.plan), rater=rater)

    @property
    def ranking(self) -> Ranking:
        """
        The pictures by the votes on them, with how sure each place is; it shows itself.

        Raises:
            UsageError: fewer than two pictures are here, or NumPy is not installed.
        """
        return self._ballot().ranking()

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
        ballot = self._of(candidates) if 2 <= len(candidates) <= MOST else None
        if ballot is not None and ballot.votes:
            ranking = ballot.ranking()
            numbers = list(dict.fromkeys(one.cell for one in ranking))
            said = f"By {ranking.sentence[0].lower()}{ranking.sentence[1:]}"
            if ranking.clear_places == 0:
                said += f" {ranking[0].places[1]} pictures may have it; sweep.vote() goes on."
            return self._best(numbers[:n], said)
        numbers = list(dict.fromkeys(one.cell.number for one in self._starred(candidates)))
        if not numbers:
            raise UsageError(
                "Which cells are the best was not said.",
                "There are neither votes on its pictures nor stars.",
                "Vote: sweep.vote(), or sweep.prefer(sweep[0], sweep[1]). Or star: sweep[3].result[0].star().",
            )
        count = len(numbers)
        said = (
            f"By stars: {count} cell{'s have' if count > 1 else ' has'} one. {clear_words(0, 2) if count > 1 else ''}"
        )
        return self._best(numbers[:n], said.strip())

    def _best(self, numbers: Sequence[int], said: str) -> Best:
        def shows(cells: Sequence[int], lines: Sequence[str]) -> dict[str, str]:
            """Show cells under sentences."""
            return cells_bundle(self.plan, self.standings, self.session.library, cells, lines)

        return Best(tuple(self[number] for number in numbers), said, shows)

    def _vote_columns(self) -> dict[str, list[Any]]:
        """Return columns of a table: by cell the votes on its pictures, those won, and the strength of its best one."""
        columns: dict[str, list[Any]] = {"votes": [0] * len(self.plan), "wins": [0] * len(self.plan)}
        strengths: list[float | None] = [None] * len(self.plan)
        candidates = candidates_of(self.plan, self.standings)
        ballot = self._of(candidates) if 2 <= len(candidates) <= MOST else None
        for one in ballot.ranking() if ballot is not None and ballot.votes else ():
            columns["votes"][one.cell] += one.votes
            columns["wins"][one.cell] += one.wins
            if strengths[one.cell] is None:  # the first of a cell is its best
                strengths[one.cell] = one.strength
        return columns | {"strength": strengths}

    def _starred(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Return the candidates that have a star now: of their own, or as a part of their edit."""
        edits = self.session.store.numbered(list(dict.fromkeys(one.edit_id for one in candidates)))
        ratings = {edit.id: edit.ratings for edit in edits}
        return [
            one
            for one in candidates
            if "starred" in {ratings[one.edit_id].get(one.output[1]), ratings[one.edit_id].get(WHOLE)}
        ]

    def _ballot(
        self, rater: str | None = None, among: Iterable[Any] | None = None, *, needs_files: bool = False
    ) -> Ballot:
        found = candidates_of(self.plan, self.standings)
        if among is not None:
            found = among_those(found, self.plan, among)
        if needs_files:  # what cannot be seen cannot be voted on
            found = tuple(one for one in found if self.session.store.has_blob(one.sha256))
        return self._of(found, rater)

    def _of(self, candidates: Sequence[Candidate], rater: str | None = None) -> Ballot:
        return Ballot(self.session.library, candidates, self.plan.axes, digest_of(self.plan), rater=rater)
