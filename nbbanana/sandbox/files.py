"""
The sandbox's files: what jobs read and what they made, in one temporary folder of bounded size.

Nothing is kept in memory. Inputs lie there from submission until their job ends, outputs until the folder is
full (the oldest go first), their request expires or the sandbox closes. The folder goes with the process at
the latest.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Files"]

NAME_BYTES = 24
"""Random bytes in an output's name: nobody guesses an address that needs no token."""


class Files:
    """A folder that is made on first use; any thread may call."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._outputs: dict[str, int] = {}  # name → bytes, oldest first
        self._remove: weakref.finalize[..., Files] | None = None

    def spool(self, data: bytes) -> Path:
        """Put an input aside; `discard` takes it away."""
        path = self._home() / f"input-{secrets.token_hex(8)}"
        path.write_bytes(data)
        return path

    def discard(self, paths: Iterable[Path]) -> None:
        """Take spooled inputs away."""
        for path in paths:
            path.unlink(missing_ok=True)

    def publish(self, data: bytes, suffix: str) -> str:
        """Keep an output; its name, which is all of its address that matters."""
        name = f"{secrets.token_urlsafe(NAME_BYTES)}.{suffix}"
        (self._home() / name).write_bytes(data)
        with self._lock:
            self._outputs[name] = len(data)
            crowded = self._oldest_over_the_bound()
        self.withdraw(crowded)
        return name

    def _oldest_over_the_bound(self) -> list[str]:
        total = sum(self._outputs.values())
        crowded = []
        for name, size in list(self._outputs.items())[:-1]:
            if total <= self._keep_bytes:
                break
            crowded.append(name)
            total -= size
        return crowded

    def withdraw(self, names: Iterable[str]) -> None:
        """Outputs that are not to be had any more."""
        for name in names:
            with self._lock:
                known = self._outputs.pop(name, None) is not None
            if known:
                (self._home() / name).unlink(missing_ok=True)

    def find(self, name: str) -> Path | None:
        """Where an output lies, or None if there is none of that name."""
        with self._lock:
            return self._home_unlocked() / name if name in self._outputs else None

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        with self._lock:
            self._outputs.clear()
            self._folder = None
            if self._remove is not None:
                self._remove()
                self._remove = None

    def _home(self) -> Path:
        with self._lock:
            return self._home_unlocked()

    def _home_unlocked(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nbbanana-sandbox-"))
            self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder
