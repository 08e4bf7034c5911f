"""
Waiting for a job: one endpoint is polled, at moments that follow from how long such jobs took before.

`follow` waits for a job of the same seeded ask that another kernel or session has under way: nothing is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from nbbanana.engine.context import Context
from nbbanana.engine.outputs import judge
from nbbanana.engine.polling import NOT_FOUND_PATIENCE, PollSchedule
from nbbanana.engine.retry import ask_with_retries
from nbbanana.engine.run import Outcome, Run, log
from nbbanana.errors import (
    DeadlineError,
    JobCancelledError,
    JobFailedError,
    NBBananaError,
    RequestNotFoundError,
    UncertainError,
)
from nbbanana.providers.base import JobStatus
from nbbanana.store.records import Edit

__all__ = ["NOT_FOUND_PATIENCE", "follow", "wait"]


FIRST_LOOK = 1.0
"""Seconds after acceptance; one request more a job than the schedule's own."""
FASTEST_PACE = 0.005
"""A sandbox that takes no time is still asked about 500 times a second at most."""
NOT_FOUND_PAUSE = 5.0
OVER = frozenset({"completed", "failed", "cancelled"})


async def wait(run: Run, context: Context) -> JobStatus:
    """
    Poll until the job is over, and get its result.

    Raises:
        JobFailedError, BlockedError, NoImagesError, JobCancelledError: how it ended without a picture; recorded.
        DeadlineError: not over in time; it can be collected later.
        RequestNotFoundError: the service has not known it for three minutes; it can be collected later.
    """
    poll = _Poll(run, context, await context.rows.durations(run))
    run.update(phase="queued", expected=poll.expected)
    status = await poll.until_over()
    await judge(run, context, status)
    return status


