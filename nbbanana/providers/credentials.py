"""
Credentials: the key of a service, from its environment variables, or from where a login put it.

A login keeps a key in the system's keyring where the package `keyring` is installed (extra `keyring`) and works, else
in a file of mode 0600. The file is there in both cases: it says which bases the key was given for, and holds the key or
says that the keyring does. The keyring is opened for a key that a login put there and for no
other, so that nobody is asked to unlock it for nothing.

A key is read here, for the service that was chosen and no other, kept out of every repr, and handed to its provider.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from nbbanana.errors import (
    ConfigError,
    CredentialError,
    TokenRejectedError,
    UnsafeTokenFileError,
    translated,
)
from nbbanana.providers.registry import Endpoints, ProviderSpec
from nbbanana.settings import write_private

__all__ = [
    "KEYRING",
    "PLAY_TOKEN_PREFIX",
    "Credential",
    "Token",
    "find_credential",
    "forget_token",
    "kept_in_words",
    "key_place",
    "key_variables_set",
    "login_place",
    "save_token",
]

KEYRING = "keyring"
"""Where a key is that is in no file; and what the file of its login says then."""
SERVICE = "nbbanana"
"""Under which name the keyring lists the keys."""
PLAY_TOKEN_PREFIX = "nbsandbox_"  # noqa: S105 - it marks play tokens, it is none
"""A token for play money. No service takes it, so whatever answers to it plays."""


T = TypeVar("T")


class Token(str):
    """A token: a string that does not show itself where tools write down the variables of a traceback's frames."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from: a variable, a file or the keyring, by name. The token is in no repr."""

    token: str = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", Token(self.token))

    @property
    def is_play(self) -> bool:
        """Whether it is for play money."""
        return self.token.startswith(PLAY_TOKEN_PREFIX)


def key_variables_set(spec: ProviderSpec) -> list[str]:
    """Return which of a service's key variables hold something; their values are not kept."""
    return [name for name in spec.key_variables if os.environ.get(name, "").strip()]


def key_place(spec: ProviderSpec) -> str | None:
    """Return where the key of a service is: a variable, a file or the keyring; None where it has none here."""
    names = key_variables_set(spec)
    if names or not spec.key_variables:
        return names[0] if names else None
    return login_place(spec)


def login_place(spec: ProviderSpec) -> str | None:
    """Return where a login put the key of a service: the name of a file, or the keyring; neither is opened for it."""
    if not spec.kept_at.exists():
        return None
    return KEYRING if _is_in_keyring(spec) else spec.kept_at.name


def kept_in_words(spec: ProviderSpec) -> str:
    """Return sentences that say where a login put the key, and what comes before it."""
    place = login_place(spec)
    said = (
        "The key is in the system's keyring." if place == KEYRING else f"The key is in {place}, for you alone to read."
    )
    first = key_variables_set(spec)
    return f"{said} {first[0]} is set and comes before it." if first else said


def find_credential(spec: ProviderSpec, endpoints: Endpoints) -> Credential | None:
    """
    Return the token for a service at these endpoints, or None where there is none.

    A variable comes first and goes wherever the environment points. A stored token goes to another base only when it
    was given for it.

    Raises:
        ConfigError: two variables of the service hold different keys.
        TokenRejectedError: a token that cannot be one, or a token file that cannot be read.
        CredentialError: a stored token that was given for other bases than these.
        UnsafeTokenFileError: a token file that others can read.
    """
    names = key_variables_set(spec)
    if names:
        tokens = {Token(os.environ[name].strip()) for name in names}
        if len(tokens) > 1:
            raise ConfigError(
                f"{' and '.join(names)} hold different keys.",
                f"Both are keys for {spec.title}, and only one of them should pay.",
                f"Unset {names[-1]}, or give both the same key.",
            )
        return Credential(_checked(tokens.pop(), names[0], spec), names[0])
    stored = _read(spec.kept_at, spec) if spec.key_variables else None
    if stored is None:
        return None
    given_for = stored.get("endpoints") or spec.endpoints().as_dict()
    if given_for != endpoints.as_dict():
        raise _given_for_others(given_for, endpoints, spec)
    is_in_keyring = stored.get(KEYRING) is True
    place = KEYRING if is_in_keyring else spec.kept_at.name
    token = _from_keyring(spec, spec.kept_at.stat().st_mtime_ns) if is_in_keyring else stored["access_token"]
    return Credential(_checked(token, place, spec), place)


def save_token(spec: ProviderSpec, token: str, endpoints: Endpoints) -> Path:
    """
    Keep a token for `find_credential`: in the keyring, else in a file that is written beside, mode 0600, then renamed.

    A token for other bases than the service's own notes which, so that it goes nowhere else. A file that is shared with
    another tool always holds the token itself, so that the tool finds it. Returns the file.

    Raises:
        TokenRejectedError: it cannot be a token.
        ConfigError: the folder does not take it.
    """
    token, path = Token(token), spec.kept_at  # before it is checked: no traceback may show it
    _checked(token, "The answer", spec)
    was_in_keyring = _is_in_keyring(spec)
    in_keyring = spec.token_file is None and _keep(spec.name, token)
    if was_in_keyring and not in_keyring:
        _forget(spec.name)
    # The form of the RunComfy CLI, which shares its file.
    content: dict[str, Any] = {
        "access_token": None if in_keyring else token,
        "refresh_token": None,
        "expires_at": None,
        "user_email": None,
    }
    content |= {KEYRING: True} if in_keyring else {}
    content |= {} if endpoints.is_official else {"endpoints": endpoints.as_dict()}
    try:
        _write(path, content)
    except ConfigError:
        if in_keyring:
            _forget(spec.name)
        raise
    return path


