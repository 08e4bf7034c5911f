"""Choosing the provider of a session: the service where there is a token, else the sandbox in a kernel."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nbbanana.errors import NoCredentialError
from nbbanana.settings import Endpoints, settings

if TYPE_CHECKING:
    from nbbanana.providers import Provider
    from nbbanana.providers.credentials import Credential
    from nbbanana.store import Store

__all__ = ["Choice", "choose", "in_kernel", "in_marimo", "nobody_is_asked"]

FALLBACK = (
    "A test picture of the sandbox: there is no RunComfy token, so no model made it and nothing was paid. "
    "For real pictures: %nblogin, or set RUNCOMFY_TOKEN."
)


@dataclass(frozen=True, slots=True)
class Choice:
    """
    A choice, comparable so that a session notices when it changes, such as after a login.

    Args:
        name: `runcomfy`, `sandbox`, or empty where there is no provider.
        credential: the token, for the service.
        endpoints: where the service is.
        scale: the sandbox's speed.
        notice: a sentence to show the user once.
        reason: why there is no provider.
    """

    name: str
    credential: Credential | None = None
    endpoints: Endpoints | None = None
    scale: float = 1.0
    notice: str | None = field(default=None, compare=False)
    reason: str | None = field(default=None, compare=False)

    def provider(self) -> Provider | None:
        """Make the provider."""
        if self.credential is not None:
            from nbbanana.providers.runcomfy import RunComfy

            # A sandbox that is served hurries as the one in the kernel does: by the same setting.
            return RunComfy(self.credential, self.endpoints, pace=self.scale)
        if self.name == "sandbox":
            from nbbanana.providers.local import local_sandbox

            return local_sandbox(self.scale)
        return None


def choose(wanted: str, store: Store) -> Choice:
    """
    Choose the provider.

    Args:
        wanted: `runcomfy`, `sandbox`, or empty to choose by the credentials.
        store: a store that holds paid edits is never continued by the sandbox unless the user says so.

    Raises:
        CredentialError: a token that is there and cannot be used. That is never a reason to fall back.
    """
    if settings().replay_store or settings().mode == "replay":
        return Choice("", reason="In replay everything is answered from the store, and no service is asked.")
    wanted = wanted or settings().provider
    sandbox = Choice("sandbox", scale=settings().sandbox_scale)
    if wanted == "sandbox":
        return sandbox
    from nbbanana.providers.credentials import find_credential

    endpoints = Endpoints.from_environment()
    credential = find_credential(endpoints)
    if credential is not None:
        name, scale = ("sandbox", sandbox.scale) if credential.is_sandbox else ("runcomfy", 1.0)
        return Choice(name, credential, endpoints, scale)
    if wanted == "runcomfy":
        raise NoCredentialError("RunComfy was asked for, and there is no token.")
    return _without_credential(sandbox, store)


def nobody_is_asked() -> NoCredentialError:
    """Return the error for a question to a service in replay."""
    what, why = "No service is asked in replay.", "Everything is answered from the store."
    return NoCredentialError(what, why, "Use mode='auto' to ask it.")


def _without_credential(sandbox: Choice, store: Store) -> Choice:
    if not in_kernel():
        return Choice("", reason="No token was found, and outside a notebook the sandbox has to be asked for.")
    if store.has_paid_edits():
        return Choice("", reason="No token was found, and this store holds paid edits.")
    return Choice(sandbox.name, scale=sandbox.scale, notice=FALLBACK)


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
