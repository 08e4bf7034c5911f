"""Edits with pictures of one's own: completed in a session's store, without a service."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

import nbbanana as nb
from nbbanana.regions import Area, box_shape
from nbbanana.store import InputRecord, OutputRecord
from support.stores import asked

__all__ = ["kept", "png"]


def png(picture: Image.Image) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def kept(
    session: nb.Session,
    prompt: str,
    *outputs: Image.Image | bytes,
    main: Image.Image | None = None,
    region: Sequence[float] | None = None,
    **changes: Any,
) -> nb.EditResult:
    """A completed edit with these pictures; `main` is its input, `region` a box of it as parts."""
    store, inputs = session.store, []
    if main is not None:
        sha256 = store.put(png(main))
        inputs.append(InputRecord("main.png", f"sha256:{sha256}", sha256, width=main.width, height=main.height))
        if region is not None:
            changes["region"] = Area((box_shape(region),), main.size)
    edit = store.begin(asked(prompt, *inputs, **changes))
    store.move(edit.id, "submitting")
    store.post_ended(edit.id, store.post_sent(edit.id, seed=7, quote=None).ordinal, "accepted", handle="a handle")
    store.move(edit.id, "queued", request_id="an id")
    records = [_output(session, index, output) for index, output in enumerate(outputs)]
    store.move(edit.id, "completed", outputs=records, cost=0.1)
    return session.history[edit.id]


def _output(session: nb.Session, index: int, picture: Image.Image | bytes) -> OutputRecord:
    data = picture if isinstance(picture, bytes) else png(picture)
    with Image.open(io.BytesIO(data)) as image:
        return OutputRecord(index, session.store.put(data), "image/png", *image.size, len(data))
