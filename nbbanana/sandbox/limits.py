"""A rate limit: so many calls in any stretch of so many seconds."""

from __future__ import annotations

import math
import threading
import time
from collections import deque

from nbbanana.sandbox.api_errors import TOO_FAST, ApiError

__all__ = ["RateLimit"]


class RateLimit:
    """
    Counts calls over a sliding window; any thread may call.

    The service publishes no limit and no `Retry-After`; having one here is for clients to learn manners.

    Args:
        calls: how many are taken in a window; None for no limit.
        seconds: how long the window is.
    """

    def __init__(self, calls: int | None = None, seconds: float = 1.0) -> None:
        self._calls = calls
        self._seconds = seconds
        self._lock = threading.Lock()
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """
        Count one call.

        Raises:
            ApiError: 429, with the whole seconds after which one more is taken.
        """
        if self._calls is None:
            return
        now = time.monotonic()
        with self._lock:
            while self._taken and self._taken[0] <= now - self._seconds:
                self._taken.popleft()
            if len(self._taken) < self._calls:
                self._taken.append(now)
                return
            wait = self._taken[0] + self._seconds - now
        raise ApiError(TOO_FAST, "Too many requests; retry in a moment.", retry_after=max(1, math.ceil(wait)))
