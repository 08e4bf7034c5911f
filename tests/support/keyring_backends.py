"""Backends of the package `keyring`: one that keeps keys in a file, one that is locked, one that keeps nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

__all__ = ["FileKeyring", "ForgetfulKeyring", "LockedKeyring"]


class FileKeyring(KeyringBackend):
    """Keeps keys in the file that `FILE_KEYRING` names, as a system's keyring keeps them in its own."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        """How often a key was read."""

    @property
    def path(self) -> Path:
        """The file."""
        return Path(os.environ["FILE_KEYRING"])

    def get_password(self, service: str, username: str) -> str | None:
        """Read a key."""
        self.asked += 1
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a key."""
        self.path.write_text(json.dumps(self._read() | {f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        """Remove a key."""
        known = self._read()
        if known.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError
        self.path.write_text(json.dumps(known))

    def _read(self) -> dict[str, str]:
        return dict(json.loads(self.path.read_text())) if self.path.exists() else {}


class LockedKeyring(FileKeyring):
    """Is locked, and says so with the key in its words, as a careless backend might."""

    def get_password(self, service: str, username: str) -> str | None:
        """Refuse."""
        raise KeyringLocked(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Refuse."""
        raise RuntimeError(f"cannot keep {password}")

    def delete_password(self, service: str, username: str) -> None:
        """Refuse."""
        raise KeyringLocked(f"{service} {username}")


class ForgetfulKeyring(FileKeyring):
    """Takes a key and keeps nothing, as keyring's own null backend does."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Forget it at once."""
