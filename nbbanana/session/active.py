"""Which session `nb.edit` and the magics use, in each thread and task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from nbbanana.errors import UsageError

__all__ = ["Active"]

S = TypeVar("S")


class Active(Generic[S]):
    """
    The session of the innermost `with` block in this thread or task, else the one of the process.

    Args:
        make: makes the session of the process, on first use.
        is_closed: whether a session was closed: such a one is never used.
    """

    def __init__(self, make: Callable[[], S], is_closed: Callable[[S], bool]) -> None:
        self._make = make
        self._is_closed = is_closed
        self._default: S | None = None
        self._entered: ContextVar[S | None] = ContextVar("session", default=None)
        self._open: dict[Any, int] = {}
        """The threads in which `with` blocks are open, by the identity of their session."""
        self._guard = threading.Lock()

    def get(self) -> S:
        """
        Return the session to use here.

        Raises:
            UsageError: this is a worker thread that entered no block, while one is open in another thread: a pool
                inside a `with` does not inherit it, and the session of the process may be one that pays.
        """
        entered = self._entered.get()
        if entered is not None and not self._is_closed(entered):
            return entered
        with self._guard:
            others = [thread for thread in self._open.values() if thread != threading.get_ident()]
            if others and threading.current_thread() is not threading.main_thread():
                raise UsageError(
                    "It is not clear which session this thread is to use.",
                    "A `with nb.Session(…)` block is open in another thread, and threads do not inherit it.",
                    "Name it: `with nb.Session(…) as s:`, and s.edit(…) in the thread.",
                )
            if self._default is None or self._is_closed(self._default):
                self._default = self._make()
            return self._default

    def use(self, session: S | None) -> S | None:
        """Make a session the one of the process; None is a fresh one on next use. Returns the one before."""
        with self._guard:
            before, self._default = self._default, session
        return before

    def enter(self, session: S) -> S | None:
        """Make a session the one of this thread or task; returns the one before, for `leave`."""
        before = self._entered.get()
        self._entered.set(session)
        with self._guard:
            self._open[id(session)] = threading.get_ident()
        return before

    def leave(self, session: S, before: S | None) -> None:
        """End what `enter` began."""
        self._entered.set(before)
        with self._guard:
            self._open.pop(id(session), None)
