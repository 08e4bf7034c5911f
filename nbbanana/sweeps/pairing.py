"""Which two pictures to ask about next: those whose vote tells most, among the first places before others."""

from __future__ import annotations

from random import Random

from nbbanana.sweeps.strengths import Strengths, numeric

__all__ = ["FIRST_PLACES", "next_pair"]

FIRST_PLACES = 3
"""So many places a vote is held for."""
BEYOND = 0.25
"""What a vote on pictures beyond the first places is worth, against one on pictures that may have them."""


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
    np = numeric()
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
