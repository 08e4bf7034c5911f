"""Thumbnails for forms: made in background threads, kept in memory and on disk, sent once to each front end."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nbbanana.errors import NBBananaError
from nbbanana.images import inspect, kept_thumbnails, thumbnail
from nbbanana.store import Store
from nbbanana.widgets import ui_thread

__all__ = ["VIEW_SIDE", "Source", "Thumbnails", "blob_source", "seen", "whole"]

VIEW_SIDE = 1600
"""Pixels of the longer side at which a picture travels; it is said where that is less than it has."""
AS_IT_IS = 4_000_000
"""Bytes up to which a file that a browser reads travels as it is, so that what is seen is exact."""
_BROWSER_READS = frozenset({"image/png", "image/jpeg", "image/webp"})

KEPT = 600
"""So many thumbnails stay in memory, about 10 kB each."""


@dataclass(frozen=True, slots=True)
class Source:
    """
    A picture to make a thumbnail of.

    Args:
        key: what the front end calls the thumbnail; equal keys mean equal pictures of equal size.
        data: the file, or its bytes.
        side: the longer side of the thumbnail in pixels.
        is_stored: whether the picture is in a store, so that its thumbnail is worth keeping on disk.
    """

    key: str
    data: Path | bytes
    side: int
    is_stored: bool = False


def blob_source(sha256: str, store: Store, side: int) -> Source:
    """A picture of a store, whether or not its file is still there."""
    return Source(f"{sha256}@{side}", store.blob_path(sha256), side, is_stored=True)


class Thumbnails:
    """
    Thumbnails for one front end.

    Args:
        arrived: called in a background thread with a key and the WebP bytes; not called for a picture that cannot
            be read, whose place stays empty.
    """

    _memory: ClassVar[OrderedDict[str, bytes]] = OrderedDict()
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, arrived: Callable[[str, bytes], None]) -> None:
        self._arrived = arrived
        self._asked: set[str] = set()
        self._in_view: frozenset[str] | None = None
        self.made = 0
        """So many were read or made so far."""

    def want(self, sources: Iterable[Source]) -> None:
        """Send those that were not sent yet; returns at once. Called in the UI thread."""
        for source in sources:
            if self._in_view is not None:
                self._in_view |= {source.key}
            if source.key not in self._asked:
                self._asked.add(source.key)
                ui_thread.background(self._send, source)

    def show_only(self, sources: Iterable[Source]) -> None:
        """As `want`, and make none any more that was wanted before and is out of view. Called in the UI thread."""
        self._in_view = frozenset()
        self.want(sources)

    def dropped(self, keys: Iterable[str]) -> None:
        """The front end has given these up; it is sent them again once they are wanted. Called in the UI thread."""
        self._asked.difference_update(keys)

    def forget(self) -> None:
        """The front end is new and has none of them. Called in the UI thread."""
        self._asked.clear()

    def _send(self, source: Source) -> None:
        if self._in_view is not None and source.key not in self._in_view:
            ui_thread.post(self._asked.discard, source.key)  # scrolled by; wanted again once it comes back
            return
        self.made += 1
        with suppress(NBBananaError):  # a picture that is to be sent is complained about when it is sent
            self._arrived(source.key, self._find(source))

    def _find(self, source: Source) -> bytes:
        with self._guard:
            found = self._memory.get(source.key)
        found = found or _from_disk(source)
        with self._guard:
            self._memory[source.key] = found
            while len(self._memory) > KEPT:
                self._memory.popitem(last=False)
        return found


def _from_disk(source: Source) -> bytes:
    """
    The thumbnail, from the cache on disk where the picture is in a store and it was made before.

    Raises:
        ImageError: no picture, or a damaged one.
    """
    if not source.is_stored:
        return kept_thumbnails.made(source.data, source.side)
    sha256 = source.key.partition("@")[0]
    found = kept_thumbnails.kept(sha256, source.side)
    if found is None:
        found = kept_thumbnails.made(source.data, source.side)
        kept_thumbnails.keep(sha256, found, source.side)
    return found


# ── larger copies ───────────────────────────────────────────────────────────────────────────────────────────


def whole(data: bytes) -> bytes:
    """
    A picture with all its pixels as a browser reads it: its own bytes where it does, else a PNG.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    info = inspect(data)
    if info.mime in _BROWSER_READS and not info.is_animated:
        return data
    return thumbnail(data, side=max(info.width, info.height), format="PNG")


def seen(data: bytes, side: int = VIEW_SIDE) -> bytes:
    """
    What a browser is sent of a picture: its own bytes where it reads them and they are few, else a smaller copy.

    Args:
        data: the file.
        side: pixels of the longer side, at most.

    Raises:
        ImageError: no picture, damaged or too large.
    """
    info = inspect(data)
    is_small = max(info.width, info.height) <= side and len(data) <= AS_IT_IS
    if is_small and info.mime in _BROWSER_READS and not info.is_animated:
        return data
    return thumbnail(data, side=side, format="WEBP", quality=92)
