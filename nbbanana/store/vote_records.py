"""`Vote`: which of two outputs was preferred."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Preferred", "Vote", "VotedOutput"]

VotedOutput = tuple[str, int]
"""The uid of an edit, which is the same in every store, and the index of one of its outputs."""
Preferred = Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Vote:
    """
    A vote on two outputs.

    Args:
        uid: its own name, the same in every store.
        first: one output; in a form the one at the left.
        second: the other one.
        preferred: `first`, `second`, or `tie` for no difference.
        sweep: SHA-256 of what the cells ask among which it was cast.
        at: when, in seconds since the epoch.
        rater: who voted; None where no name was given or it is not known in this store.
        rater_id: what tells raters apart in every store; None where no name was given.

    >>> vote = Vote("0" * 32, ("a" * 32, 0), ("b" * 32, 1), "second", "c" * 64, 0.0)
    >>> vote.share, vote.winner == vote.second
    (0.0, True)
    >>> vote
    <Vote: bbbbbbbb[1] is better than aaaaaaaa[0]>
    """

    uid: str
    first: VotedOutput
    second: VotedOutput
    preferred: Preferred
    sweep: str
    at: float
    rater: str | None = None
    rater_id: str | None = None

    def __repr__(self) -> str:
        first, second = (f"{uid[:8]}[{index}]" for uid, index in (self.first, self.second))
        said = f"{first} ties with {second}"
        if self.preferred != "tie":
            better, other = (first, second) if self.preferred == "first" else (second, first)
            said = f"{better} is better than {other}"
        return f"<Vote: {said}>"

    @property
    def share(self) -> float:
        """What the first output has of the vote: 1, 0, or a half."""
        return {"first": 1.0, "second": 0.0, "tie": 0.5}[self.preferred]

    @property
    def winner(self) -> VotedOutput | None:
        """The output that was preferred; None where none was."""
        return {"first": self.first, "second": self.second, "tie": None}[self.preferred]
