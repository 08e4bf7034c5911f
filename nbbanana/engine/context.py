"""The context of a run's steps: store, provider, prices, leases, threads, concurrency limit, timeout."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from nbbanana.engine.loop import Worker
from nbbanana.engine.prices import Prices
from nbbanana.engine.run import NotSentError, Run, log
from nbbanana.errors import StoreError
from nbbanana.images import UploadCache
from nbbanana.providers.base import Provider
from nbbanana.store import Store
from nbbanana.store.records import Edit, Post, State

__all__ = ["LEASE", "AdaptiveLimit", "Context", "Leases", "Rows", "Threads"]

P = ParamSpec("P")
T = TypeVar("T")

LEASE = 60.0
"""Seconds that a job stays this kernel's after its last renewal."""
RELEASE_PATIENCE = 1.0
"""Seconds that the end of a run waits for its lease to be given up; the store may be locked."""

ONE_REFUSAL = 1.0
"""Seconds within which refusals speak of the same burst."""
KEPT = 0.5
"""What a refusal leaves of the limit."""


class Rows:
    """
    The store, called from the engine's loop in one thread of its own: a commit waits for the disk.

    Args:
        store: where edits are recorded.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._worker = Worker("nbbanana-store")

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """
        Run a call of the store in the store's thread.

        Raises:
            StoreError: the call's own, or the engine was closed.
        """
        try:
            calling = self._worker.submit(function, *args, **kwargs)
        except RuntimeError as error:
            raise StoreError(
                "The session is closed.", "Its store was closed with it.", "Open another: nb.Session(…)."
            ) from error
        return await asyncio.wrap_future(calling)

    async def move(self, run: Run, state: State, **facts: Any) -> None:
        """Record a run's new state."""
        run.edit = await self.call(self.store.move, run.row.id, state, **facts)
        log.debug("edit %s is %s", run.edit.id, state)

    async def fail(self, run: Run, state: State, error: Exception, **facts: Any) -> None:
        """Record a run's new state, and the error that says why."""
        await self.move(run, state, error=str(error), error_kind=type(error).__name__, **facts)

    async def begin_posts(
        self, run: Run, seeds: Sequence[int | None] | None = None, *, alone: bool = False
    ) -> tuple[Edit | None, list[Post]]:
        """
        Write down the POSTs of a run that follow, unless the edit that is given back was sent; see the store.

        Raises:
            NotSentError: a stop was asked for.
        """
        if run.stop_requested:
            raise NotSentError
        edit, other, posts = await self.call(self.store.begin_posts, run.row.id, seeds, alone=alone)
        run.edit = edit
        log.debug("edit %s is %s, %d POSTs", edit.id, edit.state, len(posts))
        return other, posts

    async def durations(self, run: Run) -> list[float]:
        """Return how many seconds such jobs as a run's took before."""
        row = run.row
        return await self.call(self.store.durations, row.model, row.parameters.get("resolution"), row.provider)

    async def refresh(self, run: Run) -> None:
        """Read a run's row again."""
        run.edit = await self.call(self.store.get, run.row.id)

    def close(self) -> None:
        """Finish what was called and end the thread; the store stays open."""
        self._worker.close()


class Leases:
    """
    The rows that this engine watches, so that no other kernel collects them meanwhile.

    Args:
        rows: the store.
        owner: the name under which leases are held; see `nbbanana.store.leases.new_owner`.
    """

    def __init__(self, rows: Rows, owner: str) -> None:
        self._rows = rows
        self.owner = owner
        self._held: set[int] = set()
        self._heartbeat: asyncio.Task[None] | None = None

    async def take(self, edit_id: int) -> bool:
        """Take a row's lease and keep renewing it; False where another kernel has it."""
        if not await self._rows.call(self._rows.store.claim, edit_id, self.owner, LEASE):
            return False
        self.hold(edit_id)
        return True

    async def give_up(self, edit: Edit) -> None:
        """Let any kernel have a row; waits a moment at most, since a lease ends by itself too, or with its edit."""
        if edit.id not in self._held:
            return
        self._held.discard(edit.id)
        if edit.is_terminal:
            return
        release = asyncio.ensure_future(self._rows.call(self._rows.store.release, self.owner, edit.id))
        release.add_done_callback(_logged)
        await asyncio.wait({release}, timeout=RELEASE_PATIENCE)

    async def close(self) -> None:
        """Stop renewing and give up every lease; one that the store does not let go ends by itself."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        self._held.clear()
        try:
            await self._rows.call(self._rows.store.release, self.owner)
        except StoreError as error:
            log.warning("The leases could not be given up; they end by themselves: %s", error.what)

    def hold(self, edit_id: int) -> None:
        """Keep renewing the lease of a row that was written with it."""
        self._held.add(edit_id)
        if self._heartbeat is None or self._heartbeat.done():
            self._heartbeat = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while self._held:
            try:
                await self._rows.call(self._rows.store.renew, self.owner, LEASE)
            except StoreError as error:
                # A store that is locked now is asked again in time: a lease outlives two failed renewals.
                log.warning("The leases could not be renewed: %s", error.what)
            await asyncio.sleep(LEASE / 3)


class Pool:
    """
    Threads for one kind of work.

    Args:
        name: what the threads are called.
        most: how many there are.
    """

    def __init__(self, name: str, most: int) -> None:
        self._executor: Executor = ThreadPoolExecutor(most, thread_name_prefix=f"nbbanana-{name}")

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """End the threads; what runs in them ends by itself."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class Threads:
    """Threads for work that takes processor time, so that it neither holds up the loop nor one another."""

    def __init__(self) -> None:
        self.prepare = Pool("prepare", 2)
        """For inputs: decoding and encoding, before a request is sent."""
        self.check = Pool("check", 2)
        """For outputs: results of some requests never wait for the inputs of others."""
        self.measure = Pool("measure", 1)
        """For what changed in outputs: one picture at a time, since each takes memory in proportion to its size."""

    def close(self) -> None:
        """End the threads."""
        for pool in (self.measure, self.prepare, self.check):
            pool.close()


