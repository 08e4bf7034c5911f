"""The POST: once, unless the service surely did not take it, and never after a stop."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from nbbanana.engine import accepted
from nbbanana.engine.context import Context
from nbbanana.engine.posting import observed, until_taken
from nbbanana.engine.run import NotSentError, Run
from nbbanana.errors import NBBananaError, NetworkError, StoreError, UncertainError
from nbbanana.providers.base import Accepted
from nbbanana.store.records import Edit, Outcome, State

__all__ = ["submit"]

RECORD_PATIENCE = 0.5
"""Seconds after which an id that the store did not take yet is kept in a file too."""
RECORD_ATTEMPTS, RECORD_PAUSE = 5, 2.0
"""How often the store is asked to take an id that a file has, and the seconds between; then the file alone has it."""

log = logging.getLogger("nbbanana.engine")


async def submit(run: Run, context: Context, payload: Mapping[str, Any], *, alone: bool) -> Edit | None:
    """
    Send a request that is written down, and record what came of it.

    The exchange is shielded: when the run is cancelled in the middle of it, the POST still ends and its answer is
    still recorded, since it may have been taken.

    Returns:
        With `alone`, an edit of the same ask that another kernel sent meanwhile; then this one was not sent.

    Raises:
        NotSentError: a stop came before the service took it.
        UncertainError: it may have been taken; recorded as `unknown`.
        NBBananaError: it was refused.
    """
    if run.stop_requested:
        raise NotSentError
    if (other := await context.rows.begin_post(run, alone=alone)) is not None:
        return other
    run.exchange = asyncio.create_task(_exchange(run, context, payload))
    run.exchange.add_done_callback(observed)
    await asyncio.shield(run.exchange)
    return None


async def _exchange(run: Run, context: Context, payload: Mapping[str, Any]) -> None:
    try:
        taken = await until_taken(run, context, partial(_send, run, context, payload), partial(_pause, run, context))
    except NotSentError:
        await context.rows.move(run, "cancelled", note="stopped before the service took it")
        raise
    except UncertainError as error:
        run.update(phase="unknown")
        what: dict[str, Any] = {"error": str(error), "error_kind": type(error).__name__}
        if error.request_id is None:
            await context.rows.move(run, "unknown", outcome="uncertain", **what)
        else:  # an id that came with an error is kept as carefully as any
            handle = context.provider.handle_of(run.request.model, error.request_id)
            seen = Accepted(handle, error.request_id)
            await _record(run, context, seen, "unknown", outcome="uncertain", **what)
        raise
    except NBBananaError as error:
        what = {"error": str(error), "error_kind": type(error).__name__}
        outcome: Outcome = "not sent" if isinstance(error, NetworkError) else "refused"
        await context.rows.move(run, "rejected", outcome=outcome, **what)
        raise
    await _record(run, context, taken, "queued", outcome="accepted")
    context.limit.accepted()
    run.update(phase="queued", note=None, restart_clock=True)


async def _send(run: Run, context: Context, payload: Mapping[str, Any]) -> Accepted:
    run.update(phase="submitting", note=None, resumes_at=None)
    answer = await context.provider.submit(run.request.model, payload)
    assert isinstance(answer, Accepted), "a queue service gives an id"
    log.debug("edit %s was accepted as %s", run.row.id, answer.request_id)
    return answer


async def _pause(run: Run, context: Context, outcome: Outcome, seconds: float) -> None:
    """Record that a POST took nothing, wait, and record the next one before it is sent."""
    await context.rows.move(run, "submitting", note=run.progress.note, outcome=outcome)
    await run.pause(seconds)
    await context.rows.begin_post(run)


async def _record(run: Run, context: Context, taken: Accepted, state: State, **facts: Any) -> None:
    """
    Keep the id, in a file beside the store too where the store does not take it at once.

    While neither takes it, as on a full disk, this goes on asking: then no other place has the id.
    """
    is_kept = False
    for attempt in itertools.count(1):
        moving = asyncio.ensure_future(
            context.rows.move(run, state, request_id=taken.request_id, handle=taken.handle, **facts)
        )
        if not is_kept and not (await asyncio.wait({moving}, timeout=RECORD_PATIENCE))[0]:
            is_kept = await _kept(run, context, taken)
        try:
            await moving
            break
        except StoreError as error:
            log.warning("edit %s was accepted as %s, and the store does not take it yet", run.row.id, taken.request_id)
            is_kept = is_kept or await _kept(run, context, taken)
            if is_kept and (error.edit_id is not None or attempt >= RECORD_ATTEMPTS):
                raise
            run.update(note=f"The store cannot be written. The request was accepted as {taken.request_id}.")
        await asyncio.sleep(RECORD_PAUSE)
    if is_kept:
        await context.rows.call(accepted.forget, context.rows.store, run.row)


async def _kept(run: Run, context: Context, taken: Accepted) -> bool:
    try:
        # Not in the store's thread, which is the one that waits; and not in a pool, which may have ended.
        accepted.keep(context.rows.store, run.row, taken)
    except OSError as error:
        log.warning("edit %s was accepted as %s, and no file can be written: %s", run.row.id, taken.request_id, error)
        return False
    return True
