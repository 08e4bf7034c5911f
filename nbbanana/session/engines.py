"""Who runs the requests of a session: the choice of a provider and an account, and an engine for each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nbbanana.engine.engine import Engine
from nbbanana.engine.reuse import Reuse
from nbbanana.errors import ConfigError, CredentialError, NoCredentialError
from nbbanana.providers import credentials
from nbbanana.providers.credentials import Credential
from nbbanana.providers.registry import Broken, Endpoints, ProviderSpec, find, listed, logged_in, title_of
from nbbanana.session.library import shell
from nbbanana.settings import DEFAULT_PROVIDER, PLAY_PROVIDER, Guarded, settings
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["Choice", "Engines", "by_login", "choose", "in_kernel", "in_marimo", "nobody_is_asked"]


@dataclass(frozen=True, slots=True)
class Choice:
    """
    A choice, comparable so that a session notices when it changes, such as after a login.

    Args:
        name: the provider that records name; empty where there is none.
        spec: what it is; None where there is none.
        credential: its key.
        endpoints: where it is.
        scale: the seconds here that a second of a service takes; less than 1 for one that plays.
        is_play: whether its money is play money.
        text: what to tell the user: once, where there is a provider; else why there is none.
        names_keys: whether the keys of other services that are here belong to that.
    """

    name: str
    spec: ProviderSpec | None = None
    credential: Credential | None = None
    endpoints: Endpoints | None = None
    scale: float = 1.0
    is_play: bool = False
    text: str = field(default="", compare=False)
    names_keys: bool = field(default=False, compare=False)

    @property
    def title(self) -> str:
        """What a control or a list calls it; empty where there is none."""
        return title_of(self.name) if self.name else ""

    @property
    def message(self) -> str:
        """What to tell the user; made where it is shown, since other keys are looked for among all packages."""
        return self.text + (_others() if self.names_keys else "")


def choose(wanted: str, store: Store) -> Choice:
    """
    Choose the provider.

    Args:
        wanted: the name of one; empty takes the one of the settings, else the default one where its key is here, else
            the one of a login of nbbanana's own. A variable with the key of another service was set for other work,
            and decides nothing.
        store: a store that holds paid edits is never continued by play money unless the user says so.

    Raises:
        ConfigError: there is no such provider, or the user logged in at several and chose none.
        CredentialError: a key that is there and cannot be used. That is never a reason to fall back.
    """
    if settings().replay_store or settings().mode == "replay":
        return Choice("", text="In replay everything is answered from the store, and no service is asked.")

    wanted = wanted or settings().provider
    spec = find(wanted or DEFAULT_PROVIDER)
    choice = _at(spec)
    if choice is not None:
        return choice
    if wanted:
        raise NoCredentialError(
            f"There is no key for {spec.title}.", f"{wanted} was asked for.", f"{spec.how_to_log_in}."
        )
    if (login := by_login()) is not None and (choice := _at(login)) is not None:
        return replace(choice, text=f"{login.label} runs this: you logged in there, and nothing else was chosen.")
    return _without_credential(store)


def by_login() -> ProviderSpec | None:
    """
    Return the provider of a login of nbbanana's own, which decides where nobody chose and the default one has no key.

    Raises:
        ConfigError: there are several.
    """
    found = logged_in()
    if not found or credentials.key_place(find(DEFAULT_PROVIDER)):
        return None
    if len(found) > 1:
        raise ConfigError(
            f"You are logged in at {' and '.join(spec.label for spec in found)}, and no service was chosen.",
            "Only one of them should pay.",
            f"To choose one, {_how_to_choose(found[0])}; or log out: %nblogout {found[-1].name}.",
        )
    return found[0]


def _at(spec: ProviderSpec) -> Choice | None:
    """Return the choice of a provider with its key; None where its key is missing."""
    # Play money hurries, whether it is this process that plays or another that is served: by the same setting.
    hurry = settings().sandbox_scale
    if not spec.key_variables:
        return Choice(spec.name, spec, scale=hurry if spec.is_play else 1.0, is_play=spec.is_play)
    endpoints = spec.endpoints.from_environment()
    credential = credentials.find_credential(spec, endpoints)
    if credential is None:
        return None
    is_play = bool(spec.play_name) and credential.is_play
    name, scale = (spec.play_name, hurry) if is_play else (spec.name, 1.0)
    return Choice(name, spec, credential, endpoints, scale, is_play)


def nobody_is_asked() -> NoCredentialError:
    """Return the error for a question to a service in replay."""
    what, why = "No service is asked in replay.", "Everything is answered from the store."
    return NoCredentialError(what, why, "Use mode='auto' to ask it.")


def _without_credential(store: Store) -> Choice:
    if not in_kernel():
        why = f"No key was found, and outside a notebook the {PLAY_PROVIDER} has to be asked for."
        return Choice("", text=why, names_keys=True)
    if store.has_paid_edits():
        return Choice("", text="No key was found, and this store holds paid edits.", names_keys=True)

    default, play = find(DEFAULT_PROVIDER), find(PLAY_PROVIDER)
    notice = (
        f"A test picture of the {play.name}: there is no {default.title} token, so no model made it and nothing was "
        "paid. "
        f"For real pictures: %nblogin, or set {default.key_variables[0]}."
    )
    return Choice(play.name, play, scale=settings().sandbox_scale, is_play=True, text=notice, names_keys=True)


def _others() -> str:
    """Return a sentence for each key of another service that is here: how to choose it, and what a picture costs."""
    said = ""
    for spec in listed():
        if (
            not isinstance(spec, Broken)
            and spec.name != DEFAULT_PROVIDER
            and (names := credentials.key_variables_set(spec))
        ):
            said += f" {names[0]} is set: to use {spec.title} with it, {_how_to_choose(spec)}."
    return said


def _how_to_choose(spec: ProviderSpec) -> str:
    found = spec.offer(settings().model or spec.default_model)
    price = f"; a picture costs about ${found.prices.base:.4g} there" if found and found.prices else ""
    return f"write %%nbedit --provider {spec.name}, or %config NBBanana.provider = {spec.name!r}{price}"


def in_kernel() -> bool:
    """Return whether this process is interactive: IPython's shell or a marimo notebook runs it."""
    return shell() is not None or in_marimo()


