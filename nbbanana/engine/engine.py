"""
The engine: takes a request, and gives back a run that ends in an edit.

Money rules everything here. A row is in the store before the POST, the POST goes out once, and whatever happens
afterwards, in this process or to it, leaves a row that says what is known.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from nbbanana.engine.fetch import Fetcher
from nbbanana.engine.journal import Journal
from nbbanana.engine.limits import AdaptiveLimit
from nbbanana.engine.loop import EngineLoop
from nbbanana.engine.money import Quote, quote
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Outcome, Run
from nbbanana.engine.stop import stop
from nbbanana.engine.submit import Submitter
from nbbanana.engine.wait import Waiter
from nbbanana.errors import JobCancelledError, NBBananaError, NoCredentialError, UnknownModelError
from nbbanana.models import from_schema
from nbbanana.store.leases import new_owner

if TYPE_CHECKING:
    from nbbanana.models import Model
    from nbbanana.providers.base import Description, JobStatus, Provider
    from nbbanana.request import EditRequest
    from nbbanana.settings import Mode
    from nbbanana.store import Store
    from nbbanana.store.records import Edit, State

__all__ = ["Engine"]

T = TypeVar("T")

LEASE = 60.0
"""Seconds that a job stays this kernel's after its last sign of life."""


class Engine:
    """
    Runs requests at one provider and records them in one store.

    Args:
        store: where edits are recorded.
        provider: who runs requests; None can only replay.
        timeout: seconds to wait for a job before saying so.
        concurrency: the most jobs at the provider at once.
    """

    def __init__(
        self, store: Store, provider: Provider | None, *, timeout: float = 1800.0, concurrency: int = 32
    ) -> None:
        self.store = store
        self.provider = provider
        self.owner = new_owner()
        self._loop = EngineLoop.shared()
        self._reuse = Reuse(store, provider.name if provider else None)
        # One thread for the store: a commit waits for the disk, and must not make the loop wait.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="nbbanana-store")
        self._limit = AdaptiveLimit(concurrency)
        self._timeout = timeout
        self._watching: dict[int, Run] = {}
        self._asking: dict[str, Run] = {}
        self._guard = threading.Lock()
        self._heart: asyncio.Task[None] | None = None
        self._described: dict[str, Description] = {}
        self._last_written: asyncio.Event | None = None

    # ── for any thread ──────────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        request: EditRequest,
        model: Model,
        *,
        mode: Mode = "auto",
        max_price: float | None = None,
        where: dict[str, str] | None = None,
        download: bool = True,
    ) -> Run:
        """
        Answer a request: from the store, from a job on its way, or by sending it. Returns at once.

        Args:
            request: what is asked.
            model: its model, whose schema the parameters were checked against.
            mode: `auto`, `fresh` or `replay`.
            max_price: US dollars that it may cost at most.
            where: `notebook` and `cell`, for the record.
            download: fetch the outputs; if not, the edit can be collected later and `Run.urls` says where they are.

        Raises:
            NotInStoreError: in `replay`, where nothing answers.
            NoCredentialError: where there is no provider to send it to.
        """
        request = request.with_seed_for(model.seed_field)
        with self._guard:
            if download and (shared := self._shared(request, mode)):
                return shared
            stored = self._reuse.answer(request, mode)
            if stored is not None:
                return _answered(request, model, stored)
            if self.provider is None:
                raise NoCredentialError("There is nobody to send this to.", "No token was found.")
            waiting = self._reuse.unfinished(request, mode)
            count = model.count(request.parameters)
            run = Run(request, model, expected_outputs=count, max_price=max_price, download=download)
            if request.is_seeded and mode == "auto" and download:
                self._asking[request.ask] = run
        work = self._collect(run, waiting) if waiting is not None else self._make(run, where or {})
        self._begin(run, work)
        return run

    def resume(self, edit: Edit, request: EditRequest, model: Model) -> Run:
        """Take an accepted job up again: wait for it and fetch its outputs. Nothing is sent a second time."""
        with self._guard:
            if running := self._watching.get(edit.id):
                return running
        run = Run(request, model, expected_outputs=model.count(request.parameters))
        self._begin(run, self._collect(run, edit))
        return run

    def stop(self, run: Run) -> Future[str]:
        """Cancel a run, at the service too if it still can be; the future holds what happened, in words."""
        return self._loop.run(stop(self, run))

    def quote(self, request: EditRequest, model: Model) -> Future[Quote]:
        """What a request will cost, by the API's own words."""
        return self._loop.run(self._quote(request, model))

    def ask(self, question: Callable[[Any], Awaitable[T]]) -> Future[T]:
        """Put a question to the provider, in the engine's loop."""

        async def answer() -> T:
            return await question(self.provider)

        return self._loop.run(answer())

    def live_model(self, model_id: str) -> Future[Model]:
        """A model that is not shipped, by the schema the service has for it."""
        return self._loop.run(self._live_model(model_id))

    def close(self) -> None:
        """End what is under way here, give up the leases and close the connections."""
        self._loop.run(self._close()).result(10)
        self._disk.shutdown()

    # ── in the loop ─────────────────────────────────────────────────────────────────────────────────────────

    async def on_disk(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a call of the store in the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, lambda: call(*args, **kwargs))

    async def move(self, run: Run, state: State, **what: Any) -> None:
        """Record a run's new state."""
        run.edit = await self.on_disk(self.store.move, run.row.id, state, **what)

    async def describe(self, model_id: str) -> Description:
        """What the provider says of a model, asked once an engine."""
        assert self.provider is not None
        if model_id not in self._described:
            self._described[model_id] = await self.provider.describe(model_id)
        return self._described[model_id]

    def forget(self, run: Run) -> None:
        """A run is over, or nobody watches it here any more."""
        with self._guard:
            if run.edit is not None:
                self._watching.pop(run.edit.id, None)
            for ask in [ask for ask, other in self._asking.items() if other is run]:
                del self._asking[ask]

    async def watch(self, run: Run) -> bool:
        """Claim a run's row for this kernel and keep the claim alive; False where another kernel has it."""
        if not await self.on_disk(self.store.claim, run.row.id, self.owner, LEASE):
            return False
        self._watching[run.row.id] = run
        if self._heart is None or self._heart.done():
            self._heart = asyncio.create_task(self._beat())
        return True

    async def unwatch(self, run: Run) -> None:
        """Give a run's row free for any kernel."""
        if run.edit is not None and run.edit.id in self._watching:
            self.forget(run)
            await self.on_disk(self.store.release, run.edit.id, self.owner)

    def _shared(self, request: EditRequest, mode: Mode) -> Run | None:
        """The run of an identical request that is on its way; without a seed, asking again is another sample."""
        run = self._asking.get(request.ask) if mode == "auto" and request.is_seeded else None
        return run if run is not None and not run.future.done() and not run.stop_requested else None

    def _begin(self, run: Run, work: Any) -> None:
        async def main() -> None:
            run.task = asyncio.current_task()
            await self._guarded(run, work)

        self._loop.run(main())

    async def _guarded(self, run: Run, work: Any) -> None:
        """Carry a run through to its future, whatever happens; whoever waits for it finds its lease given up."""
        outcome: Outcome | None = None
        error: BaseException | None = None
        try:
            outcome = await work
        except asyncio.CancelledError:
            # Whoever stops a run finds the words for it; anything else that cancels is the end of this engine.
            if not run.stop_requested:
                error = JobCancelledError(
                    "The wait was ended.", "The kernel or session closes.", "%nbresume collects it."
                )
            raise
        except BaseException as caught:
            error = _about(caught, run)
            if not isinstance(caught, NBBananaError):
                raise
        finally:
            await self.unwatch(run)
            self.forget(run)
            _end(run, outcome, error)

    async def _make(self, run: Run, where: dict[str, str]) -> Outcome:
        """The whole way: write it down, send it, wait, fetch."""
        before, self._last_written = self._last_written, asyncio.Event()
        written = self._last_written
        try:
            payload = await Journal(self).write(run, where, before)
        finally:
            written.set()
        async with self._limit:
            await Submitter(self, self._limit).submit(run, payload)
            status = await Waiter(self, self._timeout).wait(run)
        return await self._fetched(run, status)

    async def _collect(self, run: Run, edit: Edit) -> Outcome:
        """The second half of the way, for a job that was accepted before."""
        run.edit = edit
        if not await self.watch(run):
            raise JobCancelledError(
                f"Edit {edit.id} is being collected elsewhere.", "Another kernel watches it.", "Wait for that kernel."
            )
        status = await Waiter(self, self._timeout).wait(run)
        outcome = await self._fetched(run, status)
        return Outcome(outcome.edit, "collected", outcome.notes)

    async def _fetched(self, run: Run, status: JobStatus) -> Outcome:
        run.urls = status.urls
        if run.download:
            return await Fetcher(self).fetch(run, status)
        if run.row.state != "downloading":
            await self.move(run, "downloading", note="its outputs were left at the service")
        return Outcome(run.row, "made", tuple(run.notes))

    async def _quote(self, request: EditRequest, model: Model) -> Quote:
        return quote((await self.describe(model.id)).price, request, model)

    async def _live_model(self, model_id: str) -> Model:
        schema = (await self.describe(model_id)).schema
        if schema is None:
            raise UnknownModelError(f"The service has no schema for {model_id!r}.", "So nothing of it can be checked.")
        return from_schema(model_id, schema)

    async def _beat(self) -> None:
        """Renew the leases while there is anything to watch."""
        while self._watching:
            await self.on_disk(self.store.renew, self.owner, LEASE)
            await asyncio.sleep(LEASE / 3)

    async def _close(self) -> None:
        tasks = [run.task for run in list(self._watching.values()) if run.task]
        for task in [*tasks, *([self._heart] if self._heart else [])]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.provider is not None:
            await self.provider.aclose()


def _answered(request: EditRequest, model: Model, stored: Edit) -> Run:
    if request.region is not None:  # the region is no part of the question: it is what this asker looks at
        stored = replace(stored, region=request.region)
    run = Run(request, model, expected_outputs=len(stored.outputs))
    run.edit = stored
    run.tell(phase="done", outputs_done=len(stored.outputs))
    run.future.set_result(Outcome(stored, "replayed"))
    return run


def _end(run: Run, outcome: Outcome | None, error: BaseException | None) -> None:
    """End the future, or whoever waits for it waits for ever; a run that is being stopped is left to its stopper."""
    if run.future.done():
        return
    if outcome is not None:
        run.edit = outcome.edit
        run.tell(phase="done", outputs_done=len(outcome.edit.outputs))
        run.future.set_result(outcome)
    elif error is not None:
        if not run.progress.is_over:
            run.tell(phase="failed")
        run.future.set_exception(error)


def _about(error: BaseException, run: Run) -> BaseException:
    """An error knows the row and the service's id, so that whoever reads it can go on from there."""
    if isinstance(error, NBBananaError) and run.edit is not None:
        error.edit_id = error.edit_id or run.edit.id
        error.request_id = error.request_id or run.edit.request_id
    return error
