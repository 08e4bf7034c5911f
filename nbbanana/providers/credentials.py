"""
Who you are: the token, from `RUNCOMFY_TOKEN` or from the `token.json` that the RunComfy CLI writes too.

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

from nbbanana.errors import ConfigError, TokenRejectedError, UnsafeTokenFileError
from nbbanana.settings import Endpoints, config_dir

__all__ = ["SANDBOX_TOKEN_PREFIX", "Credential", "find_credential", "forget_token", "save_token", "token_file"]

SANDBOX_TOKEN_PREFIX = "nbsandbox_"  # noqa: S105 - it marks play tokens, it is none
"""A token that a sandbox made. No service takes it, so whatever answers to it is a sandbox."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A token and where it came from. The token is in no repr."""

    token: str = field(repr=False)
    source: Literal["RUNCOMFY_TOKEN", "token.json", "sandbox"]

    @property
    def is_sandbox(self) -> bool:
        """Whether a sandbox made it."""
        return self.token.startswith(SANDBOX_TOKEN_PREFIX)


def token_file() -> Path:
    """The file that holds the token of `login`, shared with the RunComfy CLI."""
    return config_dir() / "token.json"


def find_credential(endpoints: Endpoints) -> Credential | None:
    """
    The token for these endpoints, or None where there is none.

    `RUNCOMFY_TOKEN` comes first and goes wherever the environment points. A stored token goes to another base
    only when it was given for it.

    Raises:
        TokenRejectedError: a token that cannot be one, or a token file that cannot be read.
        UnsafeTokenFileError: a token file that others can read.
    """
    if token := os.environ.get("RUNCOMFY_TOKEN", "").strip():
        return Credential(_checked(token, "RUNCOMFY_TOKEN"), "RUNCOMFY_TOKEN")
    stored = _read(token_file())
    if stored is None:
        return None
    given_for = stored.get("endpoints") or asdict(Endpoints())
    if given_for != asdict(endpoints):
        return None
    token = str(stored.get("access_token") or "").strip()
    return Credential(_checked(token, "token.json"), "token.json")


def save_token(token: str, endpoints: Endpoints) -> Path:
    """
    Keep a token for `find_credential` and for the RunComfy CLI: written beside, mode 0600, then renamed.

    A token for other bases than RunComfy's own notes which, so that it goes nowhere else.

    Raises:
        TokenRejectedError: it cannot be a token.
        ConfigError: the folder does not take it.
    """
    path = token_file()
    content: dict[str, Any] = {
        "access_token": _checked(token, "The answer"),
        "refresh_token": None,
        "expires_at": None,
        "user_email": None,
    }
    if not endpoints.is_official:
        content["endpoints"] = asdict(endpoints)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".token.", dir=path.parent)  # mkstemp makes it 0600
    except OSError as error:
        raise ConfigError(
            "The token cannot be kept.", f"Its folder says: {error.strerror}.", "Set RUNCOMFY_CONFIG_DIR."
        ) from None
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


def forget_token() -> bool:
    """Remove the stored token; whether there was one. No call is made: the service still knows it."""
    path = token_file()
    there = path.exists()
    path.unlink(missing_ok=True)
    return there


def _read(path: Path) -> dict[str, Any] | None:
    content: Any = None
    try:
        _refuse_if_shared(path, path.stat().st_mode)
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        readable = False
    else:
        readable = True
    if not readable:  # raised out here: json's error holds the file's text, and must not hang on ours
        raise TokenRejectedError(
            f"The token file {path.name} cannot be read.", "It is damaged, or not yours to read.", "Log in again."
        )
    return content if isinstance(content, dict) else {}


def _refuse_if_shared(path: Path, mode: int) -> None:
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UnsafeTokenFileError(
            f"Others on this machine can read {path.name}.",
            f"Its mode is {stat.S_IMODE(mode):04o}; a token file is for its owner alone.",
            "Run chmod 600 on it; if others may have read it, make a new token on runcomfy.com.",
        )


def _checked(token: str, source: str) -> str:
    # What does not fit into a header would fail deep inside HTTP, with the token in the message.
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRejectedError(
            f"{source} holds no usable token.",
            "A token is one word of plain characters.",
            "Log in again, or set it anew.",
        )
    return token
