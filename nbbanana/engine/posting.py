"""One POST of a run: sent again only where the service surely did not take it, and never after a stop."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from nbbanana.engine.context import Context
from nbbanana.engine.run import NotSentError, Run
from nbbanana.errors import NetworkError, RateLimitError
from nbbanana.store.records import Outcome

__all__ = ["observed", "until_taken"]

T = TypeVar("T")

CONNECT_ATTEMPTS = 3
RATE_LIMIT_ATTEMPTS = 8
"""Tries after refusals that name no time to wait."""
LONGEST_PAUSE = 60.0
"""Seconds of a pause that the service did not ask for."""
log = logging.getLogger("nbbanana.engine")


async def until_taken(
    run: Run,
    context: Context,
    send: Callable[[], Awaitable[T]],
    pause_between: Callable[[Outcome, float], Awaitable[None]],
) -> T:
    """
    Send a POST, and again only where nothing was taken: no connection, or a 429.

    Args:
        run: whose POST it is.
        context: the engine's.
        send: sends it once.
        pause_between: records that nothing was taken, waits so many seconds, and records that it is sent again.

    Raises:
        NotSentError: a stop came before the service took it.
        UncertainError: it may have been taken.
        NBBananaError: it was refused.
    """
    connects = refusals = 0
    ends = time.monotonic() + context.timeout
    while True:
        if run.stop_requested:
            raise NotSentError
        try:
            return await send()
        except NetworkError:
            connects += 1
            if connects >= CONNECT_ATTEMPTS:
                raise
            pause = _jittered(0.5 * 2**connects)
            _say_pause(run, pause, "The service cannot be reached. Trying again.")
            await pause_between("not sent", pause)
        except RateLimitError as error:
            context.limit.refused()
            refusals += 1
            pause = error.retry_after or min(LONGEST_PAUSE, _jittered(2.0**refusals))
            if time.monotonic() + pause > ends or (error.retry_after is None and refusals >= RATE_LIMIT_ATTEMPTS):
                raise
            _say_pause(run, pause, "The service is busy and took nothing yet. Trying again.")
            await pause_between("refused", pause)


def _say_pause(run: Run, seconds: float, note: str) -> None:
    log.debug("edit %s was not taken; it is sent again in %.1f s", run.row.id, seconds)
    run.update(phase="paused", note=note, resumes_at=time.monotonic() + seconds)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads retries, it guards nothing


def observed(exchange: asyncio.Task[Any]) -> None:
    """Take notice of how an exchange ended that no caller may wait for any more."""
    # The answer is in the record; asyncio must not also report that its exception was never retrieved.
    if not exchange.cancelled():
        exchange.exception()
