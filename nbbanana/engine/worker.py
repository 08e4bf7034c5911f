"""One thread that runs calls in their order, and goes on doing so until the very end of the process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

__all__ = ["Worker"]

P = ParamSpec("P")
T = TypeVar("T")


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
