"""
When to ask whether a job is done.

Asking seldom makes people wait for a picture that is there, asking often makes requests that learn nothing. A
request is taken to be worth some seconds of waiting, and the schedule with the least mean of

    seconds between done and noticed + worth × requests

is found exactly, by dynamic programming over what `durations` expects. It is the problem of when to inspect a machine
that may have failed unseen (Barlow, Hunter and Proschan, "Optimum checking procedures", J. SIAM 11, 1963). Where jobs
get done at the rate h, the best distance between two questions is close to sqrt(2 × worth / h) (Keller, "Optimum
checking schedules for systems subject to random failure", Management Science 21, 1974); the program's grid follows it.

No input or output, no clock: the engine says how late it is and hears how long to sleep. See
docs/explanation/waiting.md for what it achieves.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite, sqrt
from statistics import median

from nbbanana.engine.durations import LONGEST, Outlook, outlook, usable

__all__ = ["LONGEST_DELAY", "SHORTEST_DELAY", "WORTH", "PollSchedule"]

WORTH = 0.022
"""Seconds of waiting that one request is worth: 0.3 times the wait of asking every 2 s, at twice the requests."""
SHORTEST_DELAY, LONGEST_DELAY = 0.4, 15.0
"""No two questions are closer, whatever is expected, and none is later, so that a surprise is noticed in time."""
FIRST_UNKNOWN, UNKNOWN_DELAY, UNKNOWN_GROWTH = 3.3, 1.75, 0.008
"""Without history: seconds until the first question, and then this many and this share of the job's age."""
OVERTIME_GROWTH = 0.05
"""Past the longest job known, the delay is at least this share of what it is past it."""
QUEUE_SHARE = 0.5
"""Share of the time the queue seems to take that is slept through: it may get twice as fast unnoticed."""
FINENESS = 4.0
"""Points of the grid for each question that Keller's rule would ask."""
NEGLIGIBLE = 0.003
TYPICAL_JOBS = 21


class PollSchedule:
    """
    The moments at which one job is asked after; make one for each job, and ask it once a question.

    Args:
        durations: seconds that completed jobs of the same model and resolution ran, newest first; the newest 40
            positive numbers are looked at.
        worth: seconds of waiting that one request is worth; larger is thriftier.

    Raises:
        ValueError: `worth` is not positive.

    >>> known = PollSchedule([12.0, 11.0, 13.5, 10.5, 12.5, 11.5, 13.0, 12.0])
    >>> known.expected
    12.0
    >>> round(known.delay(0.0), 1), round(known.delay(11.0), 1), round(known.delay(60.0), 1)
    (8.7, 0.4, 2.3)
    >>> PollSchedule().delay(0.0), known.delay(11.0, retry_after=5.0)
    (3.3, 5.0)
    """

    def __init__(self, durations: Sequence[float] = (), *, worth: float = WORTH) -> None:
        if not worth > 0.0:
            raise ValueError(f"worth is {worth}; it must be a positive number of seconds")
        self._durations = usable(durations)
        self._worth = worth
        self._plan = _plan(self._durations, 0.0, worth)
        self._origin = self._gap = 0.0
        self._is_queued = False
        self._queue: tuple[float, int] | None = None

    @property
    def expected(self) -> float | None:
        """Seconds that such a job typically runs: the median of the newest; None without history."""
        return median(self._durations[:TYPICAL_JOBS]) if self._durations else None

    @property
    def began(self) -> float:
        """
        Seconds after acceptance at which the job is taken to have left the queue; 0 if it was never seen in one.

        It left between the last answer that saw it there and the first that did not; the middle is taken. Its
        duration for the history of later jobs counts from here, not from when it was first seen running.
        """
        return self._origin + self._gap / 2.0

    def delay(
        self,
        elapsed: float,
        *,
        running_for: float | None = None,
        queued: bool = False,
        queue_position: int | None = None,
        retry_after: float | None = None,
    ) -> float:
        """
        Seconds until the next question, for a job that was not done when it was last asked after.

        Args:
            elapsed: seconds since the job was accepted; does not fall from call to call.
            running_for: seconds since it was first seen running, where it was.
            queued: whether the last answer said that it waits in a queue; a `queue_position` says so too.
            queue_position: its place in the queue, where the last answer named one.
            retry_after: seconds the service asked to wait; honoured even beyond LONGEST_DELAY.
        """
        elapsed = max(0.0, elapsed)
        if queued or queue_position is not None:
            wait = self._in_queue(elapsed, queue_position)
        else:
            wait = self._at_work(elapsed, running_for or 0.0)
        wait = min(max(wait, SHORTEST_DELAY), LONGEST_DELAY)
        return max(wait, retry_after) if retry_after is not None and isfinite(retry_after) else wait

    def _in_queue(self, elapsed: float, position: int | None) -> float:
        """A job in the queue has all its work before it, and a part of the queue, once that is seen to move."""
        self._origin, self._gap, self._is_queued = elapsed, 0.0, True
        self._plan = _plan(self._durations, 0.0, self._worth)
        return max(self._plan.wait(0.0), QUEUE_SHARE * self._left_in_queue(elapsed, position))

    def _left_in_queue(self, elapsed: float, position: int | None) -> float:
        """Seconds until the job leaves the queue, at the pace since it was first seen there; 0 if that is not known."""
        if position is None:
            return 0.0
        if self._queue is None or position > self._queue[1]:
            self._queue = elapsed, position
        since, first = self._queue
        # Whether the front of the queue is 0 or 1 is not documented: one place less errs towards asking.
        return (elapsed - since) / (first - position) * max(0, position - 1) if position < first else 0.0

    def _at_work(self, elapsed: float, running_for: float) -> float:
        """A job at work, or not known to wait: counted from when it left the queue, or from its acceptance."""
        if self._is_queued:
            # Halves of seconds, so that the jobs of a batch share their plans.
            self._gap = round(2.0 * max(0.0, elapsed - running_for - self._origin)) / 2.0
            self._plan, self._is_queued = _plan(self._durations, self._gap, self._worth), False
        return self._plan.wait(max(0.0, elapsed - self._origin))


