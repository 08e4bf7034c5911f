"""Small copies of pictures for forms: made beside the desk, kept for a while, sent once to each front end."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nbbanana.errors import NBBananaError
from nbbanana.images import thumbnail
from nbbanana.widgets import desk

__all__ = ["Source", "Thumbnails"]

KEPT = 600
"""So many small copies stay in memory, about 10 kB each."""


@dataclass(frozen=True, slots=True)
class Source:
    """
    A picture to make small.

    Args:
        key: what the front end calls the copy; equal keys mean equal pictures.
        data: its file, or its bytes.
        side: the longer side of the copy in pixels.
    """

    key: str
    data: Path | bytes
    side: int


class Thumbnails:
    """
    Small copies for one front end.

    Args:
        arrived: called beside the desk with a key and a copy's bytes, an empty copy where there is none.
    """

    _kept: ClassVar[OrderedDict[str, bytes]] = OrderedDict()
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, arrived: Callable[[str, bytes], None]) -> None:
        self._arrived = arrived
        self._asked: set[str] = set()

    def want(self, sources: Iterable[Source]) -> None:
        """Have those made and sent that were not sent yet; returns at once. Called at the desk."""
        for source in sources:
            if source.key not in self._asked:
                self._asked.add(source.key)
                desk.work(self._make, source)

    def forget(self) -> None:
        """The front end is new and has none of them."""
        self._asked.clear()

    def _make(self, source: Source) -> None:
        with self._guard:
            found = self._kept.get(source.key)
        if found is None:
            try:
                found = thumbnail(source.data, side=source.side, format="WEBP", quality=80)
            except NBBananaError:
                found = b""  # the place stays empty; a picture that is to be sent is complained about when it is
        with self._guard:
            self._kept[source.key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._arrived(source.key, found)
