"""Waiting for a job: one endpoint is polled, at moments that follow from how long such jobs took before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana.engine.polling import PollSchedule
from nbbanana.errors import (
    BlockedError,
    DeadlineError,
    DownloadError,
    JobCancelledError,
    JobError,
    JobFailedError,
    NBBananaError,
    NoImagesError,
    ProtocolError,
    RateLimitError,
    RequestNotFoundError,
    UnsafeDownloadError,
    UpstreamError,
)

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.engine.run import Run
    from nbbanana.providers.base import JobStatus
    from nbbanana.store.records import State

__all__ = ["Waiter", "patiently"]

T = TypeVar("T")

PASSING = (UpstreamError, RateLimitError, ProtocolError, DownloadError)
"""Errors of a question, not of a job: asking again costs nothing."""
FIRST_LOOK = 1.0
"""Seconds after acceptance; one request more a job than the schedule's own."""
FASTEST_PACE = 0.005
"""A sandbox that takes no time is still asked about 500 times a second at most."""
LONGEST_PAUSE = 30.0
UNKNOWN_IDS = 3
"""A fresh id may not be known everywhere at once; this many answers in a row say that it is not there."""


async def patiently(
    ask: Callable[[], Awaitable[T]],
    *,
    seconds: float,
    attempts: int = 1000,
    on_pause: Callable[[str], object] | None = None,
) -> T:
    """
    Ask until there is an answer, with exponential and jittered pauses, honouring `Retry-After`.

    Args:
        ask: makes the awaitable; only for what may be asked twice, never for a submit.
        seconds: how long to go on.
        attempts: how often at most.
        on_pause: hears the error's first line before each pause.

    Raises:
        NBBananaError: the last error, when patience ends; any error that does not pass by itself at once.
    """
    # tenacity and not stamina, which is built on it: stamina's hooks are global, and log to a notebook's stderr.
    import tenacity

    pause = tenacity.wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if on_pause and isinstance(error, NBBananaError):
            on_pause(error.what)
        return max(pause(state), getattr(error, "retry_after", None) or 0.0)

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception(lambda e: isinstance(e, PASSING) and not isinstance(e, UnsafeDownloadError)),
        wait=wait,
        stop=tenacity.stop_after_delay(max(0.0, seconds)) | tenacity.stop_after_attempt(attempts),
        reraise=True,
    )

    async def once() -> T:
        return await ask()

    return await retrying(once)


class Waiter:
    """Waits for the jobs of an engine."""

    def __init__(self, engine: Engine, timeout: float) -> None:
        assert engine.provider is not None
        self._engine = engine
        self._provider = engine.provider
        self._timeout = timeout

    async def wait(self, run: Run) -> JobStatus:
        """
        Poll until the job is over, and get its result.

        Raises:
            JobFailedError, BlockedError, NoImagesError, JobCancelledError: how it ended without a picture; recorded.
            DeadlineError: not over in time; it can be collected later.
        """
        durations = await self._engine.on_disk(
            self._engine.store.durations, run.row.model, run.row.parameters.get("resolution"), run.row.provider
        )
        pace = max(self._provider.pace, FASTEST_PACE)
        schedule = PollSchedule([seconds / pace for seconds in durations])
        begun, self._ends = _since(run), time.monotonic() + self._timeout
        expected = schedule.expected
        run.tell(phase="queued", expected=None if expected is None else expected * pace)
        try:
            status = await self._poll(run, schedule, begun, pace)
        except RequestNotFoundError as error:
            await self._over(run, "failed", error)
            raise
        await self._judge(run, status)
        return status

    async def _poll(self, run: Run, schedule: PollSchedule, begun: float, pace: float) -> JobStatus:
        running_since: float | None = None
        last: JobStatus | None = None
        while True:
            now = time.monotonic()
            pause = pace * schedule.delay(
                (now - begun) / pace,
                running_for=None if running_since is None else (now - running_since) / pace,
                queued=last is not None and last.state == "queued",
                queue_position=last.queue_position if last and last.state == "queued" else None,
            )
            if last is None:
                # One early look, for the place in the queue: whoever waits wants to know that it was taken, and where.
                pause = min(pause, FIRST_LOOK * pace)
            else:
                await self._note(run, last, schedule.began * pace)
            pause = max(pause, (last.retry_after if last else None) or 0.0)
            await asyncio.sleep(self._within(run, pause))
            last = await self._ask(run, self._provider.status)
            if last.state in {"completed", "failed", "cancelled"}:
                # The reason, the outputs and the cost stand in the result only.
                last = await self._ask(run, self._provider.result)
                if last.state in {"completed", "failed", "cancelled"}:
                    return last
            if last.state == "running" and running_since is None:
                running_since = time.monotonic()

    async def _ask(self, run: Run, question: Callable[[str], Awaitable[JobStatus]]) -> JobStatus:
        request_id, unknown = run.request_id, 0
        while True:
            try:
                return await patiently(
                    lambda: question(request_id),
                    seconds=self._ends - time.monotonic(),
                    on_pause=lambda words: run.tell(note=f"{words} Asking again."),
                )
            except RequestNotFoundError:
                unknown += 1
                if unknown >= UNKNOWN_IDS:
                    raise
                await asyncio.sleep(self._within(run, 1.0))

    async def _note(self, run: Run, status: JobStatus, began: float) -> None:
        """Show a state, and record it when it is another one than before; it began so long after its acceptance."""
        if status.state == "running":
            # What is shown is never ahead of what is recorded.
            if run.row.state == "queued":
                await self._engine.move(run, "running", started_at=(run.row.accepted_at or time.time()) + began)
            first = run.progress.phase != "running"
            run.tell(phase="running", queue_position=None, note=None, restart_clock=first)
        elif status.state == "queued":
            run.tell(phase="queued", queue_position=status.queue_position, note=None)
        else:
            run.tell(note=f"The service calls its state {status.word!r}, which is new to this version.")

    async def _judge(self, run: Run, status: JobStatus) -> None:
        """Record an end without pictures, and raise it."""
        error: JobError | None = None
        if status.state == "cancelled":
            error = JobCancelledError("The job was cancelled.", "Someone cancelled it at the service.", "Run it again.")
        elif status.state == "failed" and status.is_blocked:
            error = BlockedError("The service refused the content.", status.error or "")
        elif status.state == "failed":
            error = JobFailedError(
                "The service could not make the picture.", status.error or "It gave no reason.", "Change the request."
            )
        elif not status.urls:
            error = NoImagesError(
                "The service completed the job without a picture.",
                "It gave no reason; refused content can look like this.",
                "Change the words or the picture. It may have been charged.",
            )
        if error is not None:
            await self._over(run, "cancelled" if status.state == "cancelled" else "failed", error, status.cost)
            raise error

    async def _over(self, run: Run, state: State, error: NBBananaError, cost: float | None = None) -> None:
        what: dict[str, Any] = {"error": str(error), "error_kind": type(error).__name__}
        if cost is not None:
            what["cost"] = cost
        await self._engine.move(run, state, **what)

    def _within(self, run: Run, pause: float) -> float:
        """A pause that does not go beyond the deadline."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise DeadlineError(
                f"The job was not done within {self._timeout:g} s.",
                f"Request {run.row.request_id} is still at the service and may be charged.",
                "%nbresume collects it; %config NBBanana.timeout waits longer.",
            )
        return min(pause, left)


def _since(run: Run) -> float:
    """When the job was accepted, on the monotonic clock; a job taken up again began before this kernel did."""
    accepted = run.row.accepted_at or time.time()
    return time.monotonic() - max(0.0, time.time() - accepted)
