"""What a session consists of: its store, mode and models, who runs its requests; and which session counts where."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Generic, TypeVar

from nbbanana.engine.engine import Engine
from nbbanana.engine.prices import Quote
from nbbanana.errors import UsageError
from nbbanana.images import ImageInput, load_all
from nbbanana.models import Model
from nbbanana.request import EditRequest
from nbbanana.session.call_args import checked_dollars, checked_mode
from nbbanana.session.engines import Choice, Engines, nobody_is_asked
from nbbanana.session.library import Library, is_bundle, load_or_recall, open_store
from nbbanana.session.model_choice import default_model, find_model
from nbbanana.session.results import EditResult
from nbbanana.settings import Guarded, Mode, data_dir, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Active", "SessionState"]


class SessionState:
    """The store, the mode, the models and the engines of a session; `Session` asks with them."""

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
        self.library = Library(lambda: open_store(self.folder))
        """The store and the models of its records."""
        self.is_closed = False
        self.used: dict[int, None] = {}
        """The ids of the edits that were asked for here, in the order of their first use."""
        self.last: EditResult | None = None
        """This kernel's last edit."""

    def __repr__(self) -> str:
        return f"<Session store={self.folder.name!r}>"

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

    @property
    def folder(self) -> Path:
        """The store's folder; where a notebook is replayed, the store that it is replayed from."""
        own, forced = self._folder, settings().replay_store
        if forced and not (self._mode == "replay" and own is not None and own.exists()):
            return Path(forced).expanduser()
        return own or (Path(settings().store).expanduser() if settings().store else data_dir() / "store")

    def default_model_at(self, provider: str | None = None) -> str:
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

    def engine_at(self, provider: str | None = None) -> Engine:
        """
        Return the engine of a provider, with the account that is chosen now; None is the session's provider.

        Raises:
            CredentialError: there is no key, or nobody is asked, as in replay.
        """
        if self.mode == "replay":
            raise nobody_is_asked()
        return self._engines.chosen(provider or "")[1]

    def choice(self, provider: str | None = None) -> Choice:
        """Return who would run a request now, at a provider (None: the session's); one without a name in replay."""
        return Choice("") if self.mode == "replay" else self._engines.choice(provider or "")

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

    def load(self, images: Iterable[Any]) -> tuple[ImageInput, ...]:
        """
        Load pictures; in `replay`, a file that is not here is taken from the store by its name.

        Raises:
            ImageError: one that cannot be had.
        """
        return load_or_recall(images, self.store) if self.mode == "replay" else load_all(list(images))

    def quote(self, request: EditRequest, provider: str | None = None) -> Quote:
        """Return what a request will cost; in `replay` no price is asked."""
        if self.mode == "replay":
            return Quote(None, None, "the price is not asked in replay")
        return self.engine_at(provider).quote(request, self.model_of(request.model, provider)).result()

    def standings(self, asked: Sequence[tuple[EditRequest, int]], provider: str | None = None) -> list[Edit | None]:
        """Return the edit that stands for each sample of an ask at a provider; see `nbbanana.engine.reuse`."""
        return self._engines.reuse.standings(asked, self.choice(provider).name or None)

    def _effective(self, mode: Mode | None) -> Mode:
        """Return the mode of a request that asks for `mode`."""
        if settings().replay_store or (self._mode or settings().mode) == "replay":
            return "replay"
        return checked_mode(mode) if mode else self.mode


S = TypeVar("S", bound=SessionState)


class Active(Guarded, Generic[S]):
    """
    The session of the innermost `with` block in this thread or task, else the one of the process.

    Args:
        make: makes the session of the process, on first use; a closed one is never used.
    """

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._default: S | None = None
        self._entered: ContextVar[tuple[S, ...]] = ContextVar("sessions", default=())
        """The sessions whose `with` blocks are open in a thread or task, the innermost last."""
        self._open: dict[Any, int] = {}
        """The threads in which `with` blocks are open, by the identity of their session."""
        super().__init__()

    def get(self) -> S:
        """
        Return the session to use here.

        Raises:
            UsageError: this is a worker thread that entered no block, while one is open in another thread: a pool
                inside a `with` does not inherit it, and the session of the process may be one that pays.
        """
        entered = self._entered.get()
        if entered and not entered[-1].is_closed:
            return entered[-1]
        with self._guard:
            others = [thread for thread in self._open.values() if thread != threading.get_ident()]
            if others and threading.current_thread() is not threading.main_thread():
                raise UsageError(
                    "It is not clear which session this thread is to use.",
                    "A `with nb.Session(…)` block is open in another thread, and threads do not inherit it.",
                    "Name it: `with nb.Session(…) as s:`, and s.edit(…) in the thread.",
                )
            if self._default is None or self._default.is_closed:
                self._default = self._make()
            return self._default

    def use(self, session: S | None) -> S | None:
        """Make a session the one of the process; None is a fresh one on next use. Returns the one before."""
        with self._guard:
            before, self._default = self._default, session
        return before

    def enter(self, session: S) -> None:
        """Make a session the one of this thread or task."""
        self._entered.set((*self._entered.get(), session))
        with self._guard:
            self._open[id(session)] = threading.get_ident()

    def leave(self, session: S) -> None:
        """End what `enter` began."""
        self._entered.set(self._entered.get()[:-1])
        with self._guard:
            self._open.pop(id(session), None)
