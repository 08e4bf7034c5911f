"""
Pictures by their content: `blobs/ab/abcd…`, named by the SHA-256 of their bytes.

A blob is written to a temporary file, synced, and renamed, so that a file of its name is whole. An existing blob is
never written again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from nbbanana.errors import NotInStoreError, StoreError, translated

__all__ = ["Blobs", "hash_file"]

_NAME = re.compile(r"[0-9a-f]{64}")
LEFT_OVER = 24 * 3600.0
"""Seconds after which a file in `incoming/` is not on its way any more."""


class Blobs:
    """
    The folders `blobs/` and `incoming/` of the store in `folder`.

    Files are for their owner only (0600, folders 0700). Every method may be called from any thread or process.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self.root = folder / "blobs"
        self.incoming = folder / "incoming"
        if read_only:
            return
        with translated(OSError, _not_kept):
            self.root.mkdir(mode=0o700, exist_ok=True)
            self.incoming.mkdir(mode=0o700, exist_ok=True)
            self._clean()

    def place(self, sha256: str) -> Path:
        """
        Return where the blob lies or would lie.

        Raises:
            StoreError: not a SHA-256 in lower-case hexadecimal digits.
        """
        if not _NAME.fullmatch(sha256):
            raise StoreError(f"{sha256[:80]!r} is not a blob's name.", "A name is 64 lower-case hexadecimal digits.")
        return self.root / sha256[:2] / sha256

    def has_blob(self, sha256: str) -> bool:
        """Return whether the bytes with this SHA-256 are there."""
        return self.place(sha256).is_file()

    def blob_path(self, sha256: str) -> Path:
        """
        Return the file with these bytes, to be read only.

        Raises:
            NotInStoreError: there is none.
        """
        place = self.place(sha256)
        if not place.is_file():
            raise NotInStoreError(
                f"The picture {sha256[:12]}… is not in the store.", "Its file is missing from blobs/."
            )
        return place

    def put(self, data: bytes) -> str:
        """Keep `data`; returns its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._keep(sha256):
            temporary = self.incoming / uuid.uuid4().hex
            with translated(OSError, _not_kept), _removed_on_error(temporary):
                with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                self._settle(temporary, sha256)
        return sha256

    def adopt(self, path: Path, expected: str | None = None) -> str:
        """
        Move a file in; it is gone from where it was. Best lies in `incoming`: then nothing is copied.

        Args:
            path: the file.
            expected: the SHA-256 that it should have.

        Returns:
            Its SHA-256.

        Raises:
            StoreError: it has another SHA-256, or cannot be moved in. It stays where it is, but a file of `incoming/`
                that cannot be moved in is removed, since the next try brings its own.
        """
        with translated(OSError, _not_kept):
            sha256 = hash_file(path)
        if expected is not None and sha256 != expected:
            raise StoreError(
                f"The file {path.name!r} is not what it should be.",
                f"Its SHA-256 is {sha256[:12]}…, not {expected[:12]}….",
                "Fetch it again.",
            )
        with translated(OSError, _not_kept), _removed_on_error(path) if path.parent == self.incoming else nullcontext():
            if self._keep(sha256):
                path.unlink()
            elif path.stat().st_dev == self.incoming.stat().st_dev:
                path.chmod(0o600)
                _sync(path)
                self._settle(path, sha256)
            else:
                self.put(path.read_bytes())
                path.unlink()
        return sha256

    def _clean(self) -> None:
        """Remove what was left in `incoming/` more than a day ago, by a process that was killed."""
        before = time.time() - LEFT_OVER
        for file in self.incoming.iterdir():
            with suppress(FileNotFoundError):
                if file.is_file() and file.stat().st_mtime < before:
                    file.unlink()

    def blob_names(self) -> Iterator[str]:
        """Yield the blobs that are there, sorted."""
        if not self.root.is_dir():
            return
        for shard in sorted(self.root.iterdir()):
            if shard.is_dir():
                yield from sorted(file.name for file in shard.iterdir() if _NAME.fullmatch(file.name))

    def _keep(self, sha256: str) -> bool:
        """Return whether it is there; if so, it is marked as wanted now, so that no clean-up takes it."""
        try:
            os.utime(self.place(sha256))
        except FileNotFoundError:
            return False
        return True

    def _settle(self, temporary: Path, sha256: str) -> None:
        place = self.place(sha256)
        if not place.parent.is_dir():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            _sync(self.root)
        temporary.replace(place)
        _sync(place.parent)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Have the disk hold a file's bytes or a folder's names."""
    if os.name == "nt":  # cannot sync a folder, nor a file that is opened to read
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _not_kept(error: OSError) -> StoreError:
    is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    why = "The disk is full." if is_full else f"The system says: {error.strerror or type(error).__name__}."
    mend = "Make room, then run it again." if is_full else "Check the store's folder."
    return StoreError("A picture could not be kept in the store.", why, mend)
