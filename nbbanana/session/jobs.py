"""`Job`: a request under way, as a user holds it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any

from nbbanana.display.views import ResultView
from nbbanana.engine.engine import Engine
from nbbanana.engine.run import Outcome, Progress, Run, StopReport
from nbbanana.errors import VariableError
from nbbanana.request import EditRequest
from nbbanana.session import view_builders
from nbbanana.session.library import Library
from nbbanana.session.result_sets import Asker
from nbbanana.session.results import EditResult, Output

__all__ = ["Job", "outputs_of"]

TICK = 0.2
"""Seconds between two looks while waiting: an interrupt must find the interpreter awake."""
OVER = StopReport(cancelled=False, message="It was over already.")


class Job:
    """
    A request under way: look at it, wait for it, cancel it. It belongs to the engine that began it, for good.

    `await job` gives the result in async code, `job.result()` anywhere else.

    Args:
        run: the engine's side of it.
        engine: the engine that runs it; None where the store had the answer.
        library: the store and its models.
        asker: the session, with which its result asks further.
        receive: makes the result of what the engine gave, and notes it as the session's last.
        name: what the result is called in its captions.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     job = session.submit("Make it snow.", nb.samples.still_life())
    ...     len(job.result())
    1
    """

    def __init__(
        self,
        run: Run,
        engine: Engine | None,
        library: Library,
        asker: Asker,
        receive: Callable[[Outcome, str | None], EditResult],
        name: str | None = None,
    ) -> None:
        self._run = run
        self._engine = engine
        self._library = library
        self._asker = asker
        self._receive = receive
        self.name = name
        self.message = ""
        """The outcome of a cancel, in words; empty before."""
        self._result: EditResult | None = None

    def __repr__(self) -> str:
        return f"<Job {self.status} edit={self.edit_id}>"

    @property
    def request(self) -> EditRequest:
        """What was asked."""
        return self._run.request

    @property
    def progress(self) -> Progress:
        """Its progress now."""
        return self._run.progress

    @property
    def status(self) -> str:
        """Its phase, in one word."""
        return self._run.progress.phase

    @property
    def provider(self) -> str:
        """The provider that runs it."""
        return self._run.provider

    @property
    def edit_id(self) -> int | None:
        """The row in the store, once it is written."""
        return self._run.edit.id if self._run.edit else None

    @property
    def request_id(self) -> str | None:
        """The service's id, once it took the request."""
        return self._run.edit.request_id if self._run.edit else None

    def done(self) -> bool:
        """Return whether it is over, well or not."""
        return self._run.future.done()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, `timeout` seconds at most; whether it is. The job goes on in any case."""
        ends = None if timeout is None else time.monotonic() + timeout
        while not self._run.future.done():
            left = TICK if ends is None else min(TICK, ends - time.monotonic())
            if left <= 0:
                return False
            wait_for([self._run.future], timeout=left)
        return True

    def result(self, timeout: float | None = None) -> EditResult:
        """
        Wait for the result.

        Args:
            timeout: seconds to wait at most; the job goes on.

        Raises:
            TimeoutError: not over in time.
            NBBananaError: how it ended without a picture.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"The job was not over within {timeout:g} s; it goes on.")
        return self._finished()

    def peek(self) -> EditResult:
        """Return the result of a job that is over, without making it this kernel's last edit."""
        return self._result or EditResult(self._library, self._asker, self._run.future.result(), self.name)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """
        Wait for its error; None where it ended well.

        Raises:
            TimeoutError: not over in time.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"The job was not over within {timeout:g} s; it goes on.")
        return self._run.future.exception()

    def __await__(self) -> Generator[Any, None, EditResult]:
        return self._wait().__await__()

    async def _wait(self) -> EditResult:
        # asyncio.wait leaves the future alone when the waiting task is cancelled, and wakes the loop now and then:
        # the interrupt of an awaiting cell sets a flag that only a turn of the loop sees.
        ended = asyncio.wrap_future(self._run.future)
        # Its error is raised below, or not waited for any more; asyncio must not report it at the end.
        ended.add_done_callback(lambda over: over.cancelled() or over.exception())
        while not ended.done():
            await asyncio.wait({ended}, timeout=TICK)
        return self._finished()

    def cancel(self) -> bool:
        """
        Cancel it, at the service too if it still can be.

        Returns:
            Whether it will surely not run, and so is not charged; `message` says what happened.
        """
        report = self.cancelling().result()
        self.message = report.message
        return report.cancelled

    def cancelling(self) -> Future[StopReport]:
        """Begin to cancel it; the future holds what happened."""
        if self._engine is None:
            future: Future[StopReport] = Future()
            future.set_result(OVER)
        else:
            future = self._engine.stop(self._run)
        future.add_done_callback(self._stopped)
        return future

    def withdrawing(self) -> Future[bool]:
        """Begin to take it back if nothing of it was sent; the future holds whether that was so. Else it goes on."""
        if self._engine is None:
            future: Future[bool] = Future()
            future.set_result(False)
            return future
        return self._engine.withdraw(self._run)

    def add_done_callback(self, callback: Callable[[Job], None]) -> None:
        """Call `callback(job)` once it is over, in the engine's thread; it must return at once."""
        self._run.future.add_done_callback(lambda _: callback(self))

    def listen(self, callback: Callable[[Job], None]) -> Callable[[], None]:
        """Call `callback(job)` in the engine's thread at each change; returns what ends that."""
        return self._run.listen(lambda _: callback(self))

    def view(self) -> ResultView:
        """Return what to show of it now."""
        return view_builders.run_view(self._run, self._library, self.name)

    @property
    def run(self) -> Run:
        """The engine's side of it."""
        return self._run

    def _stopped(self, future: Future[StopReport]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.message = future.result().message

    def _finished(self) -> EditResult:
        outcome = self._run.future.result()
        if self._result is None:
            self._result = self._receive(outcome, self.name)
        return self._result


def outputs_of(value: object) -> Sequence[Output] | None:
    """
    Return the outputs of a result, or of a job that is over; None for any other value.

    Raises:
        VariableError: a job that is under way.
    """
    if isinstance(value, EditResult):
        return value
    if not isinstance(value, Job):
        return None
    if not value.done():
        raise VariableError(
            "The job is not over yet.",
            f"It is {value.status}; its pictures are not there.",
            "Wait for it with job.result() in a cell before.",
        )
    # Not value.result(): looking a picture up does not make it this kernel's last edit.
    return value.peek()
