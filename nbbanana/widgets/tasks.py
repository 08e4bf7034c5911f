"""The jobs of a form: started, watched and cancelled from its desk, with the engine's thread only leaving notes."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nbbanana.errors import NBBananaError
from nbbanana.widgets import desk

if TYPE_CHECKING:
    from nbbanana.session import EditResult, Job

__all__ = ["Task", "Tasks"]

_keys = itertools.count(1)


@dataclass(eq=False, slots=True)
class Task:
    """
    A job as the form shows it.

    Args:
        job: the job.
        result: what came of it, once it came.
        error: why nothing came.
        is_stopping: whether it is being cancelled.
        key: names it in this process.
    """

    job: Job
    result: EditResult | None = None
    error: NBBananaError | None = None
    is_stopping: bool = False
    key: str = field(default_factory=lambda: f"task{next(_keys)}")
    is_noted: bool = False
    """Whether a note about it lies at the desk already: the engine may have more to say than there is to show."""
    shown: dict[str, Any] = field(default_factory=dict, repr=False)
    """What the front end was told of it last: a poll that found nothing new is not worth a message."""
    unlisten: Callable[[], None] = field(default=lambda: None, repr=False)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.result is not None or self.error is not None


class Tasks:
    """
    All jobs of one form. Everything here is called at the desk.

    Args:
        changed: called at the desk with a task that stands otherwise than before.
    """

    def __init__(self, changed: Callable[[Task], None]) -> None:
        # The engine keeps a listener as long as the job runs: it must not keep a form that is gone.
        self._changed = weakref.WeakMethod(changed)
        self.all: list[Task] = []

    def take(self, job: Job) -> Task:
        """Watch a job; one that is watched already is not watched twice."""
        for known in self.all:
            if known.job.run is job.run and not known.is_over:
                return known
        task = Task(job)
        self.all.append(task)
        task.unlisten = job.listen(lambda _: self._note(task))
        job.add_done_callback(lambda _: _leave(self._end, task))
        return task

    def find(self, key: str) -> Task | None:
        """The task of that key."""
        return next((task for task in self.all if task.key == key), None)

    def cancel(self, task: Task) -> None:
        """Begin to cancel it; what came of that is said once it is known."""
        task.is_stopping = True
        # What came of it is the error with which the job ends: it says the same.
        task.job.cancelling()
        self._tell(task)

    def dismiss(self, task: Task) -> None:
        """Show it no longer."""
        task.unlisten()
        if task in self.all:
            self.all.remove(task)

    def close(self) -> None:
        """Listen to none any more; the jobs run on and are recorded."""
        for task in self.all:
            task.unlisten()

    def _note(self, task: Task) -> None:
        """Called in the engine's thread."""
        if not task.is_noted:
            task.is_noted = True
            _leave(self._progress, task)

    def _progress(self, task: Task) -> None:
        task.is_noted = False
        if not task.is_over:
            self._tell(task)

    def _end(self, task: Task) -> None:
        task.unlisten()
        task.is_stopping = False
        try:
            task.result = task.job.result()
        except NBBananaError as error:
            task.error = error
        self._tell(task)

    def _tell(self, task: Task) -> None:
        changed = self._changed()
        if changed is not None:
            changed(task)


def _leave(call: Callable[[Task], None], task: Task) -> None:
    """Called in the engine's thread, when the process may be ending and nobody is at the desk any more."""
    with contextlib.suppress(RuntimeError):
        desk.post(call, task)
