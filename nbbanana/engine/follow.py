"""Following a job of the same seeded ask that another kernel or session has under way: nothing is sent."""

from __future__ import annotations

import asyncio
import time

from nbbanana.engine.context import Context
from nbbanana.engine.run import Outcome, Run
from nbbanana.errors import DeadlineError, JobCancelledError, JobFailedError, NBBananaError, UncertainError
from nbbanana.store.records import Edit

__all__ = ["follow"]

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
    return JobFailedError(f"Edit {edit.id}, which asks the same, ended as {edit.state}.", why, mend, edit_id=edit.id)
