"""The steps of a request in order: prepare, reserve, submit, wait, fetch, measure; or collect, or follow another's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from nbbanana.engine import synchronous
from nbbanana.engine.chain import Later
from nbbanana.engine.context import Context
from nbbanana.engine.fetch import fetch
from nbbanana.engine.measuring import measure
from nbbanana.engine.prepare import Prepared, fill, journal, payload_of, prepare
from nbbanana.engine.reserve import reserve
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Outcome, Run
from nbbanana.engine.series import Series
from nbbanana.engine.submit import submit
from nbbanana.engine.wait import follow, wait
from nbbanana.errors import JobCancelledError, NBBananaError
from nbbanana.providers.base import JobStatus
from nbbanana.settings import Mode
from nbbanana.store.records import Edit

__all__ = ["Steps"]

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

    def series(self, *, is_whole: bool = True) -> Series:
        """Return a series of runs that are reserved together; see `Series`."""
        return Series(reserve, is_whole=is_whole)

    async def make(self, run: Run, mode: Mode, series: Series | None, later: Later | None = None) -> Outcome:
        """Prepare, reserve, submit, wait and fetch; a later pass waits for its picture once it is reserved."""
        try:
            prepared = await self._in_turn(prepare if later is None else journal, run)
            other = await self._ahead(run, mode) if later is None else None
        except BaseException as error:
            if series is not None:
                series.leave(self._context, error)
            raise
        if other is not None:
            if series is not None:
                series.leave(self._context)
            return await self.follow(run, other)
        if series is None:
            await reserve([(run, prepared.price)], self._context)
        else:
            await series.reserve(run, self._context, prepared.price)
        if later is not None:
            prepared = await self._filled(run, later, prepared)
            if (other := await self._ahead(run, mode)) is not None:
                return await self.follow(run, other)
        found = await self._sent(run, prepared, alone=mode == "auto" and run.request.is_seeded)
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
                await self._context.rows.move(run, "rejected", error=str(error), error_kind=type(error).__name__)
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
                payloads = (prepared.live or run.model).posts(payload, counts=self._context.provider.counts)
                return await synchronous.send(run, self._context, payloads, alone=alone, price=prepared.price)
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

    async def _ahead(self, run: Run, mode: Mode) -> Edit | None:
        """Return an edit of the same ask that another kernel wrote down before this, which then is not sent."""
        other = await self._context.rows.call(self._reuse.ahead, run.request, run.provider, mode, run.row.id)
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
            outcome = await synchronous.collect(run, self._context)
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
        found = self._reuse.followed(run.request, run.provider, "auto") or self._reuse.newest(run.request, run.provider)
        return found if found is not None and found.id != edit.id else None

    async def _fetched(self, run: Run, status: JobStatus, prepared: Prepared | None = None) -> Outcome:
        run.urls = status.urls
        if run.download:
            return await fetch(run, self._context, status, prepared.price if prepared else None)
        if run.row.state != "downloading":
            await self._context.rows.move(run, "downloading", note="its outputs were left at the service")
        return Outcome(run.row, "made", tuple(run.notes))
