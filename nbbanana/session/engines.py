"""`Engines`: the engines of a session, one for each provider and account that it has used."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable

from nbbanana.engine.engine import Engine
from nbbanana.engine.reuse import Reuse
from nbbanana.errors import ConfigError, CredentialError, NoCredentialError
from nbbanana.session.choice import Choice, choose
from nbbanana.settings import DEFAULT_PROVIDER, PLAY_PROVIDER, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Engines"]


class Engines:
    """
    The engines of a session, made on first use and kept, so that a job stays where it was sent.

    Args:
        store: gives the store of the session.
        wanted: the provider that the session names; empty for whatever fits.
        budget: US dollars to set, once, for each provider that is used; None sets none.
    """

    def __init__(self, store: Callable[[], Store], wanted: str, budget: float | None) -> None:
        self._store = store
        self._wanted = wanted
        self._budget = budget
        self._engines: dict[Choice, Engine] = {}
        self._reuse: Reuse | None = None
        self._budgeted: set[str] = set()
        self._guard = threading.RLock()
        _all.add(self)

    @property
    def wanted(self) -> str:
        """The provider that the session names; empty where it names none."""
        return self._wanted

    def choice(self, provider: str = "") -> Choice:
        """Choose a provider and an account: the one that is named, else as settings, environment and logins are now."""
        return choose(provider or self._wanted, self._store())

    def chosen(self, provider: str = "") -> tuple[Choice, Engine]:
        """
        Return the choice of provider and account as it is now, and its engine.

        Args:
            provider: the name of one; empty takes the session's.

        Raises:
            ConfigError: there is no such provider.
            CredentialError: there is no provider that could run requests.
        """
        with self._guard:
            choice = self.choice(provider)
            engine = self._engines.get(choice)
            if engine is None or engine.pid != os.getpid():  # a forked child makes its own
                engine = self._engines[choice] = self._make(choice)
            if self._budget is not None and choice.name not in self._budgeted:
                self._budgeted.add(choice.name)
                self._store().set_budget(choice.name, self._budget)
            return choice, engine

    def of(self, provider: str) -> Engine:
        """Return the engine for records of a provider: the one that is chosen now, where it is that provider's."""
        return self.chosen("" if self.choice().name == provider else provider)[1]

    def reach(self, edit: Edit) -> bool:
        """
        Return whether the job of a record can be asked about: at the provider of now, or at another whose key is here.

        Raises:
            CredentialError: the key of the provider of now cannot be used.
        """
        if edit.is_play or edit.provider == self.choice().name:
            return edit.provider == self.choice().name  # what plays has its jobs in its own process
        try:
            self.chosen(edit.provider)
        except (ConfigError, CredentialError):
            return False
        return True

    @property
    def reuse(self) -> Reuse:
        """What this session asked already."""
        with self._guard:
            if self._reuse is None:
                self._reuse = Reuse(self._store())
            return self._reuse

    def take(self) -> list[Engine]:
        """Give up all engines of this process, to be closed by the caller."""
        with self._guard:
            engines = [engine for engine in self._engines.values() if engine.pid == os.getpid()]
            self._engines, self._reuse = {}, None
        return engines

    def renew_guard(self) -> None:
        """Replace the lock in a forked child: a thread of the parent may have held it, and does not exist here."""
        self._guard = threading.RLock()

    def _make(self, choice: Choice) -> Engine:
        provider = choice.provider()
        if provider is None:
            raise _without_key(choice)
        known = settings()
        return Engine(
            self._store(),
            provider,
            self.reuse,
            timeout=known.timeout,
            concurrency=known.concurrency,
            measure=lambda: settings().measure,  # it decides about no money and no record of what was paid
        )


def _without_key(choice: Choice) -> NoCredentialError:
    from nbbanana.providers.registry import find

    mend = f"{find(DEFAULT_PROVIDER).how_to_log_in}; to try without paying, use the {PLAY_PROVIDER}."
    return NoCredentialError("There is no key for a service that makes pictures.", choice.message, mend)


_all: weakref.WeakSet[Engines] = weakref.WeakSet()


def _after_fork() -> None:
    for engines in list(_all):
        engines.renew_guard()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
