"""
How long the next job will take, judged from how long the last ones took.

Durations of one model at one resolution are close to log-normal, or to a few log-normals side by side (a warm and
a cold worker, an idle and a busy hour). So the logarithms of the newest durations are cut into one to four clusters;
each number of clusters is weighed by how well it explains the numbers (its marginal likelihood, which charges for
every cluster), and what they predict together is the outlook. A cluster of n jobs predicts a Student t and not a
normal, because its middle and its spread are known from n jobs only. A thin, wide share is kept for what has never
been seen: a service that became several times faster or slower overnight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, floor, inf, isfinite, lgamma, log, pi, sqrt

__all__ = ["LONGEST", "SHORTEST", "Outlook", "outlook", "usable"]

SHORTEST, LONGEST = 0.25, 7200.0
"""Seconds; what lies outside is taken for the nearer of the two."""
NEWEST = 60
HALF_LIFE = 20.0
"""A job counts half as much as one that came this many jobs later: services change."""
CLUSTERS = 4
SPREAD, SPREAD_JOBS = 0.2, 4.0
"""The standard deviation of log-seconds expected of a cluster before any is seen, and how many jobs that belief is worth."""
SURPRISE_JOBS = 20.0
SURPRISE_SPREAD, SURPRISE_FREEDOM = 0.7, 3.0
"""What has never been seen gets the share 1 / (jobs + SURPRISE_JOBS): a Student t around the median, e^0.7 ≈ 2 times wide."""
NEGLIGIBLE = 0.02

STEP = 0.02
AGES = tuple(SHORTEST * exp(STEP * i) for i in range(round(log(LONGEST / SHORTEST) / STEP) + 1))
LOGS = tuple(map(log, AGES))
BELIEF = SPREAD_JOBS * SPREAD**2
HALF_LOG_PI = log(pi) / 2.0
CLUSTER_PRIOR = SPREAD_JOBS / 2.0 * log(BELIEF) - lgamma(SPREAD_JOBS / 2.0) + HALF_LOG_PI - log(LOGS[-1] - LOGS[0])


class Outlook:
    """
    The distribution of a duration, as a table over AGES.

    Args:
        surviving: for each of AGES, the probability that the job takes longer; falls from 1.
    """

    def __init__(self, surviving: Sequence[float]) -> None:
        self._surviving = surviving
        slices = ((a + b) / 2 * (v - u) for (a, b), (u, v) in zip(pairwise(surviving), pairwise(AGES), strict=True))
        self._lived = list(accumulate(slices, initial=SHORTEST))

    def surviving(self, age: float) -> float:
        """The probability that the job takes longer than `age` seconds."""
        return 1.0 if age <= SHORTEST else _between(self._surviving, age)

    def lived(self, age: float) -> float:
        """The mean of the seconds that the job takes before `age`: the integral of `surviving` up to there."""
        return age if age <= SHORTEST else _between(self._lived, age)

    def hazard(self, age: float) -> float:
        """The rate, a second, at which jobs that are not done at `age` get done right after it."""
        i = min(max(0, bisect_right(AGES, age) - 1), len(AGES) - 2)
        here, there = self._surviving[i], self._surviving[i + 1]
        return (here - there) / (AGES[i + 1] - AGES[i]) / here if here > 0.0 else inf

    def delayed(self, gap: float) -> Outlook:
        """The same job when it begins at an unknown moment of the first `gap` seconds, any as likely as another."""
        return Outlook([(self.lived(age) - self.lived(age - gap)) / gap for age in AGES]) if gap > 0.0 else self


def _between(table: Sequence[float], age: float) -> float:
    """A table over AGES, read at an age between its points."""
    i = min(floor(log(age / SHORTEST) / STEP), len(AGES) - 2)
    part = min(1.0, max(0.0, (age - AGES[i]) / (AGES[i + 1] - AGES[i])))
    return table[i] + part * (table[i + 1] - table[i])


def usable(durations: Sequence[float]) -> tuple[float, ...]:
    """The newest durations that are positive numbers, within SHORTEST and LONGEST; newest first, as they came."""
    sound = [min(max(float(d), SHORTEST), LONGEST) for d in durations if isfinite(d) and d > 0.0]
    return tuple(sound[:NEWEST])


def outlook(durations: Sequence[float]) -> Outlook:
    """
    What the durations of past jobs say about the next one.

    Args:
        durations: at least one, in seconds, newest first, as `usable` gives them.

    >>> twelve = outlook((11.0, 12.5, 12.0, 13.0, 11.5, 12.2))
    >>> round(twelve.surviving(6.0), 2), round(twelve.surviving(12.0), 1), round(twelve.surviving(30.0), 2)
    (0.98, 0.5, 0.02)
    """
    line = _Line(durations)
    middle = line.logs[len(line.logs) // 2]
    strange = 1.0 / (line.jobs + SURPRISE_JOBS)
    bumps = [_Bump(strange, middle, SURPRISE_SPREAD, SURPRISE_FREEDOM)]
    bumps += [bump.scaled(1.0 - strange) for bump in _expected(line)]
    columns = [bump.density(LOGS) for bump in bumps]
    density = [sum(heights) for heights in zip(*columns, strict=True)]
    done = list(accumulate(((a + b) / 2 for a, b in pairwise(density)), initial=0.0))
    return Outlook([1.0 - share / done[-1] for share in done])


@dataclass(frozen=True, slots=True)
class _Bump:
    """A Student t over log-seconds, times its share of the whole."""

    share: float
    middle: float
    spread: float
    freedom: float

    def scaled(self, factor: float) -> _Bump:
        """The same bump with another share."""
        return _Bump(self.share * factor, self.middle, self.spread, self.freedom)

    def density(self, logs: Sequence[float]) -> list[float]:
        """Its height at each of `logs`."""
        half = (self.freedom + 1.0) / 2.0
        top = self.share * exp(lgamma(half) - lgamma(half - 0.5)) / (sqrt(self.freedom * pi) * self.spread)
        narrow = 1.0 / (self.freedom * self.spread**2)
        return [top * (1.0 + (x - self.middle) ** 2 * narrow) ** -half for x in logs]


@dataclass(frozen=True, slots=True)
class _Cluster:
    """Some neighbouring durations: how many jobs they count for, the mean of their logarithms, the squares around it."""

    jobs: float
    mean: float
    squares: float

    @property
    def evidence(self) -> float:
        """
        The logarithm of how likely these logarithms are, had one normal made them.

        Its variance is scaled-inverse-chi-squared around SPREAD² before they are seen, its mean anywhere on the table
        (Gelman et al., Bayesian Data Analysis, 3rd ed., section 3.3). The last term belongs to the prior of a
        partition: shares of the clusters are uniform (a Dirichlet-multinomial).
        """
        half = (SPREAD_JOBS + self.jobs - 1.0) / 2.0
        fit = lgamma(half) - half * log(BELIEF + self.squares) - self.jobs * HALF_LOG_PI - log(self.jobs) / 2.0
        return CLUSTER_PRIOR + fit + lgamma(self.jobs + 1.0)

    def bump(self, share: float) -> _Bump:
        """What it predicts for its next job."""
        freedom = SPREAD_JOBS + self.jobs - 1.0
        variance = (BELIEF + self.squares) / freedom
        return _Bump(share, self.mean, sqrt(variance * (1.0 + 1.0 / self.jobs)), freedom)


class _Line:
    """The logarithms of durations in order, each counting for its age; sums make any stretch of it a cluster at once."""

    def __init__(self, durations: Sequence[float]) -> None:
        weights = [0.5 ** (i / HALF_LIFE) for i in range(len(durations))]
        # Weighted observations carry as much as (sum w)² / (sum w²) unweighted ones (Kish's effective sample size).
        scale = sum(weights) / sum(w * w for w in weights)
        pairs = sorted((log(d), w * scale) for d, w in zip(durations, weights, strict=True))
        self.logs = [x for x, _ in pairs]
        self._jobs = list(accumulate((w for _, w in pairs), initial=0.0))
        self._sums = list(accumulate((w * x for x, w in pairs), initial=0.0))
        self._squares = list(accumulate((w * x * x for x, w in pairs), initial=0.0))

    @property
    def jobs(self) -> float:
        """How many jobs all of it counts for."""
        return self._jobs[-1]

    def cluster(self, begin: int, end: int) -> _Cluster:
        """The durations from `begin` to before `end` as a cluster."""
        jobs = self._jobs[end] - self._jobs[begin]
        mean = (self._sums[end] - self._sums[begin]) / jobs
        squares = self._squares[end] - self._squares[begin] - jobs * mean * mean
        return _Cluster(jobs, mean, max(0.0, squares))


def _expected(line: _Line) -> Iterator[_Bump]:
    """What one cluster, two, three and four predict, each as far as it is believed."""
    cuts = _partitions(line)
    best = max(evidence for evidence, _ in cuts)
    beliefs = [exp(evidence - best) for evidence, _ in cuts]
    for belief, (_, bounds) in zip(beliefs, cuts, strict=True):
        if belief / sum(beliefs) < NEGLIGIBLE:
            continue
        for begin, end in pairwise(bounds):
            cluster = line.cluster(begin, end)
            share = (cluster.jobs + 1.0) / (line.jobs + len(bounds) - 1)
            yield cluster.bump(share * belief / sum(beliefs))


def _partitions(line: _Line) -> list[tuple[float, list[int]]]:
    """For each number of clusters the best way to cut the line into so many: its evidence and where it is cut."""
    n = len(line.logs)
    worth = [[line.cluster(i, j).evidence for j in range(i + 1, n + 1)] for i in range(n)]
    best = [(0.0, [0])] + [(-inf, [0])] * n
    found = []
    for k in range(1, min(CLUSTERS, n) + 1):
        best = [(-inf, [0])] * k + [_extended(best, worth, j, k) for j in range(k, n + 1)]
        evidence, bounds = best[n]
        found.append((evidence + lgamma(k) - lgamma(k + line.jobs), bounds))
    return found


def _extended(
    best: list[tuple[float, list[int]]], worth: list[list[float]], end: int, clusters: int
) -> tuple[float, list[int]]:
    """The best cut of what lies before `end`, whose last cluster follows one of the best cuts with one cluster less."""
    evidence, begin = max((best[i][0] + worth[i][end - i - 1], i) for i in range(clusters - 1, end))
    return evidence, [*best[begin][1], end]
