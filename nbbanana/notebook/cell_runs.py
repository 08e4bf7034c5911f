"""
One `%%nbedit` from its text to its result: read it, load and check its pictures, start it, wait, show progress.

`run` is the only way from a cell to its result. It is a coroutine, and a `Waiter` says how its steps are waited for:
`AwaitingWaiter` gives the kernel's loop its turns, so that widgets stay alive, and `BlockingWaiter` never suspends, for
functions, terminals and nested cells. Both wake every `TICK` seconds: the interrupt of an awaiting cell only sets a
flag, which the next turn of the loop sees.

An interrupted cell ends in a `KeyboardInterrupt` either way: Run All stops, nothing is bound, and its message says what
became of the request.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana.errors import ImageError, NBBananaError, UsageError
from nbbanana.grammar import NameOperand, Operand, parse
from nbbanana.notebook.displays import Display, NotebookDisplay, OutputWidgetDisplay, publish, say
from nbbanana.session import Job, current
from nbbanana.session.dry_run import describe_requests
from nbbanana.session.jobs import GRACE, TICK
from nbbanana.session.requesting import OWN as OWN_REGION
from nbbanana.session.requesting import cautions_of
from nbbanana.text import as_options
from nbbanana.watching import interrupted

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from nbbanana.request import EditRequest
    from nbbanana.session import EditResult
    from nbbanana.sweeps import Sweep
    from nbbanana.sweeps.running import Running

__all__ = ["AwaitingWaiter", "BlockingWaiter", "CellRequest", "Waiter", "run", "run_now"]

T = TypeVar("T")

NOTHING_SENT = "Stopped before anything was sent: nothing is charged."
STOPPED_TWICE = "Stopped again before the service had answered: it may run and be charged; %nbhistory will say."


Found = tuple[Operand, object]
"""An operand and one of the values that it stands for."""


class CellRequest:
    """
    What a line and a body ask of the current session.

    The session is taken once, when the cell begins; every step of the cell goes to it. The awaiting and the blocking
    magic both call `look_up`, `requests` and `start`, in this order.

    Args:
        line: the text behind the magic's name.
        body: the cell's other lines; None for the line magic.
        namespace: the variables that operands and `{{name}}` are looked up in.

    Raises:
        InputError, UsageError: the text cannot be read.
    """

    def __init__(self, line: str, body: str | None, namespace: Mapping[str, Any]) -> None:
        self.session = current()
        self.namespace = namespace
        self.job: Job | None = None
        self.cell = parse(line, body, namespace=namespace, choose=self.session.model_at)

    def look_up(self) -> list[Found]:
        """Look up the values that the operands stand for; nothing is loaded."""
        around = self.session.scope(self.namespace)
        return [(operand, thing) for operand in self.cell.operands for thing in around.find(operand)]

    def requests(self, found: Iterable[Found]) -> list[EditRequest]:
        """
        Load the pictures and check the request of each pass; nothing is sent.

        Raises:
            InputError: it cannot be asked like this.
        """
        cell = self.cell
        return self.session.requests(
            [cell.prompt, *cell.then],
            self._load(found),
            model=cell.model,
            parameters=self._with_mask(cell.parameters),
            region=cell.region,
            provider=cell.provider,
        )

    def sweep(self, found: Iterable[Found]) -> Sweep:
        """
        Plan the sweep that the cell asks for; nothing is sent.

        Raises:
            InputError, UsageError: it cannot be asked like this.
        """
        from nbbanana.sweeps.sweep import sweep_of_line

        return sweep_of_line(self.session, self.cell, self._load(found), self._with_mask(self.cell.parameters))

    def cautions(self, requests: Sequence[EditRequest]) -> tuple[str, ...]:
        """Return what the model does by itself that spoils an edit and that these requests leave so."""
        if self.cell.quiet or "replay" in {self.session.mode, self.cell.mode}:
            return ()
        return cautions_of(self.session.model_of(requests[0].model, self.cell.provider), requests)

    def _with_mask(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the parameters with the value of the variable that `--mask` names, if it names one."""
        named = parameters.get("mask")
        if not isinstance(named, str) or named == OWN_REGION or named not in self.namespace:
            return parameters
        return {**parameters, "mask": self.namespace[named]}

    def start(self, requests: Sequence[EditRequest]) -> Job:
        """Start the passes; returns at once. The job is kept as `job`."""
        cell = self.cell
        # Captions are code: what a cell that does not wait binds is a job, and a job has no items.
        name = cell.name if cell.wait else None
        self.job = self.session.start_chain(
            requests,
            mode=cell.mode,
            provider=cell.provider,
            name=name,
            max_price=cell.max_price,
            assume_price=cell.assume_price,
        )
        return self.job

    def _load(self, found: Iterable[Found]) -> list[Any]:
        """Load pictures, naming the variable in an error; awaitables are left for `Session.request` to finish."""
        images: list[Any] = []
        for operand, thing in found:
            if hasattr(thing, "__await__"):
                images.append(thing)
                continue
            try:
                images.extend(self.session.load([thing]))
            except ImageError as error:
                if not isinstance(operand, NameOperand):
                    raise
                raise type(error)(f"{operand}: {error.what}", error.why, error.how) from error
        return images


