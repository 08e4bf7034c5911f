"""
Choosing the provider of a session: what the user chose, else the default service where its key is here, else the one
service that the user logged in at, else play money in a kernel.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nbbanana.errors import ConfigError, NoCredentialError
from nbbanana.settings import DEFAULT_PROVIDER, PLAY_PROVIDER, settings

if TYPE_CHECKING:
    from nbbanana.providers import Provider
    from nbbanana.providers.credentials import Credential
    from nbbanana.providers.endpoints import Endpoints
    from nbbanana.providers.spec import ProviderSpec
    from nbbanana.store import Store

__all__ = ["Choice", "by_login", "choose", "in_kernel", "in_marimo", "nobody_is_asked"]


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
        from nbbanana.providers.registry import title_of

        return title_of(self.name) if self.name else ""

    @property
    def message(self) -> str:
        """What to tell the user; made where it is shown, since other keys are looked for among all packages."""
        return self.text + (_others() if self.names_keys else "")

    def provider(self) -> Provider | None:
        """Make the provider."""
        if self.spec is None:
            return None
        return self.spec.connect(self.credential, self.endpoints or self.spec.endpoints(), self.scale)


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
    from nbbanana.providers.registry import find

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
    from nbbanana.providers.credentials import key_place
    from nbbanana.providers.registry import find, logged_in

    found = logged_in()
    if not found or key_place(find(DEFAULT_PROVIDER)):
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
    from nbbanana.providers.credentials import find_credential

    # Play money hurries, whether it is this process that plays or another that is served: by the same setting.
    hurry = settings().sandbox_scale
    if not spec.key_variables:
        return Choice(spec.name, spec, scale=hurry if spec.is_play else 1.0, is_play=spec.is_play)
    endpoints = spec.endpoints.from_environment()
    credential = find_credential(spec, endpoints)
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
    from nbbanana.providers.registry import find

    default, play = find(DEFAULT_PROVIDER), find(PLAY_PROVIDER)
    notice = (
        f"A test picture of the {play.name}: there is no {default.title} token, so no model made it and nothing was "
        "paid. "
        f"For real pictures: %nblogin, or set {default.key_variables[0]}."
    )
    return Choice(play.name, play, scale=settings().sandbox_scale, is_play=True, text=notice, names_keys=True)


def _others() -> str:
    """Return a sentence for each key of another service that is here: how to choose it, and what a picture costs."""
    from nbbanana.providers.credentials import key_variables_set
    from nbbanana.providers.registry import Broken, listed

    said = ""
    for spec in listed():
        if not isinstance(spec, Broken) and spec.name != DEFAULT_PROVIDER and (names := key_variables_set(spec)):
            said += f" {names[0]} is set: to use {spec.title} with it, {_how_to_choose(spec)}."
    return said


def _how_to_choose(spec: ProviderSpec) -> str:
    found = spec.offer(settings().model or spec.default_model)
    price = f"; a picture costs about ${found.prices.base:.4g} there" if found and found.prices else ""
    return f"write %%nbedit --provider {spec.name}, or %config NBBanana.provider = {spec.name!r}{price}"


def in_kernel() -> bool:
    """Return whether this process is interactive: IPython's shell or a marimo notebook runs it."""
    if (ipython := sys.modules.get("IPython")) is not None and ipython.get_ipython() is not None:
        return True
    return in_marimo()


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
