"""Edits whose pictures are chosen by the test: what a service would have made, as the engine would have kept it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

import nbbanana as nb
from nbbanana.images import inspect, load, prepare
from nbbanana.regions import Area, box_shape
from nbbanana.store import InputRecord, OutputRecord
from support.measuring import photographs
from support.stores import asked

__all__ = ["SKY", "as_bytes", "kept_edit", "photograph", "rendered"]

SKY = (0.0, 0.0, 1.0, 0.35)
"""The part that `rendered` was to change."""


@cache
def photograph(name: str) -> Image.Image:
    """A photograph as RGB, 256 pixels at its longer side: enough to be measured, and quickly."""
    picture = photographs.photograph(name).copy()
    picture.thumbnail((256, 256), Image.Resampling.LANCZOS)
    return picture


def as_bytes(image: Image.Image, kind: str = "PNG", **how: Any) -> bytes:
    """An image file."""
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def rendered(original: Image.Image | None = None, shift: int = 2) -> Image.Image:
    """The picture as a model gives it back: moved, in another tone, as JPEG, a bar painted into its upper third."""
    picture = (original or photograph("astronaut")).convert("RGB")
    after = Image.new("RGB", picture.size)
    after.paste(picture.resize(picture.size), (0, 0))
    after.paste(picture, (shift, -1))
    after = after.point(lambda value: round(255 * (value / 255) ** 0.93))
    width, height = after.size
    ImageDraw.Draw(after).rectangle((0.05 * width, 0.05 * height, 0.3 * width, 0.2 * height), fill=(210, 40, 30))
    return Image.open(io.BytesIO(as_bytes(after, "JPEG", quality=92))).convert("RGB")


def kept_edit(
    session: nb.Session,
    original: Any,
    outputs: Sequence[Image.Image | bytes],
    *,
    seed: int | None = 7,
    region: Sequence[float] | None = None,
    prompt: str = "Paint the sky red.",
    **changes: Any,
) -> nb.EditResult:
    """An edit of the original that a service gave these pictures for; a URL stands as it is."""
    store, image = session.store, load(original)
    if image.source is None:
        record = InputRecord(image.name, image.identity, url=image.url)
    else:
        [upload] = prepare([image])
        size = {"width": upload.width, "height": upload.height}
        record = InputRecord(image.name, image.identity, store.put(upload.data), note=upload.note, **size)
    new = asked(prompt, record, seed=seed, **{"provider": "runcomfy", **changes})
    if region is not None:
        size = (record.width or 1, record.height or 1)
        new = replace(new, region=Area((box_shape(region),), size))
    edit = store.begin(new)
    store.move(edit.id, "submitting")
    store.move(edit.id, "queued", request_id=f"request-{edit.id}")
    files = [one if isinstance(one, bytes) else as_bytes(one) for one in outputs]
    kept = []
    for index, data in enumerate(files):
        info = inspect(data)
        kept.append(OutputRecord(index, store.put(data), info.mime, info.width, info.height, len(data)))
    store.move(edit.id, "downloading")
    store.move(edit.id, "completed", outputs=kept, cost=0.07)
    return session.history[edit.id]
