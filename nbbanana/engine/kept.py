"""
What is kept in files of the store's folder, because the store could not take it at once, or must not yet.

`accepted/` has the ids of requests that were accepted while the store was locked or its disk full: an id is all by
which a paid picture can be collected. `answers/` has the answers of synchronous services, each the only copy of paid
pictures, until those are in the store. `damaged/` has what came as an output and is no picture.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbbanana.engine.run import log
from nbbanana.errors import NBBananaError
from nbbanana.providers.base import Accepted
from nbbanana.settings import write_private
from nbbanana.store import Store
from nbbanana.store.records import Edit, Post

__all__ = [
    "answer_file",
    "forget_answers",
    "forget_id",
    "keep_answer",
    "keep_id",
    "recover",
    "saved_answers",
    "set_aside",
]

IDS, ANSWERS, DAMAGED = "accepted", "answers", "damaged"
SUFFIX = ".answer"
LARGEST_ID = 4096
"""Bytes of a file with an id; a larger one is not ours."""
MOST_POSTS = 100
"""POSTs of an edit that are looked at."""


def keep_id(store: Store, edit: Edit, taken: Accepted) -> None:
    """
    Write down by which id and handle an edit can be collected; it is on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    facts = {"uid": edit.uid, "request_id": taken.request_id, "handle": taken.handle}
    write_private(_id_file(store, edit), json.dumps(facts).encode())


def forget_id(store: Store, edit: Edit) -> None:
    """Remove the id that was written down: the row has it."""
    _id_file(store, edit).unlink(missing_ok=True)


def keep_answer(store: Store, handle: str, answer: bytes) -> None:
    """
    Write an answer down; it is on the disk when this returns.

    Raises:
        OSError: it cannot be written.
    """
    write_private(answer_file(store, handle), answer)


def saved_answers(store: Store, edit: Edit) -> list[tuple[Post, bytes | None]]:
    """Return the POSTs of an edit in their order, each with its answer; None where there is none."""
    posts = sorted(store.posts(edit.id, limit=MOST_POSTS), key=lambda post: post.ordinal)
    return [(post, _read(answer_file(store, post.handle))) for post in posts if post.handle]


def forget_answers(store: Store, edit: Edit) -> None:
    """Remove the answers of an edit: the store has what they held."""
    for path in (store.folder / ANSWERS).glob(f"{edit.uid}-*{SUFFIX}"):
        path.unlink(missing_ok=True)


def set_aside(store: Store, path: Path, name: str) -> str:
    """
    Move what came and is no picture to `damaged/`, since it may have been paid for; returns its place.

    Args:
        store: in whose folder it is kept.
        path: its file.
        name: the name that the file gets.

    Raises:
        OSError: it cannot be moved.
    """
    place = store.folder / DAMAGED / name
    place.parent.mkdir(mode=0o700, exist_ok=True)
    path.replace(place)
    return f"{DAMAGED}/{name}"


def recover(store: Store) -> None:
    """
    Move request ids and answers that were kept in files into the rows of their edits; they can be collected then.

    What a living kernel has under way is left alone. An answer whose pictures are in the store is removed.
    """
    if store.read_only:
        return
    for path in sorted((store.folder / IDS).glob("*.json")):
        with _logged(path.name):
            _recover_id(store, path)
    answers = sorted((store.folder / ANSWERS).glob(f"*{SUFFIX}"))
    for uid in dict.fromkeys(path.stem.rpartition("-")[0] for path in answers):
        with _logged(f"the answer of {uid}"):
            _recover_answers(store, uid)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """Log that something cannot be read back: the others are."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, NBBananaError) as error:
        log.warning("%s could not be read back: %s", what, type(error).__name__)


def _recover_id(store: Store, path: Path) -> None:
    if path.stat().st_size > LARGEST_ID:
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    edit = store.find(str(found["uid"]))
    if edit is None:
        return
    if edit.request_id is None:
        request_id, handle = str(found["request_id"]), str(found["handle"])
        store.move(edit.id, "queued", request_id=request_id, handle=handle, note="its id was kept beside the store")
    path.unlink(missing_ok=True)


def _recover_answers(store: Store, uid: str) -> None:
    edit = store.find(uid)
    if edit is None or edit.state not in {"submitting", "lost", "completed"} or store.is_claimed(edit.id):
        return
    if edit.state == "completed":
        forget_answers(store, edit)
        return
    posts = store.posts(edit.id, limit=MOST_POSTS)
    here = {post.ordinal: post for post in posts if post.handle and answer_file(store, post.handle).is_file()}
    if not here or (edit.state == "lost" and edit.cost is not None):  # or a person has settled it
        return
    handle = here[min(here)].handle
    store.move(edit.id, "queued", request_id=handle, handle=handle, note="its kernel ended after the answer came")
    for post in posts:
        if post.outcome in {None, "uncertain"}:
            store.post_ended(edit.id, post.ordinal, "accepted" if post.ordinal in here else "uncertain")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _id_file(store: Store, edit: Edit) -> Path:
    return store.folder / IDS / f"{edit.uid}.json"


def answer_file(store: Store, handle: str) -> Path:
    """Return the file that the answer to a POST is kept in."""
    return store.folder / ANSWERS / f"{handle}{SUFFIX}"
