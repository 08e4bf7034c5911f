"""`Job`: a request under way, as a user holds it; several, waited for; and what the store alone answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any, NoReturn, TypeVar

from nbbanana.display.views import ResultView, duration, edits, money
from nbbanana.engine.engine import Engine
from nbbanana.engine.polling import NOT_FOUND_PATIENCE
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Outcome, Progress, Run, StopReport, answered
from nbbanana.errors import JobCancelledError, NBBananaError, NotInStoreError, VariableError
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session import view_builders
from nbbanana.session.library import Asker, Library
from nbbanana.session.result_sets import Missing, ResultSet
from nbbanana.session.results import EditResult, Output
from nbbanana.settings import settings
from nbbanana.watching import Watcher, interrupted, watcher

__all__ = [
    "GRACE",
    "TICK",
    "Job",
    "collected",
    "ended",
    "outputs_of",
    "replayed",
    "replayed_or_failed",
    "waited_for",
    "waiting_for",
]


def replayed(request: EditRequest, model: Model, reuse: Reuse) -> Run:
    """
    Return a run that the store answered.

    Raises:
        NotInStoreError: nothing answers.
    """
    request = request.with_seed_for(model.seed_field)
    stored = reuse.answer(request, reuse.occurs(request), None, "replay")
    assert stored is not None  # replay raises where nothing answers
    return answered(request, model, stored)


def replayed_or_failed(request: EditRequest, model: Model, reuse: Reuse) -> Run:
    """Return a run that the store answered, or one that failed: the others of its series may be there."""
    try:
        return replayed(request, model, reuse)
    except NotInStoreError as error:
        run = Run(request, model, provider="", expected_outputs=model.count(request.parameters))
        run.end(None, error)
        return run


def waiting_for(job: Job) -> str:
    """Say which job is waited for, where it runs, and for how long at most."""
    most, where = settings().timeout, f"at {job.provider} (request {job.request_id})"
    unknown = duration(min(most, NOT_FOUND_PATIENCE))
    return f"Waiting for edit {job.edit_id} {where}: {duration(most)} at most, {unknown} if it is not known there."


TICK = 0.2
"""Seconds between two looks while waiting: an interrupt must find the interpreter awake."""
GRACE = 0.1
"""Seconds before progress is shown, so that what the store answers, or what is refused at once, does not flicker."""
T = TypeVar("T")
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
        self.run = run
        """The engine's side of it."""
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
        return self.run.request

    @property
    def progress(self) -> Progress:
        """Its progress now."""
        return self.run.progress

    @property
    def status(self) -> str:
        """Its phase, in one word."""
        return self.run.progress.phase

    @property
    def provider(self) -> str:
        """The provider that runs it."""
        return self.run.provider

    @property
    def edit_id(self) -> int | None:
        """The row in the store, once it is written."""
        return self.run.edit.id if self.run.edit else None

    @property
    def request_id(self) -> str | None:
        """The service's id, once it took the request."""
        return self.run.edit.request_id if self.run.edit else None

    def done(self) -> bool:
        """Return whether it is over, well or not."""
        return self.run.future.done()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over, `timeout` seconds at most; whether it is. The job goes on in any case."""
        ends = None if timeout is None else time.monotonic() + timeout
        while not self.run.future.done():
            left = TICK if ends is None else min(TICK, ends - time.monotonic())
            if left <= 0:
                return False
            wait_for([self.run.future], timeout=left)
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
        return self._result or EditResult(self._library, self._asker, self.run.future.result(), self.name)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """
        Wait for its error; None where it ended well.

        Raises:
            TimeoutError: not over in time.
        """
        if not self.wait(timeout):
            raise TimeoutError(f"The job was not over within {timeout:g} s; it goes on.")
        return self.run.future.exception()

    def __await__(self) -> Generator[Any, None, EditResult]:
        return self._wait().__await__()

    async def _wait(self) -> EditResult:
        # asyncio.wait leaves the future alone when the waiting task is cancelled, and wakes the loop now and then:
        # the interrupt of an awaiting cell sets a flag that only a turn of the loop sees.
        ended = asyncio.wrap_future(self.run.future)
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
        future = _told(value=OVER) if self._engine is None else self._engine.stop(self.run)
        future.add_done_callback(self._stopped)
        return future

    def withdrawing(self) -> Future[bool]:
        """Begin to take it back if nothing of it was sent; the future holds whether that was so. Else it goes on."""
        return _told(value=False) if self._engine is None else self._engine.withdraw(self.run)

    def add_done_callback(self, callback: Callable[[Job], None]) -> None:
        """Call `callback(job)` once it is over, in the engine's thread; it must return at once."""
        self.run.future.add_done_callback(lambda _: callback(self))

    def listen(self, callback: Callable[[Job], None]) -> Callable[[], None]:
        """Call `callback(job)` in the engine's thread at each change; returns what ends that."""
        return self.run.listen(lambda _: callback(self))

    def view(self) -> ResultView:
        """Return what to show of it now."""
        return view_builders.run_view(self.run, self._library, self.name)

    def _stopped(self, future: Future[StopReport]) -> None:
        if not future.cancelled() and future.exception() is None:
            self.message = future.result().message

    def _finished(self) -> EditResult:
        outcome = self.run.future.result()
        if self._result is None:
            self._result = self._receive(outcome, self.name)
        return self._result


