"""
Credentials: the key of a service, from its environment variables or from the file that a login wrote.

A key is read here, for the service that was chosen and no other, kept out of every repr, and handed to its provider.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbbanana.errors import (
    ConfigError,
    CredentialError,
    TokenRejectedError,
    UnsafeTokenFileError,
    bare_cause,
    translated,
)
from nbbanana.providers.endpoints import Endpoints
from nbbanana.providers.spec import ProviderSpec

__all__ = [
    "PLAY_TOKEN_PREFIX",
    "Credential",
    "Token",
    "find_credential",
    "forget_token",
    "key_place",
    "key_variables_set",
    "save_token",
]

PLAY_TOKEN_PREFIX = "nbsandbox_"  # noqa: S105 - it marks play tokens, it is none
"""A token for play money. No service takes it, so whatever answers to it plays."""


class Token(str):
    """A token: a string that does not show itself where tools write down the variables of a traceback's frames."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from: the name of a variable or of a file. The token is in no repr."""

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
    """Return where the key of a service is, by the name of a variable or of a file; None where it has none here."""
    names = key_variables_set(spec)
    if names or not spec.key_variables:
        return names[0] if names else None
    return spec.kept_at.name if spec.kept_at.exists() else None


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
            raise _two_keys(spec, names)
        return Credential(_checked(tokens.pop(), names[0], spec), names[0])
    if not spec.key_variables:
        return None
    path = spec.kept_at
    stored = _read(path, spec)
    if stored is None:
        return None
    if stored.given_for != endpoints.as_dict():
        raise _given_for_others(stored.given_for, endpoints, spec)
    return Credential(_checked(stored.token, path.name, spec), path.name)


def _two_keys(spec: ProviderSpec, names: list[str]) -> ConfigError:
    return ConfigError(
        f"{' and '.join(names)} hold different keys.",
        f"Both are keys for {spec.title}, and only one of them should pay.",
        f"Unset {names[-1]}, or give both the same key.",
    )


def save_token(spec: ProviderSpec, token: str, endpoints: Endpoints) -> Path:
    """
    Keep a token for `find_credential`: written beside, mode 0600, then renamed.

    A token for other bases than the service's own notes which, so that it goes nowhere else.

    Raises:
        TokenRejectedError: it cannot be a token.
        ConfigError: the folder does not take it.
    """
    token, path = Token(token), spec.kept_at
    # The form of the RunComfy CLI, which shares its file.
    content: dict[str, Any] = {
        "access_token": _checked(token, "The answer", spec),
        "refresh_token": None,
        "expires_at": None,
        "user_email": None,
    }
    if not endpoints.is_official:
        content["endpoints"] = endpoints.as_dict()
    with translated(OSError, lambda error: _cannot_be_kept(error, path)):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".token.", dir=path.parent)  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return path


def _cannot_be_kept(error: BaseException, path: Path) -> ConfigError:
    why = f"Its folder says: {getattr(error, 'strerror', None) or type(error).__name__}."
    return ConfigError("The token cannot be kept.", why, f"Make {path.parent} a folder that you can write to.")


def forget_token(spec: ProviderSpec) -> bool:
    """Remove the stored token; return whether there was one. No call is made: the service still knows it."""
    path = spec.kept_at
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a token file holds: the token, and the bases it was given for."""

    token: Token
    given_for: Any


def _read(path: Path, spec: ProviderSpec) -> _Stored | None:
    """Read the token file; None where there is none."""
    try:
        _refuse_if_shared(path, path.stat().st_mode, spec)
        content, cause = json.loads(path.read_text(encoding="utf-8")), None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        content, cause = None, bare_cause(error)
    if cause is not None:  # raised out here: json's error holds the file's text, and must not be our context
        raise TokenRejectedError(
            f"The token file {path.name} cannot be read.", "It is damaged, or not yours to read.", "Log in again."
        ) from cause
    content = content if isinstance(content, dict) else {}
    official = spec.endpoints().as_dict()
    return _Stored(Token(str(content.get("access_token") or "").strip()), content.get("endpoints") or official)


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


def _refuse_if_shared(path: Path, mode: int, spec: ProviderSpec) -> None:
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeTokenFileError(
            f"Others on this machine can read {path.name}.",
            f"Its mode is {stat.S_IMODE(mode):04o}; a token file is for its owner alone.",
            f"Run chmod 600 on it; if others may have read it, make a new token: {spec.key_page}.",
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
