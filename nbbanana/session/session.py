"""`Session`: a store, a provider and a budget that belong together, and the calls that use them."""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

from nbbanana import models
from nbbanana.engine.engine import Engine, answered
from nbbanana.engine.prices import Quote
from nbbanana.engine.reuse import Reuse
from nbbanana.engine.run import Outcome
from nbbanana.errors import (
    ConfigError,
    CredentialError,
    NoCredentialError,
    NotInStoreError,
    ParameterError,
    PromptError,
    UnknownModelError,
)
from nbbanana.grammar import check_prompt
from nbbanana.images import ImageInput, load_all
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session.active import Active
from nbbanana.session.bundled import is_bundle, load_or_recall, open_bundle
from nbbanana.session.choice import Choice, choose
from nbbanana.session.history import History
from nbbanana.session.jobs import Job
from nbbanana.session.library import Library
from nbbanana.session.region_args import mask_of, region_of
from nbbanana.session.reproduce import request_of
from nbbanana.session.results import EditResult
from nbbanana.settings import Mode, data_dir, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Session", "current", "use"]

P = ParamSpec("P")
T = TypeVar("T")

MODES = ("auto", "fresh", "replay")


def _same_call(
    _: Callable[Concatenate[Any, P], Any],
) -> Callable[[Callable[..., T]], Callable[Concatenate[Any, P], T]]:
    """Give a method the signature of another one, so that it is written once."""

    def typed(method: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        method.__signature__ = inspect.signature(_)  # type: ignore[attr-defined]
        return method

    return typed


class Session:
    """
    Where edits are made and recorded.

    Args:
        provider: `runcomfy`, `sandbox`, or None for whatever fits (see `%config NBBanana.provider`).
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
        self._budget = _checked_dollars("budget", budget)
        self._wanted = provider or ""
        self._folder = Path(store).expanduser() if store else None
        self._mode = _checked_mode(mode) if mode else None
        self._model = model
        self._guard = threading.RLock()
        self._engines: dict[Choice, Engine] = {}
        self._reuse: Reuse | None = None
        self._budgeted: set[str] = set()
        self._told = False
        self._outer: list[Session | None] = []
        self.library = Library(self._open_store)
        """The store and the models of its records."""
        self.is_closed = False
        self.used: dict[int, None] = {}
        """The ids of the edits that were asked for here, in the order of their first use."""
        self.last: EditResult | None = None
        """This kernel's last edit."""
        _sessions.add(self)

    def __repr__(self) -> str:
        return f"<Session store={self.folder.name!r}>"

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
        with self._guard:
            engines = [engine for engine in self._engines.values() if engine.pid == os.getpid()]
            self._engines, self._reuse, self.is_closed = {}, None, True
        if any(engine.is_sending for engine in engines):
            sys.stderr.write("nbbanana waits, 15 seconds at most, for the answer to a request that is being sent.\n")
        for engine in engines:
            engine.close()
        self.library.close()

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────

    def edit(
        self,
        /,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        name: str | None = None,
        n: int | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> EditResult:
        """
        Edit pictures with words, and wait for what comes back.

        An interrupt cancels the request at the service if it still can, and is raised again.

        Args:
            prompt: what to keep and what to change.
            images: the pictures, the primary one first: paths, globs, https URLs, bytes, PIL images, NumPy arrays of
                shape H×W or H×W×3 or H×W×4, outputs of other results, or lists of those.
            model: the endpoint; None is the one of the session.
            mode: `auto`, `fresh` or `replay`; None is that of the session.
            name: what the result is called in its captions.
            n: how many pictures, whatever the model calls that; the same as `number_of_images`.
            max_price: US dollars that it may cost at most. What is not surely below it is not sent.
            assume_price: US dollars to count for it where the price is not known.
            region: the part of a picture that it is about: `nb.region(picture)`, a box (left, top, right and bottom as
                parts of the primary picture) or a list of boxes. It is not sent: it is kept with the record, as
                `result.region`, to look at what changed in it and beside it.
            parameters: the model's own, such as `seed=7`, `aspect_ratio="1:1"`. What is not set is not sent, but for
                the seed: a request without one gets a random one, so that every edit has one. A mask is any picture,
                a region, or "region" for that of the request; white is repainted.

        Returns:
            A sequence of `Output`, which shows itself as a grid in a notebook.

        Raises:
            InputError: it cannot be asked like this; nothing was sent.
            BudgetError: it may cost more than `max_price` or the budget; nothing was sent.
            CredentialError: there is no token, or it is not taken.
            UncertainError: it was sent, and it is not known whether the service took it; it is recorded and not sent
                again.
            JobError: the service gave no picture.

        >>> import nbbanana as nb
        >>> with nb.Session(provider="sandbox", store=getfixture("tmp_path")):
        ...     result = nb.edit("Keep the objects. Turn day into night.", nb.samples.still_life(), n=2)
        >>> len(result), result[0].mime
        (2, 'image/png')
        """
        how: dict[str, Any] = {"model": model, "mode": mode, "name": name, "n": n, "region": region}
        job = self.submit(prompt, *images, max_price=max_price, assume_price=assume_price, **how, **parameters)
        try:
            return job.result()
        except KeyboardInterrupt as interrupt:
            job.cancel()
            interrupt.add_note(job.message)
            raise

    @_same_call(edit)
    async def aedit(self, /, prompt: str, *images: Any, **how: Any) -> EditResult:
        """Edit from async code, like `edit`; a cancelled task cancels the request at the service if it still can."""
        settled = [await image if inspect.isawaitable(image) else image for image in images]
        run, what = _divided(how)
        request = await asyncio.to_thread(self.request, prompt, settled, **what)
        # Not in a thread: a cancel that comes meanwhile would leave a job that has no holder.
        job = self.start(request, **run)
        try:
            return await job
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.wrap_future(job.cancelling())
            raise

    @_same_call(edit)
    def submit(self, /, prompt: str, *images: Any, **how: Any) -> Job:
        """Start an edit, like `edit`, and return at once with a `Job` to look at, wait for, or cancel."""
        run, what = _divided(how)
        return self.start(self.request(prompt, images, **what), **run)

    def request(
        self,
        prompt: str,
        images: Iterable[Any] = (),
        *,
        model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        region: Any = None,
        n: int | None = None,
    ) -> EditRequest:
        """
        Check what is asked against the model's schema; sends nothing.

        Raises:
            PromptError, ParameterError, ImageError, UnknownModelError: it cannot be asked like this.
            UsageError: a region that is no part of one of the pictures.
        """
        if not isinstance(prompt, str) or not prompt.strip():
            raise PromptError("There is no prompt.", "A request needs one.", "Say what to keep and what to change.")
        chosen = self.model_of(model or self.default_model)
        given = _counted(chosen, {key: value for key, value in (parameters or {}).items() if value is not None}, n)
        check_prompt(prompt)
        inputs = self.load(_settled(images))
        area = region_of(region, inputs, self._get_store)
        mask = None
        if chosen.mask_field in given:
            given[chosen.mask_field], mask = mask_of(
                given[chosen.mask_field], area, load=self.load, store=self._get_store
            )
        checked = chosen.check({chosen.prompt_field or "prompt": prompt, **given}, images=len(inputs))
        return EditRequest(
            chosen.id,
            checked,
            inputs,
            seed_field=chosen.seed_field,
            prompt_field=chosen.prompt_field,
            mask=mask,
            region=area,
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
        name: str | None = None,
        max_price: float | None = None,
        assume_price: float | None = None,
        download: bool = True,
    ) -> Job:
        """
        Ask for what a checked request says; returns at once.

        Where the settings say `replay` and this session says nothing of its own, it stays a replay, whatever `mode`
        wishes: a notebook with `--fresh` and `rerun()` in it replays too, and nothing is sent unasked.

        Without `download` the outputs stay at the service, and the edit can be collected.
        """
        prices = {
            "max_price": _checked_dollars("max_price", max_price),
            "assume_price": _checked_dollars("assume_price", assume_price),
        }
        effective = self._effective(mode)
        if effective == "replay":
            return self._replayed(request, name)
        if is_bundle(self.folder):
            raise ConfigError(
                f"{self.folder.name} is a bundle, and a bundle is only read.",
                f"The mode is {effective}, which may write.",
                "Merge it into a store: nb.history.merge(…), or use mode='replay'.",
            )
        choice, engine = self._chosen_engine()
        model = self.model_of(request.model)
        run = engine.start(request, model, mode=effective, download=download, **prices)
        return Job(run, engine, self.library, self, partial(self._receive, choice.notice), name)

    def quote(self, request: EditRequest) -> Quote:
        """
        Return what a request will cost; sends nothing that costs. In `replay` no price is asked.

        Raises:
            ServiceError, UnknownModelError: the service does not know the model.
        """
        if self.mode == "replay":
            return Quote(None, None, "the price is not asked in replay")
        return self.engine.quote(request, self.model_of(request.model)).result()

    def resubmit(
        self, edit: Edit, *, mode: str = "auto", seed: int | None = None, assume_price: float | None = None
    ) -> Job:
        """Ask again what a record asked, with its pictures from the store; `seed` replaces its seed."""
        is_replay = self._effective(cast("Mode", mode)) == "replay"
        model = self.library.model(edit) if is_replay else self.model_of(edit.model)
        request = request_of(edit, model, self.store)
        if seed is not None:
            if model.seed_field is None:
                raise ConfigError(f"{model.id} takes no seed.", "Its schema has none.", "Use rerun() for a new sample.")
            checked = model.check({**request.parameters, model.seed_field: seed}, images=len(request.images))
            request = replace(request, parameters=checked)
        return self.start(request, mode=cast("Mode", mode), assume_price=assume_price)

    def resume(self, edit: Edit) -> Job:
        """Take an accepted job up again; nothing is sent a second time."""
        model = self.library.model(edit)
        try:
            request = request_of(edit, model, self.store)
        except NotInStoreError:  # a picture of it is not here; to collect its outputs none is needed
            request = EditRequest(edit.model, edit.parameters, seed_field=model.seed_field)
        engine = self.engine
        return Job(engine.resume(edit, request, model), engine, self.library, self, partial(self._receive, None))

    def collect(self, edits: Sequence[Edit]) -> list[Job]:
        """Take up those of these accepted jobs that run at this session's provider."""
        if not edits:
            return []
        name = self.engine.provider.name
        return [self.resume(edit) for edit in edits if edit.provider == name]

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
        """The model of requests that name none."""
        return self._model or settings().model

    @property
    def mode(self) -> Mode:
        """`auto`, `fresh` or `replay`; a bundle is replayed unless something else is said."""
        if settings().replay_store:
            return "replay"
        if self._mode is not None:
            return self._mode
        return "replay" if is_bundle(self.folder) else _checked_mode(settings().mode)

    @property
    def store(self) -> Store:
        """The store, opened on first use; a bundle is unpacked, once, into a folder of the cache."""
        return self.library.store

    @property
    def engine(self) -> Engine:
        """
        The engine of the provider and account that are chosen now.

        Raises:
            CredentialError: there is no provider that could run requests.
        """
        return self._chosen_engine()[1]

    @property
    def provider_name(self) -> str:
        """The provider that would run a request now; empty where there is none."""
        return choose(self._wanted, self.store).name

    @property
    def history(self) -> History:
        """All edits of the store."""
        return History(self.library, self)

    def model_of(self, model_id: str) -> Model:
        """
        Return a model by its id: shipped, else by its live schema; in `replay` by the one that a record keeps.

        Raises:
            UnknownModelError: it is not known.
        """
        try:
            return models.get(model_id)
        except UnknownModelError as unknown:
            if self.mode == "replay":
                return self._model_in_replay(model_id)
            try:
                engine = self.engine
            except CredentialError:
                raise unknown from None
            try:
                return engine.live_model(model_id).result()
            except UnknownModelError as error:
                raise unknown from error  # it names the nearest that is known

    def _model_in_replay(self, model_id: str) -> Model:
        try:
            return models.get(model_id)
        except UnknownModelError:
            known = self.library.known_model(model_id)
            if known is None:
                raise
            return known

    def _effective(self, mode: Mode | None) -> Mode:
        """Return the mode of a request that asks for `mode`."""
        if settings().replay_store or (self._mode is None and settings().mode == "replay"):
            return "replay"
        return _checked_mode(mode) if mode else self.mode

    def _replayed(self, request: EditRequest, name: str | None) -> Job:
        """Answer a request from the store alone."""
        model = self._model_in_replay(request.model)
        request = request.with_seed_for(model.seed_field)
        reuse = self._asked_before
        stored = reuse.answer(request, reuse.occurs(request), None, "replay")
        assert stored is not None  # replay raises where nothing answers
        return Job(answered(request, model, stored), None, self.library, self, partial(self._receive, None), name)

    def _receive(self, notice: str | None, outcome: Outcome, name: str | None) -> EditResult:
        """Make the result of what the engine gave."""
        if notice and not self._told:
            self._told = True
            outcome = replace(outcome, notes=(notice, *outcome.notes))
        self.used.setdefault(outcome.edit.id)
        self.last = EditResult(self.library, self, outcome, name)
        return self.last

    @property
    def _asked_before(self) -> Reuse:
        with self._guard:
            if self._reuse is None:
                self._reuse = Reuse(self.store)
            return self._reuse

    def _chosen_engine(self) -> tuple[Choice, Engine]:
        """Return the choice of provider and account as it is now, and its engine, made on first use and kept."""
        with self._guard:
            choice = choose(self._wanted, self.store)
            provider_of = choice.provider
            engine = self._engines.get(choice)
            if engine is None or engine.pid != os.getpid():  # a forked child makes its own
                provider = provider_of()
                if provider is None:
                    raise NoCredentialError("There is no RunComfy token.", choice.reason or "")
                engine = Engine(
                    self.store,
                    provider,
                    self._asked_before,
                    timeout=settings().timeout,
                    concurrency=settings().concurrency,
                )
                self._engines[choice] = engine
            if self._budget is not None and choice.name not in self._budgeted:
                self._budgeted.add(choice.name)
                self.store.set_budget(choice.name, self._budget)
            return choice, engine

    def _get_store(self) -> Store:
        return self.store

    def _open_store(self) -> Store:
        return open_bundle(self.folder) if is_bundle(self.folder) else Store.open(self.folder)


def current() -> Session:
    """
    The session that `nb.edit` and the magics use: that of the innermost `with` block here, else one for the process.

    Raises:
        UsageError: a worker thread that entered no block while one is open in another thread.
    """
    return _active.get()


def use(session: Session | None) -> Session | None:
    """Make a session the one of the process (None: a fresh default on next use); returns the one before."""
    return _active.use(session)


def _is_closed(session: Session) -> bool:
    return session.is_closed


_active: Active[Session] = Active(Session, _is_closed)
_sessions: weakref.WeakSet[Session] = weakref.WeakSet()


def _renew_guards() -> None:
    """Replace the locks in a forked child: a thread of the parent may have held one, and does not exist here."""
    for session in list(_sessions):
        session._guard = threading.RLock()  # noqa: SLF001 - this module's own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_guards)


def _divided(how: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a call says of running its request, and what it says of the request itself."""
    parameters = dict(how)
    run = {key: parameters.pop(key, None) for key in ("mode", "name", "max_price", "assume_price")}
    what = {key: parameters.pop(key, None) for key in ("model", "region", "n")}
    return run, {**what, "parameters": parameters}


def _counted(model: Model, parameters: dict[str, Any], n: int | None) -> dict[str, Any]:
    """
    Return the parameters with `n` under the name that the model has for it.

    Raises:
        ParameterError: the model makes one picture a request, or the number is given twice.
    """
    if n is None:
        return parameters
    name = model.count_field
    if name is None:
        if n == 1:
            return parameters
        raise ParameterError(f"{model.id} makes one picture a request.", f"n is {n}.", "Leave n out, and ask again.")
    if parameters.get(name, n) != n:
        raise ParameterError(f"n is {n} and {name} is {parameters[name]}.", "They are the same thing.", "Give one.")
    return {**parameters, name: n}


def _checked_dollars(name: str, amount: Any) -> float | None:
    """
    Return an amount of money that can be compared.

    Raises:
        ParameterError: it is none.
    """
    if amount is None:
        return None
    if isinstance(amount, bool) or not isinstance(amount, Real) or not math.isfinite(amount) or amount < 0:
        raise ParameterError(
            f"{name} cannot be {amount!r:.40}.", "It takes US dollars: a number from 0 upwards.", f"{name}=0.60"
        )
    return float(amount)


def _checked_mode(mode: str) -> Mode:
    if mode not in MODES:
        raise ConfigError(f"mode is {mode!r}.", f"It is one of {', '.join(MODES)}.", "Choose one of them.")
    return cast("Mode", mode)


def _settled(images: Iterable[Any]) -> list[Any]:
    """Return pictures that only a running loop can finish, finished; all others as they are."""
    return [_finish(image) if inspect.isawaitable(image) else image for image in images]


def _finish(source: Any) -> Any:
    """
    Wait for an awaitable in synchronous code.

    In a notebook the kernel's loop is running and only it can finish a task of its own: `nest_asyncio2` lets it run
    inside this call. That is the one thing it is for here, and why it is applied only now and only to this loop.
    """

    async def wait() -> Any:
        return await source

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(wait())
