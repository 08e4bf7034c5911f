"""
Trying again: a question, which costs nothing, until there is an answer; a POST only where nothing was taken.

A POST is sent again only where the service surely did not take it, and never after a stop.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from nbbanana.engine.context import Context
from nbbanana.engine.run import NotSentError, Run, log
from nbbanana.errors import (
    DownloadError,
    NBBananaError,
    NetworkError,
    ProtocolError,
    RateLimitError,
    UncertainError,
    UnsafeDownloadError,
    UpstreamError,
)
from nbbanana.store.records import Outcome

__all__ = ["ask_with_retries", "carried_on", "outcome_of", "post_until_taken"]

T = TypeVar("T")

PASSING = (UpstreamError, RateLimitError, ProtocolError, DownloadError)
"""Transient errors: they say nothing about the job, and asking again costs nothing."""
LONGEST_PAUSE = 30.0
CONNECT_ATTEMPTS = 3
RATE_LIMIT_ATTEMPTS = 8
"""Tries after refusals that name no time to wait."""
LONGEST_POST_PAUSE = 60.0
"""Seconds between two POSTs that the service did not ask for."""


async def ask_with_retries(
    ask: Callable[[], Awaitable[T]],
    *,
    seconds: float,
    attempts: int = 10_000,
    passing: tuple[type[NBBananaError], ...] = PASSING,
    on_pause: Callable[[NBBananaError, float], object] | None = None,
) -> T:
    """
    Retry until there is an answer, with exponential backoff and jitter, honouring `Retry-After`.

    Args:
        ask: makes the awaitable.
        seconds: how long to go on; no pause goes beyond it.
        attempts: how often to ask at most.
        passing: the errors after which it is worth asking again.
        on_pause: is called with the error and the seconds before each pause.

    Raises:
        NBBananaError: the last error, when the time or the attempts are used up; any other error at once.
    """
    # tenacity and not stamina, which is built on it: stamina's hooks are global, and log to a notebook's stderr.
    import tenacity

    pause = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(pause(state), getattr(error, "retry_after", None) or 0.0)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        """Tell `on_pause` the error and the seconds."""
        error = state.outcome.exception() if state.outcome else None
        if on_pause and isinstance(error, NBBananaError) and state.next_action:
            on_pause(error, state.next_action.sleep)

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, passing) and not isinstance(e, UnsafeDownloadError)),
        wait=wait,
        before_sleep=before_sleep,
        stop=tenacity.stop_before_delay(max(0.0, seconds)) | tenacity.stop_after_attempt(attempts),
        reraise=True,
    )

    async def once() -> T:
        return await ask()

    return await retrying(once)


async def post_until_taken(
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
    outcome: Outcome
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
            outcome, note, pause = "not sent", "The service cannot be reached.", _jittered(0.5 * 2**connects)
        except RateLimitError as error:
            context.limit.refused()
            refusals += 1
            pause = error.retry_after or min(LONGEST_POST_PAUSE, _jittered(2.0**refusals))
            if time.monotonic() + pause > ends or (error.retry_after is None and refusals >= RATE_LIMIT_ATTEMPTS):
                raise
            outcome, note = "refused", "The service is busy and took nothing yet."
        log.debug("edit %s was not taken; it is sent again in %.1f s", run.row.id, pause)
        run.update(phase="paused", note=f"{note} Trying again.", resumes_at=time.monotonic() + pause)
        await pause_between(outcome, pause)


def outcome_of(error: NBBananaError) -> Outcome:
    """Return how a POST ended that gave an error."""
    if isinstance(error, UncertainError):
        return "uncertain"
    return "not sent" if isinstance(error, NetworkError) else "refused"


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.0)  # noqa: S311 - it spreads retries, it guards nothing


async def carried_on(run: Run, exchange: Coroutine[Any, Any, T]) -> T:
    """Wait for an exchange of a run that goes on to its end and is recorded where the run is cancelled meanwhile."""
    run.exchange = task = asyncio.create_task(exchange)
    # The answer is in the record; asyncio must not also report that its exception was never retrieved.
    task.add_done_callback(lambda over: over.cancelled() or over.exception())
    return await asyncio.shield(task)
