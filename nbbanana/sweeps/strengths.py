"""
Strengths from votes on pairs: a Bradley–Terry model with a normal prior, its maximum and its uncertainty.

Bradley and Terry (Biometrika 39, 1952) give each item a strength, such that i is preferred over j with the probability
1 / (1 + exp(sⱼ - sᵢ)). A tie counts as half a win for each: then a further win never lowers a strength, which cannot
be said where a parameter for ties is estimated beside the strengths (Davidson, JASA 65, 1970). As a tie says more than
half a win and half a loss do, what is left of the variance of a vote is counted in `_dispersion`.

See docs/explanation/voting.md for the figures of a simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PRIOR_SD", "Strengths", "fit"]

Scored = tuple[int, int, float]
"""Two items, and what the first has of the vote: 1, 0 or a half."""
PRIOR_SD = 1.5
"""Standard deviation of strengths before any vote: weak, since two of three lie within one step of 1.5."""
SURE = 2.0
"""Standard deviations of a 95 % interval: a little more than 1.96, as pairs are chosen by the votes before them."""
STEPS, NEAR, ENOUGH = 100, 1e-6, 1e-12
LEAST_DISPERSION = 0.25


@dataclass(frozen=True, eq=False)
class Strengths:
    """
    How strong items are by the votes on them; the mean strength is 0.

    Args:
        values: the strength of each item, in units of log odds.
        covariance: of the strengths about their mean.
    """

    values: NDArray[Any]
    covariance: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def margins(self) -> NDArray[Any]:
        """Half of the 95 % interval of each."""
        return SURE * np.sqrt(np.diag(self.covariance))

    @cached_property
    def variances(self) -> NDArray[Any]:
        """The variance of the difference of each two."""
        own = np.diag(self.covariance)
        variances: NDArray[Any] = np.maximum(own[:, None] + own[None, :] - 2 * self.covariance, 0)
        return variances

    @cached_property
    def is_above(self) -> NDArray[Any]:
        """Whether the first of each two is surely the stronger: the 95 % interval of the difference is above 0."""
        differences = self.values[:, None] - self.values[None, :]
        is_above: NDArray[Any] = differences > SURE * np.sqrt(self.variances)
        return is_above

    @property
    def order(self) -> list[int]:
        """The items, the strongest first; those that are alike in their own order."""
        return sorted(range(len(self)), key=lambda item: (-round(float(self.values[item]), 9), item))

    def places(self, item: int) -> tuple[int, int]:
        """Return the first and the last place that an item may have, by those that are surely above and below it."""
        above, below = int(self.is_above[:, item].sum()), int(self.is_above[item].sum())
        return 1 + above, len(self) - below

    def mean_of(self, items: Sequence[int]) -> tuple[float, float]:
        """Return the mean strength of some items, and half of its 95 % interval."""
        weights = np.zeros(len(self))
        weights[list(items)] = 1 / len(items)
        return float(weights @ self.values), float(SURE * np.sqrt(max(0.0, weights @ self.covariance @ weights)))


def fit(count: int, votes: Iterable[Scored]) -> Strengths:
    """
    Return the strengths of items by the votes on them, whatever their order.

    Args:
        count: how many items there are, at least one.
        votes: which two each was about, and what the first of them had of it.

    >>> found = fit(3, [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (0, 1, 0.5)])
    >>> found.order, [round(float(value), 2) for value in found.values]
    ([0, 1, 2], [0.78, 0.14, -0.92])
    """
    pairs = _pairs(votes)
    values = _maximum(count, pairs)
    weights = pairs.met * _variance(values, pairs)
    information = _laplacian(count, pairs, weights) / _dispersion(pairs.ties, float(weights.sum()))
    covariance = np.linalg.inv(information + np.eye(count) / PRIOR_SD**2)
    means = covariance.mean(axis=0)
    about_mean = covariance - means[:, None] - means[None, :] + means.mean()
    return Strengths(values - values.mean(), about_mean)


@dataclass(frozen=True, eq=False, slots=True)
class _Pairs:
    """Each two that were voted on, by their numbers: how often they met, and what the first of them had of it."""

    first: NDArray[Any]
    second: NDArray[Any]
    met: NDArray[Any]
    had: NDArray[Any]
    ties: int


def _pairs(votes: Iterable[Scored]) -> _Pairs:
    found: dict[tuple[int, int], list[float]] = {}
    ties = 0
    for one, other, share in votes:
        met = found.setdefault((min(one, other), max(one, other)), [0.0, 0.0])
        met[0] += 1
        met[1] += share if one < other else 1 - share
        ties += share == 0.5
    ordered = sorted(found)  # sums of floats depend on their order
    table = np.array([found[pair] for pair in ordered], dtype=float).reshape(-1, 2)
    numbers = np.array(ordered, dtype=np.intp).reshape(-1, 2)
    return _Pairs(numbers[:, 0], numbers[:, 1], table[:, 0], table[:, 1], ties)


def _maximum(count: int, pairs: _Pairs) -> NDArray[Any]:
    """Return where the likelihood times the prior is largest: Newton's method, with a shorter step where it fell."""
    values: NDArray[Any] = np.zeros(count)
    height = _height(values, pairs)
    for _ in range(STEPS):
        surprise = pairs.had - pairs.met * np.exp(-np.logaddexp(0, -_differences(values, pairs)))
        slope = np.bincount(pairs.first, surprise, count) - np.bincount(pairs.second, surprise, count)
        bend = _laplacian(count, pairs, pairs.met * _variance(values, pairs))
        step = np.linalg.solve(bend + np.eye(count) / PRIOR_SD**2, slope - values / PRIOR_SD**2)
        while (higher := _height(values + step, pairs)) < height - ENOUGH and np.abs(step).max() > ENOUGH:
            step = step / 2
        values, height = values + step, higher
        if np.abs(step).max() < NEAR:  # the next step would be about its square
            break
    return values


