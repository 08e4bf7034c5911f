"""
The engine's threads: the one event loop in the one thread where HTTP lives, and a thread for blocking calls.

Callers get a `concurrent.futures.Future`, which any thread may wait on; nothing here touches the loop of a kernel or
patches asyncio.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import queue
import secrets
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

__all__ = ["EngineLoop", "Worker", "ended", "process_id"]


T = TypeVar("T")
LOADED = secrets.token_hex(6)
"""A name for this loading of the package: the numbers of processes are given again."""
GOODBYE = 2.0
"""Seconds that the end of the process waits for what is under way to be cancelled."""


class EngineLoop:
    """An event loop in a daemon thread, started on first use; one a process, also after a fork."""

    _shared: EngineLoop | None = None
    _guard = threading.Lock()

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nbbanana-engine", daemon=True)
        self._thread.start()
        self._closers: list[weakref.WeakMethod[Callable[[], object]]] = []
        atexit.register(self.stop)

    @classmethod
    def shared(cls) -> EngineLoop:
        """Return the loop of this process."""
        with cls._guard:
            if cls._shared is None or cls._shared.pid != os.getpid():
                cls._shared = cls()
            return cls._shared

    def run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start a coroutine in the loop; the future is for any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def at_exit(self, close: Callable[[], object]) -> None:
        """Call a method when the process ends, before the thread does; its object may be gone by then."""
        self._closers = [*(known for known in self._closers if known() is not None), weakref.WeakMethod(close)]

    def stop(self) -> None:
        """Close the engines, cancel what is left and end the thread; the store keeps what was accepted."""
        if self.pid != os.getpid() or not self._thread.is_alive():
            return
        for closer in self._closers:
            if (close := closer()) is not None:
                close()
        # Whatever does not end in time ends with the process; the journal already says what was accepted.
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            self.run(_cancel_all()).result(GOODBYE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(GOODBYE)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


P = ParamSpec("P")


class Worker:
    """
    A thread for blocking calls.

    Not a `ThreadPoolExecutor`: those refuse work once the interpreter begins to end, which is just when the answer of
    a request that is under way must still be recorded.

    Args:
        name: the thread's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._is_closed = False

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """
        Run a call in the thread, after those that were submitted before.

        Raises:
            RuntimeError: the worker is closed.
        """
        future: Future[T] = Future()

        def call() -> None:
            """Run the call in the thread and end its future."""
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it belongs to the one who waits for the future
                future.set_exception(error)

        with self._guard:
            if self._is_closed:
                raise RuntimeError(f"The worker {self._name!r} is closed.")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._calls.put(call)
        return future

    def close(self) -> None:
        """Run what was submitted, and end the thread."""
        with self._guard:
            self._is_closed = True
            thread = self._thread
            self._calls.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


async def ended(tasks: Iterable[asyncio.Task[Any] | None], seconds: float) -> set[asyncio.Task[Any]]:
    """Wait until tasks are over, so many seconds at most; returns those that are not."""
    running = {task for task in tasks if task is not None and not task.done()}
    return (await asyncio.wait(running, timeout=seconds))[1] if running else running


def process_id() -> str:
    """Return a name for this process, as the kernel of records made outside of one; a forked child has another."""
    return f"{os.getpid()}-{LOADED}"
