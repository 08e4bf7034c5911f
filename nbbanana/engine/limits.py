"""Concurrency limit: halved on 429, back along a cubic curve within as many accepted jobs as ran at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable

__all__ = ["AdaptiveLimit"]

ONE_REFUSAL = 1.0
"""Seconds within which refusals speak of the same burst."""
KEPT = 0.5
"""What a refusal leaves of the limit."""


class AdaptiveLimit:
    """
    A semaphore with an adaptive size: halved on a 429, and grown by accepted jobs.

    It grows as TCP CUBIC does (RFC 9438), counted in accepted jobs and not in seconds, since a round here is a job of
    many seconds: quickly at first, slowly near the size at which it was refused, which it has again after as many
    accepted jobs as that size; then beyond. One more a round would need thousands of jobs to get over one refusal. All
    calls belong to one loop.

    >>> limit = AdaptiveLimit(16)
    >>> limit.refused(); limit.size
    8.0
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._halved_at = -math.inf
        self.size = float(most)
        self._refused_at = float(most)
        """The size at the last refusal."""
        self._since = 0
        """Jobs that were accepted since then."""
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self._taken >= int(self.size):
            ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(ticket)
            try:
                await ticket
            except asyncio.CancelledError:
                self._pass_on(ticket)
                raise
        self._taken += 1

    async def __aexit__(self, *_: object) -> None:
        self._taken -= 1
        self._wake()

    def accepted(self) -> None:
        """Grow, by one at most: the service accepted a job."""
        self._since += 1
        way = self._since / self._refused_at - 1.0
        cubic = self._refused_at * (1.0 + (1.0 - KEPT) * way**3)
        self.size = min(float(self.most), self.size + 1.0, max(self.size, cubic))
        self._wake()

    def refused(self) -> None:
        """
        Halve the limit, never below one: the service answered 429.

        Requests that were on their way together are refused together; that is one refusal, and halves once.
        """
        now = self._clock()
        if now - self._halved_at >= ONE_REFUSAL:
            self._halved_at = now
            self._refused_at, self._since = self.size, 0
            self.size = max(1.0, self.size * KEPT)

    def _wake(self) -> None:
        free = int(self.size) - self._taken
        while free > 0 and self._waiting:
            ticket = self._waiting.popleft()
            if not ticket.done():
                ticket.set_result(None)
                free -= 1

    def _pass_on(self, ticket: asyncio.Future[None]) -> None:
        # A ticket that was called while its holder was cancelled belongs to the next in line.
        if ticket.done() and not ticket.cancelled():
            self._wake()
