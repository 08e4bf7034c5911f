"""`Session`: a store, a provider and a budget that belong together, and the calls that use them."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from nbbanana import models
from nbbanana.errors import ConfigError, NoCredentialError, PromptError, UnknownModelError
from nbbanana.grammar import check_prompt
from nbbanana.images import ImageInput, load_all
from nbbanana.request import EditRequest
from nbbanana.session.again import request_of
from nbbanana.session.bundled import is_bundle, load_or_recall, open_bundle
from nbbanana.session.choice import Choice, choose
from nbbanana.session.history import History
from nbbanana.session.jobs import Job
from nbbanana.session.pointing import mask_of, region_of
from nbbanana.session.results import EditResult
from nbbanana.settings import Mode, data_dir, settings

if TYPE_CHECKING:
    from nbbanana.engine.engine import Engine
    from nbbanana.engine.money import Quote
    from nbbanana.engine.run import Outcome
    from nbbanana.models import Model
    from nbbanana.store import Store
    from nbbanana.store.records import Edit

__all__ = ["Session", "current", "use"]

MODES = ("auto", "fresh", "replay")


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
        self._budget = budget
        self._wanted = provider or ""
        self._folder = Path(store).expanduser() if store else None
        self._mode = _checked_mode(mode) if mode else None
        self._model = model
        self._guard = threading.RLock()
        self._store: Store | None = None
        self._engine: Engine | None = None
        self._choice: Choice | None = None
        self._told = False
        self._outer: Session | None = None
        self.used: dict[int, None] = {}
        """The ids of the edits that were asked for here, in the order of their first use."""
        self.last: EditResult | None = None
        """This kernel's last edit."""

    def __repr__(self) -> str:
        return f"<Session store={self.folder.name!r}>"

    def __enter__(self) -> Self:
        self._outer = use(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        use(self._outer)
        self.close()

    def close(self) -> None:
        """End what is under way here, give up leases, close the connections and the store."""
        with self._guard:
            if self._engine is not None:
                self._engine.close()
            if self._store is not None:
                self._store.close()
            self._engine = self._store = self._choice = None

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────

    def edit(
        self,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        name: str | None = None,
        max_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> EditResult:
        """
        Ask for an edit and wait for it. See `nbbanana.edit`.

        An interrupt cancels the request at the service if it still can, and is raised again.
        """
        how: dict[str, Any] = {"model": model, "mode": mode, "name": name, "max_price": max_price, "region": region}
        job = self.submit(prompt, *images, **how, **parameters)
        try:
            return job.result()
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(job.cancel())
            raise

    async def aedit(
        self,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        name: str | None = None,
        max_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> EditResult:
        """Ask for an edit in async code. A cancelled task cancels the request at the service if it still can."""
        settled = [await image if inspect.isawaitable(image) else image for image in images]
        what: dict[str, Any] = {"model": model, "parameters": parameters, "region": region}
        request = await asyncio.to_thread(self.request, prompt, settled, **what)
        # Not in a thread: whoever cancels meanwhile would leave a job that nobody holds.
        job = self.start(request, mode=mode, name=name, max_price=max_price)
        try:
            return await job
        except asyncio.CancelledError:
            with suppress(asyncio.CancelledError):
                await asyncio.wrap_future(job.cancelling())
            raise

    def submit(
        self,
        prompt: str,
        *images: Any,
        model: str | None = None,
        mode: Mode | None = None,
        name: str | None = None,
        max_price: float | None = None,
        region: Any = None,
        **parameters: Any,
    ) -> Job:
        """Ask for an edit and return at once with a `Job`."""
        request = self.request(prompt, images, model=model, parameters=parameters, region=region)
        return self.start(request, mode=mode, name=name, max_price=max_price)

    def request(
        self,
        prompt: str,
        images: Iterable[Any] = (),
        *,
        model: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        region: Any = None,
    ) -> EditRequest:
        """
        Check what is asked against the model's schema; sends nothing.

        Raises:
            PromptError, ParameterError, ImageError, UnknownModelError: it cannot be asked like this.
            UsageError: a region that is no part of one of the pictures.
        """
        if not isinstance(prompt, str):
            raise PromptError(
                f"The prompt is a value of type {type(prompt).__name__}.", "It must be text.", "Write str(…)."
            )
        chosen = self.model_of(model or self.default_model)
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        prompt = check_prompt(prompt)
        inputs = self.load(_settled(images))
        area = region_of(region, inputs, self)
        mask = None
        if chosen.mask_field in given:
            given[chosen.mask_field], mask = mask_of(given[chosen.mask_field], self, area)
        checked = chosen.check(chosen.with_prompt(prompt, given), images=len(inputs))
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
        download: bool = True,
    ) -> Job:
        """
        Ask for what a checked request says; returns at once.

        Where the settings say `replay` and this session says nothing of its own, it stays a replay, whatever `mode`
        wishes: a notebook with `--fresh` and `rerun()` in it replays too, and nothing is sent behind one's back.

        Without `download` the outputs stay at the service, and the edit can be collected.
        """
        effective = _checked_mode(mode) if mode else self.mode
        if settings().replay_store or (self._mode is None and settings().mode == "replay"):
            effective = "replay"
        if effective != "replay" and is_bundle(self.folder):
            raise ConfigError(
                f"{self.folder.name} is a bundle, and a bundle is only read.",
                f"The mode is {effective}, which may write.",
                "Merge it into a store: nb.history.merge(…), or use mode='replay'.",
            )
        engine = self._engine_for(effective)
        run = engine.start(
            request,
            self.model_of(request.model),
            mode=effective,
            max_price=max_price,
            where={name: text for name in ("notebook", "cell") if (text := getattr(request.origin, name))},
            download=download,
        )
        return Job(self, run, name)

    def quote(self, request: EditRequest) -> Quote:
        """What a request will cost, by the API's own words; sends nothing that costs."""
        return self.engine.quote(request, self.model_of(request.model)).result()

    def resubmit(
        self, edit: Edit, *, mode: str = "auto", seed: int | None = None, max_price: float | None = None
    ) -> Job:
        """Ask again what a record asked, with its pictures from the store; `seed` replaces its seed."""
        model = self.model_of(edit.model)
        request = request_of(edit, model, self.store)
        if seed is not None:
            if model.seed_field is None:
                raise ConfigError(f"{model.id} takes no seed.", "Its schema has none.", "Use rerun() for a new sample.")
            checked = model.check({**request.parameters, model.seed_field: seed}, images=len(request.images))
            request = replace(request, parameters=checked)
        return self.start(request, mode=cast("Mode", mode), max_price=max_price)

    def resume(self, edit: Edit) -> Job:
        """Take an accepted job up again; nothing is sent a second time."""
        model = self.model_of(edit.model)
        return Job(self, self.engine.resume(edit, request_of(edit, model, self.store), model))

    def receive(self, outcome: Outcome, name: str | None) -> EditResult:
        """Make what a user holds of what the engine gave."""
        notice = self._choice.notice if self._choice else None
        if notice and not self._told:
            self._told = True
            outcome = replace(outcome, notes=(notice, *outcome.notes))
        self.used.setdefault(outcome.edit.id)
        self.last = EditResult(self, outcome, name)
        return self.last

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
        from nbbanana.store import Store

        with self._guard:
            if self._store is None:
                self._store = open_bundle(self.folder) if is_bundle(self.folder) else Store.open(self.folder)
            return self._store

    @property
    def engine(self) -> Engine:
        """The engine, made on first use and again when the choice of provider changes, such as by a login."""
        return self._engine_for("auto")

    @property
    def provider_name(self) -> str:
        """Who runs requests now; empty where nobody can be asked."""
        return choose(self._wanted, self.store).name

    @property
    def history(self) -> History:
        """All edits of the store."""
        return History(self)

    def model_of(self, model_id: str) -> Model:
        """A model by its id: shipped, or by its live schema where the service is there to ask."""
        try:
            return models.get(model_id)
        except UnknownModelError:
            if self._engine is None or self._engine.provider is None:
                raise
            return self._engine.live_model(model_id).result()

    def _engine_for(self, mode: str) -> Engine:
        from nbbanana.engine.engine import Engine

        with self._guard:
            choice = Choice("") if mode == "replay" else choose(self._wanted, self.store)
            if mode != "replay" and not choice.name:
                raise NoCredentialError("There is no RunComfy token.", choice.reason or "")
            if self._engine is None or choice != self._choice:
                self._engine = Engine(
                    self.store, choice.provider(), timeout=settings().timeout, concurrency=settings().concurrency
                )
                self._choice = choice
                if self._budget is not None and choice.name:
                    self.store.set_budget(choice.name, self._budget)
            return self._engine


def _checked_mode(mode: str) -> Mode:
    if mode not in MODES:
        raise ConfigError(f"mode is {mode!r}.", f"It is one of {', '.join(MODES)}.", "Choose one of them.")
    return cast("Mode", mode)


def _settled(images: Iterable[Any]) -> list[Any]:
    """Pictures that only a running loop can finish, finished; all others as they are."""
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


_current: Session | None = None


def current() -> Session:
    """The session that `nb.edit` and the magics use: the innermost `with` block's, else one for the process."""
    global _current  # noqa: PLW0603 - one default session a process is the point
    if _current is None:
        _current = Session()
    return _current


def use(session: Session | None) -> Session | None:
    """Make a session the current one (None: a fresh default on next use); returns the one before."""
    global _current
    before, _current = _current, session
    return before
