"""
Answers of synchronous services, kept in files beside the store until their pictures are in it.

Such an answer is the only copy of a paid picture: it is in `answers/` in the store's folder before it is read, one
file a POST, so that a kernel that ends while it reads loses nothing.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from nbbanana.engine.intake import DAMAGED
from nbbanana.errors import NBBananaError
from nbbanana.store import Store
from nbbanana.store.ledger import handle_of_post
from nbbanana.store.records import Edit, Post

__all__ = ["forget", "keep", "recover", "saved", "set_aside"]

FOLDER = "answers"
SUFFIX = ".answer"
MOST_POSTS = 100
"""POSTs of an edit that are looked at."""

log = logging.getLogger("nbbanana.engine")


def keep(store: Store, handle: str, answer: bytes) -> Path:
    """
    Write an answer down; it is on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    folder = store.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    temporary = folder / f".{handle}.{os.getpid()}"
    try:
        with temporary.open("wb") as file:
            file.write(answer)
            file.flush()
            os.fsync(file.fileno())
        return temporary.replace(_place(store, handle))
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def saved(store: Store, edit: Edit) -> list[tuple[Post, bytes | None]]:
    """Return the POSTs of an edit in their order, each with its answer; None where there is none."""
    posts = sorted(store.posts(edit.id, limit=MOST_POSTS), key=lambda post: post.ordinal)
    return [(post, _read(_place(store, post.handle))) for post in posts if post.handle]


def forget(store: Store, edit: Edit) -> None:
    """Remove the answers of an edit: the store has what they held."""
    for post in store.posts(edit.id, limit=MOST_POSTS):
        _place(store, handle_of_post(edit.uid, post.ordinal)).unlink(missing_ok=True)


def set_aside(store: Store, handle: str) -> str:
    """
    Move an answer that cannot be read to `damaged/`, where what may have been paid for is kept; returns its place.

    Raises:
        OSError: it cannot be moved.
    """
    kept = store.folder / DAMAGED / f"{handle}{SUFFIX}"
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    _place(store, handle).replace(kept)
    return f"{DAMAGED}/{kept.name}"


def recover(store: Store) -> list[int]:
    """
    Have edits be collected whose answer came before their kernel ended; returns their ids.

    What a living kernel has under way is left alone. An answer whose pictures are in the store is removed.
    """
    folder = store.folder / FOLDER
    if not folder.is_dir():
        return []
    uids = dict.fromkeys(path.stem.rpartition("-")[0] for path in sorted(folder.glob(f"*{SUFFIX}")))
    return [edit_id for uid in uids if (edit_id := _recovered(store, uid)) is not None]


def _recovered(store: Store, uid: str) -> int | None:
    try:
        edit = store.find(uid)
        if edit is None or edit.state not in {"submitting", "lost", "completed"} or store.is_claimed(edit.id):
            return None
        if edit.state == "lost" and edit.cost is not None:  # a person has settled it
            return None
        if edit.state == "completed":
            forget(store, edit)
            return None
        posts = store.posts(edit.id, limit=MOST_POSTS)
        here = {post.ordinal: post for post in posts if post.handle and _place(store, post.handle).is_file()}
        if not here:
            return None
        handle = here[min(here)].handle
        note = "its kernel ended after the answer came"
        store.move(edit.id, "queued", request_id=handle, handle=handle, note=note)
        for post in posts:
            if post.outcome in {None, "uncertain"}:
                store.post_ended(edit.id, post.ordinal, "accepted" if post.ordinal in here else "uncertain")
    except (OSError, NBBananaError) as error:
        log.warning("the answer of an edit could not be read back: %s", type(error).__name__)
        return None
    return edit.id


def _place(store: Store, handle: str) -> Path:
    return store.folder / FOLDER / f"{handle}{SUFFIX}"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