def in_marimo() -> bool:
    """
    Return whether a marimo notebook runs this process: its cells are Python alone.

    marimo answers only in the thread that runs its cells. A yes is kept, since threads of forms and jobs ask as well.
    """
    global _is_marimo  # noqa: PLW0603 - a process does not change its host
    marimo = sys.modules.get("marimo")
    _is_marimo = _is_marimo or (marimo is not None and bool(marimo.running_in_notebook()))
    return _is_marimo


_is_marimo = False


class Engines(Guarded):
    """
    The engines of a session, made on first use and kept, so that a job stays where it was sent.

    Args:
        store: gives the store of the session.
        wanted: the provider that the session names; empty for whatever fits.
        budget: US dollars to set, once, for each provider that is used; None sets none.
    """

    def __init__(self, store: Callable[[], Store], wanted: str, budget: float | None) -> None:
        self._store = store
        self.wanted = wanted
        """The provider that the session names; empty where it names none."""
        self._budget = budget
        self._engines: dict[Choice, Engine] = {}
        self._reuse: Reuse | None = None
        self._budgeted: set[str] = set()
        super().__init__()

    def choice(self, provider: str = "") -> Choice:
        """Choose a provider and an account: the one that is named, else as settings, environment and logins are now."""
        return choose(provider or self.wanted, self._store())

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

    def _make(self, choice: Choice) -> Engine:
        spec = choice.spec
        if spec is None:
            mend = f"{find(DEFAULT_PROVIDER).how_to_log_in}; to try without paying, use the {PLAY_PROVIDER}."
            raise NoCredentialError("There is no key for a service that makes pictures.", choice.message, mend)
        known = settings()
        return Engine(
            self._store(),
            spec.connect(choice.credential, choice.endpoints or spec.endpoints(), choice.scale),
            self.reuse,
            timeout=known.timeout,
            concurrency=known.concurrency,
            measure=lambda: settings().measure,  # it decides about no money and no record of what was paid
        )
