"""
How long the next job will take, judged from how long the last ones took.

Durations of one model at one resolution are close to log-normal, or to a few log-normals side by side (a warm and
a cold worker, an idle and a busy hour). So the logarithms of the newest durations are cut into one to four clusters;
each number of clusters is weighed by how well it explains the numbers (its marginal likelihood, which charges for
every cluster), and what they predict together is the outlook. A cluster of n jobs predicts a Student t and not a
normal, because its middle and its spread are known from n jobs only. Newer jobs count more than older ones, a service
that got faster is looked for, and a thin, wide share is kept for what has never been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, floor, hypot, inf, isfinite, lgamma, log, pi, sqrt
from statistics import median

__all__ = ["LONGEST", "SHORTEST", "Outlook", "outlook", "usable"]

SHORTEST, LONGEST = 0.25, 7200.0
"""Seconds; what lies outside is taken for the nearer of the two."""
NEWEST = 40
HALF_LIFE = 25.0
"""A job counts half as much as one that came this many jobs later: services change."""
CLUSTERS = 4
REACH = 3.0
"""Log-seconds within which the middles of clusters are expected: a factor of 20 from the first to the last."""
SPREAD, SPREAD_JOBS = 0.2, 5.0
"""The standard deviation of log-seconds in a cluster as expected beforehand, and how many jobs that is worth."""
RECENT, CHANGE = 8, 0.02
"""For how many jobs after it a change of the service is looked for, and how likely it is to have come before each."""
UNNOTICED = 0.35
"""How much sooner than noticed, in log-seconds, jobs may have been done whose times are below all earlier ones."""
SURPRISE_JOBS = 30.0
"""What has never been seen gets the share 1 / (jobs + SURPRISE_JOBS), as a Student t around the median."""
SURPRISE_SPREAD, SURPRISE_FREEDOM = 0.7, 3.0
NEGLIGIBLE = 0.02

STEP = 0.02
AGES = tuple(SHORTEST * exp(STEP * i) for i in range(round(log(LONGEST / SHORTEST) / STEP) + 1))
LOGS = tuple(map(log, AGES))
BELIEF = SPREAD_JOBS * SPREAD**2
HALF_LOG_PI = log(pi) / 2.0
CLUSTER_PRIOR = SPREAD_JOBS / 2.0 * log(BELIEF) - lgamma(SPREAD_JOBS / 2.0) + HALF_LOG_PI - log(REACH)


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
        if age <= SHORTEST:
            return 1.0
        i = _before(age)
        part = min(1.0, (age - AGES[i]) / (AGES[i + 1] - AGES[i]))
        return self._surviving[i] + part * (self._surviving[i + 1] - self._surviving[i])

    def lived(self, age: float) -> float:
        """The mean of the seconds that the job takes before `age`: the integral of `surviving` up to there."""
        if age <= SHORTEST:
            return age
        i = _before(age)
        return self._lived[i] + (age - AGES[i]) * (self._surviving[i] + self.surviving(age)) / 2.0

    def hazard(self, age: float) -> float:
        """The rate, a second, at which jobs that are not done at `age` get done right after it."""
        i = _before(max(age, SHORTEST))
        here, there = self._surviving[i], self._surviving[i + 1]
        return (here - there) / (AGES[i + 1] - AGES[i]) / here if here > 0.0 else inf

    def delayed(self, gap: float) -> Outlook:
        """The same job when it begins at an unknown moment of the first `gap` seconds, any as likely as another."""
        return Outlook([(self.lived(age) - self.lived(age - gap)) / gap for age in AGES]) if gap > 0.0 else self


def _before(age: float) -> int:
    """The place in AGES of the last point that is not after `age`; never the last of all."""
    return min(floor(log(age / SHORTEST) / STEP), len(AGES) - 2)


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
    >>> round(twelve.surviving(6.0), 1), round(twelve.surviving(12.0), 1), round(twelve.surviving(16.0), 1)
    (1.0, 0.5, 0.1)
    """
    jobs = _weighed(durations)
    count = sum(weight for _, weight in jobs)
    strange = 1.0 / (count + SURPRISE_JOBS)
    bumps = [_Bump(strange, median(x for x, _ in jobs), SURPRISE_SPREAD, SURPRISE_FREEDOM)]
    bumps += [bump.scaled(1.0 - strange) for bump in _expected(jobs)]
    columns = [bump.density(LOGS) for bump in bumps]
    density = [sum(heights) for heights in zip(*columns, strict=True)]
    done = list(accumulate(((a + b) / 2 for a, b in pairwise(density)), initial=0.0))
    return Outlook([1.0 - share / done[-1] for share in done])


def _weighed(durations: Sequence[float]) -> list[tuple[float, float]]:
    """The logarithm of each duration and how many jobs it counts for; newest first, as they came."""
    weights = [0.5 ** (i / HALF_LIFE) for i in range(len(durations))]
    # Weighted observations carry as much as (sum w)² / (sum w²) unweighted ones (Kish's effective sample size).
    scale = sum(weights) / sum(w * w for w in weights)
    return [(log(d), w * scale) for d, w in zip(durations, weights, strict=True)]


def _expected(jobs: Sequence[tuple[float, float]]) -> Iterator[_Bump]:
    """What each view of the jobs predicts, as far as it is believed."""
    views = list(_views(jobs))
    whole = _total(evidence for evidence, _ in views)
    for evidence, bumps in views:
        belief = exp(evidence - whole)
        if belief > NEGLIGIBLE:
            yield from (bump.scaled(belief) for bump in bumps)


def _views(jobs: Sequence[tuple[float, float]]) -> Iterator[tuple[float, list[_Bump]]]:
    """
    The evidence for each view of the jobs and what it predicts: a number of clusters, or a service that got faster.

    A service that got slower shows itself while its jobs are waited for. One that got faster hides: jobs are noticed
    at the first question, which follows from the old times, and are recorded as taking until then. So where all of the
    newest jobs are below all before them, they may have changed, and may have been done sooner than noticed.
    """
    always = _Line(jobs)
    for evidence, bounds in _partitions(always):
        clusters = [always.cluster(begin, end) for begin, end in pairwise(bounds)]
        yield evidence, [c.bump((c.jobs + 1.0) / (always.jobs + len(clusters))) for c in clusters]
    for r in range(1, min(RECENT, len(jobs) - 1) + 1):
        if max(jobs[:r]) < min(jobs[r:]):
            new = _Line(jobs[:r])
            old = _total(evidence for evidence, _ in _partitions(_Line(jobs[r:])))
            yield log(CHANGE) + old + _partitions(new)[0][0], [new.cluster(0, r).sooner()]


def _total(logs: Iterable[float]) -> float:
    """The logarithm of the sum of what these are logarithms of."""
    known = list(logs)
    top = max(known)
    return top + log(sum(exp(x - top) for x in known))


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
    """Neighbouring durations: how many jobs they count for, the mean of their logarithms, the squares around it."""

    jobs: float
    mean: float
    squares: float

    @property
    def evidence(self) -> float:
        """
        The logarithm of how likely these logarithms are, had one normal made them.

        Its variance is scaled-inverse-chi-squared around SPREAD² before they are seen, its mean anywhere within REACH
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

    def sooner(self) -> _Bump:
        """What it predicts if its jobs were done some time before they were noticed."""
        bump = self.bump(1.0)
        return _Bump(1.0, bump.middle - UNNOTICED, hypot(bump.spread, UNNOTICED), bump.freedom)


class _Line:
    """The logarithms of durations in order, each with its weight; sums make any stretch of it a cluster at once."""

    def __init__(self, jobs: Iterable[tuple[float, float]]) -> None:
        pairs = sorted(jobs)
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
