"""Stopping a run: cancel it at the service if it still can be, say what happened, leave the record true."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from nbbanana.engine.wait import patiently
from nbbanana.errors import JobCancelledError, NBBananaError

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.engine.run import Run

__all__ = ["stop"]

SUBMIT_PATIENCE = 10.0
"""Seconds that a stop waits for a POST on its way; afterwards its answer is recorded without anybody waiting."""
CANCEL_PATIENCE = 5.0
CANCEL_ATTEMPTS = 3

RUNS_ON = "It already runs and cannot be stopped: it may be charged, and %nbresume collects it."
IS_MADE = "The pictures are made and paid for; %nbresume fetches them."


async def stop(engine: Engine, run: Run) -> str:
    """
    Stop a run; called in the engine's loop.

    Returns:
        What happened, in one sentence or two. The run's future ends with a `JobCancelledError` that says the same.
    """
    if run.future.done():
        return "It was over already."
    run.stop_requested = True
    if run.exchange is not None and not run.exchange.done():
        await asyncio.wait({run.exchange}, timeout=SUBMIT_PATIENCE)
    await _end_task(run)
    if run.future.done():
        return "It was over already."
    words = await _say(engine, run)
    run.tell(phase=_phase(run))
    run.future.set_exception(_cancelled(words, run))
    return words


async def _end_task(run: Run) -> None:
    if run.task is not None:
        run.task.cancel()
        await asyncio.wait({run.task}, timeout=CANCEL_PATIENCE)


async def _say(engine: Engine, run: Run) -> str:
    if run.edit is None:
        return "Stopped before anything was written or sent: nothing is charged."
    run.edit = await engine.on_disk(engine.store.get, run.edit.id)
    state = run.edit.state
    if state == "prepared":
        await engine.move(run, "cancelled", note="before it was sent")
        return "Stopped before it was sent: nothing is charged."
    if state == "submitting":
        if run.exchange is not None:
            run.exchange.add_done_callback(lambda _: asyncio.ensure_future(_cancel_late(engine, run)))
        return "It was on its way when you stopped: it may be charged; %nbhistory will say whether the service took it."
    if state in {"queued", "running"}:
        return await _cancel(engine, run)
    if state == "downloading":
        return IS_MADE
    return f"It ended as {state}."


async def _cancel(engine: Engine, run: Run) -> str:
    assert engine.provider is not None
    provider = engine.provider
    try:
        async with asyncio.timeout(CANCEL_PATIENCE):
            # Cancelling twice does no harm, and a job that was cancelled the first time says so the second.
            answer = await patiently(
                lambda: provider.cancel(run.request_id), seconds=CANCEL_PATIENCE, attempts=CANCEL_ATTEMPTS
            )
    except (NBBananaError, TimeoutError):
        return "The service did not answer the cancel: it may run and be charged, and %nbresume collects it."
    if not answer.cancelled:
        if answer.state == "running" and run.row.state == "queued":
            await engine.move(run, "running")
        return IS_MADE if answer.state == "completed" else RUNS_ON
    await engine.move(run, "cancelled", note=answer.word)
    return "Cancelled in the queue: nothing is charged."


async def _cancel_late(engine: Engine, run: Run) -> None:
    """The POST that was on its way has its answer: cancel what it started."""
    run.edit = await engine.on_disk(engine.store.get, run.row.id)
    if run.edit.state in {"queued", "running"}:
        await _cancel(engine, run)


def _phase(run: Run) -> str:
    if run.edit is not None and run.edit.state == "unknown":
        return "unknown"
    return "cancelled"


def _cancelled(words: str, run: Run) -> JobCancelledError:
    what, _, rest = words.partition(": ")
    return JobCancelledError(
        f"{what}." if rest else words,
        rest[:1].upper() + rest[1:],
        "Run the cell again to ask again.",
        request_id=run.edit.request_id if run.edit else None,
        edit_id=run.edit.id if run.edit else None,
    )
