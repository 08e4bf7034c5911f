"""
Credentials: the token, from `RUNCOMFY_TOKEN` or from the `token.json` that the RunComfy CLI writes too.

A token is read here, kept out of every repr, and handed to the provider; nothing else sees it.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from nbbanana.errors import (
    ConfigError,
    CredentialError,
    TokenRejectedError,
    UnsafeTokenFileError,
    bare_cause,
    translated,
)
from nbbanana.settings import BASE_VARIABLES, Endpoints, config_dir

__all__ = ["SANDBOX_TOKEN_PREFIX", "Credential", "Token", "find_credential", "forget_token", "save_token", "token_file"]

SANDBOX_TOKEN_PREFIX = "nbsandbox_"  # noqa: S105 - it marks play tokens, it is none
"""A token that a sandbox made. No service takes it, so whatever answers to it is a sandbox."""


class Token(str):
    """A token: a string that does not show itself where tools write down the variables of a traceback's frames."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<token>"


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from. The token is in no repr."""

    token: str = field(repr=False)
    source: Literal["RUNCOMFY_TOKEN", "token.json", "sandbox"]

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", Token(self.token))

    @property
    def is_sandbox(self) -> bool:
        """Whether a sandbox made it."""
        return self.token.startswith(SANDBOX_TOKEN_PREFIX)


def token_file() -> Path:
    """Return the file that holds the token of `login`, shared with the RunComfy CLI."""
    return config_dir() / "token.json"


def find_credential(endpoints: Endpoints) -> Credential | None:
    """
    Return the token for these endpoints, or None where there is none.

    `RUNCOMFY_TOKEN` comes first and goes wherever the environment points. A stored token goes to another base
    only when it was given for it.

    Raises:
        TokenRejectedError: a token that cannot be one, or a token file that cannot be read.
        CredentialError: a stored token that was given for other bases than these.
        UnsafeTokenFileError: a token file that others can read.
    """
    if token := Token(os.environ.get("RUNCOMFY_TOKEN", "").strip()):
        return Credential(_checked(token, "RUNCOMFY_TOKEN"), "RUNCOMFY_TOKEN")
    stored = _read(token_file())
    if stored is None:
        return None
    if stored.given_for != asdict(endpoints):
        raise _given_for_others(stored.given_for, endpoints)
    return Credential(_checked(stored.token, "token.json"), "token.json")


def save_token(token: str, endpoints: Endpoints) -> Path:
    """
    Keep a token for `find_credential` and for the RunComfy CLI: written beside, mode 0600, then renamed.

    A token for other bases than RunComfy's own notes which, so that it goes nowhere else.

    Raises:
        TokenRejectedError: it cannot be a token.
        ConfigError: the folder does not take it.
    """
    token, path = Token(token), token_file()
    content: dict[str, Any] = {
        "access_token": _checked(token, "The answer"),
        "refresh_token": None,
        "expires_at": None,
        "user_email": None,
    }
    if not endpoints.is_official:
        content["endpoints"] = asdict(endpoints)
    with translated(OSError, _cannot_be_kept):
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


def _cannot_be_kept(error: BaseException) -> ConfigError:
    why = f"Its folder says: {getattr(error, 'strerror', None) or type(error).__name__}."
    return ConfigError("The token cannot be kept.", why, "Set RUNCOMFY_CONFIG_DIR to a folder that you can write to.")


def forget_token() -> bool:
    """Remove the stored token; return whether there was one. No call is made: the service still knows it."""
    path = token_file()
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


@dataclass(frozen=True, slots=True)
class _Stored:
    """What a token file holds: the token, and the bases it was given for."""

    token: Token
    given_for: Any


def _read(path: Path) -> _Stored | None:
    """Read the token file; None where there is none."""
    try:
        _refuse_if_shared(path, path.stat().st_mode)
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
    return _Stored(
        Token(str(content.get("access_token") or "").strip()), content.get("endpoints") or asdict(Endpoints())
    )


def _given_for_others(given_for: Any, endpoints: Endpoints) -> CredentialError:
    given = given_for if isinstance(given_for, dict) else {}
    changed = [name for base, name in BASE_VARIABLES.items() if given.get(base) != getattr(endpoints, base)]
    return CredentialError(
        "The stored token was given for another service.",
        f"{' and '.join(changed)} {'differs' if len(changed) == 1 else 'differ'} from when you logged in, and a token "
        "goes only where it was given for.",
        f"Change {' and '.join(changed)}, log in again, or set RUNCOMFY_TOKEN.",
    )


def _refuse_if_shared(path: Path, mode: int) -> None:
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeTokenFileError(
            f"Others on this machine can read {path.name}.",
            f"Its mode is {stat.S_IMODE(mode):04o}; a token file is for its owner alone.",
            "Run chmod 600 on it; if others may have read it, make a new token on runcomfy.com.",
        )


def _checked(token: Token, source: str) -> Token:
    # What does not fit into a header would fail deep inside HTTP, with the token in the message.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRejectedError(
            f"{source} holds no usable token.",
            "A token is one word of plain characters.",
            "Log in again, or set it anew.",
        )
    return token