class _Poll:
    """The polls of one job: when the next one is due, what the last one said, and when to stop waiting."""

    def __init__(self, run: Run, context: Context, durations: Sequence[float]) -> None:
        self._run, self._context = run, context
        self._pace = max(context.provider.pace, FASTEST_PACE)
        self._schedule = PollSchedule([seconds / self._pace for seconds in durations])
        usual = self._schedule.expected
        self.expected = None if usual is None else usual * self._pace
        """Seconds that such jobs took before, where the store knows any."""
        # On the monotonic clock; a job that is taken up again was accepted before this kernel began.
        accepted = run.row.accepted_at or time.time()
        self._begun = time.monotonic() - max(0.0, time.time() - accepted)
        self._ends = time.monotonic() + context.timeout
        self._running_since: float | None = None

    async def until_over(self) -> JobStatus:
        """Poll until the job is over; gives its result."""
        last: JobStatus | None = None
        while True:
            if last is not None:
                await self._note(last)
            await asyncio.sleep(self._within(self._pause(last)))
            last = await self._ask(self._context.provider.status)
            if last.state in OVER:
                # The reason, the outputs and the cost stand in the result only.
                last = await self._ask(self._context.provider.result)
                if last.state in OVER:
                    return last
            if last.state == "running" and self._running_since is None:
                self._running_since = time.monotonic()

    def _pause(self, last: JobStatus | None) -> float:
        now, pace, since = time.monotonic(), self._pace, self._running_since
        pause = pace * self._schedule.delay(
            (now - self._begun) / pace,
            running_for=None if since is None else (now - since) / pace,
            queued=last is not None and last.state == "queued",
            queue_position=last.queue_position if last and last.state == "queued" else None,
        )
        if last is None:
            # One early look, for the place in the queue: the reader wants to know that it was taken, and where.
            pause = min(pause, FIRST_LOOK * pace)
        return max(pause, (last.retry_after if last else None) or 0.0)

    async def _ask(self, question: Callable[[str], Awaitable[JobStatus]]) -> JobStatus:
        """Ask until there is an answer. "Not found" counts only when nothing else was said for three minutes."""
        missing_since: float | None = None
        while True:
            try:
                return await ask_with_retries(
                    lambda: question(self._context.handle(self._run)),
                    seconds=self._ends - time.monotonic(),
                    on_pause=self._paused,
                )
            except RequestNotFoundError as error:
                now = time.monotonic()
                missing_since = missing_since or now
                if now - missing_since >= NOT_FOUND_PATIENCE:
                    raise
                self._run.update(note=f"{error.what} Asking again, for {NOT_FOUND_PATIENCE:g} s at most.")
                await asyncio.sleep(self._within(min(NOT_FOUND_PAUSE, 1.0 + (now - missing_since) / 4)))

    def _paused(self, error: NBBananaError, seconds: float) -> None:
        log.debug("edit %s: %s Asking again in %.1f s", self._run.row.id, error.what, seconds)
        self._run.update(note=f"{error.what} Asking again.")

    async def _note(self, status: JobStatus) -> None:
        """Show a state, and record it when it is another one than before."""
        run = self._run
        if status.state == "running":
            # What is shown is never ahead of what is recorded.
            if run.row.state == "queued":
                began = (run.row.accepted_at or time.time()) + self._schedule.began * self._pace
                await self._context.rows.move(run, "running", started_at=began)
            first = run.progress.phase != "running"
            run.update(phase="running", queue_position=None, note=None, restart_clock=first)
        elif status.state == "queued":
            run.update(phase="queued", queue_position=status.queue_position, note=None)
        else:
            run.update(note=f"The service calls its state {status.word!r}, which is new to this version.")

    def _within(self, pause: float) -> float:
        """
        Shorten a pause so that it does not go beyond the deadline.

        Raises:
            DeadlineError: it is over.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise DeadlineError(
                f"The job was not done within {self._context.timeout:g} s.",
                f"Request {self._run.row.request_id} is still at the service and may be charged.",
                "%nbresume collects it; %config NBBanana.timeout waits longer.",
            )
        return min(pause, left)


SHORTEST, LONGEST = 0.2, 2.0
"""Seconds between two looks at the row of the job."""


async def follow(run: Run, context: Context, edit: Edit) -> Edit | Outcome:
    """
    Wait until a job of another kernel ends.

    Returns:
        The outcome; or the edit, where its kernel is gone and its job can be collected here.

    Raises:
        JobCancelledError, JobFailedError, UncertainError: how it ended there; nothing was sent here.
        DeadlineError: it did not end in time.
    """
    store = context.rows.store
    run.update(phase="queued", note=f"Edit {edit.id} asks the same and is under way: waiting for it.")
    ends, pause = time.monotonic() + context.timeout, SHORTEST
    while not edit.is_terminal:
        if not await context.rows.call(store.is_claimed, edit.id):
            edit = await context.rows.call(store.get, edit.id)
            if edit.is_terminal or edit.request_id is not None:
                break
            await context.rows.call(store.settle_abandoned, 0.0)
        if time.monotonic() > ends:
            raise DeadlineError(
                f"Edit {edit.id} was not done within {context.timeout:g} s.",
                "Another kernel runs it; nothing was sent here.",
                "Run the cell again to go on waiting.",
            )
        await asyncio.sleep(pause)
        pause = min(LONGEST, pause * 1.5)
        edit = await context.rows.call(store.get, edit.id)
        if edit.state in {"running", "downloading"} and run.progress.phase != edit.state:
            run.update(phase=edit.state)
    if not edit.is_terminal:
        return edit
    if edit.state == "completed":
        return Outcome(edit, "replayed", (f"Another kernel asked the same: this is its edit {edit.id}.",))
    raise _ended(edit)


def _ended(edit: Edit) -> NBBananaError:
    """Return how a followed job ended, for the one who followed it."""
    why = (edit.error or "").partition("\n")[0]
    mend = "Nothing was sent here. Run the cell again to send it."
    if edit.state in {"cancelled", "rejected"}:
        what = "was cancelled by the kernel that ran it" if edit.state == "cancelled" else "was refused"
        return JobCancelledError(f"Edit {edit.id}, which asks the same, {what}.", why, mend, edit_id=edit.id)
    if edit.state in {"unknown", "lost"}:
        return UncertainError(
            f"Edit {edit.id}, which asks the same, may have been charged.", why, "Settle it first.", edit_id=edit.id
        )
    is_gone = edit.state == "gone"
    what = "was made, and the service no longer serves its pictures" if is_gone else "failed in the kernel that ran it"
    return JobFailedError(f"Edit {edit.id}, which asks the same, {what}.", why, mend, edit_id=edit.id)