def run_now(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends, as `run` with a `BlockingWaiter`; no event loop is needed."""
    try:
        work.send(None)
    except StopIteration as ended:
        value: T = ended.value
        return value
    work.close()
    raise RuntimeError("The coroutine suspended; it needs an event loop.")


class BlockingWaiter:
    """Waits in this thread; its methods never suspend."""

    interrupt: type[BaseException] = KeyboardInterrupt

    async def settled(self, thing: object) -> object:
        """Give it as it is: `Session.request` finishes awaitables where no loop can be given a turn."""
        return thing

    async def call(self, work: Callable[[], T]) -> T:
        """Call it here."""
        return work()

    async def over(self, job: Job, seconds: float) -> bool:
        """Wait here."""
        return job.wait(seconds)

    async def pause(self) -> None:
        """Wait a moment here."""
        time.sleep(TICK)  # noqa: ASYNC251 (nothing of this waiter suspends)

    async def ended(self) -> None:
        """Have nothing to do with a loop."""

    async def cancel(self, job: Job | None) -> str:
        """Cancel it and wait for the service's answer, or for a second interrupt."""
        if job is None:
            return NOTHING_SENT
        try:
            return job.cancelling().result().message
        except KeyboardInterrupt:
            return STOPPED_TWICE


class AwaitingWaiter:
    """Waits in the kernel's event loop, which goes on meanwhile."""

    interrupt: type[BaseException] = asyncio.CancelledError

    def __init__(self) -> None:
        self._ended: asyncio.Future[Any] | None = None

    async def settled(self, thing: object) -> object:
        """Await a picture that is still made, waking the loop meanwhile."""
        if not isinstance(thing, Awaitable):
            return thing
        task = asyncio.ensure_future(thing)
        try:
            await _woken(task)
        finally:
            if task is not thing:
                task.cancel()  # a coroutine that nothing else waits for
        if task.cancelled():
            raise ImageError(
                "A picture does not come.", "The task that makes it was cancelled.", "Run the cell that makes it."
            )
        return task.result()

    async def call(self, work: Callable[[], T]) -> T:
        """Call it in a thread."""
        future = asyncio.ensure_future(asyncio.to_thread(work))
        await _woken(future)
        return future.result()

    async def over(self, job: Job, seconds: float) -> bool:
        """Wait in the loop."""
        if self._ended is None:
            self._ended = asyncio.wrap_future(job.run.future)
            self._ended.add_done_callback(lambda over: over.cancelled() or over.exception())  # job.result() raises it
        return bool((await asyncio.wait({self._ended}, timeout=seconds))[0])

    async def pause(self) -> None:
        """Wait a moment in the loop."""
        await asyncio.sleep(TICK)

    async def ended(self) -> None:
        """Let the cell end as one that failed and not as a task that is cancelled."""
        if task := asyncio.current_task():
            task.uncancel()

    async def cancel(self, job: Job | None) -> str:
        """Cancel it; the cell ends as one that failed."""
        await self.ended()
        if job is None:
            return NOTHING_SENT
        future = asyncio.wrap_future(job.cancelling())
        try:
            await _woken(future)
        except asyncio.CancelledError:
            return STOPPED_TWICE
        return future.result().message


Waiter = BlockingWaiter | AwaitingWaiter
"""How the steps of a cell are waited for; `interrupt` is what an interrupt of the cell raises in the middle of one."""


async def run(
    shell: InteractiveShell, ask: CellRequest, display: Display, waiter: Waiter
) -> EditResult | Sweep | Job | None:
    """
    Run what a cell asks.

    Returns:
        The result, the sweep, the live job with `--no-wait`, or None after a dry run.

    Raises:
        NBBananaError: why there is no result.
        KeyboardInterrupt: the cell was interrupted; its message says what became of the request.
    """
    if ask.cell.axes:
        return await _run_sweep(shell, ask, display, waiter)
    try:
        found = [(operand, await waiter.settled(thing)) for operand, thing in ask.look_up()]
        requests = await waiter.call(lambda: ask.requests(found))
        if ask.cell.dry_run:
            cell = ask.cell
            prices = {"max_price": cell.max_price, "assume_price": cell.assume_price}
            plan = partial(describe_requests, ask.session, requests, cell.mode, cell.provider, **prices)
            publish(shell, await waiter.call(plan))
            return None
        cautions = list(ask.cautions(requests))
        # Not by waiter.call: an interrupt meanwhile would leave a job that nothing holds.
        job = ask.start(requests)
        if not ask.cell.wait:
            _say(shell, cautions)
            return _follow(job, display)
        pause = GRACE
        while not await waiter.over(job, pause):
            if job.request_id is not None:  # it was sent; what the store answers is as it was asked then
                _say(shell, cautions)
            display.progress(job)
            pause = TICK
        result = _result(job, display)
        if result.origin == "made":
            _say(shell, cautions)
        display.result(await waiter.call(lambda: display.render(result, ask.cell.name)))
        return result
    except waiter.interrupt:
        said = await waiter.cancel(ask.job)
        if ask.job is not None:
            display.ended(ask.job, said)
        raise interrupted(said) from None


async def _run_sweep(shell: InteractiveShell, ask: CellRequest, display: Display, waiter: Waiter) -> Sweep | None:
    """Run the sweep of a cell; its grid grows where the progress stands."""
    running: Running | None = None
    try:
        found = [(operand, await waiter.settled(thing)) for operand, thing in ask.look_up()]
        sweep = await waiter.call(lambda: ask.sweep(found))
        if ask.cell.dry_run:
            cell = ask.cell
            plan = partial(sweep.plan_sheet, max_price=cell.max_price, assume_price=cell.assume_price)
            publish(shell, await waiter.call(plan))
            return None
        if not ask.cell.wait or ask.cell.mode == "fresh":
            raise UsageError(
                f"{'--fresh' if ask.cell.wait else '--no-wait'} and --sweep do not go together.",
                "A sweep asks for what is missing and waits for it.",
                "Leave it out; for new samples sweep other seeds: --sweep seed=4:8",
            )
        running = await waiter.call(lambda: _begun(sweep, ask))
        running.start()
        while not running.look():
            if (stages := running.news()) is not None:
                display.draw(await waiter.call(partial(sweep.growing, stages)))
            await waiter.pause()
    except (KeyboardInterrupt, waiter.interrupt):
        await waiter.ended()
        if running is None:
            raise interrupted(NOTHING_SENT) from None
        await waiter.call(running.take_back)
        display.close_with(sweep.sheet(sweep.stopped))
        raise interrupted(sweep.stopped) from None
    display.result((await waiter.call(lambda: sweep._repr_mimebundle_()[0]), {}))
    sweep.check_answered()
    return sweep


def _begun(sweep: Sweep, ask: CellRequest) -> Running:
    """Begin what a cell asks."""
    with _in_options():
        return sweep.begin(max_price=ask.cell.max_price, assume_price=ask.cell.assume_price)


@contextmanager
def _in_options() -> Iterator[None]:
    """Have an error name the options of a line, not arguments of a call."""
    try:
        yield
    except NBBananaError as error:
        error.what, error.why, error.how = map(as_options, (error.what, error.why, error.how))
        raise


def _say(shell: InteractiveShell, sentences: list[str]) -> None:
    """Show sentences in one quiet line, and drop them from the list: they are said once."""
    if sentences:
        say(shell, " ".join(sentences))
        sentences.clear()


async def _woken(work: asyncio.Future[Any]) -> None:
    """Wait for something while the loop wakes now and then; when this is cancelled, the work is not."""
    while not work.done():
        await asyncio.wait({work}, timeout=TICK)


def _result(job: Job, display: Display) -> EditResult:
    """Return the result of a job that is over; its error is said where the progress stood, and raised."""
    try:
        with _in_options():
            return job.result()
    except NBBananaError as error:
        display.ended(job, error.what)
        raise


def _follow(job: Job, display: Display) -> Job:
    """Give the job itself; in a notebook a thread keeps its display up to date."""
    if isinstance(display, NotebookDisplay | OutputWidgetDisplay):
        display.is_waited = False
        display.progress(job)
        display.has_shown = True
        threading.Thread(target=_keep_up, args=(job, display), name="nbbanana-live", daemon=True).start()
    return job


def _keep_up(job: Job, display: Display) -> None:
    while not job.wait(TICK):
        display.progress(job)
    try:
        result = _result(job, display)
    except NBBananaError:
        return  # the display says it, and job.result() raises it again where it is asked for
    display.result(display.render(result))
