"""
The engine: answers requests from the store, from jobs under way, or by sending them to a provider.

A row is in the store before the POST, the POST is sent once, and whatever happens afterwards, to this process too,
leaves a row that says what is known. Each step is a function of `(run, context)` in a module of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from nbbanana.engine.context import AdaptiveLimit, Context, Leases, Rows, Threads
from nbbanana.engine.kept import recover
from nbbanana.engine.loop import EngineLoop, ended
from nbbanana.engine.prices import Prices, Quote, past_costs
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Helper, NotSentError, Outcome, Run, StopReport, answered, log
from nbbanana.engine.steps import Complete, Later, Series, Steps, unfinished
from nbbanana.engine.stop import free, stop, withdraw
from nbbanana.errors import JobCancelledError, NBBananaError
from nbbanana.images import UploadCache
from nbbanana.models import Model
from nbbanana.providers.base import Provider
from nbbanana.request import EditRequest
from nbbanana.settings import Mode
from nbbanana.store import Store
from nbbanana.store.leases import new_owner
from nbbanana.store.records import Edit

__all__ = ["Engine"]

T = TypeVar("T")
Work = Coroutine[Any, Any, Outcome]
"""How a request is answered that no stored edit answers."""

POST_PATIENCE, SYNCHRONOUS_PATIENCE = 15.0, 60.0
"""Seconds that closing waits for POSTs under way: their answers are recorded, or are the pictures."""
STOP_PATIENCE = 5.0
"""Seconds that closing waits for what it cancelled, and for stops under way."""
CLOSE_PATIENCE = 10.0


class Engine:
    """
    Runs requests at one provider, for one account, and records them in one store.

    Args:
        store: where edits are recorded.
        provider: the service that runs requests.
        reuse: decides what the store answers; shared by the engines of a session.
        timeout: seconds to wait for a job before saying so.
        concurrency: the most jobs at the provider at once.
        measure: says whether what changed from the first input to each output is measured and recorded.
    """

    def __init__(
        self,
        store: Store,
        provider: Provider,
        reuse: Reuse | None = None,
        *,
        timeout: float = 1800.0,
        concurrency: int = 32,
        measure: Callable[[], bool] = lambda: False,
    ) -> None:
        self.store = store
        self.provider = provider
        self.pid = os.getpid()
        self._reuse = reuse or Reuse(store)
        self._loop = EngineLoop.shared()
        rows = Rows(store)
        self._context = Context(
            rows=rows,
            provider=provider,
            prices=Prices(provider, lambda *asked: rows.call(past_costs, store, provider.name, *asked)),
            leases=Leases(rows, new_owner()),
            threads=Threads(),
            limit=AdaptiveLimit(concurrency),
            uploads=UploadCache(),
            timeout=timeout,
            measure=measure,
        )
        self._runs: set[Run] = set()
        self._ending: set[Run] = set()
        """Runs that are over for those who asked, while a POST or a cancel of them still is under way."""
        self._asking: WeakValueDictionary[str, Run] = WeakValueDictionary()
        """The run of each seeded ask that is under way: asked again meanwhile, it gets the same one."""
        self._guard = threading.Lock()
        self._steps = Steps(self._context, self._reuse)
        self._is_closed = False
        self._loop.at_exit(self.close)
        recover(store)

    def __repr__(self) -> str:
        return f"<Engine {self.provider.name} {self.store.folder.name!r}>"

    # ── for any thread ──────────────────────────────────────────────────────────────────────────────────────

    def start(
        self,
        asked: Sequence[tuple[EditRequest, Model]],
        *,
        mode: Mode = "auto",
        max_price: float | None = None,
        assume_price: float | None = None,
        is_whole: bool = True,
        download: bool = True,
        helper: Helper | None = None,
    ) -> list[Run]:
        """
        Answer requests: from the store, from jobs under way, or by sending them. Returns at once.

        What must be sent is checked and reserved together before the first is sent.

        Args:
            asked: each request and its model, whose schema the parameters were checked against.
            mode: `auto` or `fresh`.
            max_price: US dollars that those that are sent may cost together at most.
            assume_price: US dollars to count for each of them where its price is not known.
            is_whole: whether none is sent where one cannot be; else that one ends with its error, the others are sent.
            download: fetch the outputs; if not, the edit can be collected later and `Run.urls` says where they are.
            helper: fetches the outputs; None is the engine itself.

        Raises:
            UncertainError: the newest edit of one ask may have been charged; it is named. None is sent.
        """
        series = Series(is_whole=is_whole)
        answer = self._answer if is_whole else self._answer_or_end
        how: dict[str, Any] = {"max_price": max_price, "assume_price": assume_price, "download": download}
        return self._begin_all(answer(*one, series, mode, helper=helper, **how) for one in asked)

    def start_chain(
        self,
        asked: Sequence[tuple[EditRequest, Model]],
        complete: Complete,
        *,
        mode: Mode = "auto",
        max_price: float | None = None,
        assume_price: float | None = None,
    ) -> list[Run]:
        """
        Answer requests of which each edits what the one before gave; all are reserved before the first is sent.

        What the store answers is not sent again; a chain that did not reach its end is gone on with.

        Args:
            asked: each request, with the picture of the first pass, and its model.
            complete: puts the picture of an edit into the request of the pass after it.
            mode: `auto` or `fresh`.
            max_price: US dollars that those that are sent may cost together at most.
            assume_price: US dollars to count for each of them where its price is not known.

        Raises:
            UncertainError: the newest edit of one ask may have been charged. None is sent.
        """
        return self._begin_all(self._passes(asked, complete, mode, max_price=max_price, assume_price=assume_price))

    def resume(self, edit: Edit, request: EditRequest, model: Model) -> Run:
        """Take an accepted job up again: wait for it and fetch its outputs. It answers no cell."""
        with self._guard:
            for running in self._runs:
                if running.edit is not None and running.edit.id == edit.id:
                    return running
            run = self._run(request, model)
            run.edit = edit
            self._begin(run, self._steps.collect(run, edit), is_answer=False)
        return run

    def stop(self, run: Run) -> Future[StopReport]:
        """Cancel a run, at the service too if it still can be."""
        return self._loop.run(stop(run, self._context))

    def withdraw(self, run: Run) -> Future[bool]:
        """Stop a run of which nothing was sent yet; whether it was one. What was sent goes on."""
        return self._loop.run(withdraw(run, self._context))

    def quote(self, request: EditRequest, model: Model) -> Future[Quote]:
        """Return what a request will cost, with its model as the service has it now."""
        return self._loop.run(self._context.prices.quote(request, model))

    def ask(self, question: Callable[[Any], Awaitable[T]]) -> Future[T]:
        """Put a question to the provider, in the engine's loop."""

        async def answer() -> T:
            return await question(self.provider)

        return self._loop.run(answer())

    def live_model(self, model_id: str) -> Future[Model]:
        """Return a model that is not shipped, by the schema the service has for it."""
        return self._loop.run(self._context.prices.live_model(model_id))

    @property
    def is_sending(self) -> bool:
        """Whether a POST is under way, whose answer closing waits for."""
        return any(run.is_sending for run in self._all_runs())

    @property
    def post_patience(self) -> float:
        """Seconds that closing waits for POSTs under way."""
        return SYNCHRONOUS_PATIENCE if self.provider.is_synchronous else POST_PATIENCE

    def close(self) -> None:
        """
        End what is under way here, give up the leases and close the connections.

        POSTs under way are waited for, `post_patience` seconds at most, and their answers are recorded; jobs that were
        accepted can be collected later.
        """
        with self._guard:
            if self._is_closed or self.pid != os.getpid():
                return
            self._is_closed = True
        try:
            self._loop.run(self._close()).result(self.post_patience + CLOSE_PATIENCE)
        except (TimeoutError, NBBananaError) as error:
            log.warning("An engine did not close in good order: %s", error)
        self._context.rows.close()
        self._context.threads.close()

    # ── in the loop ─────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, request: EditRequest, model: Model, **terms: Any) -> Run:
        who, count = self.provider, model.count(request.parameters)
        return Run(request, model, provider=who.name, is_play=who.is_play, expected_outputs=count, **terms)

    def _begin_all(self, answers: Iterable[tuple[Run, Work | None]]) -> list[Run]:
        """Begin all of these or, where one of them cannot be, none."""
        begun: list[tuple[Run, Work | None]] = []
        with self._guard:
            try:
                begun.extend(answers)  # those before the one that cannot be stay in the list
            except NBBananaError as error:
                for run, work in begun:
                    if work is not None:
                        work.close()
                        run.end(None, error)
                raise
            for run, work in begun:
                if work is not None:
                    self._begin(run, work)
        return [run for run, _ in begun]

    def _passes(
        self, asked: Sequence[tuple[EditRequest, Model]], complete: Complete, mode: Mode, **terms: Any
    ) -> Iterator[tuple[Run, Work | None]]:
        """Answer the passes of a chain: from the store as far as it goes; those after that wait for their pictures."""
        series, before = Series(), None
        for number, (given, model) in enumerate(asked, start=1):
            if before is None or before.future.done():
                request = given if before is None else complete(given, before.row)
                rest = [request, *(later for later, _ in asked[number:])]
                run, work = self._answer(request, model, series, mode, chain=(rest, complete), **terms)
            else:
                run = self._run(given.with_seed_for(model.seed_field), model, **terms)
                work = self._made(run, mode, series, Later(before, complete, number))
            yield run, work
            before = run

    def _answer(
        self,
        request: EditRequest,
        model: Model,
        series: Series,
        mode: Mode,
        *,
        chain: tuple[Sequence[EditRequest], Complete] | None = None,
        download: bool = True,
        **terms: Any,
    ) -> tuple[Run, Work | None]:
        """Return the run that answers a request, and the work to begin; None where it is answered or under way."""
        request = request.with_seed_for(model.seed_field)
        is_shared = download and mode == "auto" and request.is_seeded
        other = self._asking.get(request.ask) if is_shared else None
        if other is not None and not other.future.done() and not other.stop_requested:
            return other, None
        occurrence = self._reuse.occurs(request)
        stored = self._reuse.answer(request, occurrence, self.provider.name, mode)
        if stored is None and chain is not None and mode == "auto":
            found = unfinished(self._reuse, *chain, self.provider.name)
            stored = self._reuse.give(found) if found else None
        if stored is not None:
            return answered(request, model, stored), None
        run = self._run(request, model, ordinal=occurrence.ordinal, download=download, **terms)
        work = self._work(run, mode, series)
        if is_shared:
            self._asking[request.ask] = run
        return run, work

    def _answer_or_end(self, request: EditRequest, model: Model, *how: Any, **terms: Any) -> tuple[Run, Work | None]:
        """Answer a request as `_answer` does; one that cannot be asked is a run that ended with its error."""
        try:
            return self._answer(request, model, *how, **terms)
        except NBBananaError as error:
            run = self._run(request, model)
            run.end(None, error)
            return run, None

    def _work(self, run: Run, mode: Mode, series: Series) -> Work:
        """Return how a request is answered that no stored edit answers: collect, follow or send."""
        recover(self.store)
        if mode == "auto":
            asked = run.request, self.provider.name
            if (waiting := self._reuse.collectable(*asked)) is not None:
                return self._steps.collect(run, waiting)
            if (other := self._reuse.followed(*asked)) is not None:
                return self._steps.follow(run, other)
            self._reuse.check_certain(*asked)
        return self._made(run, mode, series)

    def _made(self, run: Run, mode: Mode, series: Series, later: Later | None = None) -> Work:
        series.expect()
        return self._steps.make(run, series, later, alone=mode == "auto" and run.request.is_seeded)

    def _begin(self, run: Run, work: Work, *, is_answer: bool = True) -> None:
        self._runs.add(run)
        self._loop.run(self._carry(run, work, is_answer=is_answer))

    async def _carry(self, run: Run, work: Work, *, is_answer: bool) -> None:
        """Run the work and end the run's future, whatever happens."""
        run.task = asyncio.current_task()
        outcome: Outcome | None = None
        error: BaseException | None = None
        try:
            outcome = await work
        except (asyncio.CancelledError, NotSentError):
            # A stop finds the words for itself; anything else that cancels is the end of this engine.
            if run.stop is None:
                error = _closed()
        except NBBananaError as caught:
            error = caught
            if run.edit is not None:  # so that the reader can go on from there
                error.edit_id = error.edit_id or run.edit.id
                error.request_id = error.request_id or run.edit.request_id
        except Exception as caught:
            log.exception("A run failed in a way that was not foreseen.")
            error = caught
        finally:
            work.close()
            if outcome is not None and is_answer:
                self._reuse.give(outcome.edit)
            try:
                if run.edit is not None and not run.is_sending:
                    await self._context.leases.give_up(run.edit)
            finally:
                self._linger(run)
                with self._guard:
                    self._runs.discard(run)
                run.end(outcome, error)

    def _all_runs(self) -> list[Run]:
        with self._guard:
            return [*self._runs, *self._ending]

    def _linger(self, run: Run) -> None:
        """Keep a run until its POST and its cancel are over, so that closing waits for them."""
        left = [task for task in (run.exchange, run.stop) if task is not None and not task.done()]
        with self._guard:
            is_late = run in self._ending
            (self._ending.add if left else self._ending.discard)(run)
        if is_late and not left and run.edit is not None:  # its POST outlived it, and so did its lease
            self._loop.run(self._context.leases.give_up(run.edit))
        for task in left[:1]:
            task.add_done_callback(lambda _: self._linger(run))

    async def _close(self) -> None:
        runs = self._all_runs()
        for run in runs:
            run.stopping.set()  # what pauses before another try is not sent any more
        await ended([run.exchange for run in runs], self.post_patience)
        for task in [run.task for run in runs if run.task]:
            task.cancel()
        for task in await ended([task for run in runs for task in (run.task, run.stop, run.dropping)], STOP_PATIENCE):
            task.cancel()  # a cancel without an answer holds a connection
        try:
            for run in runs:
                run.end(None, _closed())  # whatever still holds it up
            for run in runs:
                await free(run, self._context)
            await self._context.leases.close()
        finally:
            await self._context.prices.close()
            await self.provider.aclose()


def _closed() -> JobCancelledError:
    """Return the error of a wait that ends with its kernel or session."""
    return JobCancelledError("The wait was ended.", "The kernel or session closes.", "%nbresume collects it.")