def _told(value: T) -> Future[T]:
    """Return a future that holds this already."""
    future: Future[T] = Future()
    future.set_result(value)
    return future


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


def waited_for(job: Job) -> EditResult:
    """Wait for a result; an interrupt cancels the job, and says what became of it."""
    try:
        return job.result()
    except KeyboardInterrupt as interrupt:
        job.cancel()
        interrupt.add_note(job.message)
        raise


def collected(jobs: Sequence[Job], names: Sequence[str]) -> ResultSet:
    """
    Wait for all jobs of a series and return what they gave.

    Args:
        jobs: in their order.
        names: what sets each apart, such as `seed 3`.

    Raises:
        NBBananaError: why the first failed, where none gave a picture.
        KeyboardInterrupt: it was interrupted; every job that still could be was cancelled, and what was made is shown.
    """
    watch = watcher()
    try:
        _wait(jobs, watch)
    except KeyboardInterrupt:
        _interrupted(jobs, names, watch)
    made = ended(jobs, names)
    watch.ended(_summary(made, len(jobs)))
    if made.missing and not made:
        errors = [one.error for one in made.missing]
        raise next((error for error in errors if not isinstance(error, JobCancelledError)), errors[0])
    return made


def _wait(jobs: Sequence[Job], watch: Watcher) -> None:
    """Wait for all; what the store answers at once is not shown as waiting."""
    pause, play = GRACE, ""
    for job in jobs:
        while not job.wait(pause):
            if pause == GRACE:
                view = job.view()
                pause, play = TICK, view.provider if view.is_play else ""
            watch.progress([one.progress for one in jobs], play)


def _summary(made: ResultSet, total: int) -> str:
    """Return how a series ended: how many were made, which they are, and what was paid for them now."""
    new = [result.record for result in made if result.origin != "replayed"]
    old, costs = len(made) - len(new), [record.cost for record in new]
    known = [cost for cost in costs if cost is not None]
    paid = money(sum(known), is_play=any(record.is_play for record in new)) if len(known) == len(costs) and new else ""
    facts = [edits(result.id for result in made) if made else "", f"{old} of them from the store" if old else "", paid]
    which = ", ".join(filter(None, facts))
    return f"{len(made)} of {total} edits {'are here' if old else 'were made'}{': ' * bool(which)}{which}."


def _interrupted(jobs: Sequence[Job], names: Sequence[str], watch: Watcher) -> NoReturn:
    for stopping in [job.cancelling() for job in jobs if not job.done()]:
        stopping.result()
    made = ended(jobs, names)
    watch.ended(f"Stopped: {_summary(made, len(jobs))}")
    if made:
        made.show()
    kept = f" What was made is kept: {edits(result.id for result in made)}." if made else ""
    raise interrupted(
        f"Stopped: {len(made)} of {len(jobs)} edits were made.{kept} Run the cell again for the rest."
    ) from None


def ended(jobs: Sequence[Job], names: Sequence[str]) -> ResultSet:
    """Wait for jobs and return what they gave; `names` sets each apart where it gave nothing."""
    results, missing = [], []
    for job, name in zip(jobs, names, strict=True):
        try:
            results.append(job.result())
        except NBBananaError as error:
            missing.append(Missing(name, error))
    return ResultSet(results, missing)
