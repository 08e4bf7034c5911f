"""`Ranking`: the outputs of a sweep by the votes on them, how sure each place is, and which two to ask about next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from nbbanana.display.picture_tables import RankedRow, RankingView, ranking_bundle, strength_words
from nbbanana.measure import check_installed
from nbbanana.store.records import Vote, VotedOutput
from nbbanana.sweeps.plan import Axis, Cell, Plan, Standing, axis_named
from nbbanana.text import one_line

if TYPE_CHECKING:
    from nbbanana.sweeps.strengths import Strengths

__all__ = ["Candidate", "Ranked", "RankedAxis", "Ranking", "candidates_of", "clear_words", "next_pair"]

FIRST_PLACES = 3
"""So many places a vote is held for."""
BEYOND = 0.25
"""What a vote on pictures beyond the first places is worth, against one on pictures that may have them."""
ORDINALS = ("first", "second", "third")


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    An output that can be voted on.

    Args:
        output: the uid of its edit and its index: what a vote names it by.
        cell: the cell that it is of.
        edit_id: the number of its edit in this store.
        sha256: names its file.
        title: what sets it apart.
    """

    output: VotedOutput
    cell: Cell
    edit_id: int
    sha256: str
    title: str


def candidates_of(plan: Plan, standings: Sequence[Standing]) -> tuple[Candidate, ...]:
    """Return all outputs of the cells that are here, each once."""
    found: dict[VotedOutput, Candidate] = {}
    for cell, standing in zip(plan.cells, standings, strict=True):
        edit = standing.made
        if edit is None:
            continue
        for output in edit.outputs:
            number = f" · picture {output.index + 1}" if len(edit.outputs) > 1 else ""
            one = Candidate((edit.uid, output.index), cell, edit.id, output.sha256, f"{cell.title}{number}")
            found.setdefault(one.output, one)
    return tuple(found.values())


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
    def place_words(self) -> str:
        """Its place, and which it may have besides: `2 (1 to 4)`."""
        first, last = self.places
        return str(self.place) if first == last else f"{self.place} ({first} to {last})"

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
        votes: on them; those on other pictures are left out.
        axes: what varies among their cells.
        file_of: finds a file by its SHA-256; None where it is gone.

    Raises:
        UsageError: NumPy is not installed.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        votes: Iterable[Vote],
        axes: Sequence[Axis],
        file_of: Callable[[str], Path | None],
    ) -> None:
        check_installed("A ranking")
        from nbbanana.sweeps.strengths import fit

        place: dict[VotedOutput, int] = {one.output: number for number, one in enumerate(candidates)}
        self._candidates = candidates
        self._axes = axes
        self._file_of = file_of
        self.votes = tuple(vote for vote in votes if vote.first in place and vote.second in place)
        scored = [(place[vote.first], place[vote.second], vote.share) for vote in self.votes]
        self.strengths = fit(len(candidates), scored)
        tally = [[0, 0, 0] for _ in candidates]
        for one, other, share in scored:
            for item, had in ((one, share), (other, 1 - share)):
                tally[item][{1.0: 0, 0.0: 1}.get(had, 2)] += 1
        margins = self.strengths.margins
        self._rows = [
            Ranked(
                number,
                self.strengths.places(item),
                candidates[item],
                float(self.strengths.values[item]),
                float(margins[item]),
                *tally[item],
            )
            for number, item in enumerate(self.strengths.order, start=1)
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._rows[index]

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
                one.place_words,
                one.title,
                self._file_of(one.candidate.sha256),
                strength_words(one.strength, one.margin),
                (one.wins, one.losses, one.ties),
            )
            for one in self._rows
        ]
        raters = {vote.rater_id for vote in self.votes} - {None}
        by = f" By {len(raters)} raters." if len(raters) > 1 else ""
        axes = [self.by(axis.name) for axis in self._axes if len(axis) > 1]
        several = [
            (one.name, [(value, strength_words(strength, margin)) for value, strength, margin in one.values])
            for one in axes
            if len(one.values) > 1
        ]
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


def next_pair(strengths: Strengths, chance: Random, but: frozenset[int] | None = None) -> tuple[int, int]:
    """
    Return the two items whose vote tells most, in a random order.

    A vote on two tells much where their difference is uncertain and either may win: the variance of the difference
    times p (1 - p). So all are seen first, then neighbours in the ranking that were voted on least.

    Args:
        strengths: at least two, as they are known now.
        chance: orders the two, and chooses among pairs that tell as much.
        but: two items that are not asked about, such as those that are asked about now.
    """
    import numpy as np

    differences = strengths.values[:, None] - strengths.values[None, :]
    likely = np.exp(-np.logaddexp(0, differences))
    may_be_first = strengths.is_above.sum(axis=0) < FIRST_PLACES
    worth = np.where(may_be_first[:, None] & may_be_first[None, :], 1.0, BEYOND)
    told = np.triu(strengths.variances * likely * (1 - likely) * worth, k=1)
    if but is not None and len(strengths) > 2:
        one, other = sorted(but)
        told[one, other] = 0
    best = np.argwhere(told >= told.max() * (1 - 1e-9))
    best = best[best[:, 0] < best[:, 1]]
    pair = [int(item) for item in best[chance.randrange(len(best))]]
    chance.shuffle(pair)
    return pair[0], pair[1]
