"""
Where an edit is seen: one display in a notebook that the grid replaces, one line in a terminal, or nothing.

A screen is used by one thread at a time.
"""

from __future__ import annotations

import shutil
import sys
import uuid
from typing import TYPE_CHECKING, Any, Protocol

from nbbanana.display import ProgressDisplay
from nbbanana.display.words import clip

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.session import Job

__all__ = ["Screen", "publish", "screen_for"]

Data = dict[str, Any]


class Screen(Protocol):
    """What waiting for an edit shows."""

    shows: bool
    """Whether what it does with a result is all that is to be seen; else IPython shows the cell's value."""
    takes_pictures: bool
    """Whether it shows a result's pictures."""

    def progress(self, job: Job) -> None:
        """Show where a job stands."""

    def result(self, data: Data, metadata: Data) -> None:
        """Show what came back in the place of the progress: a MIME bundle, empty where no pictures are taken."""

    def ended(self, job: Job, said: str) -> None:
        """Say in the place of the progress, if there was any, that no result comes."""


class Quiet:
    """Shows nothing, and leaves nothing."""

    shows = True
    takes_pictures = False

    def progress(self, job: Job) -> None:
        """Show nothing."""

    def result(self, data: Data, metadata: Data) -> None:
        """Show nothing."""

    def ended(self, job: Job, said: str) -> None:
        """Show nothing; the error is shown."""


class Still:
    """Shows the result and no progress: where a display cannot be replaced, as under `%%capture`."""

    shows = True
    takes_pictures = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def progress(self, job: Job) -> None:
        """Show nothing."""

    def result(self, data: Data, metadata: Data) -> None:
        """Show it."""
        publish(self._shell, data, metadata)

    def ended(self, job: Job, said: str) -> None:
        """Show nothing; the error is shown."""


class Replaced:
    """One display in a notebook, replaced as often as what it shows changes."""

    shows = True
    takes_pictures = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._id = uuid.uuid4().hex
        self._shown: Data | None = None
        self._display: ProgressDisplay | None = None

    def progress(self, job: Job) -> None:
        """Show where it stands, if that has changed."""
        view = job.view()
        self._display = self._display or ProgressDisplay(view)
        self._show(self._display.bundle(job.progress, view))

    def result(self, data: Data, metadata: Data) -> None:
        """Show the grid in its place."""
        self._show(data, metadata)

    def ended(self, job: Job, said: str) -> None:
        """Say it where the progress stood."""
        if self._display is not None:
            self._show(self._display.stopped(job.progress, said, job.view()))

    def _show(self, data: Data, metadata: Data | None = None) -> None:
        if data != self._shown:
            where = {"transient": {"display_id": self._id}, "update": self._shown is not None}
            self._shown = data  # first: an interrupt while it is published must not make a second display
            publish(self._shell, data, metadata, **where)


class Line:
    """One line on standard error in a terminal, taken away when the job is over."""

    shows = False
    takes_pictures = False

    def __init__(self) -> None:
        self._display: ProgressDisplay | None = None

    def progress(self, job: Job) -> None:
        """Write where it stands over what stood there."""
        if sys.stderr.isatty():
            view = job.view()
            self._display = self._display or ProgressDisplay(view)
            line = self._display.bundle(job.progress, view)["text/plain"]
            self._write(clip(line, shutil.get_terminal_size().columns - 1))

    def result(self, data: Data, metadata: Data) -> None:
        """Take the line away; IPython shows the result as the cell's value."""
        self._clear()

    def ended(self, job: Job, said: str) -> None:
        """Take the line away."""
        self._clear()

    def _clear(self) -> None:
        if self._display is not None:
            self._write("")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def screen_for(shell: InteractiveShell, *, is_quiet: bool) -> Screen:
    """The screen of an edit that begins now in this shell."""
    from IPython.core.displaypub import CapturingDisplayPublisher

    if is_quiet:
        return Quiet()
    if isinstance(shell.display_pub, CapturingDisplayPublisher):
        return Still(shell)
    return Replaced(shell) if getattr(shell, "kernel", None) is not None else Line()


def publish(shell: InteractiveShell, data: Data, metadata: Data | None = None, **where: Any) -> None:
    """Show a MIME bundle in the cell that runs."""
    shell.display_pub.publish(data=data, metadata=metadata or {}, **where)