class AdaptiveLimit:
    """
    A semaphore with an adaptive size: halved on a 429, and grown by accepted jobs.

    It grows as TCP CUBIC does (RFC 9438), counted in accepted jobs and not in seconds, since a round here is a job of
    many seconds: quickly at first, slowly near the size at which it was refused, which it has again after as many
    accepted jobs as that size; then beyond. One more a round would need thousands of jobs to get over one refusal. All
    calls belong to one loop.

    >>> limit = AdaptiveLimit(16)
    >>> limit.refused(); limit.size
    8.0
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self._clock = clock
        self._halved_at = -math.inf
        self.size = float(most)
        self._refused_at = float(most)
        """The size at the last refusal."""
        self._since = 0
        """Jobs that were accepted since then."""
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        while self._taken >= int(self.size):
            ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(ticket)
            try:
                await ticket
            except asyncio.CancelledError:
                if ticket.done() and not ticket.cancelled():  # it was called meanwhile: the next in line has it
                    self._wake()
                raise
        self._taken += 1

    async def __aexit__(self, *_: object) -> None:
        self._taken -= 1
        self._wake()

    def accepted(self) -> None:
        """Grow, by one at most: the service accepted a job."""
        self._since += 1
        way = self._since / self._refused_at - 1.0
        cubic = self._refused_at * (1.0 + (1.0 - KEPT) * way**3)
        self.size = min(float(self.most), self.size + 1.0, max(self.size, cubic))
        self._wake()

    def refused(self) -> None:
        """
        Halve the limit, never below one: the service answered 429.

        Requests that were on their way together are refused together; that is one refusal, and halves once.
        """
        now = self._clock()
        if now - self._halved_at >= ONE_REFUSAL:
            self._halved_at = now
            self._refused_at, self._since = self.size, 0
            self.size = max(1.0, self.size * KEPT)

    def _wake(self) -> None:
        free = int(self.size) - self._taken
        while free > 0 and self._waiting:
            ticket = self._waiting.popleft()
            if not ticket.done():
                ticket.set_result(None)
                free -= 1


@dataclass(frozen=True, slots=True)
class Context:
    """
    What the steps of a run need beside the run; the same for all runs of an engine. It never holds the engine.

    Args:
        rows: the store with its thread.
        provider: the service that runs requests.
        prices: the provider's prices, cached.
        leases: the rows that this engine watches.
        threads: for work that takes processor time.
        limit: how many jobs the provider gets at once.
        uploads: what was made of pictures to send them.
        timeout: seconds to wait for a job before saying so.
        measure: says whether it is measured what changed in outputs; asked when an edit is complete.
    """

    rows: Rows
    provider: Provider
    prices: Prices
    leases: Leases
    threads: Threads
    limit: AdaptiveLimit
    uploads: UploadCache
    timeout: float
    measure: Callable[[], bool] = lambda: False

    def handle(self, run: Run) -> str:
        """Return what the provider is given to find a run's job, which was accepted."""
        row = run.row
        assert row.request_id is not None
        return row.handle or self.provider.handle_of(row.model, row.request_id)


def _logged(work: asyncio.Future[None]) -> None:
    if not work.cancelled() and (error := work.exception()):
        log.warning("A lease could not be given up; it ends by itself: %s", error)
