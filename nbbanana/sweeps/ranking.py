"""`Ranking`: candidates by the votes on them, how sure each place is, and which value of an axis wins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbbanana.display.rankings import RankedRow, RankedValue, RankingView, ranking_bundle, strength_words
from nbbanana.store.vote_records import Vote, VotedOutput
from nbbanana.sweeps.axes import Axis
from nbbanana.sweeps.candidates import Candidate
from nbbanana.sweeps.lookups import axis_named
from nbbanana.sweeps.pairing import FIRST_PLACES
from nbbanana.sweeps.strengths import Scored, Strengths, fit
from nbbanana.text import one_line

__all__ = ["Ranked", "RankedAxis", "Ranking", "clear_words", "ranking_of", "scored"]

ORDINALS = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class Ranked:
    """
    A candidate in its place.

    Args:
        place: from 1.
        places: the first and the last place that it may have; votes leave open which.
        candidate: the output.
        strength: in units of log odds; 0 is the mean of all candidates.
        margin: half of its 95 % interval.
        wins, losses, ties: of the votes on it.
    """

    place: int
    places: tuple[int, int]
    candidate: Candidate = field(repr=False)
    strength: float
    margin: float
    wins: int
    losses: int
    ties: int

    @property
    def title(self) -> str:
        """What sets it apart."""
        return self.candidate.title

    @property
    def cell(self) -> int:
        """The number of its cell in the sweep."""
        return self.candidate.cell.number

    @property
    def votes(self) -> int:
        """How many votes were on it."""
        return self.wins + self.losses + self.ties


@dataclass(frozen=True, slots=True)
class RankedAxis:
    """
    The values of an axis, each with the mean strength of its candidates: what it does, the other axes averaged over.

    Args:
        name: of the axis.
        values: their names with strength and margin, the strongest first.
    """

    name: str
    values: tuple[tuple[str, float, float], ...]

    def __repr__(self) -> str:
        values = [f"{name} ({strength_words(strength, margin)})" for name, strength, margin in self.values]
        return one_line(f"{self.name}: {', '.join(values)}")


class Ranking(Sequence[Ranked]):
    """
    Candidates by the votes on them, the strongest first. It shows itself.

    Args:
        candidates: the outputs.
        strengths: how strong they are, in the same order.
        votes: the votes on them.
        axes: what varies among their cells.
        file_of: finds a file by its SHA-256; None where it is gone.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        strengths: Strengths,
        votes: Sequence[Vote],
        axes: Sequence[Axis],
        file_of: Callable[[str], Path | None],
    ) -> None:
        self._candidates = candidates
        self.strengths = strengths
        self.votes = tuple(votes)
        self._axes = axes
        self._file_of = file_of
        tally = _tally(candidates, votes)
        margins = strengths.margins
        self._rows = [
            Ranked(
                place,
                strengths.places(item),
                candidates[item],
                float(strengths.values[item]),
                float(margins[item]),
                *tally[item],
            )
            for place, item in enumerate(strengths.order, start=1)
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

    def __iter__(self) -> Iterator[Ranked]:
        return iter(self._rows)

    def __repr__(self) -> str:
        return self._bundle()["text/plain"]

    @property
    def clear_places(self) -> int:
        """So many of the first places are clear: each that has one is surely above all that come after."""
        order, above = self.strengths.order, self.strengths.is_above
        for place, item in enumerate(order):
            if not all(above[item, later] for later in order[place + 1 :]):
                return place
        return len(order)

    @property
    def sentence(self) -> str:
        """How many votes there are, and which of the first places are clear."""
        count = len(self.votes)
        return f"{count} vote{'s' * (count != 1)}. {clear_words(self.clear_places, len(self))}"

    def by(self, axis: str) -> RankedAxis:
        """
        Return the values of an axis, each with the mean strength of its candidates.

        Raises:
            UsageError: no such axis.
        """
        found = axis_named(self._axes, axis)
        groups: dict[str, list[int]] = {name: [] for name in found.names}
        for item, candidate in enumerate(self._candidates):
            if (name := candidate.cell.at.get(axis)) is not None:
                groups[name].append(item)
        values = [(name, *self.strengths.mean_of(items)) for name, items in groups.items() if items]
        return RankedAxis(axis, tuple(sorted(values, key=lambda one: -round(one[1], 9))))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        return self._bundle(), {}

    def _bundle(self) -> dict[str, str]:
        return ranking_bundle(self.view())

    def view(self) -> RankingView:
        """Return what to show of it."""
        rows = [
            RankedRow(
                one.place,
                one.places,
                one.title,
                self._file_of(one.candidate.sha256),
                one.strength,
                one.margin,
                (one.wins, one.losses, one.ties),
            )
            for one in self._rows
        ]
        raters = {vote.rater_id for vote in self.votes} - {None}
        by = f" By {len(raters)} raters." if len(raters) > 1 else ""
        axes = [self.by(axis.name) for axis in self._axes if len(axis) > 1]
        several = [(one.name, [RankedValue(*value) for value in one.values]) for one in axes if len(one.values) > 1]
        return RankingView(f"{self.sentence}{by}", rows, several if len(several) > 1 else [])


def clear_words(clear: int, count: int) -> str:
    """
    Return which of the first places are clear, in words.

    >>> clear_words(0, 9), clear_words(1, 9), clear_words(3, 9), clear_words(2, 2)
    ('The first place is not clear yet.', 'The first place is clear, the second is not yet.', 'The first three places are clear.', 'The first place is clear.')
    """  # noqa: E501
    wanted = min(FIRST_PLACES, count - 1)
    if wanted < 1:
        return "There is nothing to choose between."
    clear = min(clear, wanted)
    if clear == 0:
        return "The first place is not clear yet."
    first = "The first place is" if clear == 1 else f"The first {('two', 'three')[clear - 2]} places are"
    return f"{first} clear{'' if clear == wanted else f', the {ORDINALS[clear]} is not yet'}."


def ranking_of(
    candidates: Sequence[Candidate],
    votes: Iterable[Vote],
    axes: Sequence[Axis],
    file_of: Callable[[str], Path | None],
) -> Ranking:
    """
    Return candidates by the votes on them; votes on other pictures are left out.

    Raises:
        UsageError: NumPy is not installed.
    """
    outputs = {one.output for one in candidates}
    counted_votes = [vote for vote in votes if vote.first in outputs and vote.second in outputs]
    return Ranking(candidates, fit(len(candidates), scored(candidates, counted_votes)), counted_votes, axes, file_of)


def scored(candidates: Sequence[Candidate], votes: Iterable[Vote]) -> list[Scored]:
    """Return votes by the places of what they are about among the candidates."""
    place: dict[VotedOutput, int] = {one.output: number for number, one in enumerate(candidates)}
    return [
        (place[vote.first], place[vote.second], vote.share)
        for vote in votes
        if vote.first in place and vote.second in place
    ]


def _tally(candidates: Sequence[Candidate], votes: Iterable[Vote]) -> list[tuple[int, int, int]]:
    """Return wins, losses and ties of each candidate."""
    found = [[0, 0, 0] for _ in candidates]
    for one, other, share in scored(candidates, votes):
        for item, had in ((one, share), (other, 1 - share)):
            found[item][{1.0: 0, 0.0: 1}.get(had, 2)] += 1
    return [(wins, losses, ties) for wins, losses, ties in found]
