"""
The steps of a request in order: prepare, reserve, submit, wait, fetch, measure; or collect, or follow another's.

Requests that belong together are all written down, checked and reserved before the first of them is sent. In a chain
each edits what the one before it gave.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from nbbanana.engine.context import Context
from nbbanana.engine.fetch import fetch
from nbbanana.engine.outputs import measure
from nbbanana.engine.prepare import Prepared, fill, journal, payload_of, prepare
from nbbanana.engine.prices import Quote
from nbbanana.engine.reserve import Asked, reserve
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Outcome, Run, log
from nbbanana.engine.submit import collect_answers, send, submit
from nbbanana.engine.wait import follow, wait
from nbbanana.errors import JobCancelledError, NBBananaError
from nbbanana.providers.base import JobStatus
from nbbanana.request import EditRequest
from nbbanana.store.records import Edit

__all__ = ["Complete", "Later", "Series", "Steps", "unfinished"]

PREPARED_AT_ONCE = 8
"""Requests that are prepared at once: of thousands, the first are sent and fetched while the last still wait."""


class Steps:
    """
    Takes runs through their steps, in the engine's loop.

    Args:
        context: what the steps work with.
        reuse: knows which other edits ask the same.
    """

    def __init__(self, context: Context, reuse: Reuse) -> None:
        self._context = context
        self._reuse = reuse
        self._preparing = asyncio.Semaphore(PREPARED_AT_ONCE)
        self._last_written: asyncio.Event | None = None

    async def make(self, run: Run, series: Series, later: Later | None = None, *, alone: bool) -> Outcome:
        """
        Prepare, reserve, submit, wait and fetch; a later pass waits for its picture once it is reserved.

        With `alone`, nothing is sent where another kernel sends the same ask: that one is followed.
        """
        try:
            prepared = await self._in_turn(prepare if later is None else journal, run)
            other = await self._ahead(run) if alone and later is None else None
        except BaseException as error:
            series.leave(self._context, error)
            raise
        if other is not None:
            series.leave(self._context)
            return await self.follow(run, other)
        await series.reserve(run, self._context, prepared.price)
        if later is not None:
            prepared = await self._filled(run, later, prepared)
            if alone and (other := await self._ahead(run)) is not None:
                return await self.follow(run, other)
        found = await self._sent(run, prepared, alone=alone)
        if isinstance(found, Edit):
            return await self.follow(run, await self._give_way(run, found))
        return await self._measured(
            run, found if isinstance(found, Outcome) else await self._fetched(run, found, prepared)
        )

    async def _measured(self, run: Run, outcome: Outcome) -> Outcome:
        """Return an outcome whose edit says what changed in its pictures, which are recorded by now."""
        return replace(outcome, edit=await measure(outcome.edit, self._context, run.measures))

    async def _filled(self, run: Run, later: Later, prepared: Prepared) -> Prepared:
        """Wait for the picture of a later pass and prepare it; a row whose picture cannot be sent ends."""
        try:
            run.request = await later.request(run, self._context)
            return await fill(run, self._context, prepared)
        except NBBananaError as error:
            if run.row.state == "prepared" and not run.stop_requested:
                await self._context.rows.fail(run, "rejected", error)
            raise

    async def _sent(self, run: Run, prepared: Prepared, *, alone: bool) -> JobStatus | Outcome | Edit:
        """
        Send a request and wait for its job; a synchronous service's answer is the outcome already. An edit is another
        kernel's of the same ask that was sent meanwhile.
        """
        async with self._context.limit:
            # A payload holds all pictures of a request: only those that are being sent are in memory.
            payload = await self._context.threads.prepare(payload_of, run, prepared, self._context.rows.store)
            if self._context.provider.is_synchronous:
                payloads = (prepared.price.live or run.model).posts(payload, counts=self._context.provider.counts)
                return await send(run, self._context, payloads, alone=alone, price=prepared.price)
            other = await submit(run, self._context, payload, alone=alone)
            del payload
            return await wait(run, self._context) if other is None else other

    async def _in_turn(
        self, step: Callable[[Run, Context, asyncio.Event | None], Awaitable[Prepared]], run: Run
    ) -> Prepared:
        before, self._last_written = self._last_written, asyncio.Event()
        written = self._last_written
        try:
            async with self._preparing:
                return await step(run, self._context, before)
        finally:
            written.set()

    async def _ahead(self, run: Run) -> Edit | None:
        """Return an edit of the same ask that another kernel wrote down before this, which then is not sent."""
        other = await self._context.rows.call(self._reuse.ahead, run.request, run.provider, run.row.id)
        return None if other is None else await self._give_way(run, other)

    async def _give_way(self, run: Run, other: Edit) -> Edit:
        await self._context.rows.move(run, "cancelled", note=f"edit {other.id} asks the same")
        return other

    async def collect(self, run: Run, edit: Edit) -> Outcome:
        """Wait for a job that was accepted before, and fetch its outputs."""
        run.edit = edit
        if not await self._context.leases.take(edit.id):
            return await self.follow(run, edit)
        await self._context.rows.refresh(run)
        if run.row.state == "completed":
            return Outcome(run.row, "collected")
        if self._context.provider.is_synchronous:
            outcome = await collect_answers(run, self._context)
        else:
            outcome = await self._fetched(run, await wait(run, self._context))
        return await self._measured(run, Outcome(outcome.edit, "collected", outcome.notes))

    async def follow(self, run: Run, edit: Edit) -> Outcome:
        """Wait for a job of another kernel; where that kernel ends before it, go on with it."""
        run.followed = edit.id
        run.edit = None  # the row is another kernel's: a stop here ends only this waiting
        try:
            found = await follow(run, self._context, edit)
        except JobCancelledError:
            if (other := await self._context.rows.call(self._instead, run, edit)) is None:
                raise
            return await self.follow(run, other)
        return found if isinstance(found, Outcome) else await self.collect(run, found)

    def _instead(self, run: Run, edit: Edit) -> Edit | None:
        """Return the edit of the same ask that a followed one gave way to, or that is under way beside it."""
        found = self._reuse.followed(run.request, run.provider) or self._reuse.newest(run.request, run.provider)
        return found if found is not None and found.id != edit.id else None

    async def _fetched(self, run: Run, status: JobStatus, prepared: Prepared | None = None) -> Outcome:
        run.urls = status.urls
        if run.download:
            return await fetch(run, self._context, status, prepared.price if prepared else None)
        if run.row.state != "downloading":
            await self._context.rows.move(run, "downloading", note="its outputs were left at the service")
        return Outcome(run.row, "made", tuple(run.notes))


# ── requests that belong together ─────────────────────────────────────────────────────────────────────────────────────

Complete = Callable[[EditRequest, Edit], EditRequest]
"""Gives a request with the picture of an edit in the place of its main one, and with the seed of that edit."""


class Series:
    """
    Requests that are paid for all or none.

    Each of them is expected before the first begins. Then, in the engine's loop, it waits in `reserve` once it is
    written down, or calls `leave`; the last one decides for all. One that is stopped meanwhile is left out.

    Args:
        is_whole: whether none is sent where one of them cannot be sent; else that one alone is left out.
    """

    def __init__(self, *, is_whole: bool = True) -> None:
        self._is_whole = is_whole
        self._coming = 0
        self._waiting: list[Asked] = []
        self._decision: asyncio.Future[Exception | None] | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._error: NBBananaError | None = None

    def expect(self) -> None:
        """Count one more request."""
        self._coming += 1

    async def reserve(self, run: Run, context: Context, price: Quote) -> None:
        """
        Wait until all others are written down, and keep back what all cost together.

        Raises:
            BudgetError: all together cost too much; none is sent.
            JobCancelledError: another one cannot be sent, so this one is not sent either.
        """
        self._waiting.append((run, price))
        if self._decision is None:
            self._decision = asyncio.get_running_loop().create_future()
        self._arrive(context)
        if (refusal := await asyncio.shield(self._decision)) is not None:
            raise copy.copy(refusal) from refusal.__cause__  # each run adds its own number to its own

    def leave(self, context: Context, error: BaseException | None = None) -> None:
        """Go on without a request that is answered elsewhere, was stopped, or cannot be sent because of an error."""
        if self._is_whole and isinstance(error, NBBananaError) and self._error is None:
            self._error = error
        self._arrive(context)

    def _arrive(self, context: Context) -> None:
        self._coming -= 1
        if self._coming == 0 and self._decision is not None:
            self._deciding = asyncio.create_task(self._decide(context, self._decision))

    async def _decide(self, context: Context, decision: asyncio.Future[Exception | None]) -> None:
        left = [(run, price) for run, price in self._waiting if not run.stop_requested]
        refusal: Exception | None = None
        try:
            if self._error is not None:
                refusal = JobCancelledError(
                    "It was not sent: another request of its series cannot be sent.",
                    self._error.what,
                    self._error.how or "Mend that one, or leave it out. Nothing was sent.",
                )
                for run, _ in left:
                    if not run.stop_requested:  # it may have been stopped meanwhile
                        await context.rows.move(
                            run, "cancelled", note="another request of its series could not be sent"
                        )
            elif left:
                await reserve(left, context)
        except asyncio.CancelledError:
            decision.cancel()
            raise
        except Exception as error:  # those that wait end with it
            if not isinstance(error, NBBananaError):
                log.exception("A series failed in a way that was not foreseen.")
            refusal = error
        decision.set_result(refusal)


@dataclass(frozen=True, slots=True)
class Later:
    """
    What a later pass waits for.

    Args:
        before: the pass before it.
        complete: puts the picture of that pass into its request.
        number: which pass it is, from 1.
    """

    before: Run
    complete: Complete
    number: int

    async def request(self, run: Run, context: Context) -> EditRequest:
        """
        Wait for the pass before; return the request with its picture.

        Raises:
            JobCancelledError: the pass before gave no picture; this one is not sent.
            NBBananaError: its picture cannot be read.
        """
        run.update(note=f"It waits for pass {self.number - 1}.")
        coming = asyncio.wrap_future(self.before.future)
        # Where this pass is stopped first, no one asks for the error of the one before; asyncio must not report it.
        coming.add_done_callback(lambda over: over.cancelled() or over.exception())
        try:
            outcome = await asyncio.shield(coming)
        except Exception as error:  # noqa: BLE001 (whatever ended it: this pass is not sent, and says so)
            await context.rows.move(run, "cancelled", note=f"pass {self.number - 1} gave no picture")
            raise JobCancelledError(
                f"Pass {self.number} was not sent: pass {self.number - 1} gave no picture.",
                error.what if isinstance(error, NBBananaError) else "It failed in a way that was not foreseen.",
                "Mend that pass and run it again: what is done is not paid again.",
            ) from None
        run.update(restart_clock=True, note=None)
        return await context.threads.prepare(self.complete, run.request, outcome.edit)


def unfinished(reuse: Reuse, requests: Sequence[EditRequest], complete: Complete, provider: str) -> Edit | None:
    """
    Return the newest answer to the first of these passes, if what follows from it did not reach the last one.

    To run such a chain again means to go on with it, and not to pay for its first passes once more.
    """
    first, *rest = requests
    newest = edit = reuse.newest(first, provider)
    for request in rest:
        if edit is None:
            break
        edit = reuse.newest(complete(request, edit), provider)
    return newest if edit is None else None
