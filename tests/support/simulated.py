"""
Engines under a simulated clock: event loops, threads and stores of several kernels, moved by hand in one thread.

Seconds pass only when a test says so, and take no real time. Each kernel has an event loop of its own, so that one can
stand still, or be dead, while another goes on.
"""

from __future__ import annotations

import asyncio
import errno
import heapq
import logging
import os
from asyncio import events, futures
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
import tenacity

from nbbanana.engine import context, engine, fetch, kept, prices, retry, run, wait
from nbbanana.errors import StoreError
from nbbanana.store import leases
from nbbanana.store.blobs import Blobs
from nbbanana.store.database import PATIENCE, Database

__all__ = ["Clock", "SimulatedLoop", "Surroundings", "simulate"]

WRITES = {"begin", "move", "reserve", "claim", "renew", "release", "settle_abandoned"}
MOST_TURNS = 50_000


class Clock:
    """The time, in seconds, for all kernels."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def read(self) -> float:
        """Return the time."""
        return self.now


class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop that makes one turn when it is told to, and never waits."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._clock_resolution = 1e-6
        self._selector = SimpleNamespace(select=lambda _: [])
        self.surroundings = surroundings
        self.set_exception_handler(lambda _, said: surroundings.noise.append(str(said.get("exception"))))

    def time(self) -> float:
        """Return the simulated time."""
        return self.surroundings.clock.now

    def turn(self) -> None:
        """Run what is due."""
        events._set_running_loop(self)
        try:
            self._run_once()
        finally:
            events._set_running_loop(None)

    @property
    def next_at(self) -> float | None:
        """When something is due; None is never."""
        if self._ready:
            return self.time()
        while self._scheduled and self._scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(self._scheduled)._scheduled = False
        return self._scheduled[0]._when if self._scheduled else None

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets."""

    def _write_to_self(self) -> None:
        """There is no other thread."""

    # What an `EngineLoop` has:

    def run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Start a coroutine; waiting for its future lets the simulated time pass."""
        future = _Driven(self.surroundings)
        self.call_soon(lambda: futures._chain_future(self.create_task(work), future))
        return future

    def at_exit(self, close: Callable[[], object]) -> None:
        """A kernel is closed or killed by the test."""


class _Driven(Future[Any]):
    """A future that lets the simulated time pass while it is waited for."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._surroundings = surroundings

    def result(self, timeout: float | None = None) -> Any:
        """Wait for it."""
        self._surroundings.run_until(self.done, 10_000.0 if timeout is None else timeout)
        return super().result(0)


