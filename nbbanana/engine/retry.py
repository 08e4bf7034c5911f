"""Retries with exponential backoff: for requests that cost nothing and may be repeated, never for a submit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nbbanana.errors import (
    DownloadError,
    NBBananaError,
    ProtocolError,
    RateLimitError,
    UnsafeDownloadError,
    UpstreamError,
)

__all__ = ["ask_with_retries"]

T = TypeVar("T")

PASSING = (UpstreamError, RateLimitError, ProtocolError, DownloadError)
"""Transient errors: they say nothing about the job, and asking again costs nothing."""
LONGEST_PAUSE = 30.0


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