def _differences(values: NDArray[Any], pairs: _Pairs) -> NDArray[Any]:
    differences: NDArray[Any] = values[pairs.first] - values[pairs.second]
    return differences


def _variance(values: NDArray[Any], pairs: _Pairs) -> NDArray[Any]:
    """Return p (1 - p) of a vote on each pair."""
    differences = _differences(values, pairs)
    variance: NDArray[Any] = np.exp(-np.logaddexp(0, differences) - np.logaddexp(0, -differences))
    return variance


def _height(values: NDArray[Any], pairs: _Pairs) -> float:
    """Return the logarithm of the likelihood times the prior."""
    differences = _differences(values, pairs)
    likely = pairs.had @ differences - pairs.met @ np.logaddexp(0, differences)
    return float(likely - values @ values / (2 * PRIOR_SD**2))


def _laplacian(count: int, pairs: _Pairs, weights: NDArray[Any]) -> NDArray[Any]:
    laplacian: NDArray[Any] = np.zeros((count, count))
    laplacian[pairs.first, pairs.second] = laplacian[pairs.second, pairs.first] = -weights
    own = np.bincount(pairs.first, weights, count) + np.bincount(pairs.second, weights, count)
    laplacian[np.arange(count), np.arange(count)] = own
    return laplacian


def _dispersion(ties: int, variance: float) -> float:
    """
    Return the variance of votes as parts of what they had without ties.

    A vote has the variance p (1 - p) where there are wins alone, and a quarter less for each part of it that is ties.
    The square root of that is counted: the prior draws strengths together, and an interval has to hold that too.

    >>> _dispersion(0, 10.0), round(_dispersion(10, 10.0), 2), _dispersion(40, 10.0)
    (1.0, 0.88, 0.5)
    """
    return float(max(LEAST_DISPERSION, 1 - ties / 4 / (variance + 1)) ** 0.5)