@dataclass(frozen=True, slots=True)
class _Plan:
    """
    What to do at any age of a job.

    Args:
        ages: seconds, rising from 0.
        questions: for each of `ages`, the age at which a job that is not done then is best asked after next.
        longest: seconds of the longest job known.
        worth: seconds that a request is worth.
    """

    ages: Sequence[float]
    questions: Sequence[float]
    longest: float
    worth: float

    def wait(self, age: float) -> float:
        """Seconds from `age` until the next question; not yet held within the bounds."""
        overtime = OVERTIME_GROWTH * (age - self.longest)
        if age >= self.ages[-1]:
            return max(overtime, _keller(1.0 / age, self.worth))
        i = bisect_right(self.ages, age) - 1
        part = (age - self.ages[i]) / (self.ages[i + 1] - self.ages[i])
        return max(overtime, self.questions[i] + part * (self.questions[i + 1] - self.questions[i]) - age)


class _Unknown:
    """What to do where nothing is known: even at first, then in proportion to the job's age."""

    def wait(self, age: float) -> float:
        """Seconds from `age` until the next question."""
        return max(FIRST_UNKNOWN - age, UNKNOWN_DELAY + UNKNOWN_GROWTH * age)


@lru_cache(maxsize=64)
def _plan(durations: tuple[float, ...], gap: float, worth: float) -> _Plan | _Unknown:
    """The best plan after such durations, for a job that began at an unknown moment of its first `gap` seconds."""
    if not durations:
        return _Unknown()
    expected = outlook(durations).delayed(gap)
    longest = max(durations) + gap
    ages = _grid(expected, worth, min(2.0 * longest, LONGEST))
    return _Plan(ages, _questions(expected, worth, ages), longest, worth)


def _keller(hazard: float, worth: float) -> float:
    """About the best distance between two questions where jobs get done at this rate, a second."""
    return sqrt(2.0 * worth / hazard)


def _grid(expected: Outlook, worth: float, end: float) -> list[float]:
    """Ages from 0 on, close where questions will be; until hardly a job is left, or `end`."""
    ages = [0.0]
    while ages[-1] < end and expected.surviving(ages[-1]) > NEGLIGIBLE:
        age = ages[-1]
        fine = _keller(max(expected.hazard(age), 1e-9), worth) / FINENESS
        coarsest = min(max(SHORTEST_DELAY / FINENESS, 0.05 * age), LONGEST_DELAY / FINENESS)
        ages.append(age + max(SHORTEST_DELAY / 8.0, min(fine, coarsest)))
    return ages


def _questions(expected: Outlook, worth: float, ages: Sequence[float]) -> list[float]:
    """
    For each of `ages`, the age of the best next question, by dynamic programming from the last age back.

    Call S(t) the probability that the job is still not done at t, and A(t) the integral of S up to t. What is still
    to be paid at s, times S(s), is W(s) = worth S(s) + min over t of [S(s) (t - s) - A(t) + A(s) + W(t)]: the request
    at t is sent for sure, and the seconds between s and t are waited by those whose job is done in between. With
    B = W - A, the answer t is the one with the least S(s) t + B(t); as S falls, it never moves back, so that what
    was found for a later age bounds the search for an earlier one.
    """
    alive = [expected.surviving(age) for age in ages]
    last = len(ages) - 1
    # What follows the grid is not searched: what it costs is about that of Keller's rule for a hazard of 1 / age.
    beyond = _keller(1.0 / ages[last], worth)
    rest = [0.0] * last + [alive[last] * beyond - expected.lived(ages[last])]
    best, answers = last, [0.0] * last + [ages[last] + beyond]
    for i in range(last - 1, -1, -1):
        soonest = max(i + 1, bisect_right(ages, ages[i] + SHORTEST_DELAY) - 1)
        latest = max(soonest, min(best + 1, bisect_right(ages, ages[i] + LONGEST_DELAY) - 1))
        prices = [alive[i] * ages[j] + rest[j] for j in range(soonest, latest + 1)]
        cheapest = min(prices)
        best = soonest + prices.index(cheapest)
        rest[i] = alive[i] * (worth - ages[i]) + cheapest
        is_inside = soonest < best < latest
        answers[i] = _bottom(ages[best - 1 : best + 2], prices[best - soonest - 1 :]) if is_inside else ages[best]
    return answers


def _bottom(at: Sequence[float], prices: Sequence[float]) -> float:
    """Where the parabola through three prices is lowest; the middle one is the lowest of the three."""
    left, right = at[1] - at[0], at[2] - at[1]
    down, up = (prices[0] - prices[1]) / left, (prices[2] - prices[1]) / right
    return at[1] + (down * right - up * left) / (2.0 * (down + up)) if down + up > 0.0 else at[1]
