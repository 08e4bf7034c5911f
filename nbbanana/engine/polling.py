"""
When to ask a service whether a job is done.

The rule: send the next request at the moment when the time that it can be expected to save is worth a request. What
it saves is the time between the end of the job and the request, in the mean over what the newest jobs took. A request
is worth WORTH seconds of waiting.

No input or output and no clock: the caller passes the age of the job and sleeps for the delay that it gets.
docs/explanation/waiting.md has measurements.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import isfinite
from statistics import median

__all__ = ["LONGEST_DELAY", "NOT_FOUND_PATIENCE", "SHORTEST_DELAY", "WORTH", "PollSchedule"]

NOT_FOUND_PATIENCE = 180.0
"""Seconds of nothing but "not found" after which a request is taken to be not there: a fresh id is not known
everywhere at once."""
WORTH = 0.022
"""Seconds of waiting that one request is worth: about 0.4 times the wait of a request every 2 s, with twice as many."""
SHORTEST_DELAY, LONGEST_DELAY = 0.4, 15.0
FEWEST, NEWEST = 3, 20
"""How many past jobs the rule needs, and how many it looks at; few, so that a service that changes is followed."""
SPREAD = (0.7, 0.8, 0.87, 0.93, 1.0, 1.07, 1.15, 1.25, 1.4, 1.6)
"""What a job may take next, as multiples of what one job took: jobs differ, and twenty do not show all that can be."""
FIRST_SHARE, FIRST_OF = 0.6, 3
"""The first request is not later than this share of the shortest of so many newest jobs: one that was done much sooner
than usual is seen at the first request only, and recorded as if it had taken until then."""
LARGEST_SHARE, OVERTIME_SHARE = 0.25, 0.05
"""Later delays are at most the one share of the age and, once the job takes longer than all, at least the other."""
UNKNOWN_FIRST, UNKNOWN_DELAY, UNKNOWN_GROWTH = 3.3, 1.75, 0.008
"""With fewer past jobs: seconds until the first request, and then so many and this share of the age of the job."""
QUEUE_SHARE = 0.5
"""Share of the time that the queue seems to take that is waited: it may become faster meanwhile."""


class PollSchedule:
    """
    The moments at which the state of one job is requested; one schedule for each job.

    Args:
        durations: seconds that completed jobs of the same model and resolution ran, newest first. The newest 20
            positive numbers are used.

    >>> known = PollSchedule([12.0, 11.0, 13.5, 10.5, 12.5, 11.5, 13.0, 12.0])
    >>> known.expected
    12.0
    >>> round(known.delay(0.0), 1), round(known.delay(11.0), 1), round(known.delay(60.0), 1)
    (6.6, 0.5, 3.0)
    >>> PollSchedule().delay(0.0), known.delay(11.0, retry_after=5.0)
    (3.3, 5.0)
    """

    def __init__(self, durations: Sequence[float] = ()) -> None:
        self._durations = [seconds for seconds in durations if seconds > 0.0 and isfinite(seconds)][:NEWEST]
        self._possible = sorted(seconds * factor for seconds in self._durations for factor in SPREAD)
        self.expected = median(self._durations) if self._durations else None
        """Seconds that such a job typically runs: the median of the newest; None without past jobs."""
        self.began = 0.0
        """
        Seconds after acceptance at which the job is taken to have left the queue; 0 if it was never seen in one.

        It left between the last answer "in the queue" and the first other one; the middle is taken. The duration in
        the history counts from here.
        """
        self._is_queued = False
        self._queue: tuple[float, int] | None = None

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
        Return the seconds until the next request, for a job that was not done at the last one.

        Args:
            elapsed: seconds since the job was accepted; does not fall from call to call.
            running_for: seconds since it was first seen running, if it was.
            queued: whether the last answer said that it is in a queue; a `queue_position` says so too.
            queue_position: its place in the queue, if the last answer named one.
            retry_after: seconds that the service asked to wait; honoured even beyond LONGEST_DELAY.
        """
        elapsed = max(0.0, elapsed)
        if queued or queue_position is not None:
            self.began, self._is_queued = elapsed, True
            delay = max(self._rule(0.0), QUEUE_SHARE * self._left_in_queue(elapsed, queue_position))
        else:
            if self._is_queued:
                self.began += max(0.0, elapsed - (running_for or 0.0) - self.began) / 2.0
                self._is_queued = False
            delay = self._rule(max(0.0, elapsed - self.began))
        delay = min(max(delay, SHORTEST_DELAY), LONGEST_DELAY)
        return max(delay, retry_after) if retry_after is not None and isfinite(retry_after) else delay

    def _rule(self, age: float) -> float:
        """Return the seconds until the next request for a job that has run for `age` seconds, within no bounds yet."""
        if len(self._durations) < FEWEST:
            return max(UNKNOWN_FIRST - age, UNKNOWN_DELAY + UNKNOWN_GROWTH * age)
        moment = self._moment(self._possible[bisect_right(self._possible, age) :])
        first = FIRST_SHARE * min(self._durations[:FIRST_OF])
        latest = first if age < first else (1.0 + LARGEST_SHARE) * age
        return max(min(moment, latest) - age, OVERTIME_SHARE * age if age > max(self._durations) else 0.0)

    @staticmethod
    def _moment(possible: Sequence[float]) -> float:
        """
        Return the age at which a request saves WORTH seconds in the mean; 0 if nothing is known to take so long.

        Args:
            possible: seconds that the job may take, each as likely as the others, rising.
        """
        saving, done, total = WORTH * len(possible), 0, 0.0
        for seconds in possible:
            # Until `seconds`, a request at that age would save what the `done` shorter ones have waited by then.
            if done * seconds - total >= saving:
                break
            done, total = done + 1, total + seconds
        return (saving + total) / done if done else 0.0

    def _left_in_queue(self, elapsed: float, position: int | None) -> float:
        """Return the seconds until the job leaves the queue, at the pace seen so far; 0 if that is not known."""
        if position is None:
            return 0.0
        if self._queue is None or position > self._queue[1]:
            self._queue = elapsed, position
        since, first = self._queue
        # Whether the front of the queue is 0 or 1 is not documented: one place less errs towards asking.
        return (elapsed - since) / (first - position) * max(0, position - 1) if position < first else 0.0
