"""
The one event loop in the one thread where HTTP lives.

Callers get a `concurrent.futures.Future`, which any thread may wait on; nothing here touches the loop of a kernel or
patches asyncio.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["EngineLoop"]

T = TypeVar("T")
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

    @property
    def is_here(self) -> bool:
        """Whether the caller runs in the loop's thread, where waiting for it would never end."""
        return threading.current_thread() is self._thread

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
