"""What a history browser shows: the numbers of the edits that fit, rows on demand, small copies kept on disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbbanana import images
from nbbanana.display import one_line
from nbbanana.errors import NBBananaError
from nbbanana.settings import cache_dir
from nbbanana.widgets import desk

if TYPE_CHECKING:
    from nbbanana.store import Store
    from nbbanana.store.records import Edit
    from nbbanana.widgets.telling import Row

__all__ = ["Copies", "Wanted", "fitting", "row_of"]

SIDE = 320
"""Pixels of the longer side of a small copy: twice the largest tile."""
MOST_BEFORE, MOST_AFTER = 8, 12
"""So many steps of an edit's descent are shown, and so many edits that were made of it."""
MOST_FOUND = 2000
"""So many edits a search gives at most."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which edits are shown; what is empty or False asks for nothing.

    Args:
        words: all of them are in the prompt, tags, note or names of inputs.
        starred: only what is starred.
        kept: not what is rejected.
        model: the endpoint.
        provider: who ran it.
        state: `completed`, `failed`, ….
    """

    words: str = ""
    starred: bool = False
    kept: bool = False
    model: str = ""
    provider: str = ""
    state: str = ""

    def clauses(self) -> dict[str, Any]:
        """As `Store.filter` takes it, the words left out."""
        asked: dict[str, Any] = {"model": self.model or None, "provider": self.provider or None}
        asked |= {"starred": self.starred or None, "rejected": False if self.kept else None}
        return asked | {"states": (self.state,) if self.state else None}

    def fits(self, edit: Edit) -> bool:
        """Whether an edit that has the words has the rest."""
        return (
            (edit.starred or not self.starred)
            and not (self.kept and edit.rejected)
            and self.model in {"", edit.model}
            and self.provider in {"", edit.provider}
            and self.state in {"", edit.state}
        )


def fitting(store: Store, wanted: Wanted) -> tuple[int, ...]:
    """The numbers of the edits that fit, the newest first."""
    if wanted.words.strip():
        found = store.search(wanted.words, limit=MOST_FOUND)
        return tuple(sorted((edit.id for edit in found if wanted.fits(edit)), reverse=True))
    return tuple(store.ids(**wanted.clauses()))


def row_of(edit: Edit) -> Row:
    """What a tile shows of an edit."""
    when = datetime.fromtimestamp(edit.created_at).astimezone()
    return {
        "id": edit.id,
        "prompt": one_line(edit.prompt, 160),
        "day": f"{when.day} {when:%B %Y}",
        "month": f"{when:%B %Y}",
        "starred": edit.starred,
        "rejected": edit.rejected,
        "state": edit.state,
        "provider": edit.provider,
        "many": len(edit.outputs),
        "key": edit.outputs[0].sha256 if edit.outputs else None,
    }


def descent_of(edit: Edit, store: Store) -> list[Row]:
    """What an edit came from, the oldest first, and what came of it: `before` and `after`, a few of each."""
    before: list[Edit] = []
    one = edit
    while len(before) < MOST_BEFORE and (found := store.numbered(one.parents[:1])):
        one = found[0]
        before.insert(0, one)
    others = store.numbered(edit.parents[1:])
    after = store.numbered(store.children(edit.id)[:MOST_AFTER])
    near = {"before": before, "also": others, "after": after}
    return [_near(one, where) for where, edits in near.items() for one in edits]


def _near(edit: Edit, where: str) -> Row:
    key = edit.outputs[0].sha256 if edit.outputs else None
    return {"id": edit.id, "where": where, "key": key, "prompt": one_line(edit.prompt, 160)}


class Copies:
    """
    Small copies of what is in view: made beside the desk, kept on disk, and given up once out of view.

    Args:
        store: whose pictures they are of.
        arrived: called beside the desk with a picture's SHA-256 and the copy's bytes.
    """

    def __init__(self, store: Store, arrived: Callable[[str, bytes], None]) -> None:
        self._store = store
        self._arrived = arrived
        self._in_view: frozenset[str] = frozenset()
        self._asked: set[str] = set()
        self.made = 0
        """So many were read or made so far."""

    def want(self, names: Iterable[str]) -> None:
        """These are in view now, and nothing else is; returns at once. Called at the desk."""
        self._in_view = frozenset(names)
        for name in self._in_view - self._asked:
            self._asked.add(name)
            desk.work(self._send, name)

    def also(self, names: Iterable[str]) -> None:
        """These are seen beside what is in view, such as the edit that is looked at. Called at the desk."""
        self.want({*self._in_view, *names})

    def dropped(self, names: Iterable[str]) -> None:
        """The front end has given these up; it is sent them again once they are in view. Called at the desk."""
        self._asked.difference_update(names)

    def forget(self) -> None:
        """The front end is new and has none of them. Called at the desk."""
        self._in_view = frozenset()
        self._asked.clear()

    def _send(self, name: str) -> None:
        if name not in self._in_view:
            desk.post(self._asked.discard, name)  # it was scrolled by; when it comes back it is asked for again
            return
        self.made += 1
        with suppress(NBBananaError):  # a lost or damaged picture leaves its place empty; the store's own care names it
            self._arrived(name, small_copy(self._store, name))


def small_copy(store: Store, sha256: str) -> bytes:
    """
    A small WebP of a picture of the store, from the disk where it was made before.

    Raises:
        NotInStoreError: the store has no such picture.
        ImageError: it is damaged.
    """
    place = cache_dir() / "thumbnails" / sha256[:2] / f"{sha256}-{SIDE}.webp"
    with suppress(OSError):  # not there yet
        return place.read_bytes()
    made = images.thumbnail(store.blob_path(sha256), side=SIDE, format="WEBP", quality=78)
    with suppress(OSError):  # a disk that is full or read-only costs time, not the picture
        _keep(place, made)
    return made


def _keep(place: Path, data: bytes) -> None:
    """Write a file so that nobody reads half of it."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(name).replace(place)


def sheet(store: Store, edits: Sequence[Edit]) -> bytes:
    """A contact sheet of the first pictures of edits as a JPEG, each with its number under it; b"" without any."""
    from nbbanana.display.thumbs import contact_sheet, load

    shown = [edit for edit in edits if edit.outputs and store.has_blob(edit.outputs[0].sha256)]
    pictures = load([store.blob_path(edit.outputs[0].sha256) for edit in shown], [(160, 160)] * len(shown))
    names = [f"history[{edit.id}]" for edit in shown]
    return contact_sheet(pictures, names, min(6, max(1, len(shown))), 160, 8_000_000) or b""