class Surroundings:
    """The clock, the loops that run, and what is wrong with the disk."""

    current: Surroundings
    """The one in which engines are made now."""

    def __init__(self) -> None:
        Surroundings.current = self
        self.clock = Clock()
        self.loops: list[SimulatedLoop] = []
        self.building: SimulatedLoop | None = None
        self.owner = ""
        self.dead: set[str] = set()
        self.locked_until = 0.0
        self.is_full = False
        self.is_over = False
        self.noise: list[str] = []
        self.owners = 0
        self.asker: ContextVar[list[Any]] = ContextVar("asker", default=[])  # noqa: B039 - it is only read
        """Holds whose request a task is about."""

    def new_owner(self) -> str:
        """A name for leases of the kernel that is being made."""
        self.owners += 1
        return f"{self.owner}:{self.owners}"

    def check_writable(self) -> None:
        """
        Refuse to write where the disk is full or another process keeps the store locked.

        Raises:
            StoreError: it is.
        """
        if self.is_over or self.is_full or self.clock.now < self.locked_until:
            raise StoreError("The store could not be used.", "The disk is full." if self.is_full else "It is locked.")

    def advance(self, seconds: float) -> None:
        """Let time pass for all kernels."""
        self.run_until(lambda: False, seconds)

    def run_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Let time pass until a condition holds, or the seconds are over."""
        ends = self.clock.now + seconds
        for _ in range(MOST_TURNS):
            if condition():
                return
            coming = [at for loop in self.loops if (at := loop.next_at) is not None]
            if not coming or min(coming) > ends:
                self.clock.now = max(self.clock.now, ends)
                return
            self.clock.now = max(self.clock.now, min(coming))
            for loop in self.loops:
                if (at := loop.next_at) is not None and at <= self.clock.now:
                    loop.turn()
        raise AssertionError("a kernel does something again and again without a pause")

    def end(self, loops: list[SimulatedLoop]) -> None:
        """End what is left in all loops, also in those of killed kernels; nothing of it reaches a store."""
        self.is_over = True
        for loop in loops:
            for turn in range(200):
                tasks = asyncio.all_tasks(loop)
                if not tasks and not loop._ready:
                    break
                for task in tasks if turn > 2 else ():  # what was not begun yet begins first
                    task.cancel()
                loop.turn()
            loop.close()


class _Worker:
    """The thread of a store: calls one after the other, which wait while the store is locked."""

    def __init__(self, name: str) -> None:
        self._here = Surroundings.current
        assert self._here.building is not None
        self._loop = self._here.building
        self._calls: deque[tuple[Future[Any], Callable[[], Any], bool]] = deque()
        self._is_busy = self._is_closed = False

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        if self._is_closed:
            raise RuntimeError("The worker is closed.")
        future: Future[Any] = Future()
        writes = getattr(function, "__name__", "") in WRITES
        self._calls.append((future, lambda: function(*args, **kwargs), writes))
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._next)
        return future

    def close(self) -> None:
        self._is_closed = True
        self._here.run_until(lambda: not self._is_busy, 10_000.0)

    def _next(self) -> None:
        if not self._calls:
            self._is_busy = False
            return
        future, call, writes = self._calls.popleft()
        if not future.set_running_or_notify_cancel():
            self._loop.call_soon(self._next)
            return
        locked_for = self._here.locked_until - self._here.clock.now if writes and not self._here.is_over else 0.0
        if locked_for > 0.0:
            self._loop.call_later(min(locked_for, PATIENCE), self._run, future, call)
        else:
            self._run(future, call)

    def _run(self, future: Future[Any], call: Callable[[], Any]) -> None:
        _settle(self._loop, future, call)
        self._loop.call_soon(self._next)


class _Executor(Executor):
    """Threads for work that takes processor time."""

    def __init__(self, *_: Any, **__: Any) -> None:
        here = Surroundings.current
        assert here.building is not None
        self._loop = here.building
        self._is_closed = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._is_closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()

        def call() -> None:
            if future.set_running_or_notify_cancel():
                _settle(self._loop, future, lambda: function(*args, **kwargs))

        self._loop.call_soon(call)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._is_closed = True


def _settle(loop: SimulatedLoop, future: Future[Any], call: Callable[[], Any]) -> None:
    """Run a call now, and tell what came of it a turn later, as another thread would."""
    try:
        result = call()
    except BaseException as error:
        loop.call_soon(future.set_exception, error)
    else:
        loop.call_soon(future.set_result, result)


def _new_owner() -> str:
    return Surroundings.current.new_owner()


@contextmanager
def simulate() -> Iterator[None]:
    """Have engines and stores that are made in this block use `Surroundings.current`."""
    with pytest.MonkeyPatch.context() as patch:
        read = lambda: Surroundings.current.clock.now  # noqa: E731
        for module in (retry, wait, fetch, run, tenacity):
            patch.setattr(module, "time", SimpleNamespace(monotonic=read, time=read))
        patch.setitem(context.AdaptiveLimit.__init__.__kwdefaults__, "clock", read)
        patch.setitem(prices.Prices.__init__.__kwdefaults__, "clock", read)
        patch.setattr(engine, "EngineLoop", SimpleNamespace(shared=lambda: Surroundings.current.building))
        patch.setattr(engine, "new_owner", _new_owner)
        patch.setattr(context, "Worker", _Worker)
        patch.setattr(context, "ThreadPoolExecutor", _Executor)
        patch.setattr(leases, "is_gone", lambda owner: owner.partition(":")[0] in Surroundings.current.dead)
        patch.setattr(os, "fsync", lambda _: None)
        _break_disks(patch)
        logger = logging.getLogger("nbbanana.engine")
        patch.setattr(logger, "disabled", True)
        yield


def _break_disks(patch: pytest.MonkeyPatch) -> None:
    write, connect, adopt = Database.write, Database._connect, Blobs.adopt

    @contextmanager
    def checked_write(self: Database) -> Iterator[Any]:
        Surroundings.current.check_writable()
        with write(self) as connection:
            yield connection

    def quick_connect(self: Database) -> Any:
        connection = connect(self)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    def checked_adopt(self: Blobs, *args: Any) -> str:
        if Surroundings.current.is_full:
            raise StoreError("The picture could not be kept.", "The disk is full.")
        return adopt(self, *args)

    def checked(keep: Callable[..., Any]) -> Callable[..., Any]:
        def write_unless_full(*args: Any) -> Any:
            if Surroundings.current.is_full:
                raise OSError(errno.ENOSPC, "No space left on device")
            return keep(*args)

        return write_unless_full

    patch.setattr(Database, "write", checked_write)
    patch.setattr(Database, "_connect", quick_connect)
    patch.setattr(Blobs, "adopt", checked_adopt)
    patch.setattr(kept, "keep_id", checked(kept.keep_id))
    patch.setattr(kept, "keep_answer", checked(kept.keep_answer))
