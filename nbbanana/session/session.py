"""`Session`: a store, a provider and a budget that belong together, and the calls that use them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from nbbanana.engine.engine import Engine
from nbbanana.engine.helping import Helper
from nbbanana.engine.prices import Quote
from nbbanana.engine.run import Outcome, Run
from nbbanana.errors import NotInStoreError
from nbbanana.images import ImageInput, load_all
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session.active import Active
from nbbanana.session.bundled import is_bundle, load_or_recall, open_bundle, refuse_writing
from nbbanana.session.call_args import (
    checked_dollars,
    checked_mode,
    checked_prices,
    settled,
)
from nbbanana.session.chains import ChainJob, following, pass_requests, replayed_passes
from nbbanana.session.choice import Choice, nobody_is_asked
from nbbanana.session.edit_calls import EditCalls
from nbbanana.session.engines import Engines
from nbbanana.session.history import History
from nbbanana.session.jobs import Job
from nbbanana.session.library import Library
from nbbanana.session.measuring import with_figures
from nbbanana.session.model_choice import default_model, find_model
from nbbanana.session.model_routing import Routes
from nbbanana.session.names import SESSION, Expression
from nbbanana.session.replaying import replayed, replayed_or_failed
from nbbanana.session.reproduce import check_asked, provider_again, request_of
from nbbanana.session.requesting import checked_request
from nbbanana.session.results import EditResult
from nbbanana.settings import Mode, data_dir, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Session", "current", "use"]


class Session(EditCalls):
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

    def __init__(
        self,
        *,
        provider: str | None = None,
        store: str | Path | None = None,
        mode: Mode | None = None,
        model: str | None = None,
        budget: float | None = None,
    ) -> None:
        dollars = checked_dollars("budget", budget)
        self._folder = Path(store).expanduser() if store else None
        self._mode = checked_mode(mode) if mode else None
        self._model = model
        self._engines = Engines(lambda: self.store, provider or "", dollars)
        self._has_noticed = False
        self._outer: list[Session | None] = []
        self.library = Library(self._open_store)
        """The store and the models of its records."""
        self.is_closed = False
        self.used: dict[int, None] = {}
        """The ids of the edits that were asked for here, in the order of their first use."""
        self.last: EditResult | None = None
        """This kernel's last edit."""

    def __repr__(self) -> str:
        return f"<Session store={self.folder.name!r}>"

    def __nbbanana_expression__(self, library: object, edit_id: int) -> Expression | None:
        return Expression(SESSION, f".history[{edit_id}]") if library is self.library else None

    def __enter__(self) -> Self:
        self._outer.append(_active.enter(self))
        self.is_closed = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _active.leave(self, self._outer.pop())
        self.close()

    def close(self) -> None:
        """
        End what is under way here, give up leases, close the connections and the store.

        A request that is just being sent is waited for, 15 seconds at most, and its answer is recorded.
        """
        self.is_closed, engines = True, self._engines.take()
        if waits := [engine.post_patience for engine in engines if engine.is_sending]:
            sys.stderr.write(f"nbbanana waits, {max(waits):g} seconds at most, for the answer to a request.\n")
        for engine in engines:
            engine.close()
        self.library.close()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────

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
            store=lambda: self.store,
            parameters=parameters,
            region=region,
            n=n,
        )

    def load(self, images: Iterable[Any]) -> tuple[ImageInput, ...]:
        """
        Load pictures; in `replay`, a file that is not here is taken from the store by its name.

        Raises:
            ImageError: one that cannot be had.
        """
        if self.mode != "replay":
            return load_all(list(images))
        return load_or_recall(images, self.store)

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
        refuse_writing(self.folder, effective)
        choice, engine = self._engines.chosen(provider or "")
        model = self.model_of(request.model, provider)
        run = engine.start(request, model, mode=effective, download=download, **prices)
        return Job(run, engine, self.library, self, partial(self._receive, choice, request), name)

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
        refuse_writing(self.folder, effective)
        choice, engine = self._engines.chosen(provider or "")
        asked = [(request, self.model_of(request.model, provider)) for request in requests]
        runs = engine.start_each(asked, mode=effective, helper=helper, **money)
        receives = (partial(self._receive, choice, request) for request in requests)
        return [Job(run, engine, self.library, self, receive) for run, receive in zip(runs, receives, strict=True)]

    def standings(self, asked: Sequence[tuple[EditRequest, int]], provider: str | None = None) -> list[Edit | None]:
        """Return the edit that stands for each sample of an ask at a provider; see `nbbanana.engine.reuse`."""
        return self._engines.reuse.standings(asked, self.choice(provider).name or None)

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
        refuse_writing(self.folder, effective)
        choice, engine = self._engines.chosen(provider or "")
        asked = [(request, self.model_of(request.model, provider)) for request in requests]
        runs = engine.start_chain(asked, complete, mode=effective, **prices)
        names = [None] * (len(runs) - 1) + [name]
        receives = [partial(self._receive, choice, request) for request in requests]
        each = zip(runs, receives, names, strict=True)
        return ChainJob([Job(run, engine, self.library, self, receive, own) for run, receive, own in each])

    def quote(self, request: EditRequest, provider: str | None = None) -> Quote:
        """Return what a request will cost; in `replay` no price is asked."""
        if self.mode == "replay":
            return Quote(None, None, "the price is not asked in replay")
        return self.described(request, provider)[0]

    def described(self, request: EditRequest, provider: str | None = None) -> tuple[Quote, Model | None]:
        """Return the price and the model as the service has it now (None: it tells no schema), or raise its error."""
        return self.engine_at(provider).described(request, self.model_of(request.model, provider)).result()

    def resubmit(self, edit: Edit, *, mode: str = "auto", seed: int | None = None, **how: Any) -> Job:
        """
        Ask again what a record asked, its pictures from the store, with another `seed`, count `n` or `model`; see
        `start`. What another model has no counterpart for is left out where `without` names it.
        """
        how = {"provider": provider_again(edit), **how}
        changes = {key: how.pop(key) for key in ("n", "model", "without") if key in how}
        [(request, _)] = self._again(edit, mode, how["provider"], [seed], **changes)
        return self.start(request, mode=cast("Mode", mode), **how)

    def resubmit_all(self, edit: Edit, seeds: Sequence[int], *, provider: str = "", **how: Any) -> list[Job]:
        """
        Ask again what a record asked, with each of these seeds: all are checked and reserved before the first is sent.
        `max_price` is for all of them together, `assume_price` for each; `model` and `without` as in `resubmit`.
        """
        changes = {key: how.pop(key) for key in ("model", "without") if key in how}
        prices, mode = checked_prices(**how), self._effective(None)
        provider = provider or provider_again(edit) or ""
        asked = self._again(edit, mode, provider, seeds, **changes)
        if mode == "replay":
            return [self._replayed(request, answer=replayed_or_failed) for request, _ in asked]
        refuse_writing(self.folder, mode)
        choice, engine = self._engines.chosen(provider)
        runs = engine.start_series(asked, mode=mode, **prices)
        return [Job(run, engine, self.library, self, partial(self._receive, choice, None)) for run in runs]

    def _again(
        self, edit: Edit, mode: str, provider: str | None, seeds: Sequence[int | None], **changes: Any
    ) -> list[tuple[EditRequest, Model]]:
        """Return the request of a record with each of these seeds, and the model that is asked."""
        check_asked(edit)
        is_replay, model = self._effective(cast("Mode", mode)) == "replay", changes.pop("model", None)
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
        return Job(engine.resume(edit, request, model), engine, self.library, self, partial(self._receive, None, None))

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

    # ── what it consists of ─────────────────────────────────────────────────────────────────────────────────

    @property
    def folder(self) -> Path:
        """The store's folder; where a notebook is replayed, the store that it is replayed from."""
        own, forced = self._folder, settings().replay_store
        if forced and not (self._mode == "replay" and own is not None and own.exists()):
            return Path(forced).expanduser()
        return own or (Path(settings().store).expanduser() if settings().store else data_dir() / "store")

    @property
    def default_model(self) -> str:
        """The model of requests that name neither a model nor a provider."""
        return self.default_model_at(None)

    def default_model_at(self, provider: str | None) -> str:
        """Return the model of requests that name none: that of the session, else the default of the provider."""
        replayed = (lambda: self.store) if self.mode == "replay" else None
        return self._named_model or default_model(provider or self._engines.wanted, replayed)

    @property
    def _named_model(self) -> str:
        return self._model or settings().model

    @property
    def mode(self) -> Mode:
        """`auto`, `fresh` or `replay`; a bundle is replayed unless something else is said."""
        if settings().replay_store:
            return "replay"
        if self._mode is not None:
            return self._mode
        return "replay" if is_bundle(self.folder) else checked_mode(settings().mode)

    @property
    def store(self) -> Store:
        """The store, opened on first use; a bundle is unpacked, once, into a folder of the cache."""
        return self.library.store

    @property
    def engine(self) -> Engine:
        """The engine of the provider and account that are chosen now; CredentialError where there is none."""
        return self.engine_at()

    def engine_at(self, provider: str | None = None) -> Engine:
        """Return the engine of a provider, with the account that is chosen now; None is the session's provider."""
        if self.mode == "replay":
            raise nobody_is_asked()
        return self._engines.chosen(provider or "")[1]

    @property
    def provider_name(self) -> str:
        """The provider that would run a request now; empty where there is none, as in replay."""
        return self.choice().name

    def choice(self, provider: str | None = None) -> Choice:
        """Return who would run a request now, at a provider (None: the session's); one without a name in replay."""
        return Choice("") if self.mode == "replay" else self._engines.choice(provider or "")

    @property
    def history(self) -> History:
        """All edits of the store."""
        return History(self.library, self)

    def model_at(self, model_id: str | None, provider: str | None = None) -> Model:
        """Return a model as `model_of` does; None is the one of requests that name none."""
        return self.model_of(model_id or self.default_model_at(provider), provider)

    def model_of(self, model_id: str, provider: str | None = None) -> Model:
        """
        Return a model by its id: shipped, else as a provider (None: the session's) or, in `replay`, a record has it.

        Raises:
            UnknownModelError: it is not known.
        """
        engine = None if self.mode == "replay" else lambda: self.engine_at(provider)
        return find_model(model_id, engine, self.library)

    def _effective(self, mode: Mode | None) -> Mode:
        """Return the mode of a request that asks for `mode`."""
        if settings().replay_store or (self._mode or settings().mode) == "replay":
            return "replay"
        return checked_mode(mode) if mode else self.mode

    def _replayed(self, request: EditRequest, name: str | None = None, answer: Callable[..., Run] = replayed) -> Job:
        """Answer a request from the store alone."""
        run = answer(request, self.library.model_by_id(request.model), self._engines.reuse)
        return Job(run, None, self.library, self, partial(self._receive, None, request), name)

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

    def _open_store(self) -> Store:
        return open_bundle(self.folder) if is_bundle(self.folder) else Store.open(self.folder)


def current() -> Session:
    """Return the session that `nb.edit` and the magics use; see `nbbanana.session.active`."""
    return _active.get()


def use(session: Session | None) -> Session | None:
    """Make a session the one of the process (None: a fresh default on next use); returns the one before."""
    return _active.use(session)


_active: Active[Session] = Active(Session, attrgetter("is_closed"))
