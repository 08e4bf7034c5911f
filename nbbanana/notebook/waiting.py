"""
Running what a cell asks: start it, wait for it, show how it stands, and stop it when the cell is stopped.

There are two ways to wait, and they do the same. `awaited` gives the kernel's loop its turns, so that widgets go on
living; `blocking` is for wherever there is no such loop. Both wake every `TICK`: the interrupt of an awaiting cell
only sets a flag, which the next turn of the loop sees.

A stopped cell ends in a `KeyboardInterrupt` either way, as any stopped cell does: Run All stops there, nothing is
bound, and its words say what became of the request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana.errors import ImageError, NBBananaError
from nbbanana.notebook import asking
from nbbanana.notebook.dry_run import dry_run_data
from nbbanana.notebook.screens import Replaced, Screen, publish, screen_for
from nbbanana.session import EditResult, Job, current
from nbbanana.settings import settings

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.grammar import Cell

__all__ = ["Attempt", "awaited", "blocking"]

T = TypeVar("T")
Bundle = tuple[dict[str, Any], dict[str, Any]]
"""Data and metadata by MIME type."""

TICK = 0.2
"""Seconds between two looks."""

GRACE = 0.1
"""Seconds before progress is shown: what the store answers, and what is refused at once, does not flicker."""

NOTHING_SENT = "Stopped before anything was sent: nothing is charged."
STOPPED_TWICE = "Stopped again before the service had answered: it may run and be charged; %nbhistory will say."


@dataclass
class Attempt:
    """
    One run of a cell.

    Args:
        shell: where it runs.
        cell: what it asks.
        namespace: the variables that its operands are looked up in.
        screen: where it is seen.
        job: the request on its way, once there is one.
        is_shown: whether what it came to is on the screen, or is not to be.
    """

    shell: InteractiveShell
    cell: Cell
    namespace: Mapping[str, Any]
    screen: Screen = field(init=False)
    job: Job | None = None
    is_shown: bool = False

    def __post_init__(self) -> None:
        self.screen = screen_for(self.shell, is_quiet=self.cell.quiet)
        self.is_shown = self.cell.quiet

    def is_over(self, job: Job, seconds: float) -> bool:
        """Wait for a job so long; if it is not over, show where it stands."""
        if not wait_for([job.run.future], timeout=seconds).done:
            self.screen.progress(job)
            return False
        return True

    def result(self, job: Job) -> EditResult:
        """The result of a job that is over; its error is said where the progress stood, and raised."""
        try:
            return job.result()
        except NBBananaError as error:
            self.screen.ended(job, error.what)
            raise

    def bundle(self, result: EditResult) -> Bundle:
        """What a result looks like, where the screen shows it; its pictures are made small here, which takes time."""
        return result._repr_mimebundle_() if self.screen.takes_pictures else ({}, {})

    def show(self, bundle: Bundle) -> None:
        """Show a result in the place of its progress, or leave it to IPython to show the cell's value."""
        self.screen.result(*bundle)
        self.is_shown = self.screen.shows

    def live(self, job: Job) -> Job:
        """The job itself; in a notebook a thread keeps its display up to date."""
        if isinstance(self.screen, Replaced):
            self.screen.progress(job)
            self.is_shown = True
            threading.Thread(target=self._follow, args=(job,), name="nbbanana-live", daemon=True).start()
        return job

    def stopped(self, words: str) -> KeyboardInterrupt:
        """Say where the progress stood what became of the request; gives what the cell ends in."""
        if self.job is not None:
            self.screen.ended(self.job, words)
        interrupt = KeyboardInterrupt(words)
        if not settings().tracebacks:
            # IPython asks any exception for this; a traceback of our own waiting tells nobody anything.
            interrupt._render_traceback_ = lambda: [f"KeyboardInterrupt: {words}"]  # type: ignore[attr-defined]
        return interrupt

    def _follow(self, job: Job) -> None:
        while not self.is_over(job, TICK):
            pass
        try:
            result = self.result(job)
        except NBBananaError:
            return  # the display says it, and job.result() raises it wherever somebody asks
        self.show(self.bundle(result))


