"""`Job`: a request on its way, as a user holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from nbbanana.session.results import EditResult

if TYPE_CHECKING:
    from nbbanana.display.views import ResultView
    from nbbanana.engine.progress import Progress
    from nbbanana.engine.run import Run
    from nbbanana.request import EditRequest
    from nbbanana.session.session import Session

__all__ = ["Job"]

TICK = 0.2
"""Seconds between two looks while waiting: an interrupt must find the interpreter awake."""


class Job:
    """
    A request on its way: look at it, wait for it, cancel it.

    `await job` gives the result in async code, `job.result()` anywhere else.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     job = session.submit("Make it snow.", nb.samples.still_life())
    ...     len(job.result())
    1
    """

    def __init__(self, session: Session, run: Run, name: str | None = None) -> None:
        self._session = session
        self._run = run
        self.name = name
        self._result: EditResult | None = None

    def __repr__(self) -> str:
        return f"<Job {self.status} edit={self.edit_id}>"

    @property
    def request(self) -> EditRequest:
        """What was asked."""
        return self._run.request

    @property
    def progress(self) -> Progress:
        """Where it stands now."""
        return self._run.progress

    @property
    def status(self) -> str:
        """Where it stands, in one word."""
        return self._run.progress.phase

    @property
    def edit_id(self) -> int | None:
        """The row in the store, once it is written."""
        return self._run.edit.id if self._run.edit else None

    @property
    def request_id(self) -> str | None:
        """The service's id, once it took the request."""
        return self._run.edit.request_id if self._run.edit else None

    def done(self) -> bool:
        """Whether it is over, well or not."""
        return self._run.future.done()

    def result(self, timeout: float | None = None) -> EditResult:
        """
        Wait for the result.

        Args:
            timeout: seconds to wait at most; the job goes on.

        Raises:
            TimeoutError: not over in time.
            NBBananaError: how it ended without a picture.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        while not self._run.future.done():
            left = TICK if ends is None else min(TICK, ends - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"The job was not over within {timeout:g} s; it goes on.")
            _look(self._run.future, left)
        return self._finished()

    def __await__(self) -> Generator[Any, None, EditResult]:
        return self._wait().__await__()

    async def _wait(self) -> EditResult:
        # asyncio.wait leaves the future alone when the waiting task is cancelled, and wakes the loop now and then:
        # the interrupt of an awaiting cell sets a flag that only a turn of the loop sees.
        ended = asyncio.wrap_future(self._run.future)
        # Its error is raised below, or belongs to nobody any more; asyncio must not complain of it at the end.
        ended.add_done_callback(lambda over: over.cancelled() or over.exception())
        while not ended.done():
            await asyncio.wait({ended}, timeout=TICK)
        return self._finished()

    def cancel(self) -> str:
        """Cancel it, at the service too if it still can be; returns what happened, in words."""
        return self.cancelling().result()

    def cancelling(self) -> Future[str]:
        """Begin to cancel it; the future holds what happened."""
        return self._session.engine.stop(self._run)

    def add_done_callback(self, callback: Callable[[Job], None]) -> None:
        """Call `callback(job)` once it is over, in the engine's thread; it must return at once."""
        self._run.future.add_done_callback(lambda _: callback(self))

    def listen(self, callback: Callable[[Job], None]) -> Callable[[], None]:
        """Call `callback(job)` in the engine's thread at each change; returns what ends that."""
        return self._run.listen(lambda _: callback(self))

    def view(self) -> ResultView:
        """What to show of it now."""
        from nbbanana.session.views import job_view

        return job_view(self)

    @property
    def run(self) -> Run:
        """The engine's side of it."""
        return self._run

    @property
    def session(self) -> Session:
        """The session that it belongs to."""
        return self._session

    def _finished(self) -> EditResult:
        outcome = self._run.future.result()
        if self._result is None:
            self._result = self._session.receive(outcome, self.name)
        return self._result


def _look(future: Future[Any], seconds: float) -> None:
    from concurrent.futures import wait

    wait([future], timeout=seconds)
