"""Stopping a run: cancel it at the service if it still can be, and record what happened."""

from __future__ import annotations

import asyncio
from typing import Any

from nbbanana.engine.context import Context
from nbbanana.engine.retry import ask_with_retries
from nbbanana.engine.run import Run, StopReport, log
from nbbanana.errors import JobCancelledError, NBBananaError, StoreError
from nbbanana.store.records import State

__all__ = ["NOTHING_SENT", "free", "stop", "withdraw"]

POST_PATIENCE = 10.0
"""Seconds that a stop waits for a POST under way; afterwards its answer is recorded without anyone waiting."""
SYNCHRONOUS_PATIENCE = 0.5
"""The same where the POST lasts until the picture is made: long enough for one that only pauses to end."""
CANCEL_PATIENCE = 5.0
CANCEL_ATTEMPTS = 3

OVER = StopReport(cancelled=False, message="It was over already.")
NOTHING_SENT = StopReport(cancelled=True, message="Stopped before it was sent: nothing is charged.")
CANCELLED = StopReport(cancelled=True, message="Cancelled in the queue: nothing is charged.")
RUNS_ON = StopReport(
    cancelled=False,
    message="It is already running and cannot be stopped. You may be charged. Get the pictures later with %nbresume.",
)
IS_MADE = StopReport(cancelled=False, message="The pictures are made and paid for; %nbresume fetches them.")
NO_ANSWER = StopReport(
    cancelled=False,
    message="The service did not answer the cancel: it may run and be charged, and %nbresume collects it.",
)
IS_BEING_MADE = StopReport(
    cancelled=False,
    message="The service is making it and cannot be stopped. You may be charged. Its pictures go to the history "
    "while this kernel runs.",
)
ON_ITS_WAY = StopReport(
    cancelled=False,
    message="It was being sent when you stopped: it may be charged; %nbhistory will say whether the service took it.",
)


async def stop(run: Run, context: Context) -> StopReport:
    """
    Stop a run; called in the engine's loop. All who ask for it at once get the same answer.

    Returns:
        What happened. The run's future ends with a `JobCancelledError` that says the same.
    """
    if run.future.done():
        return OVER
    if run.stop is None:
        run.stop = asyncio.create_task(_stop(run, context))
    try:
        return await asyncio.shield(run.stop)
    except asyncio.CancelledError:
        if run.stop.cancelled():  # the session closes, and the service did not answer in time
            return NO_ANSWER
        raise


async def withdraw(run: Run, context: Context) -> bool:
    """Stop a run of which the service took nothing yet; whether it was one. What was sent goes on."""
    is_free = run.exchange is None or run.progress.phase == "paused"
    was_accepted = run.edit is not None and run.edit.state not in {"prepared", "submitting"}
    if run.future.done() or not is_free or run.followed is not None or was_accepted:
        return False
    run.stopping.set()  # before anything else runs in this loop: nothing is sent from here on
    return (await stop(run, context)).cancelled


async def free(run: Run, context: Context) -> None:
    """Cancel a row that was never sent, which frees the money that was kept back for it."""
    if run.edit is None or run.exchange is not None or run.edit.state not in {"prepared", "submitting"}:
        return
    try:
        await context.rows.move(run, "cancelled", note="the session closed before it was sent")
    except NBBananaError as error:
        log.warning("edit %s could not be cancelled: %s", run.edit.id, error.what)


async def _stop(run: Run, context: Context) -> StopReport:
    run.stopping.set()
    if run.exchange is not None and not run.exchange.done():
        patience = SYNCHRONOUS_PATIENCE if context.provider.is_synchronous else POST_PATIENCE
        await asyncio.wait({run.exchange}, timeout=patience)
    if run.task is not None:
        run.task.cancel()
        await asyncio.wait({run.task}, timeout=CANCEL_PATIENCE)
    if run.future.done():
        return OVER
    try:
        report = await _settle(run, context)
    except NBBananaError as error:
        report = StopReport(cancelled=False, message=f"What became of it could not be recorded: {error.what}")
    run.update(phase="unknown" if run.edit is not None and run.edit.state == "unknown" else "cancelled")
    run.end(None, _cancelled(report, run))
    return report


async def _settle(run: Run, context: Context) -> StopReport:
    """Bring the record to an end, and the job at the service if it still can be."""
    if run.edit is None:
        goes_on = f"Nothing was sent here: edit {run.followed}, which asks the same, goes on and may be charged."
        return NOTHING_SENT if run.followed is None else StopReport(cancelled=True, message=goes_on)
    await context.rows.refresh(run)
    state = run.row.state
    if state in {"queued", "running"}:
        return await _cancel(run, context)
    if state == "submitting" and run.exchange is not None:
        run.stop = asyncio.create_task(_cancel_late(run, run.exchange, context))
        return IS_BEING_MADE if context.provider.is_synchronous else ON_ITS_WAY
    if state in {"prepared", "submitting"}:
        await context.rows.move(run, "cancelled", note="before it was sent")
        return NOTHING_SENT
    if state == "cancelled" and run.row.request_id is not None:
        return CANCELLED
    return _ENDED[state]


_ENDED: dict[State, StopReport] = {
    "completed": StopReport(cancelled=False, message="It was over already: the pictures are here."),
    "failed": StopReport(cancelled=False, message="It was over already: the service gave no picture."),
    "gone": StopReport(cancelled=False, message="It was made, and the service no longer serves its pictures."),
    "lost": StopReport(cancelled=False, message="It may have been charged, and its pictures cannot be collected."),
    "downloading": IS_MADE,
    "cancelled": NOTHING_SENT,
    "rejected": StopReport(cancelled=True, message="The service refused it: nothing is charged."),
    "unknown": StopReport(
        cancelled=False, message="The connection broke while it was sent: it may be running and charged."
    ),
}


async def _cancel(run: Run, context: Context) -> StopReport:
    provider = context.provider
    try:
        async with asyncio.timeout(CANCEL_PATIENCE):
            # Cancelling twice does no harm, and a job that was cancelled the first time says so the second.
            answer = await ask_with_retries(
                lambda: provider.cancel(context.handle(run)), seconds=CANCEL_PATIENCE, attempts=CANCEL_ATTEMPTS
            )
    except (NBBananaError, TimeoutError):
        return NO_ANSWER
    if answer.cancelled:
        await context.rows.move(run, "cancelled", note=answer.word)
        return CANCELLED
    if answer.state == "running" and run.row.state == "queued":
        await context.rows.move(run, "running")
    return IS_MADE if answer.state == "completed" else RUNS_ON


async def _cancel_late(run: Run, exchange: asyncio.Task[Any], context: Context) -> StopReport:
    """Cancel the job that a POST starts which was under way when the stop came."""
    await asyncio.wait({exchange})
    try:
        await context.rows.refresh(run)
        return await _cancel(run, context) if run.row.state in {"queued", "running"} else OVER
    except StoreError as error:
        log.warning("edit %s was stopped, and its record cannot be read: %s", run.row.id, error.what)
        return NO_ANSWER


def _cancelled(report: StopReport, run: Run) -> JobCancelledError:
    what, _, rest = report.message.partition(": ")
    return JobCancelledError(
        f"{what}." if rest else report.message,
        rest[:1].upper() + rest[1:],
        "Run the cell again to ask again.",
        request_id=run.edit.request_id if run.edit else None,
        edit_id=run.edit.id if run.edit else None,
    )