def _write(path: Path, content: Mapping[str, Any]) -> None:
    def cannot_be_kept(error: OSError) -> ConfigError:
        why = f"Its folder says: {error.strerror or type(error).__name__}."
        return ConfigError("The token cannot be kept.", why, f"Make {path.parent} a folder that you can write to.")

    with translated(OSError, cannot_be_kept):
        write_private(path, json.dumps(content, indent=2).encode())


def forget_token(spec: ProviderSpec) -> bool:
    """
    Remove the stored token; return whether there was one. No call is made: the service still knows it.

    Raises:
        CredentialError: the keyring does not give it up.
    """
    path = spec.kept_at
    existed = path.exists()
    if _is_in_keyring(spec):
        _forget(spec.name)
        if _kept(spec.name) is not None:
            raise CredentialError(
                f"The key of {spec.title} is still in the system's keyring.",
                "The keyring did not remove it.",
                f"Unlock it and log out again, or remove the entry {SERVICE}/{spec.name} with its own program.",
            )
    path.unlink(missing_ok=True)
    return existed


@cache
def _from_keyring(spec: ProviderSpec, login: int) -> Token:
    """Return the key of a service by a login of that time: the keyring is opened once a process, and asks once."""
    found = Token(_kept(spec.name) or "")
    if not found:
        raise CredentialError(
            f"The key of {spec.title} cannot be taken from the system's keyring.",
            "It is locked or cannot be reached from here, or the entry or the package `keyring` was removed.",
            f"{spec.how_to_log_in}.",
        )
    return found


def _is_in_keyring(spec: ProviderSpec) -> bool:
    """Return whether the file of a login says that the keyring has the key; a file that cannot be read does not."""
    try:
        content = json.loads(spec.kept_at.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get(KEYRING) is True


def _read(path: Path, spec: ProviderSpec) -> dict[str, Any] | None:
    """Return what a token file holds, its token as a `Token`; None where there is no file."""
    if not path.exists():
        return None
    damaged = TokenRejectedError(
        f"The token file {path.name} cannot be read.", "It is damaged, or not yours to read.", "Log in again."
    )
    with translated((OSError, ValueError, RecursionError), lambda _: damaged):
        mode = path.stat().st_mode
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UnsafeTokenFileError(
                f"Others on this machine can read {path.name}.",
                f"Its mode is {stat.S_IMODE(mode):04o}; a token file is for its owner alone.",
                f"Run chmod 600 on it; if others may have read it, make a new token: {spec.key_page}.",
            )
        found = json.loads(path.read_text(encoding="utf-8"))
    content = found if isinstance(found, dict) else {}
    return content | {"access_token": Token(str(content.get("access_token") or "").strip())}


def _given_for_others(given_for: Any, endpoints: Endpoints, spec: ProviderSpec) -> CredentialError:
    given = given_for if isinstance(given_for, dict) else {}
    now = endpoints.as_dict()
    changed = [variable for name, variable in endpoints.variables().items() if given.get(name) != now[name]]
    return CredentialError(
        "The stored token was given for another service.",
        f"{' and '.join(changed)} {'differs' if len(changed) == 1 else 'differ'} from when you logged in, and a token "
        "goes only where it was given for.",
        f"Change {' and '.join(changed)}, log in again, or set {spec.key_variables[0]}.",
    )


def _checked(token: Token, source: str, spec: ProviderSpec) -> Token:
    # What does not fit into a header would fail deep inside HTTP, with the token in the message.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRejectedError(
            f"{source} holds no usable token for {spec.title}.",
            "A token is one word of plain characters.",
            f"{spec.how_to_log_in}.",
        )
    return token


# ── the keyring ─────────────────────────────────────────────────────────────────────────────────────────────────


def _ask_keyring(question: Callable[[Any], T]) -> T | None:
    """Return what the system's keyring answers; None where there is none, or one that is locked or fails."""
    try:
        import keyring

        return question(keyring)
    except Exception:  # noqa: BLE001 - backends are others' code, with errors of their own
        return None


def _keep(name: str, key: str) -> bool:
    """Put the key of a service into the keyring; return whether it is there now: a backend may keep nothing."""
    _ask_keyring(lambda keyring: keyring.set_password(SERVICE, name, key))
    return _kept(name) == key


def _kept(name: str) -> str | None:
    """Return the key of a service from the keyring; None where it cannot be had."""
    found = _ask_keyring(lambda keyring: keyring.get_password(SERVICE, name))
    return str(found) if found else None


def _forget(name: str) -> None:
    """Remove the key of a service from the keyring, where that can be done."""
    _ask_keyring(lambda keyring: keyring.delete_password(SERVICE, name))
