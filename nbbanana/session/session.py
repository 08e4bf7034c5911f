"""`Session`: a store, a provider and a budget that belong together, and the calls that use them."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Self, cast

from nbbanana.engine.engine import Engine
from nbbanana.engine.run import Helper, Outcome, Run
from nbbanana.errors import NotInStoreError
from nbbanana.grammar import Scope
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session.call_args import checked_prices, checked_prompt, divided, same_call, settled
from nbbanana.session.chains import ChainJob, following, pass_requests, replayed_passes
from nbbanana.session.drift_reports import with_figures
from nbbanana.session.engines import Choice, nobody_is_asked
from nbbanana.session.history import History
from nbbanana.session.jobs import Job, collected, outputs_of, replayed, replayed_or_failed, waited_for
from nbbanana.session.library import SESSION, Expression, refuse_writing
from nbbanana.session.model_choice import Routes
from nbbanana.session.reproduce import check_asked, provider_again, request_of
from nbbanana.session.requesting import checked_request
from nbbanana.session.result_sets import ResultSet
from nbbanana.session.results import EditResult
from nbbanana.session.session_state import Active, SessionState
from nbbanana.settings import Mode
from nbbanana.store.records import Edit

__all__ = ["Session", "current", "use"]


class Session(SessionState):
    """
    Where edits are made and recorded.

    Args:
        provider: the service that runs requests, such as `fal`; None is that of `%config NBBanana.provider`.
        store: the folder with the edits, or a bundle to read; None is the one of the settings.
        mode: `auto`, `fresh` or `replay`; None is that of the settings.
        model: the model of requests that name none; None is that of the settings.
        budget: US dollars that may be spent at the provider by all kernels on this store, counted from when the
            store first heard of a budget; None leaves it as it is.

    As a context manager it is the session of `nb.edit` inside the block, and closed after it.

    >>> import nbbanana as nb
    >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")) as session:
    ...     result = session.edit("Make it snow.", nb.samples.still_life(), seed=7)
    ...     len(result), result.provider
    (1, 'sandbox')
    """

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        return Expression(SESSION, f".history[{edit_id}]") if library is self.library else None

    def __enter__(self) -> Self:
        _active.enter(self)
        self.is_closed = False
        return self

    def __exit__(self, *_: object) -> None:
        _active.leave(self)
        self.close()

    def edit(
        self,
        /,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        provider: str | None = None,
        name: str | None = None,
        n: int | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> EditResult:
        """
        Edit pictures with words, and wait. An interrupt cancels the request at the service if it still can.

        Args:
            prompt: what to keep and what to change.
            images: the pictures, the main one first: paths, globs, https URLs, bytes, PIL images, NumPy arrays of
                shape H×W or H×W×3 or H×W×4, outputs of other results, or lists of those.
            model: the endpoint; None is the one of the session.
            mode: `auto`, `fresh` or `replay`; None is that of the session.
            provider: the service that runs it, such as `fal`; None is that of the session.
            name: the variable that it is going to be bound to; its files are named by it.
            n: how many pictures, whatever the model calls that; the same as `number_of_images`.
            max_price: US dollars that it may cost at most. What is not surely below it is not sent.
            assume_price: US dollars to count for it where the price is not known.
            region: the part of a picture that it is about: `nb.region(picture)`, a box (left, top, right and bottom as
                parts of the main picture), a name such as `the upper half`, or a list of those, which is one region of
                several parts. It is kept with the record and not sent.
            parameters: the model's own, such as `seed=7`, `aspect_ratio="1:1"`. What is not set is not sent, but for
                the seed: a request without one gets a random one, so that every edit has one. A mask is any picture,
                a region, or "region" for that of the request; white is repainted. `aspect_ratio` and `resolution` are
                put into the model's own words where it calls them otherwise.

        Returns:
            A sequence of `Output`, which shows itself as a grid in a notebook.

        Raises:
            InputError: it cannot be asked like this; nothing was sent.
            BudgetError: it may cost more than `max_price` or the budget; nothing was sent.
            CredentialError: there is no token, or it is not taken.
            UncertainError: it was sent, and it is not known whether it was taken; it is recorded, not sent again.
            JobError: the service gave no picture.

        >>> import nbbanana as nb
        >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
        ...     result = nb.edit("Keep the objects. Turn day into night.", nb.samples.still_life(), n=2)
        >>> len(result), result[0].mime
        (2, 'image/png')
        """
        how = {"model": model, "mode": mode, "provider": provider, "name": name, "n": n, "region": region}
        job = self.submit(prompt, *images, max_price=max_price, assume_price=assume_price, **how, **parameters)
        return waited_for(job)

    @same_call(edit)
    async def aedit(self, /, prompt: str, *images: Any, **how: Any) -> EditResult:
        """Edit from async code, like `edit`; a cancelled task cancels the request at the service if it still can."""
        pictures = [await image if inspect.isawaitable(image) else image for image in images]
        run, what = divided(how)
        request = await asyncio.to_thread(self.request, checked_prompt(prompt, images), pictures, **what)
        # Not in a thread: a cancel that comes meanwhile would leave a job that has no holder.
        job = self.start(request, **run)
        try:
            return await job
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.wrap_future(job.cancelling())
            raise

    @same_call(edit)
    def submit(self, /, prompt: str, *images: Any, **how: Any) -> Job:
        """Start an edit, like `edit`, and return at once with a `Job` to look at, wait for, or cancel."""
        run, what = divided(how)
        return self.start(self.request(checked_prompt(prompt, images), images, **what), **run)

    def chain(self, /, passes: Sequence[str], *images: Any, **how: Any) -> EditResult:
        """
        Edit pictures in several passes, and wait: each pass edits the picture that the one before it gave.

        All passes are priced and reserved before the first is sent, and `max_price` is for all of them. Each is an
        edit of its own in the history. It stops at the first pass that gives no picture; the same call goes on from
        there, and what is done is not paid again.

        Args:
            passes: the words of each pass.
            images: the pictures of the first pass; reference images go to each pass.
            how: as for `edit`. The seed is that of each pass; the number of pictures, `resolution` and
                `output_format` are those of the last one.

        Returns:
            The result of the last pass; `result.passes` are all of them.

        Raises:
            NBBananaError: as `edit`; it says which pass it was.

        >>> import nbbanana as nb
        >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
        ...     result = nb.chain(["Make it night.", "Add a boat."], nb.samples.still_life(), seed=7, n=2)
        >>> len(result), [one.prompt for one in result.passes], {one.seed for one in result.passes}
        (2, ['Make it night.', 'Add a boat.'], {7})
        """
        run, what = divided(how)
        return waited_for(self.start_chain(self.requests(passes, images, **what), **run))

    def requests(
        self,
        prompts: Sequence[str],
        images: Iterable[Any] = (),
        *,
        model: str | None = None,
        provider: str | None = None,
        **what: Any,
    ) -> list[EditRequest]:
        """Return the checked request of each pass; see `request` and `nbbanana.session.chains.pass_requests`."""
        ask = partial(self.request, model=model, provider=provider)
        return pass_requests(ask, self.model_at(model, provider), prompts, self.load(settled(images)), what)

    def request(
        self,
        prompt: str,
        images: Iterable[Any] = (),
        *,
        model: str | None = None,
        provider: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        region: Any = None,
        n: int | None = None,
    ) -> EditRequest:
        """
        Check what is asked against the model's schema; sends nothing. Without a model it is that of the session, else
        the default of the provider (None: the session's).

        Raises:
            PromptError, ParameterError, ImageError, UnknownModelError: it cannot be asked like this.
            UsageError: a region that is no part of one of the pictures.
        """
        return checked_request(
            prompt,
            images,
            self.model_at(model, provider),
            model_named=bool(model or self._named_model),
            routes=Routes(lambda: self.choice(provider), lambda: self.store, is_replay=self.mode == "replay"),
            load=self.load,
            parameters=parameters,
            region=region,
            n=n,
        )

    def start(
        self,
        request: EditRequest,
        *,
        mode: Mode | None = None,
        provider: str | None = None,
        name: str | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
        download: bool = True,
    ) -> Job:
        """
        Ask for what a checked request says; returns at once. A replay stays a replay, whatever `mode` wishes. Without
        `download` the outputs stay at the service, and the edit can be collected.
        """
        prices, effective = checked_prices(max_price, assume_price), self._effective(mode)
        if effective == "replay":
            return self._replayed(request, name)
        asked = [(request, self.model_of(request.model, provider))]
        [job] = self._begun(asked, effective, provider, download=download, **prices)
        job.name = name
        return job

    def start_each(
        self,
        requests: Sequence[EditRequest],
        *,
        mode: Mode | None = None,
        provider: str | None = None,
        helper: Helper | None = None,
        **prices: Any,
    ) -> list[Job]:
        """
        Ask for several checked requests of a provider; returns at once. What must be sent is reserved together before
        the first; one that cannot be asked is a job that ended with its error. A `helper` fetches their outputs.
        """
        money, effective = checked_prices(**prices), self._effective(mode)
        if effective == "replay":
            return [self._replayed(request, answer=replayed_or_failed) for request in requests]
        asked = [(request, self.model_of(request.model, provider)) for request in requests]
        return self._begun(asked, effective, provider, is_whole=False, helper=helper, **money)

    def start_chain(
        self,
        requests: Sequence[EditRequest],
        *,
        mode: Mode | None = None,
        provider: str | None = None,
        name: str | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
    ) -> Job:
        """Ask for the passes of a chain as one job; returns at once. Of one pass it is that of `start`."""
        prices, effective = checked_prices(max_price, assume_price), self._effective(mode)
        if len(requests) == 1:
            how: dict[str, Any] = {"mode": mode, "provider": provider, "name": name, **prices}
            return self.start(requests[0], **how)
        complete = following(self.library)
        if effective == "replay":
            return ChainJob(replayed_passes(requests, complete, self._replayed, name))
        choice, engine = self._asked(effective, provider)
        asked = [(request, self.model_of(request.model, provider)) for request in requests]
        jobs = [self._job(run, engine, choice) for run in engine.start_chain(asked, complete, mode=effective, **prices)]
        jobs[-1].name = name
        return ChainJob(jobs)

    def resubmit(
        self,
        edit: Edit,
        *,
        mode: str = "auto",
        seed: int | None = None,
        n: int | None = None,
        model: str | None = None,
        without: Iterable[str] = (),
        **how: Any,
    ) -> Job:
        """
        Ask again what a record asked, its pictures from the store, with another `seed`, count `n` or `model`; see
        `start`. What another model has no counterpart for is left out where `without` names it.
        """
        how = {"provider": provider_again(edit), **how}
        [(request, _)] = self._again(edit, mode, how["provider"], [seed], model, n=n, without=without)
        return self.start(request, mode=cast("Mode", mode), **how)

    def resubmit_all(
        self,
        edit: Edit,
        seeds: Sequence[int],
        *,
        provider: str = "",
        model: str | None = None,
        without: Iterable[str] = (),
        **prices: Any,
    ) -> ResultSet:
        """
        Ask again what a record asked, with each of these seeds, and wait for all of them. They are checked and reserved
        before the first is sent: `max_price` is for all of them together, `assume_price` for each; `model` and
        `without` as in `resubmit`.
        """
        prices, mode = checked_prices(**prices), self._effective(None)
        provider = provider or provider_again(edit) or ""
        asked = self._again(edit, mode, provider, seeds, model, without=without)
        if mode == "replay":
            jobs = [self._replayed(request, answer=replayed_or_failed) for request, _ in asked]
        else:
            jobs = self._begun(asked, mode, provider, **prices)
        return collected(jobs, [f"seed {seed}" for seed in seeds])

    def _again(
        self,
        edit: Edit,
        mode: str,
        provider: str | None,
        seeds: Sequence[int | None],
        model: str | None,
        **changes: Any,
    ) -> list[tuple[EditRequest, Model]]:
        """Return the request of a record with each of these seeds, and the model that is asked."""
        check_asked(edit)
        is_replay = self._effective(cast("Mode", mode)) == "replay"
        own = self.library.model(edit) if is_replay or model else self.model_of(edit.model, provider)
        other = self.model_of(model, provider) if model else own
        return [(request_of(edit, own, self.store, seed, other=other, **changes), other) for seed in seeds]

    def resume(self, edit: Edit) -> Job:
        """Take an accepted job up again; nothing is sent a second time."""
        model = self.library.model(edit)
        try:
            request = request_of(edit, model, self.store)
        except NotInStoreError:  # a picture of it is not here; to collect its outputs none is needed
            request = EditRequest(edit.model, edit.parameters, seed_field=model.seed_field)
        engine = self._engines.of(edit.provider)
        return self._job(engine.resume(edit, request, model), engine)

    def collect(self, edits: Sequence[Edit]) -> list[Job]:
        """Take up those of these accepted jobs that run at this session's provider, or at another whose key is here."""
        if edits and self.mode == "replay":
            raise nobody_is_asked()
        found = [edit for edit in edits if self._engines.reach(edit)]
        if edits and not found:
            self.engine_at()  # where there is no key at all, that is said
        return [self.resume(edit) for edit in found]

    def local(self, made: Edit, blobs: Iterable[bytes] = (), note: str = "") -> EditResult:
        """
        Return the result of an edit that was made here; one without a number is written down, and measured, first.

        Args:
            made: the edit.
            blobs: the bytes of its pictures that the store may not have.
            note: what is said of it.
        """
        if made.id:
            return self._receive(None, None, Outcome(made, "replayed"), None)
        refuse_writing(self.folder, self.mode)
        for data in blobs:
            self.store.put(data)
        edit = with_figures(self.store, self.store.add_local(made, note))
        return self._receive(None, None, Outcome(edit, notes=(note,)), None)

    @property
    def history(self) -> History:
        """All edits of the store."""
        return History(self.library, self)

    def scope(self, namespace: Mapping[str, Any]) -> Scope:
        """Return where the operands of a line are looked up: the user's variables, this history, the last edit."""

        def history(value: object) -> Callable[[int], EditResult] | None:
            """Return what gives an edit by its number, where a value has a history."""
            if value is sys.modules["nbbanana"]:
                return self.history.__getitem__
            if isinstance(value, Session):
                return value.history.__getitem__
            return value.__getitem__ if isinstance(value, History) else None

        return Scope(namespace, self.history.__getitem__, lambda: self.last, outputs_of, history)

    def _replayed(self, request: EditRequest, name: str | None = None, answer: Callable[..., Run] = replayed) -> Job:
        """Answer a request from the store alone."""
        run = answer(request, self.library.model_by_id(request.model), self._engines.reuse)
        return self._job(run, None, name=name)

    def _begun(
        self, asked: Sequence[tuple[EditRequest, Model]], mode: Mode, provider: str | None, **how: Any
    ) -> list[Job]:
        """Begin requests at a provider, each of its model."""
        choice, engine = self._asked(mode, provider)
        return [self._job(run, engine, choice) for run in engine.start(asked, mode=mode, **how)]

    def _asked(self, mode: Mode, provider: str | None) -> tuple[Choice, Engine]:
        """Return who is asked, and its engine, where an answer can be kept."""
        refuse_writing(self.folder, mode)
        return self._engines.chosen(provider or "")

    def _job(self, run: Run, engine: Engine | None, choice: Choice | None = None, name: str | None = None) -> Job:
        """Return a run as a user holds it; its result becomes the session's last edit."""
        return Job(run, engine, self.library, self, partial(self._receive, choice, run.request), name)

    def _receive(
        self, choice: Choice | None, request: EditRequest | None, outcome: Outcome, name: str | None
    ) -> EditResult:
        """Make the result of what the engine gave; what was suggested is said of what was made just now."""
        if request is not None and request.model_note and (request.model_named or outcome.origin == "made"):
            outcome = replace(outcome, notes=(request.model_note, *outcome.notes))
        if choice is not None and choice.text and not self._has_noticed:
            self._has_noticed = True
            outcome = replace(outcome, notes=(choice.message, *outcome.notes))
        self.used.setdefault(outcome.edit.id)
        self.last = EditResult(self.library, self, outcome, name)
        return self.last


def current() -> Session:
    """Return the session that `nb.edit` and the magics use; see `Active`."""
    return _active.get()


def use(session: Session | None) -> Session | None:
    """Make a session the one of the process (None: a fresh default on next use); returns the one before."""
    return _active.use(session)


_active: Active[Session] = Active(Session)
