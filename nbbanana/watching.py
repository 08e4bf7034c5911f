"""
The display of several requests that are waited for in one call: the notebook room says what makes it.

A call that waits, such as `result.vary(…)`, knows no notebook. It asks `watcher` for a display, which shows nothing
where nobody said `watch_with`. It is a room of its own because it is loaded with the extension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nbbanana.errors import NBBananaError

__all__ = ["Stage", "Watcher", "interrupted", "watch_with", "watcher"]


class Stage(Protocol):
    """Where one request stands."""

    @property
    def phase(self) -> str:
        """The step that it is in, such as `queued`."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""


class Watcher:
    """A display of several requests that shows nothing, and the base of one that does."""

    def progress(self, series: Sequence[Stage], play: str = "") -> None:
        """Show where they stand; `play` is the provider, where its money is play money."""

    def drawing(self, make: Callable[[], Mapping[str, str]]) -> None:
        """Show in the place of the progress what `make` makes, a MIME bundle; it is not called where nothing shows."""

    def ended(self, said: str) -> None:
        """Say in the place of the progress, if there was any, how they ended."""


_make: Callable[[], Watcher] = Watcher


def watch_with(make: Callable[[], Watcher] = Watcher) -> None:
    """Show what is waited for from now on with what `make` makes."""
    global _make  # noqa: PLW0603 - one process has one notebook
    _make = make


def watcher() -> Watcher:
    """Return a display for a call that waits now."""
    return _make()


def interrupted(words: str) -> KeyboardInterrupt:
    """Return the exception that an interrupted call ends in; a notebook shows its words alone."""
    interrupt = KeyboardInterrupt(words)
    if not NBBananaError.show_tracebacks:
        # IPython asks any exception for this; frames of our own waiting say nothing to a user.
        interrupt._render_traceback_ = lambda: [f"KeyboardInterrupt: {words}"]  # type: ignore[attr-defined]
    return interrupt