def blocking(attempt: Attempt) -> EditResult | Job | None:
    """
    Run what a cell asks and wait for it here.

    Returns:
        The result, the live job with `--no-wait`, or None after a dry run.

    Raises:
        NBBananaError: why there is no result.
        KeyboardInterrupt: it was stopped; what became of the request is in its words.
    """
    cell = attempt.cell
    try:
        images = asking.load(asking.look_up(cell, attempt.namespace))
        if cell.dry_run:
            publish(attempt.shell, dry_run_data(asking.request_of(cell, images)))
            return None
        how: dict[str, Any] = {"model": cell.model, "mode": cell.mode, "name": cell.name, "max_price": cell.max_price}
        how["region"] = cell.region
        job = attempt.job = current().submit(cell.prompt, *images, **how, **cell.parameters)
        if not cell.wait:
            return attempt.live(job)
        pause = GRACE
        while not attempt.is_over(job, pause):
            pause = TICK
        result = attempt.result(job)
        attempt.show(attempt.bundle(result))
        return result
    except KeyboardInterrupt:
        raise attempt.stopped(_cancelled(attempt.job)) from None


async def awaited(attempt: Attempt) -> EditResult | Job | None:
    """Run what a cell asks and wait for it in the kernel's loop; see `blocking`."""
    cell = attempt.cell
    try:
        found = [(operand, await _settled(thing)) for operand, thing in asking.look_up(cell, attempt.namespace)]
        images = await _in_thread(lambda: asking.load(found))
        request = await _in_thread(lambda: asking.request_of(cell, images))
        if cell.dry_run:
            publish(attempt.shell, await _in_thread(lambda: dry_run_data(request)))
            return None
        # Not in a thread: whoever stops the cell meanwhile would leave a job that nobody knows of.
        job = attempt.job = current().start(request, mode=cell.mode, name=cell.name, max_price=cell.max_price)
        if not cell.wait:
            return attempt.live(job)
        ended = asyncio.wrap_future(job.run.future)
        pause = GRACE
        while not (await asyncio.wait({ended}, timeout=pause))[0]:
            attempt.screen.progress(job)
            pause = TICK
        ended.exception()  # asked for, so that asyncio does not report it; result() raises it
        result = attempt.result(job)
        attempt.show(await _in_thread(lambda: attempt.bundle(result)))
        return result
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()  # the cell goes on from here as one that failed, not as one that is cancelled
        raise attempt.stopped(await _awaited_cancel(attempt.job)) from None


def _cancelled(job: Job | None) -> str:
    try:
        return job.cancel() if job else NOTHING_SENT
    except KeyboardInterrupt:
        return STOPPED_TWICE


async def _awaited_cancel(job: Job | None) -> str:
    if job is None:
        return NOTHING_SENT
    try:
        return await _awake(asyncio.wrap_future(job.cancelling()))
    except asyncio.CancelledError:
        return STOPPED_TWICE


async def _settled(thing: object) -> object:
    """A picture that is not there yet, awaited; anything else as it is."""
    if not isinstance(thing, Awaitable):
        return thing
    task = asyncio.ensure_future(thing)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=TICK)
    finally:
        if task is not thing:
            task.cancel()  # a coroutine nobody else waits for
    if task.cancelled():
        raise ImageError("A picture does not come.", "What it was awaited from was cancelled.", "Make it again.")
    return task.result()


async def _in_thread(call: Callable[[], T]) -> T:
    return await _awake(asyncio.ensure_future(asyncio.to_thread(call)))


async def _awake(work: asyncio.Future[T]) -> T:
    """Wait for something while the loop wakes now and then; when this is cancelled, the work is not."""
    while not work.done():
        await asyncio.wait({work}, timeout=TICK)
    return work.result()
