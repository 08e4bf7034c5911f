"""
Request ids that the store could not take: kept in files beside it until it does.

A store can be locked or its disk full at just the moment when a service accepts a request. The id is all by which a
paid picture can be collected, so it is written to `accepted/` in the store's folder as well, one small file an edit.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

from nbbanana.errors import NBBananaError
from nbbanana.providers.base import Accepted
from nbbanana.store import Store
from nbbanana.store.records import Edit

__all__ = ["forget", "keep", "recover"]

FOLDER = "accepted"
LARGEST = 4096
"""Bytes of such a file; a larger one is not ours."""

log = logging.getLogger("nbbanana.engine")


def keep(store: Store, edit: Edit, taken: Accepted) -> None:
    """
    Write down by which id and handle an edit can be collected.

    Raises:
        OSError: the file cannot be written.
    """
    folder = store.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    temporary = folder / f".{edit.uid}.{os.getpid()}"
    temporary.write_text(
        json.dumps({"uid": edit.uid, "request_id": taken.request_id, "handle": taken.handle}), encoding="utf-8"
    )
    temporary.replace(folder / f"{edit.uid}.json")


def forget(store: Store, edit: Edit) -> None:
    """Remove what was written down: the row has the id."""
    (store.folder / FOLDER / f"{edit.uid}.json").unlink(missing_ok=True)


def recover(store: Store) -> list[int]:
    """Move ids that were written down into their rows; returns the ids of those edits."""
    folder = store.folder / FOLDER
    if not folder.is_dir():
        return []
    return [edit_id for path in sorted(folder.glob("*.json")) if (edit_id := _recovered(store, path)) is not None]


def _recovered(store: Store, path: Path) -> int | None:
    """Move what a file says into its row and return the edit's id; None where the file cannot be used."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        edit = store.find(str(found["uid"]))
        if edit is None:
            return None
        if edit.request_id is None:
            request_id, handle = str(found["request_id"]), str(found["handle"])
            note = "its id was kept beside the store"
            store.move(edit.id, "queued", request_id=request_id, handle=handle, note=note)
        path.unlink(missing_ok=True)
    except (OSError, ValueError, KeyError, TypeError, NBBananaError) as error:
        log.warning("%s could not be read back: %s", path.name, type(error).__name__)
        return None
    return edit.id
